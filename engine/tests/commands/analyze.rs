//! EXPLAIN ANALYZE: figures stand behind the nodes they belong to.

use rsql_engine::Session;

use super::answer;

/// The rows of the nodes of each kind, in the order of their lines; none where a line has no figures.
fn check(session: &Session, sql: &str, wanted: &[(&str, &[Option<u64>])]) {
    let text = answer(session, &format!("EXPLAIN ANALYZE {sql}")).join("\n");
    for (node, rows) in wanted {
        let lines = text.lines().filter(|l| l.trim_start().starts_with(node));
        let found: Vec<Option<u64>> = lines.map(rows_of).collect();
        assert_eq!(found, *rows, "{node}: {text}");
    }
}

fn rows_of(line: &str) -> Option<u64> {
    let (_, figures) = line.split_once("[rows: ")?;
    figures.split(',').next()?.parse().ok()
}

#[test]
fn each_iteration_of_a_recursion_counts_for_its_own_nodes() {
    check(
        &Session::new().unwrap(),
        "WITH RECURSIVE r AS (SELECT 1L AS n UNION ALL SELECT n + 1 FROM r WHERE n < 5) \
         SELECT count(*) FROM r CROSS JOIN range(3)",
        &[
            ("RecursiveCte", &[Some(5)]),
            ("Filter", &[Some(4)]),
            ("CteScan", &[Some(5)]),
            ("Range", &[Some(3)]),
            ("HashAggregate", &[Some(1)]),
        ],
    );
}

#[test]
fn a_literal_with_a_line_break_moves_no_figures() {
    check(
        &Session::new().unwrap(),
        "SELECT count(*) FROM range(10) WHERE concat(id, '\\n') <> '3\\n'",
        &[("Range", &[Some(10)]), ("HashAggregate", &[Some(1)])],
    );
}
