//! A cluster as its operators run it: `rsql master`, `rsql worker` and shells against them, what REST tells, and what follows
//! when a part is asked to go, dies, comes again or must not come in.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::parts::{Part, RSQL, executors_of, lives, rest, signal, within};

const LONG: Duration = Duration::from_secs(60);

/// A master with its addresses.
struct Master {
    part: Part,
    control: String,
    rest: String,
    sql: String,
}

impl Master {
    /// With its join file in `folder`, on any ports but maybe the one for executors.
    fn start(folder: &Path, port: &str) -> Self {
        let join = folder.join("join");
        let mut part = Part::start(&[
            "master",
            "--port",
            port,
            "--rest-port",
            "0",
            "--sql-port",
            "0",
            "--secret-file",
            join.to_str().unwrap(),
            // Tables as small as those of a test are divided all the same.
            "--conf",
            "rsql.cluster.scanTaskBytes=1",
        ]);
        let control = part.says("master at ");
        let rest = part.says("REST API at http://").replace("/api/v1", "");
        let sql = part.says("Flight SQL at ");
        Self {
            part,
            control,
            rest,
            sql,
        }
    }

    /// A worker with one executor of one core, its files in `folder`; it has joined.
    fn worker(&self, folder: &Path, name: &str) -> Part {
        let (join, files) = (folder.join("join"), folder.join(name));
        let mut worker = Part::start(&[
            "worker",
            "--master",
            &self.control,
            "--memory",
            "256m",
            "--secret-file",
            join.to_str().unwrap(),
            "--local-dir",
            files.to_str().unwrap(),
        ]);
        worker.says("joined ");
        worker
    }

    fn shell(&self, sql: &str) -> Part {
        Part::start(&["--master", &self.sql, "-e", sql])
    }

    fn application(&self) -> String {
        let all = rest(&self.rest, "applications");
        format!("applications/{}", all[0]["id"].as_str().unwrap())
    }

    fn executors(&self) -> usize {
        let all = rest(&self.rest, &format!("{}/executors", self.application()));
        all.as_array().unwrap().len()
    }

    /// Tasks that run now.
    fn running(&self) -> u64 {
        let stages = rest(&self.rest, &format!("{}/stages", self.application()));
        let active = stages.as_array().unwrap().iter().filter(|s| s["status"] == "ACTIVE");
        active.filter_map(|s| s["numActiveTasks"].as_u64()).sum()
    }
}

/// Takes a while on both executors; its answer is known.
const SLOW: &str = "SELECT count(*), sum(n) FROM (SELECT id % 1000 AS k, sum(length(sha2(cast(id AS string), 512))) AS n \
                    FROM range(0, 400000, 1, 8) GROUP BY 1)";
const SLOW_ANSWER: &str = "count(1)\tsum(n)\n1000\t51200000\n";

