//! Command line.

use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;
use clap::{Parser, Subcommand, ValueEnum};
use rsql_cluster::{LocalCluster, MasterUrl, local_runner};
use rsql_common::{Error, Result, quoted_name};
use rsql_engine::Session;
use rsql_expr::Literal;

use crate::cluster::{ExecutorArgs, MasterArgs, WorkerArgs};
use crate::conf::ConfArgs;
use crate::log::LOG_HELP;
use crate::serve::{HashArgs, ServeArgs};
use crate::session::Session as ShellSession;
use crate::session::remote::RemoteArgs;

/// Spark SQL over Parquet, from one binary.
#[derive(Debug, Parser)]
#[command(name = "rsql", version, args_conflicts_with_subcommands = true, after_help = LOG_HELP)]
pub(crate) struct Args {
    /// SQL to run; may be given several times.
    #[arg(short = 'e', long = "execute", visible_short_alias = 'c', value_name = "SQL")]
    pub execute: Vec<String>,

    /// Script to run, `-` for standard input; may be given several times.
    #[arg(short = 'f', long = "file", value_name = "FILE")]
    pub file: Vec<PathBuf>,

    /// Output format; by default a table on a terminal, else TSV.
    #[arg(long, value_enum)]
    pub format: Option<Format>,

    /// Current database.
    #[arg(long, value_name = "NAME")]
    pub database: Option<String>,

    /// Where queries run: local[N] (this process), local-cluster[executors,cores,memory] (processes of this machine),
    /// or HOST:PORT, the Flight SQL endpoint of `rsql master` or `rsql serve`.
    #[arg(long, value_name = "MASTER")]
    pub master: Option<String>,

    #[command(flatten)]
    pub remote: RemoteArgs,

    #[command(flatten)]
    pub conf: ConfArgs,

    /// Value of the parameter `:name`, `name=value`; read as a literal if it is one, else as text.
    #[arg(long = "param", value_name = "NAME=VALUE")]
    pub param: Vec<String>,

    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Generates TPC-H data (once), runs the 22 queries and checks every answer.
    Tpch(TpchArgs),
    /// Runs a cluster's master: scheduler, REST API and the Flight SQL endpoint.
    #[command(after_help = LOG_HELP)]
    Master(MasterArgs),
    /// Starts executors on this machine and keeps them running.
    #[command(after_help = LOG_HELP)]
    Worker(WorkerArgs),
    /// Serves this process's engine over Arrow Flight SQL.
    #[command(after_help = LOG_HELP)]
    Serve(ServeArgs),
    /// Reads a password and prints a line for the file of users of `rsql serve` and `rsql master`.
    HashPassword(HashArgs),
    /// Runs an executor; workers start them.
    #[command(hide = true)]
    #[command(disable_help_flag = true)]
    Executor(ExecutorArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct TpchArgs {
    /// Scale factor: 1 is about 1 GB of raw data.
    #[arg(long, default_value_t = 1.0, value_parser = scale_factor)]
    pub sf: f64,

    /// Folder for the data.
    #[arg(long, default_value = "target/tpch")]
    pub data: PathBuf,

    /// Only these queries, 1 to 22.
    #[arg(long, value_delimiter = ',', value_parser = RangedU64ValueParser::<usize>::new().range(1..=22))]
    pub query: Vec<usize>,

    /// Runs of each query; the fastest counts.
    #[arg(long, default_value_t = 1, value_parser = at_least_one())]
    pub runs: usize,

    /// Only generate the data.
    #[arg(long)]
    pub generate_only: bool,

    /// Only plans each query, and prints the time from text to physical plan.
    #[arg(long)]
    pub plan_only: bool,

    /// Runs the query whose number is read from standard input, one a line, and prints its time in milliseconds.
    #[arg(long)]
    pub on_demand: bool,

    /// Where queries run: local[N] (this process), local-cluster[executors,cores,memory] (processes of this machine).
    #[arg(long, value_name = "MASTER")]
    pub master: Option<String>,

    #[command(flatten)]
    pub conf: ConfArgs,
}

/// Output formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Boxes, for people.
    Table,
    /// Comma-separated with a header.
    Csv,
    /// Tab-separated with a header.
    Tsv,
    /// One JSON object a row.
    Json,
    /// What `spark-sql` prints.
    Spark,
}

impl Args {
    /// Runs given statements and ends, rather than asking for them.
    pub(crate) fn is_batch(&self) -> bool {
        use std::io::IsTerminal;
        !self.execute.is_empty() || !self.file.is_empty() || !std::io::stdin().is_terminal()
    }

