//! What a cluster does beside answering: writes, memory, encryption, executors and clients that leave.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rsql_engine::Session;

use super::{Cluster, rows};

#[test]
fn tables_are_written_by_tasks() {
    let cluster = Cluster::start(2);
    let there = cluster.session();
    let folder = cluster.dir.path().join("t");
    let location = folder.display();
    let files = |below: &str| std::fs::read_dir(folder.join(below)).unwrap().count();
    let sql = format!(
        "CREATE TABLE t USING parquet PARTITIONED BY (k) LOCATION '{location}' AS SELECT id, id % 3 AS k FROM range(0, 9000, 1, 2)"
    );
    there.sql(&sql).unwrap();
    assert_eq!(files(""), 3);
    assert_eq!(files("k=0"), 2, "both tasks wrote");
    there
        .sql("INSERT INTO t SELECT id, 5 FROM range(0, 100, 1, 2)")
        .unwrap();
    there
        .sql("INSERT OVERWRITE t PARTITION (k = 0) SELECT id FROM range(0, 100, 1, 2)")
        .unwrap();
    let here = Session::new().unwrap();
    for session in [&here, &there] {
        session
            .sql(&format!(
                "CREATE OR REPLACE TEMPORARY VIEW v AS SELECT * FROM parquet.`{location}`"
            ))
            .unwrap();
    }
    let sql = "SELECT k, count(*), sum(id), count(DISTINCT id) FROM v GROUP BY k ORDER BY k";
    let local = rows(&here, sql);
    assert_eq!(rows(&there, sql), local);
    assert_eq!(local.len(), 4 + 4, "{local:#?}");
    // Order is kept over the tasks' files, and no rows are a file with a schema.
    there
        .sql("CREATE TABLE o USING csv AS SELECT id, id * 7 % 1000 AS x FROM range(0, 1000, 1, 4) ORDER BY x")
        .unwrap();
    let first = rows(&there, "SELECT x FROM o LIMIT 3");
    assert_eq!(first[3..6], ["| 0 |", "| 1 |", "| 2 |"]);
    there
        .sql("CREATE TABLE e USING parquet AS SELECT id FROM range(0, 1000, 1, 4) WHERE id < 0")
        .unwrap();
    assert!(
        rows(&there, "SELECT count(*) FROM e")
            .iter()
            .any(|l| l.contains("| 0 "))
    );
    // What fails leaves nothing.
    let before = files("");
    there
        .sql("INSERT INTO t SELECT 1 / (id - 999), 9 FROM range(0, 1000, 1, 2)")
        .unwrap_err();
    assert_eq!(files(""), before);
    assert_eq!(rows(&there, sql), local);
}

