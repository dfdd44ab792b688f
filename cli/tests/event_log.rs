//! The event log, wherever queries run: what stands in it of queries that end well, fail, or are kept from starting.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::parts::RSQL;

const MASTERS: [&str; 2] = ["local[2]", "local-cluster[1,1,1g]"];
const START: &str = "org.apache.spark.sql.execution.ui.SparkListenerSQLExecutionStart";
const END: &str = "org.apache.spark.sql.execution.ui.SparkListenerSQLExecutionEnd";

/// Runs statements, each on its own, as a failed one ends a batch. Its files and folders are below `folder`.
fn run(folder: &Path, master: &str, set: &[&str], sql: &str) -> Output {
    let mut command = Command::new(RSQL);
    command.env("TMPDIR", folder).args(["--master", master]);
    for one in set {
        command.args(["--conf", one]);
    }
    command.args(["-e", sql]).output().unwrap()
}

/// The events of all logs in a folder, in order of the logs' names.
fn events(folder: &Path) -> Vec<Value> {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    let text: String = files.iter().map(|f| std::fs::read_to_string(f).unwrap()).collect();
    text.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

fn named<'e>(events: &'e [Value], name: &str) -> Vec<&'e Value> {
    events.iter().filter(|e| e["Event"] == name).collect()
}

#[test]
fn every_query_stands_in_the_log_wherever_it_runs() {
    for master in MASTERS {
        let folder = tempfile::tempdir().unwrap();
        let logs = folder.path().join("made/event logs");
        let set = format!("spark.eventLog.dir=file://{}", logs.display()).replace(' ', "%20");
        let sql = "CREATE TABLE t USING parquet OPTIONS ('password' = 'open sesame') AS SELECT id FROM range(70); \
                   SHOW TABLES; SELECT id FROM t WHERE id >= 60";
        let out = run(folder.path(), master, &[&set], sql);
        assert!(
            out.status.success(),
            "{master}: {}",
            String::from_utf8_lossy(&out.stderr)
        );
        let events = events(&logs);
        let text: String = events.iter().map(|e| format!("{e}\n")).collect();
        assert_eq!(events[0]["Event"], "SparkListenerApplicationStart", "{text}");
        assert_eq!(events.last().unwrap()["Event"], "SparkListenerApplicationEnd", "{text}");
        assert!(!text.contains("sesame") && text.contains("(redacted)"), "{text}");

        let (starts, ends) = (named(&events, START), named(&events, END));
        assert_eq!((starts.len(), ends.len()), (2, 2), "{master}: {text}");
        for (n, (start, end)) in starts.iter().zip(&ends).enumerate() {
            assert_eq!((&start["executionId"], &end["executionId"]), (&n.into(), &n.into()));
            assert!(start["time"].as_u64() <= end["time"].as_u64());
            assert!(
                end["errorMessage"].is_null() && end["errorCondition"].is_null(),
                "{end}"
            );
        }
        assert_eq!(starts[1]["description"], "SELECT id FROM t WHERE id >= 60");
        let plan = starts[1]["physicalPlanDescription"].as_str().unwrap();
        assert!(plan.contains("Scan") && plan.contains(">= 60"), "{plan}");

        for name in [
            "SparkListenerJobStart",
            "SparkListenerJobEnd",
            "SparkListenerStageSubmitted",
        ] {
            assert_eq!(named(&events, name).len(), 2, "{master}: {name}: {text}");
        }
        assert!(
            named(&events, "SparkListenerJobEnd")
                .iter()
                .all(|e| e["Job Result"]["Result"] == "JobSucceeded")
        );
        let stages = named(&events, "SparkListenerStageCompleted");
        let rows: Vec<u64> = stages
            .iter()
            .map(|e| e["Stage Info"]["Records Written"].as_u64().unwrap())
            .collect();
        assert_eq!(rows, [70, 10], "{master}: {text}");
        assert!(stages[0]["Stage Info"]["Bytes Written"].as_u64() > Some(0), "{text}");
        let tasks = named(&events, "SparkListenerTaskEnd");
        let read = &tasks[1]["Task Metrics"]["Input Metrics"];
        assert_eq!(read["Records Read"], 10, "{master}: {text}");
        assert!(read["Bytes Read"].as_u64() > Some(0), "{text}");
        assert!(
            tasks.iter().all(|t| t["Task End Reason"]["Reason"] == "Success"),
            "{text}"
        );
        let added = named(&events, "SparkListenerExecutorAdded");
        assert_eq!(added.len(), 1, "{text}");
        assert_eq!(added[0]["Executor ID"], tasks[0]["Task Info"]["Executor ID"], "{text}");
    }
}

