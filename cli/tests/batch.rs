//! Scripts and pipes: what goes where, and with which exit code.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

fn rsql(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rsql"));
    command
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn run(args: &[&str]) -> (String, String, Option<i32>) {
    told(rsql(args).output().unwrap())
}

fn told(output: Output) -> (String, String, Option<i32>) {
    (
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
        output.status.code(),
    )
}

fn with_input(args: &[&str], input: &str) -> (String, String, Option<i32>) {
    let mut child = rsql(args).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    told(child.wait_with_output().unwrap())
}

#[test]
fn results_come_as_tsv_in_the_order_given() {
    let (out, err, code) = run(&["-e", "SELECT 1 AS a, 'x' AS b; SELECT NULL AS c", "-e", "SELECT 2 AS d"]);
    assert_eq!((out.as_str(), err.as_str()), ("a\tb\n1\tx\nc\nNULL\nd\n2\n", ""));
    assert_eq!(code, Some(0));
}

#[test]
fn scripts_come_from_files_and_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("q.sql");
    std::fs::write(&file, "-- a comment;\nSELECT 'file' AS a;\n").unwrap();
    let file = file.to_str().unwrap();
    assert_eq!(run(&["-f", file]).0, "a\nfile\n");
    assert_eq!(with_input(&["-f", "-"], "SELECT 'in' AS a;").0, "a\nin\n");
    assert_eq!(with_input(&[], "SELECT 'in' AS a").0, "a\nin\n");
    assert_eq!(
        with_input(&["-f", file, "-f", "-"], "SELECT 1 AS b").0,
        "a\nfile\nb\n1\n"
    );
}

#[test]
fn parameters_settings_and_database() {
    let sql = "SELECT :n + 1 AS n, :t AS t, typeof(:d) AS d";
    let params = ["--param", "n=41", "--param", "t=it's", "--param", "d=DATE '2024-05-01'"];
    let (out, err, _) = run(&[&["-e", sql][..], &params[..]].concat());
    assert_eq!(out, "n\tt\td\n42\tit's\tdate\n", "{err}");
    let zone = "spark.sql.session.timeZone=Asia/Tokyo";
    let (out, ..) = run(&["--conf", zone, "-e", "SELECT current_timezone() AS z"]);
    assert_eq!(out, "z\nAsia/Tokyo\n");
    let (out, ..) = run(&["--database", "default", "-e", "SELECT current_database() AS d"]);
    assert_eq!(out, "d\ndefault\n");
    let (_, err, code) = run(&["--database", "nowhere", "-e", "SELECT 1"]);
    assert!(err.contains("[SCHEMA_NOT_FOUND]"), "{err}");
    assert_eq!(code, Some(1));
}

#[test]
fn an_error_stops_the_script_and_points_at_its_place() {
    let (out, err, code) = run(&["-e", "SELECT 1 AS a; SELECT\n  nope; SELECT 3 AS c"]);
    assert_eq!(out, "a\n1\n");
    assert!(
        err.contains("[UNRESOLVED_COLUMN") && err.contains("  nope\n    ^"),
        "{err}"
    );
    assert_eq!(code, Some(1));
}

#[test]
fn wrong_usage_is_2() {
    for args in [
        &["--nonsense"][..],
        &["--format", "xls"],
        &["--conf", "no-equals-sign", "-e", "SELECT 1"],
        &["--param", "novalue", "-e", "SELECT 1"],
        &["nosuchcommand"],
        &["--user", "ada", "--password-file", "/none", "-e", "SELECT 1"],
        &["--token-file", "/none", "-e", "SELECT 1"],
        &["--tls-ca", "/none", "--master", "local[1]", "-e", "SELECT 1"],
        &["--master", "nowhere", "-e", "SELECT 1"],
        &["tpch", "--query", "99"],
        &["tpch", "--query", "0"],
        &["tpch", "--runs", "0"],
        &["tpch", "--sf", "0"],
        &["worker", "--master", "127.0.0.1:1", "--cores", "0"],
        &["worker", "--master", "127.0.0.1:1", "--executors", "0"],
        &["worker", "--master", "127.0.0.1:1", "--memory", "0"],
        &["executor", "--nonsense", "1"],
        &["hash-password", "ada"],
    ] {
        let (out, err, code) = run(args);
        assert_eq!((out.as_str(), code), ("", Some(2)), "{args:?}: {err}");
        assert!(!err.is_empty(), "{args:?}");
    }
}

