//! The parts of a cluster: `rsql master`, `rsql worker`, and the executors that a worker starts.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use rsql_cluster::core::Incarnation;
use rsql_cluster::executor::{Ending, ExecutorConfig};
use rsql_cluster::worker::WorkerConfig;
use rsql_cluster::{Master, MasterConfig};
use rsql_common::{Error, Result, Settings};

use crate::conf::ConfArgs;

#[derive(Debug, clap::Args)]
pub(crate) struct MasterArgs {
    /// Address to listen on.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub host: IpAddr,

    /// Port for workers and executors; 0 picks one.
    #[arg(long, default_value_t = 7077)]
    pub port: u16,

    /// Port of the REST API, which listens on this machine's loopback only; 0 picks one.
    #[arg(long, default_value_t = 8080)]
    pub rest_port: u16,

    /// Port of the Flight SQL endpoint that `rsql --master HOST:PORT` and drivers use; 0 picks one.
    #[arg(long, default_value_t = 31337)]
    pub sql_port: u16,

    #[command(flatten)]
    pub front: crate::serve::FrontArgs,

    /// File that lets machines join; made, mode 0600, if it is not there (rsql.cluster.secret.file).
    #[arg(long, value_name = "FILE")]
    pub secret_file: Option<PathBuf>,

    #[command(flatten)]
    pub conf: ConfArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct WorkerArgs {
    /// The master.
    #[arg(long, value_name = "HOST:PORT")]
    pub master: String,

    /// Address that executors listen on and that others reach them at.
    #[arg(long, default_value = "127.0.0.1")]
    pub host: String,

    /// Cores of each executor.
    #[arg(long, default_value_t = 1)]
    pub cores: usize,

    /// Memory of each executor, such as 4g.
    #[arg(long, default_value = "1g", value_parser = memory)]
    pub memory: usize,

    /// Executors to keep running.
    #[arg(long, default_value_t = 1)]
    pub executors: usize,

    /// The file that the master made (rsql.cluster.secret.file).
    #[arg(long, value_name = "FILE")]
    pub secret_file: Option<PathBuf>,

    /// Folder for shuffle and spill files (rsql.local.dir).
    #[arg(long, value_name = "FOLDER")]
    pub local_dir: Option<PathBuf>,

    #[command(flatten)]
    pub conf: ConfArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ExecutorArgs {
    #[command(flatten)]
    pub worker: WorkerArgs,

    /// Standard input is the supervisor's pipe: its end is the executor's.
    #[arg(long)]
    pub supervised: bool,

    /// Which life this is, in hexadecimal.
    #[arg(long, value_parser = |text: &str| u128::from_str_radix(text, 16))]
    pub incarnation: Option<u128>,
}

fn memory(text: &str) -> Result<usize, String> {
    let wrong = |_| "memory is a number of bytes, or one with k, m, g or t behind it".to_string();
    let settings = Settings::default().with("rsql.memory.limit", text).map_err(wrong)?;
    settings.usize("rsql.memory.limit").map_err(wrong)
}

fn secret_file(flag: &Option<PathBuf>, settings: &Settings) -> Result<PathBuf> {
    if let Some(path) = flag {
        return Ok(path.clone());
    }
    match settings.get("rsql.cluster.secret.file") {
        Some(path) if !path.is_empty() => Ok(PathBuf::from(path)),
        _ => Err(Error::usage(
            "A cluster needs a join file: --secret-file or rsql.cluster.secret.file. The master makes it.",
        )),
    }
}

/// Runs a master until it is interrupted.
pub(crate) fn master(args: &MasterArgs) -> Result<ExitCode> {
    let mut settings = args.conf.settings()?;
    let secret_file = secret_file(&args.secret_file, &settings)?;
    if settings.get("spark.eventLog.dir") == Some("") {
        let beside = secret_file.with_file_name("events");
        settings = settings.with("spark.eventLog.dir", &beside.to_string_lossy())?;
    }
    let master = Master::start(&MasterConfig {
        host: args.host,
        port: args.port,
        rest_port: Some(args.rest_port),
        secret_file,
        event_log: rsql_cluster::event_log_folder(&settings),
        settings,
    })?;
    println!("master at {}", master.address());
    if let Some(rest) = master.rest_address() {
        println!("REST API at http://{rest}/api/v1");
    }
    let server = front_door(args, &master)?;
    println!("Flight SQL at {}", server.address());
    crate::interrupt::wait()?;
    Ok(ExitCode::SUCCESS)
}

/// Starts the Flight SQL endpoint over the cluster. Without users or a token only this machine may use it.
fn front_door(args: &MasterArgs, master: &Master) -> Result<rsql_flight::server::Server> {
    let mut builder = rsql_engine::Session::builder();
    for (key, value) in args.conf.pairs()? {
        builder = builder.set(&key, &value)?;
    }
    let root = builder.runner(master.runner()).build()?;
    let host = if args.front.is_open() {
        IpAddr::V4(Ipv4Addr::LOCALHOST)
    } else {
        args.host
    };
    crate::serve::start(SocketAddr::new(host, args.sql_port), "--sql-port", &args.front, root)
}

/// Runs a worker until it is interrupted.
pub(crate) fn worker(args: &WorkerArgs) -> Result<ExitCode> {
    rsql_cluster::worker::run(&WorkerConfig {
        executor: executor_config(args)?,
        executors: args.executors.max(1),
        program: std::env::current_exe()?,
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Runs an executor until it is released.
pub(crate) fn executor(args: &ExecutorArgs) -> Result<ExitCode> {
    let ending = rsql_cluster::executor::run(ExecutorConfig {
        incarnation: args.incarnation.map(Incarnation),
        supervised: args.supervised,
        ..executor_config(&args.worker)?
    })?;
    Ok(match ending {
        Ending::Released | Ending::Orphaned => ExitCode::SUCCESS,
        Ending::Unwanted(_) => ExitCode::from(3),
        Ending::MasterGone => ExitCode::from(4),
    })
}

fn executor_config(args: &WorkerArgs) -> Result<ExecutorConfig> {
    let settings = args.conf.settings()?;
    let local_dir = match (&args.local_dir, settings.get("rsql.local.dir")) {
        (Some(folder), _) => folder.clone(),
        (None, None | Some("")) => std::env::temp_dir(),
        (None, Some(folder)) => PathBuf::from(folder),
    };
    Ok(ExecutorConfig {
        master: args.master.clone(),
        host: args.host.clone(),
        cores: args.cores.max(1),
        memory: args.memory,
        secret_file: secret_file(&args.secret_file, &settings)?,
        local_dir,
        incarnation: None,
        supervised: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        worker: WorkerArgs,
    }

    #[test]
    fn without_a_folder_a_worker_uses_the_systems() {
        let folder = |flags: &[&str]| {
            let line = ["worker", "--master", "h:1", "--secret-file", "join"].iter();
            let args = Line::parse_from(line.chain(flags)).worker;
            executor_config(&args).unwrap().local_dir
        };
        assert_eq!(folder(&[]), std::env::temp_dir());
        assert_eq!(folder(&["--local-dir", "/data"]), PathBuf::from("/data"));
        assert_eq!(folder(&["--conf", "rsql.local.dir=/spill"]), PathBuf::from("/spill"));
    }
}
