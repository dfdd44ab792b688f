//! Statements on a server: `rsql --master HOST:PORT`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rsql_common::{Result, quoted_name};
use rsql_expr::{Chunk, Schema};
use rsql_flight::client::{Client, ClientConfig, Login, RemoteRows};

use super::progress::Watcher;
use super::{Rows, Session, Statement, Statements};

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

impl RemoteArgs {
    /// The flag that only makes sense with a server, if one was given.
    pub(crate) fn given(&self) -> Option<&'static str> {
        let flags = [
            (self.user.is_some(), "--user"),
            (self.token_file.is_some(), "--token-file"),
            (self.tls_ca.is_some(), "--tls-ca"),
        ];
        flags.into_iter().find_map(|(given, flag)| given.then_some(flag))
    }
}

/// A session on a server.
struct Remote {
    client: Arc<Client>,
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
            client: Arc::new(self.0),
        }))
    }
}

impl Statements for Remote {
    fn start(&self, sql: &str) -> Result<Statement> {
        let client = Arc::clone(&self.client);
        // A server that cannot say shows no bar.
        let watcher = Watcher::start(move || client.progress().unwrap_or_default());
        let rows = self.client.start(sql)?;
        Ok(Statement {
            time_zone: rows.time_zone().to_string(),
            rows: Box::new(rows),
            watcher,
        })
    }

    fn cancel(&self) {
        if let Err(e) = self.client.cancel() {
            tracing::warn!(error = %e, "the statement may not be cancelled");
        }
    }
}

impl Rows for RemoteRows {
    fn schema(&self) -> &Schema {
        self.schema()
    }

    fn is_query(&self) -> bool {
        self.is_query()
    }

    fn next_chunk(&mut self) -> Result<Option<Chunk>> {
        self.next_chunk()
    }
}

fn secret(path: &Path) -> Result<String> {
    let text = rsql_common::read_text(path)?;
    Ok(text.trim_end_matches(['\r', '\n']).to_string())
}