#[test]
fn wrong_settings_say_where_they_came_from() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.conf");
    std::fs::write(&file, "# mine\nspark.sql.ansi.enabled maybe\n").unwrap();
    let asked = ["-e", "SELECT 1"];
    let refused = |command: &mut Command, wanted: &[&str]| {
        let (out, err, code) = told(command.output().unwrap());
        assert_eq!((out.as_str(), code), ("", Some(2)), "{err}");
        assert!(wanted.iter().all(|w| err.contains(w)), "{wanted:?}: {err}");
    };
    let file = file.to_str().unwrap();
    refused(
        rsql(&asked).args(["--properties-file", file]),
        &[file, "line 2", "spark.sql.ansi.enabled"],
    );
    refused(
        rsql(&asked).env("RSQL_CONF_rsql__exec__threads", "many"),
        &["RSQL_CONF_rsql__exec__threads"],
    );
    refused(
        rsql(&asked).args(["--conf", "rsql.exec.thread=1"]),
        &["--conf", "Did you mean rsql.exec.threads?"],
    );
    refused(rsql(&asked).env("RSQL_LOG", "rsql=loud"), &["RSQL_LOG", "rsql=loud"]);
    let out = rsql(&asked)
        .env("RSQL_CONF_spark__a", OsStr::from_bytes(b"\xff"))
        .output()
        .unwrap();
    let (out, err, code) = told(out);
    assert_eq!((out.as_str(), code), ("1\n1\n", Some(0)), "{err}");
    assert!(err.contains("RSQL_CONF_spark__a"), "{err}");
}

#[test]
fn rows_before_an_error_stay() {
    let sql = "SELECT 1 / (id - 900000) AS x FROM range(0, 1000000, 1, 1)";
    for format in ["csv", "tsv", "json", "spark"] {
        let (out, err, code) = run(&["--format", format, "-e", sql]);
        assert!(
            out.lines().count() > 1000 && out.ends_with('\n'),
            "{format}: {}",
            out.len()
        );
        assert!(err.contains("[DIVIDE_BY_ZERO]") && code == Some(1), "{format}: {err}");
    }
    let (out, err, code) = run(&["--format", "table", "-e", sql]);
    assert_eq!((out.as_str(), code), ("", Some(1)), "{err}");
}

#[test]
fn rows_come_before_the_last_is_known() {
    let endless = "SELECT id FROM range(100000000000)";
    let mut child = rsql(&["--format", "csv", "-e", endless]).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut lines = String::new();
    for _ in 0..3 {
        out.read_line(&mut lines).unwrap();
    }
    assert_eq!(lines, "id\n0\n1\n");
    drop(out);
    let (_, err, code) = told(child.wait_with_output().unwrap());
    assert_eq!((err.as_str(), code), ("", Some(0)));
}

#[test]
fn nobody_reads_and_nothing_panics() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    for args in [
        &["tpch", "--sf", "0.001", "--data", data, "--query", "6,1"][..],
        &["-e", "SELECT missing"],
        &["--help"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let status = rsql(args)
            .stdout(writer.try_clone().unwrap())
            .stderr(writer)
            .status()
            .unwrap();
        // A panic ends with 101.
        assert!(matches!(status.code(), Some(0 | 1)), "{args:?}: {status}");
    }
}

#[test]
fn a_password_is_not_empty() {
    let (out, err, code) = with_input(&["hash-password", "ada"], "\n");
    assert_eq!((out.as_str(), code), ("", Some(2)), "{err}");
    let (out, err, code) = with_input(&["hash-password", "ada"], "lovelace\n");
    assert!(out.starts_with("ada") && code == Some(0), "{err}");
}

#[test]
fn an_interrupt_ends_a_batch_with_130() {
    let endless = "SELECT count(*) FROM range(10000000) a JOIN range(10000000) b ON a.id <> b.id";
    let mut child = rsql(&[
        "-e",
        "SELECT 'running' AS a",
        "-e",
        endless,
        "-e",
        "SELECT 'after' AS b",
    ])
    .spawn()
    .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while line != "running\n" {
        line.clear();
        assert!(out.read_line(&mut line).unwrap() > 0, "ended early");
    }
    std::thread::sleep(Duration::from_millis(300));
    let sent = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    let (_, err, code) = told(child.wait_with_output().unwrap());
    assert_eq!((rest.as_str(), code), ("", Some(130)), "{err}");
    assert!(err.contains("[OPERATION_CANCELED]"), "{err}");
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let mut child = rsql(&["-e", "SELECT id FROM range(300000)"]).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    drop(out);
    let (_, err, code) = told(child.wait_with_output().unwrap());
    assert_eq!((line.as_str(), err.as_str(), code), ("id\n", "", Some(0)));
}

#[test]
fn the_warehouse_goes_with_the_session() {
    let folder = tempfile::tempdir().unwrap();
    let output = rsql(&["-e", "CREATE TABLE t AS SELECT 1 AS a", "-e", "SELECT * FROM t"])
        .env("TMPDIR", folder.path())
        .output()
        .unwrap();
    assert_eq!(told(output).0, "a\n1\n");
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn formats() {
    let sql = "SELECT 'a,b' AS x, NULL AS y, 1.50 AS z";
    for (format, want) in [
        ("csv", "x,y,z\n\"a,b\",,1.50\n"),
        ("tsv", "x\ty\tz\na,b\tNULL\t1.50\n"),
        ("json", "{\"x\":\"a,b\",\"y\":null,\"z\":1.50}\n"),
        ("spark", "a,b\tNULL\t1.50\n"),
    ] {
        assert_eq!(run(&["--format", format, "-e", sql]).0, want, "{format}");
    }
}
