//! Server and client together, over loopback.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rsql_common::{Error, Result};
use rsql_engine::Session;

use crate::auth::{Credentials, hash_password};
use crate::client::{Client, ClientConfig, Login, RemoteRows};
use crate::server::{Limits, Server, ServerConfig, ServerTls};

const TOKEN: &str = "0123456789abcdef";
/// More rows than anybody waits for.
const ENDLESS: &str = "SELECT count(*) FROM range(100000000000) a WHERE hash(id) = 1";

fn server() -> Server {
    Server::start(ServerConfig::loopback(), Session::new().unwrap()).unwrap()
}

fn config(server: &Server) -> ClientConfig {
    ClientConfig {
        address: server.address().to_string(),
        ..ClientConfig::default()
    }
}

fn connect(server: &Server) -> Client {
    Client::connect(&config(server)).unwrap()
}

fn drain(mut rows: RemoteRows) -> Result<usize> {
    let mut n = 0;
    while let Some(chunk) = rows.next_chunk()? {
        n += chunk.rows();
    }
    Ok(n)
}

fn run(client: &Client, sql: &str) -> Result<usize> {
    client.start(sql).and_then(drain)
}

fn error(client: &Client, sql: &str) -> Error {
    run(client, sql).unwrap_err()
}

fn soon(mut condition: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + Duration::from_secs(10);
    while !condition() {
        if Instant::now() > end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    true
}

#[test]
fn statements_and_results() {
    let server = server();
    let client = connect(&server);
    let rows = client.start("SELECT 1 AS a, 'x' AS b, 2.50 AS c").unwrap();
    assert_eq!(rows.schema().simple_string(), "struct<a:int,b:string,c:decimal(3,2)>");
    assert!(rows.is_query());
    assert_eq!(drain(rows).unwrap(), 1);
    let created = client.start("CREATE TABLE t (a INT) USING parquet").unwrap();
    assert!(created.schema().is_empty() && !created.is_query());
    drop(created);
    run(&client, "INSERT INTO t SELECT cast(id AS INT) FROM range(1000)").unwrap();
    assert_eq!(run(&client, "SELECT * FROM t").unwrap(), 1000);
    assert_eq!(run(&client, "SHOW TABLES").unwrap(), 1);
    let empty = client.start("SELECT a FROM t WHERE a < 0").unwrap();
    assert_eq!(empty.schema().len(), 1);
    assert_eq!(drain(empty).unwrap(), 0);
}

#[test]
fn batches_have_as_many_rows_as_the_client_asks_for() {
    let server = server();
    let client = connect(&server);
    let largest = |rows: &str| {
        run(
            &client,
            &format!("SET spark.sql.execution.arrow.maxRecordsPerBatch = {rows}"),
        )
        .unwrap();
        let mut rows = client.start("SELECT id FROM range(1000)").unwrap();
        let mut sizes = Vec::new();
        while let Some(chunk) = rows.next_chunk().unwrap() {
            sizes.push(chunk.rows());
        }
        assert_eq!(sizes.iter().sum::<usize>(), 1000);
        sizes.into_iter().max()
    };
    assert_eq!(largest("7"), Some(7));
    assert!(largest("0") > Some(7) && largest("-1") > Some(7));
}

#[test]
fn errors_are_the_local_ones() {
    let server = server();
    let client = connect(&server);
    let local = Session::new().unwrap();
    for sql in [
        "SELECT\n  1 / 0",
        "SELECT x FROM y",
        "SELEC 1",
        "SELECT cast('a' AS INT)",
        "SELECT 1 / (id - 500000) FROM range(1000000)",
        "CREATE TABLE t (a NOTYPE)",
        "SELECT :p",
    ] {
        let here = local.sql(sql).unwrap_err();
        let there = error(&client, sql);
        assert_eq!(there, here, "{sql}");
        assert_eq!(there.line_column(), here.line_column());
    }
}

#[test]
fn sessions_are_isolated_but_share_tables() {
    let server = server();
    let (one, two) = (connect(&server), connect(&server));
    run(&one, "CREATE TEMPORARY VIEW v AS SELECT 1").unwrap();
    run(&one, "CREATE DATABASE d").unwrap();
    run(&one, "SET spark.sql.session.timeZone = Asia/Tokyo").unwrap();
    assert_eq!(error(&two, "SELECT * FROM v").condition(), "TABLE_OR_VIEW_NOT_FOUND");
    run(&two, "USE d").unwrap();
    assert_eq!(one.start("SELECT 1").unwrap().time_zone(), "Asia/Tokyo");
    assert_ne!(two.start("SELECT 1").unwrap().time_zone(), "Asia/Tokyo");
    assert_eq!(server.session_count(), 2);
    drop(one);
    assert!(soon(|| server.session_count() == 1));
}

#[test]
fn options_and_parameters_belong_to_the_session() {
    let server = server();
    let client = connect(&server);
    client.set("spark.sql.ansi.enabled", "false").unwrap();
    assert_eq!(run(&client, "SELECT 1 / 0").unwrap(), 1);
    let refused = |key, value| client.set(key, value).unwrap_err();
    let e = refused("rsql.exec.chunk_rows", "many");
    assert_eq!(e.condition(), "INVALID_CONF_VALUE.TYPE_MISMATCH");
    let e = refused("rsql.exec.chunk_row", "1");
    assert!(e.message().contains("rsql.exec.chunk_rows?"), "{e}");
    let options = client.options().unwrap();
    assert!(options.contains(&("schema".into(), "default".into())), "{options:?}");
    assert!(options.contains(&("spark.sql.ansi.enabled".into(), "false".into())));
    client.bind("p", "DATE '2024-01-02'").unwrap();
    client.bind("q", "it's text").unwrap();
    let rows = client.start("SELECT :p AS p, :q AS q").unwrap();
    assert_eq!(rows.schema().simple_string(), "struct<p:date,q:string>");
}

#[test]
fn cancellation_ends_a_query_at_once() {
    let server = server();
    let client = Arc::new(connect(&server));
    let other = Arc::clone(&client);
    let waiting = std::thread::spawn(move || run(&other, ENDLESS));
    std::thread::sleep(Duration::from_millis(300));
    let start = Instant::now();
    client.cancel().unwrap();
    let e = waiting.join().unwrap().unwrap_err();
    assert_eq!(e.condition(), "OPERATION_CANCELED");
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    assert_eq!(run(&client, "SELECT 1").unwrap(), 1);
    client.cancel().unwrap();
}

#[test]
fn a_client_that_goes_away_cancels_its_query() {
    let root = Session::new().unwrap();
    let memory = Arc::clone(root.memory());
    let limits = Limits {
        idle: Duration::from_millis(200),
        ..Limits::default()
    };
    let server = Server::start(
        ServerConfig {
            limits,
            ..ServerConfig::loopback()
        },
        root,
    )
    .unwrap();
    let client = connect(&server);
    run(&client, "SET rsql.preserve_order = false").unwrap();
    let mut rows = client.start("SELECT id FROM range(0, 100000000000, 1, 1)").unwrap();
    assert!(rows.next_chunk().unwrap().is_some());
    // The running query keeps its session open.
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(server.session_count(), 1);
    drop(rows);
    // It ends, its session is idle then and goes too.
    assert!(soon(|| server.session_count() == 0));
    assert!(soon(|| memory.used() == 0), "{}", memory.used());
}

#[test]
fn a_slow_reader_holds_the_query_back() {
    let server = server();
    let client = connect(&server);
    run(&client, "SET rsql.preserve_order = false").unwrap();
    let before = resident();
    // 1.6 GB of rows, of which only the first are read.
    let mut rows = client.start("SELECT id, id + 1 AS b FROM range(100000000)").unwrap();
    for _ in 0..10 {
        assert!(rows.next_chunk().unwrap().is_some());
        std::thread::sleep(Duration::from_millis(50));
    }
    let grown = resident().saturating_sub(before);
    assert!(grown < 200 << 20, "{} MB", grown >> 20);
}

fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: usize = text.split(' ').nth(1).and_then(|p| p.parse().ok()).unwrap_or(0);
    pages * 4096
}

