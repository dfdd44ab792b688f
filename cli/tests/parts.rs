//! Parts of clusters as processes: started, listened to, sent signals, and ended with the test.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

pub(crate) const RSQL: &str = env!("CARGO_BIN_EXE_rsql");

pub(crate) fn signal(name: &str, pid: u32) {
    let sent = Command::new("kill").args([name, &pid.to_string()]).status().unwrap();
    assert!(sent.success(), "{name} {pid}");
}

pub(crate) fn lives(pid: u32) -> bool {
    // A zombie has no command line.
    std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty())
}

/// Executors that a process has started.
pub(crate) fn executors_of(parent: u32) -> Vec<u32> {
    let pids = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = pids.filter_map(|e| e.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let ppid = stat.rsplit(')').next().and_then(|s| s.split_whitespace().nth(1));
        ppid == Some(parent.to_string().as_str())
    })
    .collect()
}

pub(crate) fn within(limit: Duration, mut done: impl FnMut() -> bool) -> bool {
    let until = Instant::now() + limit;
    while Instant::now() < until {
        if done() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    done()
}

/// A part of a cluster that ends with the test.
pub(crate) struct Part {
    pub child: Child,
    out: BufReader<ChildStdout>,
}

impl Part {
    pub fn start(args: &[&str]) -> Self {
        let mut command = Command::new(RSQL);
        command.args(args).stdin(Stdio::null());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Self { child, out }
    }

    /// The rest of the next line of standard output that starts so.
    pub fn says(&mut self, start: &str) -> String {
        let mut line = String::new();
        while self.out.read_line(&mut line).unwrap() > 0 {
            if let Some(rest) = line.trim().strip_prefix(start) {
                return rest.to_string();
            }
            line.clear();
        }
        panic!("it does not say {start}")
    }

    /// What is left of standard output, what stands on standard error, and the exit code, once it has ended.
    pub fn ended(mut self) -> (String, String, Option<i32>) {
        let (mut out, mut errors) = (String::new(), String::new());
        self.out.read_to_string(&mut out).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        (out, errors, self.child.wait().unwrap().code())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // It may have ended by itself.
        _ = self.child.kill();
        self.child.wait().unwrap();
    }
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// What the REST API at `host:port` answers to a path below `/api/v1`.
pub(crate) fn rest(address: &str, path: &str) -> Value {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET /api/v1/{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap_or_else(|e| panic!("{path}: {e}: {answer}"))
}
