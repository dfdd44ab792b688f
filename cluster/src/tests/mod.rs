//! A master with executors on threads of this process: the same code as between processes, without starting any.

mod analyze;
mod figures;
mod losses;
mod lost_disk;
mod operation;

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rsql_common::{Result, Settings};
use rsql_engine::Session;

use crate::core::Incarnation;
use crate::executor::{Ending, ExecutorConfig, run};
use crate::{Master, MasterConfig, install_tls_provider};

struct Cluster {
    master: Option<Master>,
    executors: Vec<JoinHandle<Result<Ending>>>,
    /// Executors that the master was told are dead.
    lost: Vec<usize>,
    dir: tempfile::TempDir,
}

/// The life of the executor that was started as the `n`-th.
fn life(n: usize) -> Incarnation {
    Incarnation(n as u128 + 1)
}

impl Cluster {
    fn start(executors: usize) -> Self {
        Self::with_memory(executors, 256 << 20)
    }

    fn with_memory(executors: usize, memory: usize) -> Self {
        Self::with_settings(executors, memory, &[])
    }

    fn with_settings(executors: usize, memory: usize, settings: &[(&str, &str)]) -> Self {
        let each = ExecutorConfig {
            memory,
            ..ExecutorConfig::default()
        };
        Self::of(executors, &each, settings)
    }

    fn of(executors: usize, each: &ExecutorConfig, settings: &[(&str, &str)]) -> Self {
        install_tls_provider();
        let dir = tempfile::tempdir().unwrap();
        let secret_file = dir.path().join("join");
        let master = Master::start(&MasterConfig {
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            rest_port: Some(0),
            secret_file: secret_file.clone(),
            event_log: Some(dir.path().join("events")),
            settings: settings
                .iter()
                .fold(Settings::default(), |s, (k, v)| s.with(k, v).unwrap()),
        })
        .unwrap();
        let threads = (0..executors).map(|n| {
            let config = ExecutorConfig {
                master: master.address().to_string(),
                secret_file: secret_file.clone(),
                local_dir: dir.path().join(format!("shuffle/{n}")),
                incarnation: Some(life(n)),
                ..each.clone()
            };
            std::thread::spawn(move || run(config))
        });
        let executors: Vec<_> = threads.collect();
        master
            .wait_for_executors(executors.len(), Duration::from_secs(20))
            .unwrap();
        Self {
            master: Some(master),
            executors,
            lost: Vec::new(),
            dir,
        }
    }

