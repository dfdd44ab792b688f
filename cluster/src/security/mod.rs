//! Who may talk to whom: a certificate authority of our own, the join secret, roles in certificates, TLS configurations.
//!
//! A new part of the cluster knows one file: the [`secret::JoinFile`] with a secret and the authority's certificate. It
//! makes a key, sends a signing request with the secret over TLS that the authority's certificate vouches for, and gets
//! a certificate that names its [`Role`]. From then on all connections are TLS with certificates on both sides, and
//! the role is checked for each call in one place (`rpc::access`). The secret authenticates a signing request and
//! nothing else.

mod authority;
mod identity;
mod secret;
mod tls;

pub use authority::Authority;
pub(crate) use identity::SigningRequest;
pub use identity::{Identity, Role};
pub use secret::JoinFile;
pub use tls::{MASTER_NAME, MEMBER_NAME, join_client, mutual_client, mutual_server};

use rsql_common::Error;

/// What failed about keys and certificates; never says the key or the secret.
pub(crate) fn failed(what: &str, e: impl std::fmt::Display) -> Error {
    Error::new(rsql_common::ErrorKind::User, "CLUSTER.SECURITY").with_message(format!("{what}: {e}."))
}
