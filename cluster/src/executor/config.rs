//! What an executor process is told when it starts.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::core::Incarnation;

/// An executor's place and size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecutorConfig {
    /// The master, `host:port`.
    pub master: String,
    /// Address that its fetch service listens on and that others reach it at.
    pub host: String,
    /// Tasks side by side, and worker threads.
    pub cores: usize,
    /// Bytes of its memory pool.
    pub memory: usize,
    /// The join file.
    pub secret_file: PathBuf,
    /// Folders for shuffle and spill files lie in here; empty means the system's temporary folder.
    pub local_dir: PathBuf,
    /// Which life this is; fresh unless a supervisor says so.
    pub incarnation: Option<Incarnation>,
    /// Its standard input is a supervisor's pipe.
    pub supervised: bool,
}

impl Default for ExecutorConfig {
    fn default() -> Self {
        Self {
            master: "127.0.0.1:7077".into(),
            host: "127.0.0.1".into(),
            cores: 1,
            memory: 1 << 30,
            secret_file: PathBuf::new(),
            local_dir: PathBuf::new(),
            incarnation: None,
            supervised: false,
        }
    }
}

impl ExecutorConfig {
    /// The command line of a supervised executor.
    pub fn arguments(&self, incarnation: Incarnation) -> Vec<OsString> {
        let mut args: Vec<OsString> = vec!["executor".into(), "--supervised".into()];
        let mut add = |name: &str, value: OsString| {
            args.push(name.into());
            args.push(value);
        };
        add("--master", self.master.clone().into());
        add("--host", self.host.clone().into());
        add("--cores", self.cores.to_string().into());
        add("--memory", self.memory.to_string().into());
        add("--secret-file", self.secret_file.clone().into());
        add("--local-dir", self.local_dir.clone().into());
        add("--incarnation", format!("{:032x}", incarnation.0).into());
        args
    }
}