#[test]
fn failed_queries_have_their_condition() {
    for master in MASTERS {
        let folder = tempfile::tempdir().unwrap();
        let logs = folder.path().join("logs");
        let set = format!("spark.eventLog.dir={}", logs.display());
        let hide = "spark.sql.redaction.string.regex=sesame[0-9]";
        // Without a column there is no plan, and so no job.
        for (sql, condition, started) in [
            ("SELECT 5 / (id - 3) FROM range(7)", "DIVIDE_BY_ZERO", 1),
            (
                "SELECT nope, 'sesame1' FROM range(7)",
                "UNRESOLVED_COLUMN.WITH_SUGGESTION",
                0,
            ),
            (
                "CREATE TABLE t USING parquet AS SELECT 'sesame2' AS s, 5 / id AS a FROM range(7)",
                "DIVIDE_BY_ZERO",
                1,
            ),
            (
                "CREATE TABLE t USING parquet AS SELECT nope",
                "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION",
                0,
            ),
        ] {
            let out = run(folder.path(), master, &[&set, hide], sql);
            assert_eq!(out.status.code(), Some(1), "{master}: {sql}");
            let events = events(&logs);
            std::fs::remove_dir_all(&logs).unwrap();
            let text: String = events.iter().map(|e| format!("{e}\n")).collect();
            let (starts, ends) = (named(&events, START), named(&events, END));
            assert_eq!((starts.len(), ends.len()), (1, 1), "{master}: {text}");
            let hidden = "*********(redacted)";
            let shown = sql.replace("sesame1", hidden).replace("sesame2", hidden);
            assert_eq!(starts[0]["details"], shown, "{text}");
            assert_eq!(ends[0]["errorCondition"], condition, "{text}");
            let message = ends[0]["errorMessage"].as_str().unwrap();
            assert!(message.starts_with(&format!("[{condition}] ")), "{message}");
            assert!(!text.contains("sesame"), "{text}");
            let jobs = named(&events, "SparkListenerJobEnd");
            assert_eq!(jobs.len(), started, "{text}");
            for job in jobs {
                assert_eq!(job["Job Result"]["Exception"]["Condition"], condition, "{text}");
            }
        }
    }
}

#[test]
fn nothing_is_logged_where_nobody_asked_and_a_folder_that_cannot_be_had_is_named() {
    for master in MASTERS {
        let folder = tempfile::tempdir().unwrap();
        let logs = folder.path().join("logs");
        let set = format!("spark.eventLog.dir={}", logs.display());
        for set in [&[][..], &[&set, "spark.eventLog.enabled=false"]] {
            let out = run(folder.path(), master, set, "SELECT 1 AS a");
            assert!(out.status.success() && out.stdout == b"a\n1\n", "{out:?}");
            assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none(), "{master}");
        }
        std::fs::write(&logs, "").unwrap();
        let out = run(folder.path(), master, &[&set], "SELECT 1 AS a");
        let errors = String::from_utf8_lossy(&out.stderr);
        assert!(
            out.status.code() == Some(1) && out.stdout.is_empty(),
            "{master}: {out:?}"
        );
        assert!(errors.starts_with("[CANNOT_WRITE_EVENT_LOG] "), "{errors}");
        assert!(
            errors.contains(&format!("{}: ", logs.display())) && errors.contains("spark.eventLog.dir"),
            "{errors}"
        );
        let out = run(
            folder.path(),
            master,
            &["spark.eventLog.dir=s3a://b/logs"],
            "SELECT 1 AS a",
        );
        let errors = String::from_utf8_lossy(&out.stderr);
        assert!(
            out.status.code() == Some(2) && errors.contains("spark.eventLog.dir"),
            "{errors}"
        );
    }
}
