//! EXPLAIN ANALYZE over stages: what the tasks' nodes did adds up to what they do in one process.

use std::collections::BTreeMap;

use rsql_engine::Session;

use super::{Cluster, rows};
use crate::in_process::InProcessRunner;

const QUERY: &str = "SELECT b.k, count(*) AS n, sum(a.id) AS s FROM range(0, 9000, 1, 3) a \
                     JOIN (SELECT id, id % 5 AS k FROM range(0, 6000, 1, 2)) b ON a.id = b.id \
                     WHERE a.id >= 1000 GROUP BY b.k ORDER BY b.k";

/// Both sides are spread, over more partitions than there is work for.
fn session(session: Session) -> Session {
    for set in [
        "spark.sql.shuffle.partitions=6",
        "spark.sql.autoBroadcastJoinThreshold=-1",
    ] {
        session.sql(&format!("SET {set}")).unwrap();
    }
    session
}

/// The output without the table's frame.
fn plan(session: &Session, sql: &str) -> Vec<String> {
    let lines = rows(session, sql);
    let text = lines.iter().filter_map(|l| l.strip_prefix('|')?.strip_suffix('|'));
    text.map(|l| l.trim_end().strip_prefix(' ').unwrap_or_default().to_string())
        .collect()
}

fn analyze(session: &Session, sql: &str) -> Vec<String> {
    plan(session, &format!("EXPLAIN ANALYZE {sql}"))
}

/// What a line says behind its node: the number after `name: `.
fn figure(line: &str, name: &str) -> u64 {
    let (_, notes) = line.rsplit_once(" [").expect(line);
    let (_, value) = notes.split_once(&format!("{name}: ")).expect(line);
    let digits: String = value.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().expect(line)
}

/// A line without what draws the tree.
fn node(line: &str) -> &str {
    line.trim_start_matches(['|', ':', '+', '-', ' '])
}

/// Rows of all nodes of these kinds; with their stages' rows where there are stages.
fn nodes(lines: &[String], kinds: &[&str]) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for line in lines {
        let node = node(line);
        if let Some(kind) = kinds.iter().find(|k| node.starts_with(**k)) {
            *sums.entry((*kind).to_string()).or_default() += figure(node, "rows");
        }
    }
    sums
}

fn stages(lines: &[String]) -> Vec<&str> {
    let lines = lines.iter().map(|l| node(l));
    lines
        .filter(|l| l.starts_with("stage") && !l.contains("see above"))
        .collect()
}

/// Tasks that a stage was planned with.
fn n_tasks(stage: &str) -> u64 {
    stage
        .split_whitespace()
        .nth(1)
        .and_then(|n| n.parse().ok())
        .expect(stage)
}

fn check(there: &Session) {
    let here = session(Session::new().unwrap());
    assert_eq!(rows(there, QUERY), rows(&here, QUERY));
    let (local, spread) = (analyze(&here, QUERY), analyze(there, QUERY));
    let text = spread.join("\n");
    assert_eq!(spread[0], local[0]);
    assert!(
        local.iter().all(|l| !l.contains("stage") && !l.starts_with("adaptive")),
        "{local:#?}"
    );

    // Every row is scanned and joined by one task, and groups are complete in one.
    let kinds = ["Range", "HashJoin", "HashAggregate [", "HashAggregate final"];
    let (mut one, mut sum) = (nodes(&local, &kinds), nodes(&spread, &kinds));
    assert_eq!(one.remove("HashAggregate ["), Some(5), "{local:#?}");
    assert_eq!(sum.remove("HashAggregate final"), Some(5), "{text}");
    assert_eq!(sum, one, "{text}");
    assert_eq!(one["HashJoin"], 5000);

    // Each stage tells of its tasks, and its readers have read what it wrote.
    let planned = plan(there, &format!("EXPLAIN {QUERY}"));
    for stage in stages(&spread) {
        assert_eq!(figure(stage, "tasks"), n_tasks(stage), "{text}");
        assert!(!stage.contains("attempts"), "{text}");
        let name = stage.split(':').next().unwrap();
        let reads = format!("StageInput {name} ");
        if let Some(read) = spread.iter().find(|l| node(l).starts_with(&reads)) {
            assert_eq!(figure(read, "rows"), figure(stage, "rows"), "{text}");
        }
    }
    assert!(stages(&spread).len() >= 3, "{text}");
    // Small partitions were read together.
    let all = |lines: &[String]| stages(lines).into_iter().map(n_tasks).sum::<u64>();
    assert!(all(&spread) < all(&planned), "{text}");
    let last = spread.iter().filter(|l| l.starts_with("adaptive: "));
    let last: Vec<_> = last.map(|l| l.split_once(" on ").unwrap()).collect();
    assert!(
        last.iter()
            .any(|(rule, stage)| *rule == "adaptive: CoalesceShufflePartitions"
                && stages(&spread).iter().any(|s| s.starts_with(&format!("{stage}: ")))),
        "{text}"
    );
}

#[test]
fn nodes_of_all_tasks_add_up_to_the_local_ones() {
    let cluster = Cluster::start(3);
    check(&session(cluster.session()));
}

#[test]
fn stages_within_a_process_tell_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let runner = std::sync::Arc::new(InProcessRunner::new(3, dir.path()).unwrap());
    check(&session(Session::builder().runner(runner).build().unwrap()));
}

#[test]
fn what_ran_in_vain_is_shown_and_what_was_left_out_is_not() {
    let cluster = Cluster::start(2);
    let there = session(cluster.session());
    // One side has no rows, which is known when it was computed.
    let lines = analyze(
        &there,
        "SELECT a.id FROM range(0, 1000, 1, 4) a JOIN (SELECT id FROM range(0, 999, 1, 4) WHERE id % 7 = 8) b ON a.id = b.id",
    );
    let text = lines.join("\n");
    let changed = lines
        .iter()
        .any(|l| l.starts_with("adaptive: PropagateEmptyRelation on stage"));
    assert!(changed, "{text}");
    assert!(stages(&lines)[0].contains("result [tasks: 1, rows: 0,"), "{text}");
    let empty = stages(&lines)
        .into_iter()
        .find(|s| s.contains("rows: 0,") && s.contains("not read"));
    assert!(empty.is_some(), "{text}");
    assert!(!text.contains("HashJoin"), "{text}");
}