#[test]
fn who_may_come_in() {
    let dir = tempfile::tempdir().unwrap();
    let users = dir.path().join("users");
    std::fs::write(&users, hash_password("ada", "lovelace").unwrap()).unwrap();
    let credentials = Credentials::default()
        .with_users_file(&users)
        .and_then(|c| c.with_token(TOKEN))
        .unwrap();
    let server = Server::start(
        ServerConfig {
            credentials: Some(credentials),
            ..ServerConfig::loopback()
        },
        Session::new().unwrap(),
    )
    .unwrap();
    let try_login = |login: Login| {
        Client::connect(&ClientConfig {
            login,
            ..config(&server)
        })
    };
    let password = |p: &str| Login::Password {
        user: "ada".into(),
        password: p.into(),
    };
    for wrong in [Login::Anonymous, Login::Token("wrong".into()), password("wrong")] {
        assert_eq!(try_login(wrong).unwrap_err().condition(), "REMOTE.UNAUTHENTICATED");
    }
    let client = try_login(Login::Token(TOKEN.into())).unwrap();
    assert_eq!(run(&client, "SELECT 1").unwrap(), 1);
    let client = try_login(password("lovelace")).unwrap();
    let mut rows = client.start("SELECT current_user()").unwrap();
    let chunk = rows.next_chunk().unwrap().unwrap();
    let batch = chunk.to_record_batch(rows.schema()).unwrap();
    assert!(format!("{batch:?}").contains("ada"));
}

