//! The join file: the secret that lets a machine into the cluster, and the authority it is to trust.
//!
//! The master writes it when it is not there (mode 0600) and keeps the authority's key beside it, in `<file>.authority`,
//! which never leaves the master. Copying the join file to a machine is what lets workers there join.

use std::fmt;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rand::RngCore;
use rsql_common::{Error, Result};
use sha2::{Digest, Sha256};

use super::authority::Authority;
use super::failed;

const HEADER: &str = "rsql join file, keep it secret";

/// A secret and the certificate of the authority that honours it.
#[derive(Clone)]
pub struct JoinFile {
    secret: String,
    authority_pem: String,
}

impl fmt::Debug for JoinFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JoinFile")
    }
}

impl JoinFile {
    /// A fresh secret for an authority.
    pub fn generate(authority: &Authority) -> Self {
        let mut bytes = [0u8; 32];
        rand::rng().fill_bytes(&mut bytes);
        Self {
            secret: bytes.iter().map(|b| format!("{b:02x}")).collect(),
            authority_pem: authority.certificate_pem().to_string(),
        }
    }

    /// Reads a join file, refusing one that others may read.
    pub fn load(path: &Path) -> Result<Self> {
        let text = read_private(path)?;
        let damaged = || failed("not a join file", path.display());
        let rest = text.strip_prefix(HEADER).ok_or_else(damaged)?.trim_start();
        let (secret, authority) = rest.split_once('\n').ok_or_else(damaged)?;
        if secret.len() != 64 || !authority.starts_with("-----BEGIN CERTIFICATE-----") {
            return Err(damaged());
        }
        Ok(Self {
            secret: secret.to_string(),
            authority_pem: authority.to_string(),
        })
    }

    /// Writes the file, readable by its owner only.
    pub fn save(&self, path: &Path) -> Result<()> {
        write_private(path, &format!("{HEADER}\n{}\n{}", self.secret, self.authority_pem))
    }

    /// The master's side: reads the join file and the authority beside it, or makes both.
    pub fn open_or_create(path: &Path) -> Result<(Self, Authority)> {
        let beside = authority_path(path);
        if path.exists() {
            return Ok((Self::load(path)?, Authority::load(&beside)?));
        }
        if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder)?;
        }
        let authority = Authority::generate()?;
        let file = Self::generate(&authority);
        authority.save(&beside)?;
        file.save(path)?;
        Ok((file, authority))
    }

    /// The same authority, a secret it does not know.
    #[cfg(test)]
    pub(crate) fn with_other_secret(&self) -> Self {
        Self {
            secret: "0".repeat(64),
            authority_pem: self.authority_pem.clone(),
        }
    }

    /// What is sent along with a signing request.
    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }

    /// The authority to trust.
    pub(crate) fn authority_pem(&self) -> &str {
        &self.authority_pem
    }

    /// Compares digests, so that the time taken says nothing about where two secrets differ.
    pub(crate) fn admits(&self, secret: &str) -> bool {
        Sha256::digest(self.secret.as_bytes()) == Sha256::digest(secret.as_bytes())
    }
}

fn authority_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".authority");
    PathBuf::from(name)
}

/// Reads a file that only its owner may read.
pub(super) fn read_private(path: &Path) -> Result<String> {
    let mode = std::fs::metadata(path)
        .map_err(Error::of_file(path))?
        .permissions()
        .mode();
    if mode & 0o077 != 0 {
        return Err(failed("others may read the file (want mode 0600)", path.display()));
    }
    rsql_common::read_text(path)
}

/// Creates a file that only its owner may read; fails if it is there already.
pub(super) fn write_private(path: &Path, text: &str) -> Result<()> {
    let in_file = Error::of_file(path);
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(&in_file)?;
    file.write_all(text.as_bytes()).map_err(in_file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::security::Role;

    #[test]
    fn is_made_once_and_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cluster/join");
        let (made, authority) = JoinFile::open_or_create(&path).unwrap();
        let (again, same) = JoinFile::open_or_create(&path).unwrap();
        assert!(made.admits(again.secret()) && !made.admits("guess"));
        assert_eq!(authority.certificate_pem(), same.certificate_pem());
        same.issue(Role::Executor).unwrap();
    }

    #[test]
    fn a_readable_file_is_refused_and_the_secret_is_not_printed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("join");
        let (file, _) = JoinFile::open_or_create(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let e = JoinFile::load(&path).unwrap_err();
        assert_eq!(e.condition(), "CLUSTER.SECURITY");
        assert!(!e.to_string().contains(file.secret()) && !format!("{file:?}").contains(file.secret()));
    }

    #[test]
    fn certificates_name_one_role() {
        let authority = Authority::generate().unwrap();
        for role in [Role::Master, Role::Worker, Role::Executor] {
            let identity = authority.issue(role).unwrap();
            let pem = tonic::transport::CertificateDer::from_pem_slice(identity.certificate_pem.as_bytes());
            assert_eq!(Role::of_certificate(&pem.unwrap()), Some(role));
        }
        assert_eq!(Role::of_certificate(b"no certificate"), None);
    }

    use rustls::pki_types::pem::PemObject;
}
