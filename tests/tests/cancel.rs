//! A cancelled query leaves nothing on a cluster of processes: within a second no task, no memory, no file.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rsql_cluster::LocalCluster;
use rsql_engine::Session;
use rsql_tests::cluster::start_with;

/// Its first stage is done at once and its outputs stay; the second one would run for minutes, with memory and spill files.
const LONG: &str = "
    SELECT count(DISTINCT s) FROM (
        SELECT sha2(cast(k * 1000000 + e AS string), 256) AS s
        FROM (SELECT id % 1000 AS k, count(*) AS n FROM range(0, 20000, 1, 2) GROUP BY id % 1000)
        LATERAL VIEW explode(sequence(0, 100000)) x AS e)";

/// What a cluster holds.
#[derive(Debug, Default, PartialEq)]
struct Held {
    tasks: u64,
    memory: u64,
    shuffle_files: usize,
    spill_files: usize,
}

fn held(cluster: &LocalCluster, executors: &str) -> Held {
    let rest = cluster.master().rest_address().unwrap();
    let executors = get(rest, executors);
    let sum = |key: &str| {
        executors
            .as_array()
            .unwrap()
            .iter()
            .map(|e| e[key].as_u64().unwrap())
            .sum()
    };
    let folder = cluster.shuffle_dir();
    Held {
        tasks: sum("activeTasks"),
        memory: sum("memoryUsed"),
        shuffle_files: files(&folder).len(),
        spill_files: cluster.pids().into_iter().map(|pid| unnamed_files(pid, &folder)).sum(),
    }
}

fn get(rest: SocketAddr, path: &str) -> serde_json::Value {
    let mut stream = TcpStream::connect(rest).unwrap();
    write!(
        stream,
        "GET /api/v1{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    // Folders come and go with their queries.
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.path() {
            path if path.is_dir() => found.extend(files(&path)),
            path if path.file_name().is_some_and(|n| n == "lease") => {}
            path => found.push(path),
        }
    }
    found
}

/// Files below a folder that a process has open and that have no name.
fn unnamed_files(pid: u32, folder: &Path) -> usize {
    let open = std::fs::read_dir(format!("/proc/{pid}/fd"))
        .into_iter()
        .flatten()
        .flatten();
    open.filter_map(|fd| std::fs::read_link(fd.path()).ok())
        .filter(|to| to.starts_with(folder) && to.to_string_lossy().ends_with("(deleted)"))
        .count()
}

#[test]
fn a_cancelled_query_holds_nothing_after_a_second() {
    let cluster = start_with("local-cluster[2,1,1g]", Path::new(env!("CARGO_BIN_EXE_executor")), &[]).unwrap();
    let session = Session::builder().runner(cluster.runner());
    let session = session.set("rsql.cluster.scanTaskBytes", "1").unwrap();
    let session = Arc::new(session.set("rsql.exec.force_spill", "true").unwrap().build().unwrap());
    let apps = get(cluster.master().rest_address().unwrap(), "/applications");
    let executors = format!("/applications/{}/executors", apps[0]["id"].as_str().unwrap());
    let idle = Held::default();
    assert_eq!(held(&cluster, &executors), idle);
    for _ in 0..3 {
        let query = {
            let session = Arc::clone(&session);
            std::thread::spawn(move || session.sql(LONG))
        };
        let started = Instant::now();
        loop {
            let now = held(&cluster, &executors);
            if now.tasks > 0 && now.memory > 0 && now.shuffle_files > 0 && now.spill_files > 0 {
                break;
            }
            assert!(
                started.elapsed() < Duration::from_secs(60) && !query.is_finished(),
                "{now:?}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        let cancelled = Instant::now();
        session.cancel();
        loop {
            let now = held(&cluster, &executors);
            if now == idle {
                break;
            }
            assert!(cancelled.elapsed() < Duration::from_secs(1), "{now:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
        println!("nothing is held after {:?}", cancelled.elapsed());
        let e = query.join().unwrap().unwrap_err();
        assert_eq!(e.condition(), "OPERATION_CANCELED");
    }
    assert_eq!(
        session
            .sql("SELECT count(*) FROM range(0, 1000, 1, 2)")
            .unwrap()
            .n_rows(),
        1
    );
}
