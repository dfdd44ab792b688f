//! What an executor process is told when it starts: written as its command line by a supervisor, read from it by the process.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use rsql_common::{Error, Result};

use crate::core::Incarnation;
use crate::memory_size::parse_memory;

/// The subcommand that runs an executor.
const COMMAND: &str = "executor";

/// An executor's place and size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecutorConfig {
    /// The master, `host:port`.
    pub master: String,
    /// Address that its fetch service listens on and that others reach it at.
    pub host: String,
    /// Port of its fetch service; 0 is any that is free.
    pub fetch_port: u16,
    /// Where others are told to reach its fetch service, `host:port`, if something stands in between; empty where it listens.
    pub fetch_through: String,
    /// Tasks side by side, and worker threads.
    pub cores: usize,
    /// Bytes of memory that its process should stay below; three quarters of them are the pool that queries share.
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
            fetch_port: 0,
            fetch_through: String::new(),
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
    /// The same for the executor of a slot: each listens on a port of its own, the first on the one that was named.
    #[must_use]
    pub fn of_slot(&self, slot: usize) -> Self {
        let mut config = self.clone();
        if config.fetch_port != 0 {
            config.fetch_port = config
                .fetch_port
                .saturating_add(u16::try_from(slot).unwrap_or(u16::MAX));
        }
        config
    }

    /// The command line of a supervised executor; [`ExecutorConfig::parse`] reads it.
    pub fn arguments(&self, incarnation: Incarnation) -> Vec<OsString> {
        let mut args: Vec<OsString> = vec![COMMAND.into(), "--supervised".into()];
        let mut add = |name: &str, value: OsString| {
            args.push(name.into());
            args.push(value);
        };
        add("--master", self.master.clone().into());
        add("--host", self.host.clone().into());
        add("--fetch-port", self.fetch_port.to_string().into());
        add("--fetch-through", self.fetch_through.clone().into());
        add("--cores", self.cores.to_string().into());
        add("--memory", format!("{}b", self.memory).into());
        add("--secret-file", self.secret_file.clone().into());
        add("--local-dir", self.local_dir.clone().into());
        add("--incarnation", format!("{:032x}", incarnation.0).into());
        args
    }

    /// Reads what [`ExecutorConfig::arguments`] wrote, with or without the subcommand's name in front.
    pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self> {
        let mut config = Self::default();
        let mut arguments = arguments.into_iter().peekable();
        arguments.next_if(|first| first == COMMAND);
        while let Some(name) = arguments.next() {
            if name == "--supervised" {
                config.supervised = true;
                continue;
            }
            let value = arguments.next().ok_or_else(|| bad(&name, None))?;
            config.set(&name, &value).ok_or_else(|| bad(&name, Some(&value)))?;
        }
        Ok(config)
    }

    fn set(&mut self, name: &OsStr, value: &OsStr) -> Option<()> {
        match name.to_str()? {
            "--secret-file" => self.secret_file = value.into(),
            "--local-dir" => self.local_dir = value.into(),
            "--master" => self.master = value.to_str()?.into(),
            "--host" => self.host = value.to_str()?.into(),
            "--fetch-port" => self.fetch_port = value.to_str()?.parse().ok()?,
            "--fetch-through" => self.fetch_through = value.to_str()?.into(),
            "--cores" => self.cores = value.to_str()?.parse().ok().filter(|n| *n > 0)?,
            "--memory" => self.memory = parse_memory(value.to_str()?).ok()?,
            "--incarnation" => {
                self.incarnation = Some(Incarnation(u128::from_str_radix(value.to_str()?, 16).ok()?));
            }
            _ => return None,
        }
        Some(())
    }
}

fn bad(name: &OsStr, value: Option<&OsStr>) -> Error {
    let value = value.map_or_else(|| "no value".into(), |v| v.display().to_string());
    Error::usage(format!("An executor has no option {} with {value}.", name.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let config = ExecutorConfig {
            master: "10.0.0.1:7077".into(),
            host: "::1".into(),
            fetch_port: 7100,
            fetch_through: "10.0.0.9:7200".into(),
            cores: 7,
            memory: (3 << 29) + 1,
            secret_file: "/a folder/join".into(),
            local_dir: OsString::from_vec(b"/not\xfftext".to_vec()).into(),
            incarnation: Some(Incarnation(0xabc << 100)),
            supervised: true,
        };
        let arguments = config.arguments(Incarnation(0xabc << 100));
        assert_eq!(ExecutorConfig::parse(arguments.clone()).unwrap(), config);
        assert_eq!(ExecutorConfig::parse(arguments.into_iter().skip(1)).unwrap(), config);
        let plain = ExecutorConfig::default().arguments(Incarnation(1));
        let read = ExecutorConfig::parse(plain).unwrap();
        assert_eq!((read.memory, read.local_dir), (1 << 30, PathBuf::new()));
    }

    #[test]
    fn what_is_not_known_or_out_of_range_is_refused() {
        for arguments in [
            &["--nonsense", "1"][..],
            &["--cores"],
            &["--cores", "0"],
            &["--memory", "0b"],
            &["--fetch-port", "70000"],
            &["--incarnation", "xyz"],
        ] {
            let e = ExecutorConfig::parse(arguments.iter().map(OsString::from)).unwrap_err();
            assert_eq!(e.condition(), "INVALID_USAGE", "{arguments:?}");
        }
    }

    #[test]
    fn slots_listen_on_ports_of_their_own() {
        let named = ExecutorConfig {
            fetch_port: 7100,
            ..ExecutorConfig::default()
        };
        assert_eq!((named.of_slot(0).fetch_port, named.of_slot(2).fetch_port), (7100, 7102));
        assert_eq!(ExecutorConfig::default().of_slot(2).fetch_port, 0);
    }
}
