//! TLS for each side of a connection; the names that certificates carry instead of host names.
//!
//! Members move between addresses, so certificates carry fixed names: which machine may hold a role is decided when it
//! joins, not by its address.

use tonic::transport::{Certificate, ClientTlsConfig, Identity as TonicIdentity, ServerTlsConfig};

use super::identity::Identity;
use super::secret::JoinFile;

/// Name in the master's certificate.
pub const MASTER_NAME: &str = "master.rsql.internal";
/// Name in the certificates of workers and executors.
pub const MEMBER_NAME: &str = "member.rsql.internal";

/// Both sides show certificates; `name` is whose is expected.
pub fn mutual_client(identity: &Identity, name: &str) -> ClientTlsConfig {
    ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(&identity.authority_pem))
        .identity(own(identity))
        .domain_name(name)
}

/// The master shows its certificate, the joining side has none yet.
pub fn join_client(file: &JoinFile) -> ClientTlsConfig {
    ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(file.authority_pem()))
        .domain_name(MASTER_NAME)
}

/// A server that asks clients for certificates. `joinable` lets those without one in; `rpc::access` then allows them
/// to ask for a signature only.
pub fn mutual_server(identity: &Identity, joinable: bool) -> ServerTlsConfig {
    ServerTlsConfig::new()
        .identity(own(identity))
        .client_ca_root(Certificate::from_pem(&identity.authority_pem))
        .client_auth_optional(joinable)
}

fn own(identity: &Identity) -> TonicIdentity {
    TonicIdentity::from_pem(&identity.certificate_pem, &identity.key_pem)
}
