//! The Flight SQL endpoint: `rsql serve` over this process's engine, and the front door of a cluster's master.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use rsql_common::{Error, Result};
use rsql_engine::Session;
use rsql_flight::auth::{Credentials, hash_password};
use rsql_flight::server::{Limits, Server, ServerConfig, ServerTls};

use crate::args;
use crate::conf::ConfArgs;
use crate::output::stdout;
use crate::password;

/// Who may come in, and how connections are encrypted.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct FrontArgs {
    /// Users that may log in: lines that `rsql hash-password` prints.
    #[arg(long, value_name = "FILE")]
    pub users_file: Option<PathBuf>,

    /// File with a token that lets everybody in who has it.
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,

    /// Certificate chain (PEM); connections are encrypted.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,

    /// Key of the certificate (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ServeArgs {
    /// Address to listen on; other than loopback only with users or a token, and a certificate.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub host: IpAddr,

    /// Port; 0 picks one.
    #[arg(long, default_value_t = 31337)]
    pub port: u16,

    /// Where queries run: local[N] (this process), local-cluster[executors,cores,memory] (processes of this machine).
    #[arg(long, value_name = "MASTER")]
    pub master: Option<String>,

    #[command(flatten)]
    pub front: FrontArgs,

    #[command(flatten)]
    pub conf: ConfArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct HashArgs {
    /// The user's name.
    pub user: String,
}

impl FrontArgs {
    /// True if nobody has to say who they are.
    pub(crate) fn is_open(&self) -> bool {
        self.users_file.is_none() && self.token_file.is_none()
    }
}

/// Starts the endpoint on the address that `flag` gave; sessions are siblings of `root`.
pub(crate) fn start(address: SocketAddr, flag: &'static str, front: &FrontArgs, root: Session) -> Result<Server> {
    let mut credentials = Credentials::default();
    if let Some(file) = &front.users_file {
        credentials = credentials.with_users_file(file)?;
    }
    if let Some(file) = &front.token_file {
        credentials = credentials.with_token_file(file)?;
    }
    if !front.is_open() && credentials.is_empty() {
        return Err(Error::usage("The users' file names nobody."));
    }
    let tls = match (&front.tls_cert, &front.tls_key) {
        (Some(certificate), Some(key)) => Some(ServerTls {
            certificate: certificate.clone(),
            key: key.clone(),
        }),
        _ => None,
    };
    let config = ServerConfig {
        address,
        flag,
        credentials: Some(credentials),
        tls,
        limits: Limits::default(),
    };
    Server::start(config, root)
}

/// Runs the endpoint until interrupted.
pub(crate) fn run(args: &ServeArgs) -> Result<ExitCode> {
    let root = args::session(&args.conf, args.master.as_deref())?;
    let server = start(SocketAddr::new(args.host, args.port), "--port", &args.front, root)?;
    stdout::announce(format_args!("Flight SQL at {}", server.address()));
    crate::interrupt::wait()?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the users' file line for a password that is asked for, or comes on standard input.
pub(crate) fn hash(args: &HashArgs) -> Result<ExitCode> {
    let password = password::new(&args.user)?;
    stdout::line(hash_password(&args.user, &password)?)?;
    Ok(ExitCode::SUCCESS)
}
