//! The binary as people run it: clusters of real processes, their deaths, and what they leave behind.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rsql_cluster::{LocalCluster, LocalClusterSpec};
use rsql_common::Settings;
use rsql_engine::Session;

use crate::parts::{Part, RSQL, executors_of, free_port, lives, signal, within};

#[test]
fn a_local_cluster_answers_and_leaves_nothing() {
    let dir = std::env::temp_dir().join(format!("rsql-cli-test-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let out = Command::new(RSQL)
        .args(["--master", "local-cluster[2,1,256m]", "--conf"])
        .arg(format!("rsql.local.dir={}", dir.display()))
        .args([
            "-e",
            "SELECT id % 3 AS k, count(*) FROM range(0, 9000, 1, 4) GROUP BY 1 ORDER BY 1",
        ])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&out.stdout);
    assert_eq!(
        text,
        "k\tcount(1)\n0\t3000\n1\t3000\n2\t3000\n",
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    let left: Vec<_> = std::fs::read_dir(&dir).unwrap().flatten().map(|e| e.path()).collect();
    std::fs::remove_dir_all(&dir).unwrap();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn executors_end_with_the_process_that_started_them_however_it_ends() {
    let mut shell = Command::new(RSQL)
        .args(["--master", "local-cluster[2,1,256m]", "-f", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut executors = Vec::new();
    assert!(within(Duration::from_secs(30), || {
        executors = executors_of(shell.id());
        executors.len() == 2
    }));
    shell.kill().unwrap();
    shell.wait().unwrap();
    assert!(within(Duration::from_secs(10), || executors
        .iter()
        .all(|pid| !lives(*pid))));
}

#[test]
fn a_worker_says_what_it_does_and_serves_at_the_port_it_was_given() {
    let folder = tempfile::tempdir().unwrap();
    let join = folder.path().join("join");
    let join = join.to_str().unwrap();
    let port = free_port().to_string();
    // The worker comes first, with the join file of a master that is gone.
    let ports = ["--rest-port", "0", "--sql-port", "0", "--secret-file", join];
    drop({
        let mut first = Part::start(&[&["master", "--port", "0"][..], &ports].concat());
        first.says("master at ");
        first
    });
    let fetch = free_port();
    let (fetch_text, at) = (fetch.to_string(), format!("127.0.0.1:{port}"));
    let dir = folder.path().to_str().unwrap();
    let place = ["--master", &at, "--secret-file", join, "--local-dir", dir];
    let size = ["--fetch-port", &fetch_text, "--memory", "256"];
    let worker = [&["worker"][..], &place, &size].concat();
    let mut waiting = Part::start(&worker);
    let mut told = String::new();
    let mut errors = BufReader::new(waiting.child.stderr.take().unwrap());
    errors.read_line(&mut told).unwrap();
    assert!(told.contains(&format!("waiting for master {at}: ")), "{told}");
    let mut master = Part::start(&[&["master", "--port", &port][..], &ports].concat());
    assert_eq!(master.says("master at "), at);
    assert_eq!(
        waiting.says("joined "),
        format!("{at}: 1 executor, 1 core, 256 MiB memory")
    );
    assert!(within(Duration::from_secs(20), || TcpStream::connect((
        "127.0.0.1",
        fetch
    ))
    .is_ok()));
    // A second worker cannot have the port.
    let out = Command::new(RSQL).args(&worker).output().unwrap();
    let text = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(1), "{text}");
    assert!(
        text.contains("--fetch-port") && text.contains(&format!("127.0.0.1:{fetch}")),
        "{text}"
    );
}

#[test]
fn a_killed_executor_costs_no_row_and_comes_back() {
    rsql_cluster::install_tls_provider();
    let spec = LocalClusterSpec {
        executors: 3,
        cores: 1,
        memory: 256 << 20,
    };
    let cluster = LocalCluster::start(&spec, &Settings::default(), Path::new(RSQL).into()).unwrap();
    let builder = Session::builder().runner(cluster.runner());
    let session = builder.set("rsql.cluster.scanTaskBytes", "1").unwrap().build().unwrap();
    let sql = "SELECT k, count(*) AS n, sum(id) AS s FROM (SELECT id, id % 1000 AS k FROM range(0, 3000000, 1, 6)) \
               GROUP BY k ORDER BY k";
    let answer = |session: &Session| {
        let batches = session.sql(sql).unwrap().record_batches().unwrap();
        arrow::util::pretty::pretty_format_batches(&batches)
            .unwrap()
            .to_string()
    };
    let wanted = answer(&Session::new().unwrap());
    let over = Arc::new(AtomicBool::new(false));
    let watching = Arc::clone(&over);
    let killed = std::thread::scope(|scope| {
        let killer = scope.spawn(|| {
            let mut killed = 0;
            while !watching.load(Ordering::Relaxed) && killed < 3 {
                std::thread::sleep(Duration::from_millis(400));
                if let Some(pid) = cluster.pids().get(killed % 3).copied() {
                    signal("-KILL", pid);
                    killed += 1;
                }
            }
            killed
        });
        for _ in 0..6 {
            assert_eq!(answer(&session), wanted);
        }
        over.store(true, Ordering::Relaxed);
        killer.join().unwrap()
    });
    assert!(killed > 0);
    cluster.master().wait_for_executors(3, Duration::from_secs(20)).unwrap();
    assert_eq!(answer(&session), wanted);
}
