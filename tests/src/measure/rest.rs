//! Reads the master's REST API, as any user may.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use rsql_common::{Error, Result};
use serde_json::Value;

/// The API at an address.
#[derive(Debug, Clone, Copy)]
pub struct Rest {
    address: SocketAddr,
}

impl Rest {
    /// At an address.
    pub fn new(address: SocketAddr) -> Self {
        Self { address }
    }

    /// What stands under a path below `/api/v1`.
    pub fn get(&self, path: &str) -> Result<Value> {
        let mut stream = TcpStream::connect(self.address)?;
        write!(
            stream,
            "GET /api/v1/{path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.address
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (_, body) = answer
            .split_once("\r\n\r\n")
            .ok_or_else(|| Error::io(format!("{path}: an answer without a body")))?;
        serde_json::from_str(body).map_err(|e| Error::io(format!("{path}: {e}")))
    }

    /// The path of the one application.
    pub fn application(&self) -> Result<String> {
        let all = self.get("applications")?;
        let id = all[0]["id"].as_str();
        Ok(format!(
            "applications/{}",
            id.ok_or_else(|| Error::io("no application"))?
        ))
    }

    /// Rows that each task of each stage of the newest query wrote, by stage name.
    pub fn rows_by_task(&self) -> Result<Vec<(String, Vec<u64>)>> {
        let app = self.application()?;
        let jobs = self.get(&format!("{app}/jobs"))?;
        let newest = jobs
            .as_array()
            .and_then(|j| j.iter().max_by_key(|j| j["jobId"].as_u64()))
            .ok_or_else(|| Error::io("no query"))?;
        let mut stages = Vec::new();
        for number in newest["stageIds"].as_array().into_iter().flatten() {
            // All attempts at the stage, the newest last.
            let attempts = self.get(&format!("{app}/stages/{number}"))?;
            let stage = attempts.as_array().and_then(|a| a.last()).unwrap_or(&attempts);
            let tasks = stage["tasks"].as_object().into_iter().flatten();
            let rows = tasks.filter_map(|(_, t)| t["taskMetrics"]["shuffleWriteMetrics"]["recordsWritten"].as_u64());
            stages.push((stage["name"].as_str().unwrap_or_default().to_string(), rows.collect()));
        }
        Ok(stages)
    }
}
