//! On 1, 3 and 7 executor processes every suite gives the answers that it gives in one process.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use rsql_cluster::LocalCluster;
use rsql_engine::{Session, StatementOptions};
use rsql_expr::format::Notation;
use rsql_tests::cluster::start_with;
use rsql_tests::golden::{Scene, read_folder, run_file};
use rsql_tests::measure::order::fingerprint;
use rsql_tests::measure::rest::Rest;
use rsql_tests::spark_files;
use rsql_tpch::queries::QUERIES;
use rsql_tpch::run::register;

use crate::slt;
use crate::tpch::wrong_answers;

/// Everything is divided, however small it is, and sorted in ranges.
const DIVIDED: [(&str, &str); 2] = [
    ("rsql.cluster.scanTaskBytes", "1"),
    ("rsql.cluster.sortInOneTaskRows", "0"),
];
/// Executors fetch outputs, as those of several machines do; else they read each other's files.
const FETCHED: (&str, &str) = ("rsql.cluster.localReads", "false");

fn cluster(executors: usize, cores: usize) -> Arc<LocalCluster> {
    cluster_with(executors, cores, &[])
}

fn cluster_with(executors: usize, cores: usize, settings: &[(&str, &str)]) -> Arc<LocalCluster> {
    let program = Path::new(env!("CARGO_BIN_EXE_executor"));
    start_with(&format!("local-cluster[{executors},{cores},1g]"), program, settings).unwrap()
}

fn divided(cluster: &Arc<LocalCluster>) -> Session {
    let builder = DIVIDED
        .iter()
        .fold(Session::builder(), |b, (k, v)| b.set(k, v).unwrap());
    builder.runner(cluster.runner()).build().unwrap()
}

fn same_answers(executors: usize, cores: usize) {
    let cluster = cluster(executors, cores);
    let bad = wrong_answers(&divided(&cluster));
    assert!(bad.is_empty(), "{executors} executors: {bad:#?}");
    let failures = slt::failures("cluster", &DIVIDED, Some(&cluster.runner()));
    assert!(failures.is_empty(), "{executors} executors:\n{}", failures.join("\n"));
}

/// A stage that reads a shared definition in shares may have more tasks than the definition has outputs.
#[test]
fn tasks_may_read_nothing_of_a_stage() {
    let cluster = cluster(3, 1);
    let session = Session::builder()
        .set("rsql.cluster.scanTaskBytes", "1")
        .unwrap()
        .runner(cluster.runner())
        .build()
        .unwrap();
    let sql = "WITH r AS (SELECT id AS k FROM range(100) ORDER BY id LIMIT 5) SELECT count(*), sum(k) FROM \
               (SELECT k FROM r UNION ALL SELECT k + 1 FROM r UNION ALL SELECT id FROM range(1000))";
    let rows = |sql: &str| rsql_tests::text::cells(&session.sql(sql).unwrap(), Notation::Hive, "UTC").unwrap();
    let plan = format!("{:?}", rows(&format!("EXPLAIN {sql}")));
    assert!(plan.contains("1 task, as produced, read in shares"), "{plan}");
    assert_eq!(rows(sql), [[Some("1010".to_string()), Some("499525".to_string())]]);
}

#[test]
fn one_executor_gives_the_local_answers() {
    same_answers(1, 2);
}

/// Scans that are read together in one process are so by one executor, and nothing is exchanged.
#[test]
fn one_executor_plans_as_one_process() {
    let cluster = cluster(1, 2);
    let builder = || Session::builder().set("rsql.exec.share_scans_from", "0").unwrap();
    let (local, remote) = (
        builder().build().unwrap(),
        builder().runner(cluster.runner()).build().unwrap(),
    );
    for session in [&local, &remote] {
        register(session, crate::tpch::data()).unwrap();
    }
    let mut shared = 0;
    for query in &QUERIES {
        let plan = |session: &Session| rsql_planner::explain_physical(&session.plan(query.sql).unwrap().physical);
        shared += usize::from(plan(&local).contains("with scan"));
        assert_eq!(plan(&remote), plan(&local), "Q{}", query.number);
    }
    assert!(shared > 0, "no query reads a table together");
    assert!(wrong_answers(&remote).is_empty());
}

#[test]
fn three_executors_give_the_local_answers() {
    same_answers(3, 1);
}

#[test]
fn seven_executors_give_the_local_answers() {
    same_answers(7, 1);
}

#[test]
fn plans_that_change_under_way_give_the_same_answers() {
    use crate::distributed::{COALESCED, COPIED, REORDERED, SPLIT};
    let cluster = cluster_with(3, 1, &[FETCHED]);
    for conf in [&COALESCED[..], &SPLIT, &COPIED, &REORDERED] {
        let session = conf.iter().fold(Session::builder(), |b, (k, v)| b.set(k, v).unwrap());
        let session = session.set("rsql.cluster.scanTaskBytes", "64k").unwrap();
        let session = session.runner(cluster.runner()).build().unwrap();
        let bad = wrong_answers(&session);
        assert!(bad.is_empty(), "{conf:?}: {bad:#?}");
    }
}