    /// Has the master believe that an executor's process ended; waits until the executor has seen that it counts no more.
    fn lose(&mut self, n: usize) {
        self.master().exited()(life(n), None, "it was lost".into());
        self.lost.push(n);
        let until = Instant::now() + Duration::from_secs(20);
        while !self.executors[n].is_finished() {
            assert!(Instant::now() < until, "a lost executor goes on");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Executors that hold the output of a map of the stage that is the result.
    fn holders(&self, map: u32) -> Vec<usize> {
        let name = format!("-{map}-0.index");
        let holds = |n: &usize| {
            let folder = self.dir.path().join(format!("shuffle/{n}"));
            files_below(&folder)
                .iter()
                .any(|f| f.to_string_lossy().ends_with(&name))
        };
        (0..self.executors.len()).filter(holds).collect()
    }

    fn master(&self) -> &Master {
        self.master.as_ref().unwrap()
    }

    fn session(&self) -> Session {
        let builder = Session::builder().runner(self.master().runner());
        // Everything is divided, however small it is.
        let builder = builder.set("rsql.cluster.scanTaskBytes", "1").unwrap();
        builder
            .set("rsql.cluster.sortInOneTaskRows", "0")
            .unwrap()
            .build()
            .unwrap()
    }

    /// Files of shuffle outputs.
    fn files(&self) -> Vec<PathBuf> {
        files_below(&self.dir.path().join("shuffle"))
    }

    /// The event log so far.
    fn event_log(&self, app: &str) -> String {
        self.master().flush_events();
        std::fs::read_to_string(self.dir.path().join(format!("events/{app}.jsonl"))).unwrap()
    }

    /// The event log's lines about tasks that were sent out.
    fn task_starts(&self) -> Vec<serde_json::Value> {
        let app = self.get("/applications")[0]["id"].as_str().unwrap().to_string();
        let log = self.event_log(&app);
        let lines = log.lines().filter(|l| l.contains("SparkListenerTaskStart"));
        lines.map(|l| serde_json::from_str(l).unwrap()).collect()
    }

    fn get(&self, path: &str) -> serde_json::Value {
        use std::io::{Read, Write};
        let mut stream = std::net::TcpStream::connect(self.master().rest_address().unwrap()).unwrap();
        write!(
            stream,
            "GET /api/v1{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{path}: {head}");
        serde_json::from_str(body).unwrap()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.master.take());
        let mut left = 0;
        for (n, executor) in self.executors.drain(..).enumerate() {
            let ending = executor.join().unwrap().unwrap();
            if !std::thread::panicking() && !self.lost.contains(&n) {
                assert_eq!(ending, Ending::Released);
            }
            let folder = self.dir.path().join(format!("shuffle/{n}"));
            left += std::fs::read_dir(folder).unwrap().count();
        }
        if !std::thread::panicking() {
            assert_eq!(left, 0, "shuffle files stay behind");
        }
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        // Folders come and go with their queries.
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path if path.file_name().is_some_and(|n| n == "lease") => {}
                path => found.push(path),
            }
        }
    }
    found
}

fn rows(session: &Session, sql: &str) -> Vec<String> {
    let batches = session.sql(sql).unwrap().record_batches().unwrap();
    let text = arrow::util::pretty::pretty_format_batches(&batches)
        .unwrap()
        .to_string();
    text.lines().map(str::to_string).collect()
}

#[test]
fn queries_give_the_local_answers_and_are_told_about() {
    let cluster = Cluster::start(2);
    let (here, there) = (Session::new().unwrap(), cluster.session());
    for session in [&here, &there] {
        session
            .sql(
                "CREATE TEMPORARY VIEW t AS SELECT id, id % 7 AS k, cast(id AS string) AS s FROM range(0, 20000, 1, 4)",
            )
            .unwrap();
    }
    for sql in [
        "SELECT k, count(*), sum(id), max(s) FROM t GROUP BY k ORDER BY k",
        "SELECT a.k, count(*) FROM t a JOIN t b ON a.id = b.id + 1 GROUP BY a.k ORDER BY a.k",
        "SELECT id, s FROM t WHERE id % 1000 = 3 ORDER BY s DESC LIMIT 7",
        "SELECT count(DISTINCT k), avg(id) FROM t",
        "SELECT k, sum(id) OVER (PARTITION BY k ORDER BY id) AS r FROM t WHERE id < 50 ORDER BY k, r",
        "SELECT 1 AS x WHERE false",
    ] {
        assert_eq!(rows(&there, sql), rows(&here, sql), "{sql}");
    }

    let apps = cluster.get("/applications");
    let app = apps[0]["id"].as_str().unwrap().to_string();
    let jobs = cluster.get(&format!("/applications/{app}/jobs"));
    assert!(
        jobs.as_array().unwrap().iter().all(|j| j["status"] == "SUCCEEDED"),
        "{jobs}"
    );
    let stages = cluster.get(&format!("/applications/{app}/stages"));
    assert!(stages.as_array().unwrap().len() > jobs.as_array().unwrap().len());
    let stage = stages[0]["stageId"].as_u64().unwrap();
    assert_eq!(
        cluster.get(&format!("/applications/{app}/stages/{stage}/0"))["status"],
        "COMPLETE"
    );
    let executors = cluster.get(&format!("/applications/{app}/executors"));
    assert_eq!(executors.as_array().unwrap().len(), 2);
    for path in ["sql", "environment", "allexecutors"] {
        cluster.get(&format!("/applications/{app}/{path}"));
    }

    let log = cluster.event_log(&app);
    let names: Vec<String> = log
        .lines()
        .map(|l| {
            serde_json::from_str::<serde_json::Value>(l).unwrap()["Event"]
                .as_str()
                .unwrap()
                .to_string()
        })
        .collect();
    for name in [
        "SparkListenerApplicationStart",
        "SparkListenerExecutorAdded",
        "SparkListenerJobStart",
        "SparkListenerStageSubmitted",
        "SparkListenerTaskStart",
        "SparkListenerTaskEnd",
        "SparkListenerStageCompleted",
        "SparkListenerJobEnd",
    ] {
        assert!(names.iter().any(|n| n == name), "{name} is missing of {names:?}");
    }
}

