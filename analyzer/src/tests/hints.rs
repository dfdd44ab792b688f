//! Hints stand where Spark puts them: on partitions over the result, on joins at the join that reads what they name.

use rsql_planner::explain_logical;

use super::analyze;
use super::catalog::Catalog;

fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    catalog.table("t", "a int, b int");
    catalog.table("u", "a int, c int");
    catalog
}

/// The nodes of the analyzed plan that hints make or change, without column ids.
fn hinted(sql: &str) -> Vec<String> {
    let plan = analyze(sql, &catalog()).unwrap_or_else(|e| panic!("{sql}: {e}"));
    let text = explain_logical(&plan);
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|l| l.starts_with("Repartition") || l.starts_with("Hint") || l.contains(" hint: "));
    let without_ids = |l: &str| {
        let mut parts = l.split('#');
        let first = parts.next().unwrap_or_default().to_string();
        parts.fold(first, |s, p| s + p.trim_start_matches(|c: char| c.is_ascii_digit()))
    };
    lines.map(without_ids).collect()
}

#[test]
fn join_hints_reach_the_join_above() {
    let cases = [
        ("/*+ BROADCAST(t) */ * from t join u on t.a = u.a", "left broadcast"),
        ("/*+ mapjoin(U) */ * from t join u on t.a = u.a", "right broadcast"),
        (
            "/*+ BROADCAST('db.t') */ * from db.t join u on t.a = u.a",
            "left broadcast",
        ),
        (
            "/*+ BROADCASTJOIN(x) */ * from t x join u on x.a = u.a",
            "left broadcast",
        ),
        (
            "/*+ MERGE(t, u) */ * from t join u on t.a = u.a",
            "left merge, right merge",
        ),
        (
            "/*+ SHUFFLE_HASH(d.t) */ * from db.d.t join u on t.a = u.a",
            "left shuffle_hash",
        ),
        (
            "/*+ SHUFFLE_REPLICATE_NL(t) */ * from t join u on t.a = u.a",
            "left shuffle_replicate_nl",
        ),
        // The one written first counts.
        (
            "/*+ BROADCAST(t), MERGE(t) */ * from t join u on t.a = u.a",
            "left broadcast",
        ),
        (
            "/*+ MERGE(t) */ /*+ BROADCAST(t) */ * from t join u on t.a = u.a",
            "left merge",
        ),
        // From inside a subquery, through its operators.
        (
            "* from t join (select /*+ BROADCAST(v) */ a, count(*) as n from u v where c > 1 group by a) x on t.a = x.a",
            "right broadcast",
        ),
        (
            "* from t join (select /*+ BROADCAST */ a from u) x on t.a = x.a",
            "right broadcast",
        ),
        (
            "/*+ MERGE(x) */ * from t join (select /*+ BROADCAST */ a from u) x on t.a = x.a",
            "right merge",
        ),
        (
            "* from t where a in (select /*+ BROADCAST */ a from u)",
            "right broadcast",
        ),
        (
            "/*+ BROADCAST(t) */ * from t, lateral (select * from u where u.a = t.a) x",
            "left broadcast",
        ),
    ];
    for (sql, hint) in cases {
        let sql = format!("select {sql}");
        let lines = hinted(&sql);
        assert!(
            matches!(lines.as_slice(), [line] if line.ends_with(&format!(" hint: {hint}"))),
            "{sql}: {lines:?}"
        );
    }
    let shared =
        "with c as (select a from u) select /*+ BROADCAST(c) */ * from t join c on t.a = c.a join c d on t.b = d.a";
    assert_eq!(hinted(shared).len(), 1);
}

#[test]
fn join_hints_behind_a_pipe_find_relations_before_it() {
    let cases = [
        (
            "from t |> join u on t.a = u.a |> select /*+ BROADCAST(u) */ t.a",
            "right broadcast",
        ),
        (
            "from t |> join u on t.a = u.a |> select /*+ BROADCAST(t) */ t.a",
            "left broadcast",
        ),
        (
            "table t |> join u on t.a = u.a |> select /*+ BROADCAST(t) */ t.a",
            "left broadcast",
        ),
        (
            "select * from t |> join u on t.a = u.a |> select /*+ BROADCAST(t) */ u.a",
            "left broadcast",
        ),
        (
            "(select * from t) |> join u on true |> select /*+ BROADCAST(t) */ u.a",
            "left broadcast",
        ),
        // Found behind the SELECT that names it, the relation is joined later.
        ("from t |> select /*+ MERGE(t) */ a |> join u using (a)", "left merge"),
        (
            "from t |> as x |> join u on x.a = u.a |> select /*+ BROADCAST(x) */ x.a",
            "left broadcast",
        ),
        // Through other operators.
        (
            "from t |> where a > 1 |> join u on t.a = u.a |> where u.a > 3 |> select /*+ MERGE(t) */ t.a",
            "left merge",
        ),
        (
            "from t |> join u on t.a = u.a |> extend 1 as z |> select /*+ MERGE(t, u) */ t.a",
            "left merge, right merge",
        ),
        (
            "from t |> join u using (a) |> aggregate count(*) group by a |> select /*+ MERGE(t) */ a",
            "left merge",
        ),
        // The last one counts.
        (
            "from t |> join u using (a) |> select /*+ MERGE(t) */ a |> select /*+ BROADCAST(t) */ a",
            "left broadcast",
        ),
    ];
    for (sql, hint) in cases {
        let lines = hinted(sql);
        assert!(
            matches!(lines.as_slice(), [line] if line.ends_with(&format!(" hint: {hint}"))),
            "{sql}: {lines:?}"
        );
    }
    for sql in [
        "from t |> as x |> join u on x.a = u.a |> select /*+ BROADCAST(t) */ x.a",
        "from t |> join (select a from u) s on t.a = s.a |> select /*+ BROADCAST(u) */ t.a",
        "from t |> join u on t.a = u.a |> as x |> select /*+ BROADCAST(u) */ *",
        "from t |> select /*+ BROADCAST(u) */ a |> join u using (a)",
        "with c as (select a from t) from c |> join u using (a) |> select /*+ BROADCAST(t) */ a",
    ] {
        assert_eq!(hinted(sql), [""; 0], "{sql}");
    }
}

