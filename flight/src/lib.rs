//! Arrow Flight SQL over the engine: the server that drivers (ADBC, JDBC) and the shell talk to, and the shell's client.
//!
//! Reading order: [`auth`] (who may come in), [`server`], [`client`], `types` (columns on the wire), `error` (the typed
//! error on the wire), `message` (what the Arrow crate does not define).

pub mod auth;
pub mod client;
mod error;
mod message;
pub mod server;
mod types;

#[cfg(test)]
mod tests;

use std::path::Path;

use rsql_common::{Error, Result};

/// A file's bytes; errors name it.
fn read_file(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| Error::from(e).in_file(path.display().to_string()))
}

/// An error and its causes in one line: transports hide the reason in a source.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
