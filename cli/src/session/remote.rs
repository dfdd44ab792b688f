//! Statements on a server: `rsql --master HOST:PORT`.

use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use rsql_common::{Result, quoted_name};
use rsql_engine::StatementOutput;
use rsql_flight::client::{Client, ClientConfig, Login};

use super::progress::Watcher;
use super::{Session, Statements};

/// How to come in.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct RemoteArgs {
    /// User on the server that --master names.
    #[arg(long, value_name = "NAME", requires = "password_file")]
    pub user: Option<String>,

    /// File with the user's password.
    #[arg(long, value_name = "FILE", requires = "user")]
    pub password_file: Option<PathBuf>,

    /// File with the server's shared token.
    #[arg(long, value_name = "FILE", conflicts_with = "user")]
    pub token_file: Option<PathBuf>,

    /// Certificate authority (PEM) of the server; the connection is encrypted.
    #[arg(long, value_name = "FILE")]
    pub tls_ca: Option<PathBuf>,
}

/// A session on a server.
struct Remote {
    client: Client,
    time_zone: Mutex<String>,
}

impl Session {
    /// Connects to a server.
    pub(crate) fn connect(address: &str, args: &RemoteArgs) -> Result<RemoteSetup> {
        let login = match (&args.user, &args.password_file, &args.token_file) {
            (Some(user), Some(file), _) => Login::Password {
                user: user.clone(),
                password: secret(file)?,
            },
            (_, _, Some(file)) => Login::Token(secret(file)?),
            _ => Login::Anonymous,
        };
        let client = Client::connect(&ClientConfig {
            address: address.to_string(),
            login,
            tls_ca: args.tls_ca.clone(),
        })?;
        Ok(RemoteSetup(client))
    }
}

/// A connection whose session is being set up.
pub(crate) struct RemoteSetup(Client);

impl RemoteSetup {
    /// Sets a setting.
    pub(crate) fn set(&self, key: &str, value: &str) -> Result<()> {
        self.0.set(key, value)
    }

    /// Gives `:name` a value.
    pub(crate) fn bind(&self, name: &str, value: &str) -> Result<()> {
        self.0.bind(name, value)
    }

    /// Makes a database the current one.
    pub(crate) fn use_database(&self, name: &str) -> Result<()> {
        let mut rows = self.0.start(&format!("USE {}", quoted_name([name])))?;
        while rows.next_chunk()?.is_some() {}
        Ok(())
    }

    /// The session, set up.
    pub(crate) fn finish(self) -> Session {
        Session(Box::new(Remote {
            client: self.0,
            time_zone: Mutex::new("UTC".into()),
        }))
    }
}

impl Statements for Remote {
    fn run(&self, sql: &str) -> Result<StatementOutput> {
        std::thread::scope(|scope| {
            // A server that cannot say shows no bar.
            let watcher = Watcher::start(scope, || self.client.progress().unwrap_or_default());
            let output = self.read(sql);
            drop(watcher);
            output
        })
    }

    fn cancel(&self) {
        if let Err(e) = self.client.cancel() {
            tracing::warn!(error = %e, "the statement may not be cancelled");
        }
    }

    fn time_zone(&self) -> String {
        self.time_zone.lock().clone()
    }
}

impl Remote {
    fn read(&self, sql: &str) -> Result<StatementOutput> {
        let mut rows = self.client.start(sql)?;
        *self.time_zone.lock() = rows.time_zone().to_string();
        let mut chunks = Vec::new();
        while let Some(chunk) = rows.next_chunk()? {
            chunks.push(chunk);
        }
        Ok(StatementOutput {
            schema: rows.schema().clone(),
            chunks,
            is_query: rows.is_query(),
        })
    }
}

fn secret(path: &Path) -> Result<String> {
    let text = rsql_common::read_text(path)?;
    Ok(text.trim_end_matches(['\r', '\n']).to_string())
}