#[test]
fn join_hints_that_find_nothing_have_no_effect() {
    for sql in [
        "select /*+ BROADCAST(zz) */ * from t join u on t.a = u.a",
        "select /*+ NOSUCH(t), NEITHER */ * from t join u on t.a = u.a",
        // An alias hides the name, and a subquery what it reads.
        "select /*+ BROADCAST(t) */ * from t x join u on x.a = u.a",
        "select /*+ BROADCAST(t) */ * from (select * from t) x join u on x.a = u.a",
        // A longer name than the relation was called by.
        "select /*+ BROADCAST(db.t) */ * from t join u on t.a = u.a",
        // No join above.
        "select /*+ BROADCAST */ * from t join u on t.a = u.a",
        "select /*+ BROADCAST(t) */ * from t",
    ] {
        assert_eq!(hinted(sql), [""; 0], "{sql}");
    }
}

#[test]
fn wrong_parameters_give_sparks_conditions() {
    let cases = [
        ("BROADCAST(1)", "_LEGACY_ERROR_TEMP_1046"),
        ("COALESCE", "_LEGACY_ERROR_TEMP_1048"),
        ("COALESCE(a)", "_LEGACY_ERROR_TEMP_1048"),
        ("COALESCE(2, a)", "_LEGACY_ERROR_TEMP_1048"),
        ("REPARTITION(a, 3)", "_LEGACY_ERROR_TEMP_1047"),
        ("REPARTITION(3L)", "_LEGACY_ERROR_TEMP_1047"),
        ("REPARTITION_BY_RANGE(2, 3)", "_LEGACY_ERROR_TEMP_1047"),
        ("REBALANCE(2, 3)", "_LEGACY_ERROR_TEMP_1047"),
        ("REPARTITION(3, x)", "UNRESOLVED_COLUMN.WITH_SUGGESTION"),
        ("REPARTITION(0)", "INVALID_PARAMETER_VALUE"),
    ];
    for (hint, condition) in cases {
        let e = analyze(&format!("select /*+ {hint} */ a from t"), &catalog()).unwrap_err();
        assert_eq!(e.condition(), condition, "{hint}");
    }
    let e = analyze("select /*+ REPARTITION(2, b) */ distinct a from t", &catalog()).unwrap_err();
    assert_eq!(e.condition(), "UNRESOLVED_COLUMN.WITH_SUGGESTION");
}

#[test]
fn partition_hints_stand_over_the_result() {
    let cases: [(&str, &[&str]); 14] = [
        ("select /*+ REPARTITION */ a from t", &["Repartition round robin"]),
        (
            "select /*+ REPARTITION(3) */ a from t",
            &["Repartition round robin into 3"],
        ),
        (
            "select /*+ REPARTITION(3S, a) */ a from t",
            &["Repartition hash a into 3"],
        ),
        ("select /*+ REPARTITION(t.b) */ b from t", &["Repartition hash b"]),
        (
            "select /*+ REPARTITION_BY_RANGE(2, a) */ a from t",
            &["Repartition range a ASC NULLS FIRST into 2"],
        ),
        (
            "select /*+ REPARTITION_BY_RANGE(a) */ a from t",
            &["Repartition range a ASC NULLS FIRST"],
        ),
        (
            "select /*+ REBALANCE */ a from t",
            &["Repartition round robin rebalanced"],
        ),
        (
            "select /*+ REBALANCE(2, a) */ a from t",
            &["Repartition hash a into 2 rebalanced"],
        ),
        (
            "select /*+ COALESCE(2) */ distinct a from t",
            &["Repartition coalesce into 2"],
        ),
        // Columns that the list does not hold.
        (
            "select /*+ REPARTITION(2, b) */ a from t",
            &["Repartition hash sort key into 2"],
        ),
        (
            "select /*+ REPARTITION(2, b) */ sum(a) from t group by b",
            &["Repartition hash sort key into 2"],
        ),
        // The one written first is outermost; DISTRIBUTE BY stands over both.
        (
            "select /*+ COALESCE(2), REPARTITION(3) */ a, b from t distribute by b",
            &[
                "Repartition hash b",
                "Repartition coalesce into 2",
                "Repartition round robin into 3",
            ],
        ),
        (
            "from t |> select /*+ REPARTITION(3) */ a",
            &["Repartition round robin into 3"],
        ),
        (
            "select /*+ REPARTITION(3, a) */ * from t order by b",
            &["Repartition hash a into 3"],
        ),
    ];
    for (sql, wanted) in cases {
        assert_eq!(hinted(sql), wanted, "{sql}");
    }
}

#[test]
fn sort_by_sorts_within_partitions() {
    let text = |sql: &str| explain_logical(&analyze(sql, &catalog()).unwrap());
    assert!(text("select a from t sort by a").starts_with("Sort a#0 ASC NULLS FIRST within partitions\n"));
    assert!(text("select a from t cluster by a").contains(" within partitions\n  Repartition hash a#0\n"));
    assert!(!text("select a from t order by a").contains("within"));
}
