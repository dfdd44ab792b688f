//! The ADBC driver for Python against the server; skipped with a printed reason where it is not installed.

use std::process::Command;

use rsql_engine::Session;
use rsql_flight::auth::{Credentials, hash_password};
use rsql_flight::server::{Server, ServerConfig};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/adbc.py");

fn python_lacks_the_driver() -> Option<String> {
    let import = "import adbc_driver_flightsql.dbapi, pyarrow";
    match Command::new("python3").args(["-c", import]).output() {
        Ok(out) if out.status.success() => None,
        Ok(out) => Some(
            String::from_utf8_lossy(&out.stderr)
                .lines()
                .last()
                .unwrap_or_default()
                .to_string(),
        ),
        Err(e) => Some(e.to_string()),
    }
}

fn run(server: &Server, arguments: &[&str]) {
    let out = Command::new("python3")
        .arg(SCRIPT)
        .arg(format!("grpc://{}", server.address()))
        .args(arguments)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&out.stdout);
    assert!(
        out.status.success() && text.trim_end().ends_with("all passed"),
        "{text}{}",
        String::from_utf8_lossy(&out.stderr)
    );
}

#[test]
fn python_driver() {
    if let Some(reason) = python_lacks_the_driver() {
        println!("skipped: python3 has no adbc_driver_flightsql ({reason})");
        return;
    }
    let open = Server::start(ServerConfig::loopback(), Session::new().unwrap()).unwrap();
    run(&open, &[]);
    let dir = tempfile::tempdir().unwrap();
    let users = dir.path().join("users");
    std::fs::write(&users, hash_password("ada", "lovelace").unwrap()).unwrap();
    let config = ServerConfig {
        credentials: Some(Credentials::default().with_users_file(&users).unwrap()),
        ..ServerConfig::loopback()
    };
    let closed = Server::start(config, Session::new().unwrap()).unwrap();
    run(&closed, &["ada", "lovelace"]);
}
