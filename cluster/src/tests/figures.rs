//! What tasks say they read and spilled: while they run, and in the end.

use super::Cluster;

/// A table of so many rows in one file.
fn table(session: &rsql_engine::Session, rows: usize) {
    let sql = format!("CREATE TABLE t USING parquet AS SELECT id, id % 7 AS k FROM range(0, {rows}, 1, 1)");
    session.sql(&sql).unwrap();
}

#[test]
fn a_task_that_runs_says_how_far_it_is() {
    let rows = 150_000;
    let cluster = Cluster::start(2);
    let session = cluster.session();
    table(&session, rows);
    let progress = rsql_common::Progress::default();
    let options = rsql_engine::StatementOptions {
        progress: progress.clone(),
        ..Default::default()
    };
    let slow = "SELECT k, sum(length(sha2(repeat(cast(id AS string), 400), 512))) AS n FROM t GROUP BY k ORDER BY k";
    let query = std::thread::spawn(move || {
        let mut running = session.start(slow, options).unwrap();
        while running.next_chunk().unwrap().is_some() {}
    });
    let mut moved = false;
    while !query.is_finished() {
        let stages = progress.stages();
        moved |= stages
            .iter()
            .any(|s| s.done == 0 && s.read_rows > 0 && s.read_bytes > 0);
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    query.join().unwrap();
    assert!(moved, "nothing moved before the first task was done");
    let first = &progress.stages()[0];
    assert_eq!(first.read_rows, rows as u64, "in the end the figures are exact");
}

#[test]
fn the_log_and_rest_say_what_was_read_and_spilled() {
    let cluster = Cluster::start(2);
    let session = cluster.session();
    table(&session, 20_000);
    session.sql("SET rsql.exec.force_spill = true").unwrap();
    session
        .sql(
            "SELECT * FROM (SELECT id, row_number() OVER (PARTITION BY k ORDER BY id DESC) AS n FROM t) WHERE n > 2850",
        )
        .unwrap();
    let apps = cluster.get("/applications");
    let app = apps[0]["id"].as_str().unwrap().to_string();
    let log = cluster.event_log(&app);
    let ends = log.lines().filter(|l| l.contains("SparkListenerTaskEnd"));
    let ends: Vec<serde_json::Value> = ends.map(|l| serde_json::from_str(l).unwrap()).collect();
    let most = |path: &str| ends.iter().filter_map(|e| e.pointer(path)?.as_u64()).max().unwrap();
    assert!(most("/Task Metrics/Disk Bytes Spilled") > 0);
    assert!(most("/Task Metrics/Input Metrics/Records Read") > 0);
    assert!(most("/Task Metrics/Input Metrics/Bytes Read") > 0);
    let stages = cluster.get(&format!("/applications/{app}/stages"));
    let sum = |key: &str| {
        let stages = stages.as_array().unwrap().iter();
        stages.map(|s| s[key].as_u64().unwrap()).sum::<u64>()
    };
    assert!(sum("inputRecords") >= 20_000 && sum("inputBytes") > 0 && sum("diskBytesSpilled") > 0);
}
