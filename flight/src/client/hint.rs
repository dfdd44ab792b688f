//! What is likely wrong when a server cannot be reached. The transport's own words ("h2 protocol error") name neither
//! the port that belongs to something else nor the encryption that one side expects and the other does not.

use super::ClientConfig;

/// Where an endpoint listens unless it was told otherwise.
const SQL_PORT: u16 = 31337;
/// Ports of a cluster's master that speak something else, with what that is.
const OTHER_PORTS: [(u16, &str); 2] = [(7077, "is a scheduler's, for its workers"), (8080, "is the REST API's")];

/// One sentence for the user about a connection that failed with `error`; never empty.
pub(super) fn of(config: &ClientConfig, error: &(dyn std::error::Error + 'static)) -> String {
    let port = config.address.rsplit_once(':').and_then(|(_, p)| p.parse::<u16>().ok());
    if port.is_none() {
        return format!("Write HOST:PORT, such as {}:{SQL_PORT}.", host(&config.address));
    }
    if let Some((other, whose)) = OTHER_PORTS.iter().find(|(p, _)| Some(*p) == port) {
        return format!(
            "Port {other} usually {whose}; the SQL endpoint listens on {SQL_PORT} unless --sql-port differs."
        );
    }
    match (cause(error), &config.tls_ca) {
        (Some(std::io::ErrorKind::ConnectionRefused), _) => {
            "Nothing listens there: check host and port, and whether `rsql serve` or `rsql master` runs.".into()
        }
        (Some(std::io::ErrorKind::TimedOut), _) => "The host does not answer: check its name and firewalls.".into(),
        (_, None) => {
            "Check host and port; if the endpoint encrypts its connections, name its authority with --tls-ca.".into()
        }
        (_, Some(ca)) => format!(
            "Check host and port; the endpoint's certificate must be for that host and of the authority in {}, and an \
             endpoint without encryption wants no --tls-ca.",
            ca.display()
        ),
    }
}

fn host(address: &str) -> &str {
    address
        .split(':')
        .next()
        .filter(|h| !h.is_empty())
        .unwrap_or("localhost")
}

/// The system's reason below what the transport wraps around it.
fn cause(error: &(dyn std::error::Error + 'static)) -> Option<std::io::ErrorKind> {
    let mut at = Some(error);
    while let Some(e) = at {
        if let Some(io) = e.downcast_ref::<std::io::Error>() {
            return Some(io.kind());
        }
        at = e.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Error as IoError, ErrorKind};

    fn hint(address: &str, tls_ca: Option<&str>, kind: ErrorKind) -> String {
        let config = ClientConfig {
            address: address.into(),
            tls_ca: tls_ca.map(Into::into),
            ..ClientConfig::default()
        };
        of(&config, &IoError::from(kind))
    }

    #[test]
    fn likely_mistakes_are_named() {
        let broken = ErrorKind::ConnectionReset;
        assert!(hint("h", None, broken).contains("HOST:PORT, such as h:31337"));
        assert!(hint("h:7077", None, broken).contains("scheduler") && hint("h:7077", None, broken).contains("31337"));
        assert!(hint("h:8080", None, broken).contains("REST"));
        assert!(hint("h:31337", None, ErrorKind::ConnectionRefused).contains("rsql serve"));
        assert!(hint("h:31337", None, ErrorKind::TimedOut).contains("does not answer"));
        assert!(hint("h:31337", None, broken).contains("--tls-ca"));
        assert!(hint("h:31337", Some("ca.pem"), broken).contains("ca.pem"));
    }
}
