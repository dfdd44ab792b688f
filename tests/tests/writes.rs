//! Tables written by the tasks of a cluster of processes: rows appear once and all at once, whatever dies meanwhile.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rsql_common::Progress;
use rsql_engine::{Session, StatementOptions};
use rsql_expr::format::Notation;
use rsql_tests::chaos::cluster::signal;
use rsql_tests::chaos::{ClusterOptions, TestCluster};

const ROWS: usize = 45_000;
/// Slow enough to be met half-way.
const SELECT: &str =
    "SELECT id, sha2(repeat(cast(id AS string), 40), 512) AS s, id % 5 AS k FROM range(0, 45000, 1, 3)";

fn start(settings: &[(&str, &str)]) -> TestCluster {
    rsql_cluster::install_tls_provider();
    let settings = [settings, &[("rsql.cluster.scanTaskBytes", "1")]].concat();
    TestCluster::start(&ClusterOptions {
        executors: 3,
        memory: 256 << 20,
        program: PathBuf::from(env!("CARGO_BIN_EXE_executor")),
        local_reads: true,
        settings: settings.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
        disk: None,
    })
    .unwrap()
}

fn numbers(session: &Session, sql: &str) -> Vec<Vec<Option<String>>> {
    rsql_tests::text::cells(&session.sql(sql).unwrap(), Notation::Hive, "UTC").unwrap()
}

fn expect_all_once(session: &Session, table: &str) {
    let sql = format!("SELECT count(*), count(DISTINCT id), count(DISTINCT s), count(DISTINCT k) FROM {table}");
    let n = Some(ROWS.to_string());
    assert_eq!(
        numbers(session, &sql),
        [[n.clone(), n.clone(), n, Some("5".into())]],
        "{table}"
    );
}

fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match entry.path().is_dir() {
            true => found.extend(files(&entry.path())),
            false => found.push(entry.file_name().to_string_lossy().into_owned()),
        }
    }
    found
}

fn nothing_is_staged(folder: &Path) {
    let names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    assert!(names.iter().all(|n| !n.starts_with('_')), "{names:?}");
}

/// Runs a statement and, once each executor runs a task of it, `strike`.
fn run_under(cluster: &TestCluster, session: &Arc<Session>, sql: &str, strike: impl Fn(&AtomicBool)) {
    let (progress, over) = (Progress::default(), Arc::new(AtomicBool::new(false)));
    let statement = {
        let (session, sql, over) = (Arc::clone(session), sql.to_string(), Arc::clone(&over));
        let options = StatementOptions {
            progress: progress.clone(),
            ..StatementOptions::default()
        };
        std::thread::spawn(move || {
            let outcome = session.start(&sql, options).map(|_| ());
            over.store(true, Ordering::SeqCst);
            outcome
        })
    };
    let all = cluster.executors().len() as u32;
    while progress.stages().iter().map(|s| s.running).sum::<u32>() < all {
        assert!(
            !over.load(Ordering::SeqCst),
            "it was over before every executor had a task"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
    strike(&over);
    statement.join().unwrap().unwrap();
}

#[test]
fn rows_are_written_once_when_an_executor_dies_or_sleeps_in_the_middle() {
    let cluster = start(&[("rsql.cluster.executor.lease", "3s")]);
    let session = Arc::new(cluster.session().unwrap());
    let dir = tempfile::tempdir().unwrap();
    for partitioned in [false, true] {
        let table = if partitioned { "by_k" } else { "plain" };
        let folder = dir.path().join(table);
        let layout = if partitioned { "PARTITIONED BY (k)" } else { "" };
        let location = folder.display();
        let create = format!("CREATE TABLE {table} USING parquet {layout} LOCATION '{location}' AS {SELECT}");
        run_under(&cluster, &session, &create, |_| {
            cluster.executors()[1].signal("KILL").unwrap();
        });
        expect_all_once(&session, table);
        nothing_is_staged(&folder);
        assert_eq!(
            files(&folder).len(),
            if partitioned { 15 } else { 3 },
            "each task wrote its part"
        );
        cluster.recover().unwrap();
    }
    // A sleeper wakes up when its work has been done by another one and committed.
    let folder = dir.path().join("plain");
    let overwrite = format!("INSERT OVERWRITE plain {SELECT}");
    run_under(&cluster, &session, &overwrite, |over| {
        let pid = cluster.executors()[0].signal("STOP").unwrap();
        while !over.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(10));
        }
        signal(pid, "CONT");
    });
    for _ in 0..2 {
        expect_all_once(&session, "plain");
        nothing_is_staged(&folder);
        std::thread::sleep(Duration::from_millis(700));
    }
    assert_eq!(files(&folder).len(), 3);
}

#[test]
fn of_two_attempts_at_a_task_one_is_visible() {
    let cluster = start(&[
        ("spark.speculation", "true"),
        ("spark.speculation.quantile", "0.5"),
        ("spark.speculation.minTaskRuntime", "200ms"),
    ]);
    let session = Arc::new(cluster.session().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let location = dir.path().join("t").display().to_string();
    let create = format!("CREATE TABLE t USING parquet LOCATION '{location}' AS {SELECT}");
    // One sleeps, for less than its lease: a second attempt overtakes its own.
    run_under(&cluster, &session, &create, |over| {
        let pid = cluster.executors()[2].signal("STOP").unwrap();
        while !over.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(10));
        }
        signal(pid, "CONT");
    });
    let names = files(Path::new(&location));
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(
        names.iter().any(|n| n.contains("-1.snappy")),
        "a second attempt won: {names:?}"
    );
    for _ in 0..2 {
        expect_all_once(&session, "t");
        nothing_is_staged(Path::new(&location));
        std::thread::sleep(Duration::from_millis(500));
    }
}

#[test]
fn a_statement_that_fails_leaves_the_table_as_it_was() {
    let cluster = start(&[]);
    let session = cluster.session().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (folder, missing) = (dir.path().join("t"), dir.path().join("missing"));
    let location = folder.display();
    session
        .sql(&format!(
            "CREATE TABLE t USING parquet LOCATION '{location}' AS {SELECT}"
        ))
        .unwrap();
    for verb in ["INTO", "OVERWRITE"] {
        let sql = format!("INSERT {verb} t SELECT 1 / (id - 29000), 's', 0 FROM range(0, 30000, 1, 3)");
        assert_eq!(session.sql(&sql).unwrap_err().condition(), "DIVIDE_BY_ZERO");
        expect_all_once(&session, "t");
        nothing_is_staged(&folder);
    }
    let location = missing.display();
    let sql = format!(
        "CREATE TABLE u USING parquet LOCATION '{location}' AS SELECT 1 / (id - 29000) AS x FROM range(0, 30000, 1, 3)"
    );
    session.sql(&sql).unwrap_err();
    assert!(!missing.exists());
}