#[test]
fn an_executor_that_leaves_hands_its_outputs_over() {
    for local_reads in ["true", "false"] {
        let cluster = Cluster::with_settings(3, 256 << 20, &[("rsql.cluster.localReads", local_reads)]);
        let there = Arc::new(cluster.session());
        there.sql("SET spark.sql.autoBroadcastJoinThreshold = -1").unwrap();
        there.sql("SET spark.io.encryption.enabled = true").unwrap();
        let slow = |n: u32| {
            format!(
                "(SELECT id % 1000 AS k, sum(length(sha2(cast(id + {n} AS string), 512))) AS n FROM range(0, 60000, 1, 3) GROUP BY 1)"
            )
        };
        let sql = format!(
            "SELECT count(*), sum(a.n), sum(b.n) FROM {} a JOIN {} b ON a.k = b.k",
            slow(0),
            slow(1)
        );
        let progress = rsql_common::Progress::default();
        let options = rsql_engine::StatementOptions {
            progress: progress.clone(),
            ..Default::default()
        };
        let query = {
            let (there, sql) = (Arc::clone(&there), sql.clone());
            std::thread::spawn(move || {
                let mut running = there.start(&sql, options).unwrap();
                let chunk = running.next_chunk().unwrap().unwrap();
                assert!(running.next_chunk().unwrap().is_none());
                chunk
                    .columns
                    .iter()
                    .map(|c| format!("{:?}", c.to_array().unwrap()))
                    .collect::<Vec<_>>()
            })
        };
        let first_done = || progress.stages().iter().any(|s| s.done == s.tasks);
        while !first_done() {
            std::thread::sleep(Duration::from_millis(2));
        }
        cluster
            .master()
            .decommission(rsql_common::ExecutorId(0), Duration::from_secs(60))
            .unwrap();
        let mut copied = false;
        while !query.is_finished() {
            let mut names: Vec<_> = cluster
                .files()
                .iter()
                .filter_map(|f| f.file_name().map(ToOwned::to_owned))
                .collect();
            let all = names.len();
            names.sort();
            names.dedup();
            copied |= names.len() < all;
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(copied, "no output is in two places");
        let got = query.join().unwrap();
        let here = Session::new().unwrap().sql(&sql).unwrap();
        let wanted: Vec<String> = here.chunks[0]
            .columns
            .iter()
            .map(|c| format!("{:?}", c.to_array().unwrap()))
            .collect();
        assert_eq!(got, wanted);
        assert!(wait_for(|| cluster.master().executors().unwrap() == 2), "it has left");
        let apps = cluster.get("/applications");
        let app = apps[0]["id"].as_str().unwrap();
        let log = cluster.event_log(app);
        let starts: Vec<serde_json::Value> = log
            .lines()
            .filter(|l| l.contains("SparkListenerTaskStart"))
            .map(|l| serde_json::from_str(l).unwrap())
            .collect();
        assert!(starts.len() >= 7, "{}", starts.len());
        assert!(
            starts.iter().all(|s| s["Stage Attempt ID"] == 0),
            "nothing was made again: {starts:#?}"
        );
    }
}

#[test]
fn shuffle_files_hold_no_plaintext_when_they_are_encrypted() {
    let cluster = Cluster::start(2);
    for (encrypted, codec) in [("false", "none"), ("true", "none"), ("true", "zstd"), ("true", "lz4")] {
        let session = cluster.session();
        for (key, value) in [
            ("spark.io.encryption.enabled", encrypted),
            ("spark.io.compression.codec", codec),
        ] {
            session.sql(&format!("SET {key} = {value}")).unwrap();
        }
        let sql = "SELECT concat('plain', 'text ', id % 100) AS s, count(*) AS n FROM range(0, 10000, 1, 2) GROUP BY 1 ORDER BY 1";
        let progress = rsql_common::Progress::default();
        let options = rsql_engine::StatementOptions {
            progress: progress.clone(),
            ..Default::default()
        };
        let mut running = session.start(sql, options).unwrap();
        // Each stage's outputs are there until the next one is done, the result's until they are read.
        let (mut seen, mut still) = (false, 0);
        while still < 20 {
            seen |= cluster.files().iter().any(|f| contains(f, b"plaintext 7"));
            let stages = progress.stages();
            let done = !stages.is_empty() && stages.iter().all(|s| s.done == s.tasks);
            still = if done { still + 1 } else { 0 };
            std::thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(seen, encrypted == "false", "{encrypted} {codec}");
        let mut rows = 0;
        while let Some(chunk) = running.next_chunk().unwrap() {
            rows += chunk.rows();
        }
        assert_eq!(rows, 100, "{encrypted} {codec}");
        assert!(wait_for(|| cluster.files().is_empty()), "files stay behind");
    }
}

/// Waits a while for something that may not come.
fn wait_for(mut there: impl FnMut() -> bool) -> bool {
    let until = Instant::now() + Duration::from_secs(2);
    while Instant::now() < until {
        if there() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    false
}

fn contains(file: &std::path::Path, text: &[u8]) -> bool {
    std::fs::read(file).is_ok_and(|bytes| bytes.windows(text.len()).any(|w| w == text))
}

#[test]
fn tasks_spill_in_their_share_of_memory_and_fail_typed_beyond() {
    let cluster = Cluster::with_memory(2, 24 << 20);
    let there = cluster.session();
    let sql = "SELECT count(*), sum(n) FROM (SELECT id, count(*) AS n, max(concat('some text to keep ', id)) AS s FROM range(0, 300000, 1, 2) GROUP BY id)";
    assert!(rows(&there, sql).iter().any(|l| l.contains("| 300000 ")));
    let sql =
        "SELECT size(collect_list(concat('some text to keep that is rather long ', id))) FROM range(0, 600000, 1, 2)";
    let e = there.sql(sql).unwrap_err();
    assert_eq!(e.kind(), rsql_common::ErrorKind::ResourceExhausted, "{e}");
    // And the cluster goes on.
    assert_eq!(
        there.sql("SELECT count(*) FROM range(0, 1000, 1, 2)").unwrap().n_rows(),
        1
    );
}

#[test]
fn large_tables_in_memory_are_read_by_tasks() {
    use arrow::array::{ArrayRef, Int64Array, StringViewArray};
    let cluster = Cluster::start(2);
    let there = cluster.session();
    let n = 1_200_000;
    let batches = (0..4).map(|part| {
        let ids = (part * n / 4)..((part + 1) * n / 4);
        let texts = ids
            .clone()
            .map(|i| format!("a text of more than twelve bytes {}", i % 1000));
        let columns: [(&str, ArrayRef); 2] = [
            ("id", Arc::new(Int64Array::from_iter_values(ids))),
            ("s", Arc::new(StringViewArray::from_iter_values(texts))),
        ];
        arrow::array::RecordBatch::try_from_iter(columns).unwrap()
    });
    there.register_batches("m", batches.collect()).unwrap();
    let got = rows(&there, "SELECT count(*), sum(id), count(DISTINCT s) FROM m");
    let sum: i64 = (0..n).sum();
    assert!(
        got[3].contains(&format!("| {n} ")) && got[3].contains(&sum.to_string()) && got[3].contains(" 1000 "),
        "{got:?}"
    );
}

#[test]
fn whoever_goes_away_ends_the_query() {
    let cluster = Cluster::start(2);
    let there = cluster.session();
    let sql = "SELECT count(*) FROM range(100000000) a JOIN range(100000000) b ON a.id * 7 % 11 < b.id * 5 % 13";
    let running = there.start(sql, Default::default()).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    drop(running);
    let gone = Instant::now();
    let apps = cluster.get("/applications");
    let executors = format!("/applications/{}/executors", apps[0]["id"].as_str().unwrap());
    let busy = |e: &serde_json::Value| e["activeTasks"] != 0 || e["memoryUsed"] != 0;
    while cluster.get(&executors).as_array().unwrap().iter().any(busy) {
        assert!(gone.elapsed() < Duration::from_secs(1), "{}", cluster.get(&executors));
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(cluster.files().is_empty(), "{:?}", cluster.files());
}