#[test]
fn queries_go_on_while_a_worker_leaves_and_an_executor_dies() {
    let folder = tempfile::tempdir().unwrap();
    let master = Master::start(folder.path(), "0");
    let leaving = master.worker(folder.path(), "leaving");
    let staying = master.worker(folder.path(), "staying");
    assert!(within(LONG, || master.executors() == 2));
    let sql = "SELECT id % 3 AS k, count(*) FROM range(0, 9000, 1, 4) GROUP BY 1 ORDER BY 1";
    let (out, errors, code) = master.shell(sql).ended();
    assert_eq!(out, "k\tcount(1)\n0\t3000\n1\t3000\n2\t3000\n", "{errors}");
    assert_eq!(code, Some(0));
    let stages = rest(&master.rest, &format!("{}/stages", master.application()));
    let stages = stages.as_array().unwrap();
    assert!(stages.len() > 1, "{stages:?}");
    assert!(
        stages
            .iter()
            .all(|s| ["COMPLETE", "SKIPPED"].iter().any(|t| s["status"] == *t)),
        "{stages:?}"
    );

    // A worker that is asked to go finishes what it runs and hands over what it holds.
    let query = master.shell(SLOW);
    assert!(within(LONG, || master.running() >= 2));
    signal("-TERM", leaving.child.id());
    let (out, errors, _) = query.ended();
    assert_eq!(out, SLOW_ANSWER, "{errors}");
    let (_, errors, code) = leaving.ended();
    assert_eq!(code, Some(0), "{errors}");
    assert!(within(LONG, || master.executors() == 1));
    let left: Vec<_> = std::fs::read_dir(folder.path().join("leaving"))
        .unwrap()
        .flatten()
        .map(|e| e.path())
        .collect();
    assert!(left.is_empty(), "{left:?}");

    // The death of an executor is told by its worker, which starts another one.
    let dying = executors_of(staying.child.id())[0];
    let query = master.shell(SLOW);
    assert!(within(LONG, || master.running() >= 1));
    signal("-KILL", dying);
    let (out, errors, _) = query.ended();
    assert_eq!(out, SLOW_ANSWER, "{errors}");
    let all = rest(&master.rest, &format!("{}/allexecutors", master.application()));
    assert_eq!(all.as_array().unwrap().len(), 3, "{all}");
    assert!(all.to_string().contains("its process was killed"), "{all}");
    assert!(!lives(dying) && executors_of(staying.child.id()).len() == 1);

    // Every query stands in the event log beside the join file, one that has no plan, too.
    let (_, errors, code) = master.shell("SELECT nope").ended();
    assert_eq!(code, Some(1), "{errors}");
    let logs = std::fs::read_dir(folder.path().join("events")).unwrap().flatten();
    let text: String = logs.map(|e| std::fs::read_to_string(e.path()).unwrap()).collect();
    assert_eq!(text.matches("SparkListenerSQLExecutionStart").count(), 4, "{text}");
    assert!(
        text.contains(r#""errorCondition":"UNRESOLVED_COLUMN.WITHOUT_SUGGESTION""#),
        "{text}"
    );
}

#[test]
fn a_master_that_starts_again_gets_its_workers_back() {
    let folder = tempfile::tempdir().unwrap();
    let first = Master::start(folder.path(), "0");
    let worker = first.worker(folder.path(), "files");
    assert!(within(LONG, || first.executors() == 1));
    let before = executors_of(worker.child.id());
    let port = first.control.rsplit_once(':').unwrap().1.to_string();
    // It dies without a word.
    signal("-KILL", first.part.child.id());
    drop(first);
    let second = Master::start(folder.path(), &port);
    assert!(within(LONG, || second.executors() == 1));
    let (out, errors, _) = second.shell(SLOW).ended();
    assert_eq!(out, SLOW_ANSWER, "{errors}");
    // The worker still reports, on a new connection.
    let dying = executors_of(worker.child.id())[0];
    assert_eq!(
        before,
        [dying],
        "an executor that waits for its master goes on with the next one"
    );
    signal("-KILL", dying);
    assert!(within(LONG, || {
        let all = rest(&second.rest, &format!("{}/allexecutors", second.application()));
        all.to_string().contains("its process was killed")
    }));
    assert!(within(LONG, || second.executors() == 1));
}

#[test]
fn who_does_not_know_the_secret_stays_outside() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let master = Master::start(folder.path(), "0");
    // The right authority and another secret.
    let join = std::fs::read_to_string(folder.path().join("join")).unwrap();
    let mut lines: Vec<&str> = join.lines().collect();
    let guess = "0".repeat(64);
    lines[1] = &guess;
    let guessed = folder.path().join("guessed");
    std::fs::write(&guessed, lines.join("\n")).unwrap();
    let worker = |join: &Path| {
        let join = join.to_str().unwrap();
        Part::start(&["worker", "--master", &master.control, "--secret-file", join])
    };
    // A file that others may read is no secret.
    let open = Command::new("chmod").arg("644").arg(&guessed).status().unwrap();
    assert!(open.success());
    let (_, errors, code) = worker(&guessed).ended();
    assert!(errors.contains("want mode 0600") && code == Some(1), "{errors}");
    assert!(
        Command::new("chmod")
            .arg("600")
            .arg(&guessed)
            .status()
            .unwrap()
            .success()
    );
    let (_, errors, code) = worker(&guessed).ended();
    assert!(
        errors.contains("the join secret is wrong") && code == Some(1),
        "{errors}"
    );

    // The join file of another cluster: its authority did not sign this master.
    drop(Master::start(other.path(), "0"));
    let mut foreign = worker(&other.path().join("join"));
    let mut told = String::new();
    BufReader::new(foreign.child.stderr.take().unwrap())
        .read_line(&mut told)
        .unwrap();
    assert!(told.contains("certificate"), "{told}");
    assert_eq!(master.executors(), 0);
}

#[test]
fn nothing_listens_beyond_this_machine_without_tls() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let (join, token) = (file("join"), file("token"));
    std::fs::write(&token, "a token of more than sixteen characters\n").unwrap();
    assert!(Command::new("chmod").args(["600", &token]).status().unwrap().success());
    let ports = ["--port", "0", "--rest-port", "0", "--sql-port", "0"];
    let place = ["master", "--host", "0.0.0.0", "--secret-file", &join];
    let out = Command::new(RSQL)
        .args([&place[..], &ports, &["--token-file", &token]].concat())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&out.stderr);
    assert!(
        errors.contains("credentials and TLS") && !out.status.success(),
        "{errors}"
    );

    // Without users the front door and REST stay on loopback; what is beyond it speaks mutual TLS.
    let mut part = Part::start(&[&place[..], &ports].concat());
    part.says("master at 0.0.0.0:");
    let rest = part.says("REST API at http://");
    let sql = part.says("Flight SQL at ");
    assert!(
        rest.starts_with("127.0.0.1:") && sql.starts_with("127.0.0.1:"),
        "{rest} {sql}"
    );
}
