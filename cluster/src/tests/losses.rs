//! Executors and outputs that are lost at a bad moment, and messages that are larger than most.

use std::time::{Duration, Instant};

use rsql_engine::Session;
use rsql_expr::Chunk;

use super::{Cluster, rows};

/// Two tasks whose outputs are larger than what a reader holds before rows go out.
const LARGE: &str = "SELECT id, sha2(cast(id AS string), 512) AS s FROM range(0, 40000, 1, 2)";

/// Reads the rest of a result; gives the ids in its first column.
fn ids(first: Chunk, mut more: impl FnMut() -> Option<Chunk>) -> Vec<i64> {
    let mut ids = Vec::new();
    let mut chunk = Some(first);
    while let Some(next) = chunk {
        let column = next.dense_column(0).unwrap().to_array().unwrap();
        ids.extend_from_slice(arrow::array::AsArray::as_primitive::<arrow::datatypes::Int64Type>(&column).values());
        chunk = more();
    }
    ids
}

/// A session that hands rows out while it reads.
fn streaming(cluster: &Cluster) -> Session {
    let session = cluster.session();
    session.sql("SET rsql.exec.threads = 1").unwrap();
    // Few rows wait to be taken: most of an output is not read when its first rows go out.
    session.sql("SET rsql.exec.chunk_rows = 64").unwrap();
    session
}

#[test]
fn a_large_part_of_a_result_that_is_lost_before_its_turn_is_made_again() {
    for local_reads in ["true", "false"] {
        let settings = [("rsql.cluster.localReads", local_reads)];
        let mut cluster = Cluster::with_settings(2, 256 << 20, &settings);
        let there = streaming(&cluster);
        let mut running = there.start(LARGE, Default::default()).unwrap();
        let first = running.next_chunk().unwrap().unwrap();
        let holder = cluster.holders(1);
        assert_eq!(holder.len(), 1, "the second part is in one place");
        assert_ne!(holder, cluster.holders(0), "the parts are in different places");
        cluster.lose(holder[0]);
        let got = ids(first, || running.next_chunk().unwrap());
        assert_eq!(got, (0..40_000).collect::<Vec<i64>>(), "localReads {local_reads}");
    }
}

#[test]
fn a_large_part_of_a_result_that_breaks_while_rows_go_out_goes_on_where_it_stood() {
    let cluster = Cluster::start(2);
    let there = streaming(&cluster);
    let sql = LARGE.replace("40000", "120000");
    let mut running = there.start(&sql, Default::default()).unwrap();
    let first = running.next_chunk().unwrap().unwrap();
    let data = cluster
        .files()
        .into_iter()
        .find(|f| f.to_string_lossy().ends_with("-0-0.data"));
    let file = std::fs::OpenOptions::new().write(true).open(data.unwrap()).unwrap();
    file.set_len(file.metadata().unwrap().len() / 4 * 3).unwrap();
    let got = ids(first, || running.next_chunk().unwrap());
    assert_eq!(got.len(), 120_000);
    assert!(
        got.iter().zip(0..).all(|(id, n)| *id == n),
        "rows came twice or not at all"
    );
    assert_eq!(cluster.task_starts().len(), 3, "the broken part was made twice");
}

#[test]
fn a_launch_above_four_mebibytes_is_heard() {
    let cluster = Cluster::start(2);
    let (here, there) = (Session::new().unwrap(), cluster.session());
    for session in [&here, &there] {
        session.sql("SET spark.sql.shuffle.partitions = 200").unwrap();
        session.sql("SET rsql.cluster.query.timeout = 60s").unwrap();
    }
    // Each bound of the sort is a key as long as this.
    let sql = "SELECT id, length(s) FROM (SELECT id, concat(repeat('x', 40000), id) AS s FROM range(0, 400, 1, 2)) ORDER BY s DESC";
    assert_eq!(rows(&there, sql), rows(&here, sql));
}

#[test]
fn executors_that_leave_together_hand_over_to_those_that_stay() {
    let cluster = Cluster::with_settings(4, 256 << 20, &[("rsql.cluster.localReads", "false")]);
    let there = std::sync::Arc::new(cluster.session());
    there.sql("SET spark.sql.autoBroadcastJoinThreshold = -1").unwrap();
    let slow = |n: u32, rows: u32| {
        format!(
            "(SELECT id % 1000 AS k, sum(length(sha2(cast(id + {n} AS string), 512))) AS n FROM range(0, {rows}, 1, 4) GROUP BY 1)"
        )
    };
    let sql = format!(
        "SELECT count(*), sum(a.n), sum(b.n) FROM {} a JOIN {} b ON a.k = b.k",
        slow(0, 20_000),
        slow(1, 120_000)
    );
    let progress = rsql_common::Progress::default();
    let options = rsql_engine::StatementOptions {
        progress: progress.clone(),
        ..Default::default()
    };
    let query = {
        let (there, sql) = (std::sync::Arc::clone(&there), sql.clone());
        std::thread::spawn(move || {
            let mut running = there.start(&sql, options).unwrap();
            let chunk = running.next_chunk().unwrap().unwrap();
            let column = |i: usize| format!("{:?}", chunk.dense_column(i).unwrap().to_array().unwrap());
            (0..3).map(column).collect::<Vec<_>>()
        })
    };
    let until = Instant::now() + Duration::from_secs(60);
    while !progress.stages().iter().any(|s| s.done == s.tasks) {
        assert!(Instant::now() < until, "no stage is done");
        std::thread::sleep(Duration::from_millis(2));
    }
    for executor in 0..2 {
        let grace = Duration::from_secs(60);
        cluster
            .master()
            .decommission(rsql_common::ExecutorId(executor), grace)
            .unwrap();
    }
    let got = query.join().unwrap();
    let here = Session::new().unwrap().sql(&sql).unwrap();
    let wanted = here.chunks[0]
        .columns
        .iter()
        .map(|c| format!("{:?}", c.to_array().unwrap()));
    assert_eq!(got, wanted.collect::<Vec<_>>());
    while cluster.master().executors().unwrap() > 2 {
        assert!(Instant::now() < until, "they have not left");
        std::thread::sleep(Duration::from_millis(10));
    }
    let starts = cluster.task_starts();
    let again = starts.iter().any(|s| s["Stage Attempt ID"] != 0);
    assert!(!again, "outputs were made again: {starts:#?}");
}