#[test]
fn secrets_are_neither_logged_nor_shown() {
    let cluster = Cluster::start(2);
    let session = cluster.session();
    session
        .sql("SET spark.sql.redaction.string.regex = sesame[0-9]+")
        .unwrap();
    let dir = cluster.dir.path().join("secret table");
    let sql = format!(
        "CREATE TABLE s USING parquet TBLPROPERTIES ('password' = 'open', 'shown' = 'public') LOCATION '{}' \
         AS SELECT id, 'sesame7' AS s FROM range(10)",
        dir.display()
    );
    session.sql(&sql).unwrap();
    let apps = cluster.get("/applications");
    let app = apps[0]["id"].as_str().unwrap().to_string();
    let path = cluster.dir.path().join(format!("events/{app}.jsonl"));
    let shown = cluster.get(&format!("/applications/{app}/sql")).to_string();
    for text in [cluster.event_log(&app), shown] {
        assert!(text.contains("public") && text.contains("(redacted)"), "{text}");
        assert!(!text.contains("'open'") && !text.contains("sesame7"), "{text}");
    }
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_result_that_is_too_large_is_refused() {
    let cluster = Cluster::start(2);
    let session = cluster.session();
    session.sql("SET spark.driver.maxResultSize = 10k").unwrap();
    let sql = "SELECT id, cast(id AS string) FROM range(0, 100000, 1, 4)";
    let refused = session.sql(sql).unwrap_err().to_string();
    assert!(refused.contains("spark.driver.maxResultSize"), "{refused}");
    session.sql("SELECT count(*) FROM range(0, 100000, 1, 4)").unwrap();
    session.sql("RESET spark.driver.maxResultSize").unwrap();
    session.sql("SET rsql.cluster.query.maxOutputBytes = 1").unwrap();
    let refused = session.sql(sql).unwrap_err().to_string();
    assert!(refused.contains("rsql.cluster.query.maxOutputBytes"), "{refused}");
}

#[test]
fn what_is_left_of_a_query_is_planned_again() {
    let cluster = Cluster::start(2);
    let session = cluster.session();
    session.sql("SET spark.sql.shuffle.partitions=6").unwrap();
    session.sql("SET spark.sql.autoBroadcastJoinThreshold=-1").unwrap();
    let app = cluster.get("/applications")[0]["id"].as_str().unwrap().to_string();
    let tasks = |sql: &str| {
        session.sql(sql).unwrap();
        let jobs = cluster.get(&format!("/applications/{app}/jobs"));
        let last = jobs
            .as_array()
            .unwrap()
            .iter()
            .max_by_key(|j| j["jobId"].as_u64())
            .cloned();
        last.unwrap()["numTasks"].as_u64().unwrap()
    };
    let grouped = "SELECT id % 5 AS k, count(*) FROM range(0, 1000, 1, 4) GROUP BY id % 5";
    // One side has no rows, which is known when it was computed: the join has no tasks that read.
    let empty = "SELECT a.id FROM range(0, 1000, 1, 4) a JOIN (SELECT id FROM range(0, 999, 1, 4) WHERE id % 7 = 8) b \
                 ON a.id = b.id";
    let adapted = [tasks(grouped), tasks(empty)];
    session.sql("SET spark.sql.adaptive.enabled=false").unwrap();
    let planned = [tasks(grouped), tasks(empty)];
    assert_eq!(adapted.map(|n| n + 5), planned, "one task instead of six");
}

#[test]
fn errors_come_whole_and_cancelled_queries_end_at_once() {
    let cluster = Cluster::start(2);
    let (here, there) = (Session::new().unwrap(), Arc::new(cluster.session()));
    let sql = "SELECT sum(1 / (id - 15000)) FROM range(0, 20000, 1, 4)";
    let wanted = here.sql(sql).unwrap_err();
    let got = there.sql(sql).unwrap_err();
    assert_eq!(got, wanted);
    assert!(got.line_column().is_some());

    let running = Arc::clone(&there);
    let query = std::thread::spawn(move || {
        running.sql("SELECT count(*) FROM range(100000000) a JOIN range(100000000) b ON a.id * 7 % 11 < b.id * 5 % 13")
    });
    std::thread::sleep(Duration::from_millis(500));
    let cancelled = Instant::now();
    there.cancel();
    assert_eq!(query.join().unwrap().unwrap_err().condition(), "OPERATION_CANCELED");
    assert!(
        cancelled.elapsed() < Duration::from_secs(1),
        "{:?}",
        cancelled.elapsed()
    );
    // Its slots are free again.
    assert_eq!(
        there.sql("SELECT count(*) FROM range(0, 1000, 1, 4)").unwrap().n_rows(),
        1
    );
    assert!(cancelled.elapsed() < Duration::from_secs(5));
}

#[test]
fn strangers_are_turned_away() {
    use crate::rpc::connect::{channel, from_status, join};
    use crate::rpc::messages::Heartbeat;
    use crate::rpc::services::liveness::liveness_client::LivenessClient;
    use crate::security::{Authority, JoinFile, MASTER_NAME, Role, join_client, mutual_client};

    let cluster = Cluster::start(1);
    let address = cluster.master().address().to_string();
    let real = JoinFile::load(&cluster.dir.path().join("join")).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let beat = |tls| {
        runtime.block_on(async {
            let mut client = LivenessClient::new(channel(&address, tls)?);
            let beat = Heartbeat {
                incarnation: crate::core::Incarnation(1),
                memory_used: 0,
                running: 0,
            };
            client.heartbeat(beat).await.map_err(from_status)
        })
    };
    // An executor's certificate is let in.
    let executor = runtime.block_on(join(&address, &real, Role::Executor)).unwrap();
    beat(mutual_client(&executor, MASTER_NAME)).unwrap();
    // A worker's is of the wrong role, no certificate is none, and another authority's is not trusted.
    let worker = runtime.block_on(join(&address, &real, Role::Worker)).unwrap();
    let denied = beat(mutual_client(&worker, MASTER_NAME)).unwrap_err();
    assert!(denied.to_string().contains("may not call"), "{denied}");
    assert!(
        beat(join_client(&real))
            .unwrap_err()
            .to_string()
            .contains("may not call")
    );
    let other = Authority::generate().unwrap();
    beat(mutual_client(&other.issue(Role::Executor).unwrap(), MASTER_NAME)).unwrap_err();
    // A wrong secret, a foreign join file, and a second master are refused.
    let foreign = JoinFile::generate(&other);
    runtime.block_on(join(&address, &foreign, Role::Executor)).unwrap_err();
    runtime
        .block_on(join(&address, &real.with_other_secret(), Role::Executor))
        .unwrap_err();
    runtime.block_on(join(&address, &real, Role::Master)).unwrap_err();
}
