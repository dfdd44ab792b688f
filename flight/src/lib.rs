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

/// An error and its causes in one line: transports hide the reason in a source.
fn chain(error: &dyn std::error::Error) -> String {
    with_causes(error.to_string(), error)
}

/// `text` for an error, then its causes.
fn with_causes(mut text: String, error: &dyn std::error::Error) -> String {
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    // The sentence that it stands in has a full stop of its own.
    text.truncate(text.trim_end_matches('.').len());
    text
}
