//! The parts of a cluster: `rsql master`, `rsql worker`, and the executors that a worker starts.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use rsql_cluster::executor::{Ending, ExecutorConfig};
use rsql_cluster::worker::WorkerConfig;
use rsql_cluster::{Master, MasterConfig, parse_memory};
use rsql_common::{Error, Result, Settings};

use crate::args::at_least_one;
use crate::conf::ConfArgs;
use crate::output::stdout;

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

    /// Port of the Flight SQL endpoint that `rsql --master HOST:PORT` and drivers use; 0 picks one. Without users
    /// (--users-file) or a token (--token-file) the endpoint stays on this machine's loopback, whatever --host says.
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

    /// Port that the first executor serves its shuffle outputs at, the next one at the port after it, and so on; by
    /// default any that are free (spark.blockManager.port).
    #[arg(long, value_name = "PORT")]
    pub fetch_port: Option<u16>,

    /// Cores of each executor.
    #[arg(long, default_value_t = 1, value_parser = at_least_one())]
    pub cores: usize,

    /// Memory of each executor, such as 4g or 512m; in MiB without a unit.
    #[arg(long, default_value = "1g", value_parser = parse_memory)]
    pub memory: usize,

    /// Executors to keep running.
    #[arg(long, default_value_t = 1, value_parser = at_least_one())]
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
    /// What a worker says to an executor; read where it is written.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub arguments: Vec<OsString>,
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
        event_log: rsql_cluster::event_log_folder(&settings)?,
        settings,
    })?;
    stdout::announce(format_args!("master at {}", master.address()));
    if let Some(rest) = master.rest_address() {
        stdout::announce(format_args!("REST API at http://{rest}/api/v1"));
    }
    let server = front_door(args, &master)?;
    stdout::announce(format_args!("Flight SQL at {}", server.address()));
    crate::interrupt::wait()?;
    Ok(ExitCode::SUCCESS)
}

/// Starts the Flight SQL endpoint over the cluster. Without users or a token only this machine may use it.
fn front_door(args: &MasterArgs, master: &Master) -> Result<rsql_flight::server::Server> {
    let mut builder = rsql_engine::Session::builder();
    for one in args.conf.given()? {
        builder = builder.set(&one.key, &one.value).map_err(|e| one.blame(e))?;
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
    let config = WorkerConfig {
        executor: executor_config(args)?,
        executors: args.executors,
        program: std::env::current_exe()?,
    };
    rsql_cluster::worker::run(&config, &mut |joined| stdout::announce(joined))?;
    Ok(ExitCode::SUCCESS)
}

/// Runs an executor until it is released.
pub(crate) fn executor(args: &ExecutorArgs) -> Result<ExitCode> {
    let ending = rsql_cluster::executor::run(ExecutorConfig::parse(args.arguments.iter().cloned())?)?;
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
        fetch_port: match args.fetch_port {
            Some(port) => port,
            None => rsql_cluster::fetch_port(&settings)?,
        },
        fetch_through: String::new(),
        cores: args.cores,
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
