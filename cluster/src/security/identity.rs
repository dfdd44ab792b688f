//! A key with its certificate, and the role that the certificate names.

use std::fmt;

use rcgen::{CertificateParams, KeyPair};
use rsql_common::Result;
use serde::{Deserialize, Serialize};

use super::failed;

/// What a part of the cluster may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Role {
    /// Schedules, and reads results from executors.
    Master,
    /// Starts executors and reports their ends.
    Worker,
    /// Runs tasks and serves their outputs.
    Executor,
}

impl Role {
    /// The role's address in a certificate.
    pub fn uri(self) -> &'static str {
        match self {
            Role::Master => "rsql://cluster/role/master",
            Role::Worker => "rsql://cluster/role/worker",
            Role::Executor => "rsql://cluster/role/executor",
        }
    }

    fn from_uri(uri: &str) -> Option<Self> {
        [Role::Master, Role::Worker, Role::Executor]
            .into_iter()
            .find(|r| r.uri() == uri)
    }

    /// The one role that a certificate names; none if it names none, or several.
    pub fn of_certificate(der: &[u8]) -> Option<Self> {
        let der = rustls::pki_types::CertificateDer::from(der);
        let cert = webpki::EndEntityCert::try_from(&der).ok()?;
        let mut roles = cert.valid_uri_names().filter_map(Role::from_uri);
        let role = roles.next()?;
        roles.next().is_none().then_some(role)
    }
}

/// A private key, its certificate, and the certificate of the authority that signed it.
#[derive(Clone)]
pub struct Identity {
    pub(crate) key_pem: String,
    pub(crate) certificate_pem: String,
    pub(crate) authority_pem: String,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity")
    }
}

/// A fresh key and the request to sign it.
pub(crate) struct SigningRequest {
    key: KeyPair,
    /// What the authority reads.
    pub pem: String,
}

impl SigningRequest {
    pub fn new() -> Result<Self> {
        let key = KeyPair::generate().map_err(|e| failed("no key", e))?;
        let params = CertificateParams::default();
        let request = params.serialize_request(&key).map_err(|e| failed("no request", e))?;
        let pem = request.pem().map_err(|e| failed("no request", e))?;
        Ok(Self { key, pem })
    }

    pub fn complete(self, certificate_pem: String, authority_pem: String) -> Identity {
        Identity {
            key_pem: self.key.serialize_pem(),
            certificate_pem,
            authority_pem,
        }
    }
}