    /// The format asked for, or the one that fits where output goes.
    pub(crate) fn format(&self) -> Format {
        use std::io::IsTerminal;
        self.format.unwrap_or(if std::io::stdout().is_terminal() {
            Format::Table
        } else {
            Format::Tsv
        })
    }

    /// A session with the settings, database and parameters given.
    pub(crate) fn session(&self) -> Result<ShellSession> {
        if let Some(MasterUrl::Remote(address)) = self.master.as_deref().map(MasterUrl::parse).transpose()? {
            return self.remote_session(&address);
        }
        if let Some(flag) = self.remote.given() {
            return Err(Error::usage(format!(
                "{flag} is for a server, which --master HOST:PORT names."
            )));
        }
        let session = session(&self.conf, self.master.as_deref())?;
        if let Some(database) = &self.database {
            session.sql(&format!("USE {}", quoted_name([database])))?;
        }
        for param in &self.param {
            let (name, value) = split(param, "--param")?;
            session.bind(name, literal(&session, value));
        }
        Ok(session.into())
    }

    /// The same on a server.
    fn remote_session(&self, address: &str) -> Result<ShellSession> {
        let setup = ShellSession::connect(address, &self.remote)?;
        for one in self.conf.given()? {
            setup.set(&one.key, &one.value).map_err(|e| one.blame(e))?;
        }
        if let Some(database) = &self.database {
            setup.use_database(database)?;
        }
        for param in &self.param {
            let (name, value) = split(param, "--param")?;
            setup.bind(name, value)?;
        }
        Ok(setup.finish())
    }
}

/// A session with the settings given, whose queries run where `master` says.
pub(crate) fn session(conf: &ConfArgs, master: Option<&str>) -> Result<Session> {
    let mut builder = Session::builder();
    for one in conf.given()? {
        builder = builder.set(&one.key, &one.value).map_err(|e| one.blame(e))?;
    }
    let mut settings = conf.settings()?;
    let runner = match master.map(MasterUrl::parse).transpose()? {
        None => local_runner(&settings)?,
        Some(MasterUrl::Local(threads)) => {
            let (key, threads) = ("rsql.exec.threads", threads.to_string());
            settings = settings.with(key, &threads)?;
            builder = builder.set(key, &threads)?;
            local_runner(&settings)?
        }
        Some(MasterUrl::LocalCluster(spec)) => {
            let cluster = LocalCluster::start(&spec, &settings, std::env::current_exe()?)?;
            Some(cluster.runner())
        }
        Some(MasterUrl::Remote(address)) => {
            return Err(Error::usage(format!(
                "This command runs its queries itself: --master takes local[N] or local-cluster[…], not {address}."
            )));
        }
    };
    if let Some(runner) = runner {
        builder = builder.runner(runner);
    }
    builder.build()
}

/// Numbers from 1.
pub(crate) fn at_least_one() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..)
}

fn scale_factor(text: &str) -> std::result::Result<f64, String> {
    match text.parse::<f64>() {
        Ok(sf) if sf > 0.0 && sf.is_finite() => Ok(sf),
        _ => Err("a scale factor is a number above 0".into()),
    }
}

fn split<'a>(pair: &'a str, option: &str) -> Result<(&'a str, &'a str)> {
    pair.split_once('=')
        .ok_or_else(|| Error::usage(format!("{option} takes name=value, not {pair}.")))
}

/// `value` as the literal it reads as, else as text.
fn literal(session: &Session, value: &str) -> Literal {
    session.literal(value).unwrap_or_else(|_| Literal::string(value))
}