/// Files with statements that show a text of a group of equal ones.
const SHOWS_ANY_OF_A_GROUP: [&str; 2] = ["slt/collation/grouping.slt", "slt/collation/queries.slt"];

#[test]
fn outputs_that_are_fetched_give_the_same_answers() {
    let cluster = cluster_with(3, 1, &[FETCHED]);
    let bad = wrong_answers(&divided(&cluster));
    assert!(bad.is_empty(), "{bad:#?}");
    let mut failures = slt::failures("cluster", &DIVIDED, Some(&cluster.runner()));
    // Which of a group's equal texts it shows depends on which block arrives first.
    failures.retain(|f| !SHOWS_ANY_OF_A_GROUP.iter().any(|file| f.contains(file)));
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// A part of Spark's golden files: queries of each kind whose plans have stages, and the errors among them.
const GOLDEN_FILES: [&str; 12] = [
    "except-all.sql.out",
    "group-by-all.sql.out",
    "group-by-filter.sql.out",
    "grouping_set.sql.out",
    "natural-join.sql.out",
    "order-by.sql.out",
    "outer-join.sql.out",
    "pivot.sql.out",
    "postgreSQL/select_distinct.sql.out",
    "postgreSQL/select_having.sql.out",
    "postgreSQL/window_part3.sql.out",
    "subquery/in-subquery/in-having.sql.out",
];

#[test]
fn golden_files_give_the_local_verdicts() {
    let Some(dir) = spark_files::find("spark-sql-tests") else {
        return;
    };
    let cluster = cluster_with(3, 1, &[FETCHED]);
    let settings = DIVIDED.iter().map(|(k, v)| ((*k).to_string(), (*v).to_string()));
    let local = Scene::load(&dir).unwrap();
    let remote = Scene::load(&dir).unwrap().on(cluster.runner());
    let remote = remote.with_settings(settings.collect());
    let mut statements = 0;
    let mut other = Vec::new();
    for file in read_folder(&dir).unwrap() {
        if !GOLDEN_FILES.contains(&file.name.as_str()) {
            continue;
        }
        let (here, there) = (run_file(&local, &file).unwrap(), run_file(&remote, &file).unwrap());
        assert_eq!(here.len(), there.len(), "{}", file.name);
        statements += here.len();
        let pairs = here.iter().zip(&there);
        other.extend(
            pairs
                .filter(|(h, t)| h.outcome != t.outcome)
                .map(|(h, t)| format!("{}: {} instead of {}\n{:?}", h.sql, t.outcome, h.outcome, t.detail)),
        );
    }
    assert!(statements > 200, "{statements}");
    assert!(other.is_empty(), "{}", other.join("\n"));
}

/// Keys that lie evenly, that grow with the place in the input, and of which most are small.
#[test]
fn ranges_of_a_sort_are_even_and_their_rows_in_order() {
    let cluster = cluster(3, 1);
    let session = divided(&cluster);
    let rest = Rest::new(cluster.master().rest_address().unwrap());
    const ROWS: u64 = 600_000;
    for key in ["xxhash64(id)", "id", "pow(2, (xxhash64(id) % 1000000) / 20000.0)"] {
        let sql = format!("SELECT {key} AS k, id FROM range(0, {ROWS}, 1, 6) ORDER BY k, id");
        let here = fingerprint(&Session::new().unwrap(), &sql).unwrap().0;
        let there = fingerprint(&session, &sql).unwrap().0;
        assert_eq!(there, here, "{key}");
        let stages = rest.rows_by_task().unwrap();
        let sorted = stages.iter().rev().find(|(_, rows)| rows.len() > 1).unwrap();
        let (least, most) = (sorted.1.iter().min().unwrap(), sorted.1.iter().max().unwrap());
        assert_eq!(sorted.1.iter().sum::<u64>(), ROWS, "{key}: {stages:?}");
        assert!(*most <= 2 * least, "{key}: {stages:?}");
    }
}

/// Outputs too large to be held are handed out while they are read; they must be there until then.
#[test]
fn large_results_stay_until_they_are_read() {
    let cluster = cluster(2, 1);
    let session = Session::builder().runner(cluster.runner()).build().unwrap();
    let sql = "SELECT id, xxhash64(id) AS a, xxhash64(id, 1) AS b, xxhash64(id, 2) AS c FROM range(6000000)";
    let mut running = session.start(sql, StatementOptions::default()).unwrap();
    let (mut rows, mut sum) = (0u64, 0i128);
    while let Some(chunk) = running.next_chunk().unwrap() {
        if rows == 0 {
            // Whoever looks for what nobody needs any more has the time to find it.
            std::thread::sleep(Duration::from_millis(300));
        }
        let batch = chunk.to_record_batch(running.schema()).unwrap();
        let ids = batch.column(0).as_primitive::<Int64Type>();
        rows += ids.len() as u64;
        sum += ids.values().iter().map(|v| i128::from(*v)).sum::<i128>();
    }
    assert_eq!((rows, sum), (6_000_000, 5_999_999 * 3_000_000));
}