#[test]
fn other_machines_need_tls_and_credentials() {
    let open = ServerConfig {
        address: "0.0.0.0:0".parse().unwrap(),
        ..ServerConfig::loopback()
    };
    let e = Server::start(open, Session::new().unwrap()).unwrap_err();
    assert!(e.is_usage(), "{e}");
    assert!(e.to_string().contains("TLS"), "{e}");
}

#[test]
fn tls_with_a_certificate_of_a_trusted_authority() {
    let dir = tempfile::tempdir().unwrap();
    let certified = rcgen::generate_simple_self_signed(vec!["localhost".to_string()]).unwrap();
    let (certificate, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    std::fs::write(&certificate, certified.cert.pem()).unwrap();
    std::fs::write(&key, certified.signing_key.serialize_pem()).unwrap();
    let server = Server::start(
        ServerConfig {
            tls: Some(ServerTls {
                certificate: certificate.clone(),
                key,
            }),
            ..ServerConfig::loopback()
        },
        Session::new().unwrap(),
    )
    .unwrap();
    let trusting = ClientConfig {
        address: format!("localhost:{}", server.address().port()),
        tls_ca: Some(certificate),
        ..ClientConfig::default()
    };
    assert_eq!(run(&Client::connect(&trusting).unwrap(), "SELECT 1").unwrap(), 1);
    let plain = Client::connect(&config(&server)).unwrap_err();
    assert_eq!(plain.condition(), "REMOTE.UNREACHABLE");
    let stranger = rcgen::generate_simple_self_signed(vec!["localhost".to_string()]).unwrap();
    let other = dir.path().join("other.pem");
    std::fs::write(&other, stranger.cert.pem()).unwrap();
    let e = Client::connect(&ClientConfig {
        tls_ca: Some(other),
        ..trusting
    })
    .unwrap_err();
    assert_eq!(e.condition(), "REMOTE.UNREACHABLE");
}

#[test]
fn a_server_that_is_gone_is_told_from_a_wrong_statement() {
    let server = server();
    let client = connect(&server);
    let address = config(&server);
    drop(server);
    assert!(soon(|| error(&client, "SELECT 1").condition() == "REMOTE.UNREACHABLE"));
    let e = Client::connect(&address).unwrap_err();
    assert_eq!(e.condition(), "REMOTE.UNREACHABLE");
    assert!(e.to_string().contains(&address.address), "{e}");
}

#[test]
fn many_queries_leave_nothing_behind() {
    let server = server();
    let count = |what: &str| std::fs::read_dir(format!("/proc/self/{what}")).map_or(0, |d| d.count());
    let client = connect(&server);
    for i in 0..20 {
        run(&client, &format!("SELECT {i}")).unwrap();
    }
    let before = (count("fd"), count("task"));
    for i in 0..200 {
        run(&client, &format!("SELECT {i}")).unwrap();
    }
    let after = (count("fd"), count("task"));
    // Other tests of this process run at the same time.
    assert!(
        after.0 < before.0 + 100 && after.1 < before.1 + 100,
        "{before:?} {after:?}"
    );
    let client = &client;
    std::thread::scope(|scope| {
        for i in 0..32 {
            scope.spawn(move || {
                let n = run(client, &format!("SELECT * FROM range({})", 10_000 + i)).unwrap();
                assert_eq!(n, 10_000 + i);
            });
        }
    });
}
