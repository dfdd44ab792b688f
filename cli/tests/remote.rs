//! `rsql serve`, and `rsql --master HOST:PORT` against it: the same text and exit codes as the local shell.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const RSQL: &str = env!("CARGO_BIN_EXE_rsql");

/// A server that ends with the test.
struct Served {
    child: Child,
    address: String,
}

impl Served {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(RSQL)
            .args(["serve", "--port", "0"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line.trim().strip_prefix("Flight SQL at ").expect(&line).to_string();
        Self { child, address }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn rsql(arguments: &[&str]) -> Output {
    Command::new(RSQL)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn texts(out: &Output) -> (String, String, Option<i32>) {
    let text = |b: &[u8]| String::from_utf8(b.to_vec()).unwrap();
    (text(&out.stdout), text(&out.stderr), out.status.code())
}

#[test]
fn the_same_text_as_the_local_shell() {
    let served = Served::start(&[]);
    let statements = [
        "SELECT 1 AS a, 'x' AS b, CAST(2.50 AS DECIMAL(5,2)) AS c, ARRAY('p', NULL) AS d, MAP(1, 'z') AS e",
        "SELECT TIMESTAMP'2024-01-02 03:04:05.678' AS t, INTERVAL '1' YEAR AS y, INTERVAL '1 02' DAY TO HOUR AS h",
        "SELECT named_struct('f', 1.50, 'g', X'41') AS s, NULL AS n, TRUE AS b",
        "CREATE TEMPORARY VIEW v AS SELECT * FROM range(5000); SELECT count(*), sum(id) FROM v",
        "SELECT\n  1 / 0",
        "SELECT x FROM nowhere",
        "SELEC 1",
        "SHOW DATABASES",
        "DESCRIBE SELECT 1 AS a",
        "SET spark.sql.session.timeZone = Asia/Tokyo; SELECT TIMESTAMP_SECONDS(0) AS t",
    ];
    for sql in statements {
        for format in ["table", "tsv", "csv", "json", "spark"] {
            let local = rsql(&["--format", format, "-e", sql]);
            let remote = rsql(&["--master", &served.address, "--format", format, "-e", sql]);
            assert_eq!(texts(&remote), texts(&local), "{sql} as {format}");
        }
    }
}

#[test]
fn parameters_settings_and_database() {
    let served = Served::start(&[]);
    let at = ["--master", served.address.as_str()];
    let created = rsql(&[&at[..], &["-e", "CREATE DATABASE d"]].concat());
    assert_eq!(created.status.code(), Some(0));
    let asked = ["-e", "SELECT :n + 1 AS n, :t AS t, current_database() AS d, 1 / 0 AS z"];
    let given = ["--param", "n=41", "--param", "t=it's", "--database", "d"];
    let setting = ["--conf", "spark.sql.ansi.enabled=false"];
    let out = rsql(&[&at[..], &asked, &given, &setting].concat());
    assert_eq!(texts(&out).0, "n\tt\td\tz\n42\tit's\td\tNULL\n", "{out:?}");
}

#[test]
fn a_refused_setting_has_the_servers_reason() {
    let served = Served::start(&[]);
    let asked = |conf| rsql(&["--master", &served.address, "--conf", conf, "-e", "SELECT 1"]);
    let (_, message, code) = texts(&asked("spark.sql.ansi.enabled=maybe"));
    assert!(
        message.contains("--conf") && message.contains("maybe") && message.contains("true or false"),
        "{message}"
    );
    assert_eq!(code, Some(2));
    let (_, message, code) = texts(&asked("rsql.memory.limt=1g"));
    assert!(
        message.contains("Did you mean rsql.memory.limit?") && code == Some(2),
        "{message}"
    );
}

#[test]
fn rows_come_before_the_last_is_known() {
    let served = Served::start(&[]);
    let mut shell = Command::new(RSQL)
        .args(["--master", &served.address, "--format", "csv"])
        .args(["-e", "SELECT id FROM range(100000000000)"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(shell.stdout.take().unwrap());
    let mut lines = String::new();
    for _ in 0..3 {
        out.read_line(&mut lines).unwrap();
    }
    assert_eq!(lines, "id\n0\n1\n");
    drop(out);
    assert_eq!(shell.wait().unwrap().code(), Some(0));
}

#[test]
fn an_interrupt_cancels_the_query_on_the_server() {
    let served = Served::start(&[]);
    let endless = "SELECT count(*) FROM range(100000000000) WHERE hash(id) = 1";
    let mut shell = Command::new(RSQL)
        .args(["--master", &served.address, "-e", endless])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(700));
    let sent = Command::new("kill")
        .args(["-INT", &shell.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
    let start = Instant::now();
    assert_eq!(shell.wait().unwrap().code(), Some(130));
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn users_come_in_with_their_password_only() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_string()
    };
    let (password, wrong) = (file("password", "lovelace\n"), file("wrong", "byron\n"));
    let hashed = Command::new(RSQL)
        .args(["hash-password", "ada"])
        .stdin(std::fs::File::open(&password).unwrap())
        .output()
        .unwrap();
    let users = file("users", &texts(&hashed).0);
    let served = Served::start(&["--users-file", &users]);
    let ask = |password: &str| {
        let login = ["--user", "ada", "--password-file", password];
        rsql(
            &[
                &["--master", served.address.as_str(), "-e", "SELECT current_user()"][..],
                &login,
            ]
            .concat(),
        )
    };
    assert_eq!(texts(&ask(&password)).0.lines().last(), Some("ada"));
    let (_, message, code) = texts(&ask(&wrong));
    assert!(
        message.contains("REMOTE.UNAUTHENTICATED") && code == Some(1),
        "{message}"
    );
    let (_, message, code) = texts(&rsql(&["--master", &served.address, "-e", "SELECT 1"]));
    assert!(
        message.contains("REMOTE.UNAUTHENTICATED") && code == Some(1),
        "{message}"
    );
}

#[test]
fn nobody_there_and_nobody_allowed() {
    let (_, message, code) = texts(&rsql(&["--master", "127.0.0.1:1", "-e", "SELECT 1"]));
    assert!(
        message.contains("REMOTE.UNREACHABLE") && message.contains("127.0.0.1:1"),
        "{message}"
    );
    assert_eq!(code, Some(1));
    let (_, message, code) = texts(&rsql(&["serve", "--host", "0.0.0.0", "--port", "0"]));
    assert!(message.contains("credentials and TLS") && code != Some(0), "{message}");
}
