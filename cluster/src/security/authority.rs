//! The cluster's own certificate authority; its key stays with the master.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType,
};
use rsql_common::Result;

use super::failed;
use super::identity::{Identity, Role, SigningRequest};
use super::secret::{read_private, write_private};
use super::tls::{MASTER_NAME, MEMBER_NAME};

/// Clocks of two machines may differ by so much.
const BACKDATED: Duration = Duration::from_secs(3600);
const AUTHORITY_LIFE: Duration = Duration::from_secs(3650 * 86_400);
/// A member's key is in the memory of its process and nowhere else: its certificate has to outlive the process, however long
/// that runs, and nothing is gained by an earlier end. When the authority ends, a new join file makes a new one.
const MEMBER_LIFE: Duration = AUTHORITY_LIFE;

/// Signs certificates for the cluster's parts.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority")
    }
}

impl Authority {
    /// A new authority with a new key.
    pub fn generate() -> Result<Self> {
        Self::of_key(KeyPair::generate().map_err(|e| failed("no key for the authority", e))?)
    }

    fn of_key(key: KeyPair) -> Result<Self> {
        let mut params = CertificateParams::default();
        params.distinguished_name = name("rsql cluster authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        live(&mut params, AUTHORITY_LIFE);
        let pem = params
            .self_signed(&key)
            .map_err(|e| failed("the authority cannot sign itself", e))?
            .pem();
        Ok(Self {
            issuer: Issuer::new(params, key),
            pem,
        })
    }

    /// Keeps the key and certificate in `path`, readable by its owner only.
    pub fn save(&self, path: &Path) -> Result<()> {
        write_private(path, &format!("{}{}", self.issuer.key().serialize_pem(), self.pem))
    }

    /// The authority kept in `path`.
    pub fn load(path: &Path) -> Result<Self> {
        let text = read_private(path)?;
        let at = text
            .find("-----BEGIN CERTIFICATE-----")
            .ok_or_else(|| failed("the authority's file is damaged", path.display()))?;
        let (key, pem) = text.split_at(at);
        let key = KeyPair::from_pem(key).map_err(|e| failed("the authority's key is damaged", e))?;
        let issuer = Issuer::from_ca_cert_pem(pem, key).map_err(|e| failed("the authority is damaged", e))?;
        Ok(Self {
            issuer,
            pem: pem.to_string(),
        })
    }

    /// The certificate that others trust.
    pub fn certificate_pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for the key of a signing request. Only the key is taken from the request: names, role and life
    /// are ours.
    pub fn sign(&self, request_pem: &str, role: Role) -> Result<String> {
        let mut request = CertificateSigningRequestParams::from_pem(request_pem)
            .map_err(|e| failed("the signing request is not one", e))?;
        let mut params = CertificateParams::default();
        params.distinguished_name = name(role.uri());
        params.subject_alt_names = vec![
            SanType::DnsName(dns(if role == Role::Master { MASTER_NAME } else { MEMBER_NAME })?),
            SanType::URI(dns(role.uri())?),
        ];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        live(&mut params, MEMBER_LIFE);
        request.params = params;
        Ok(request
            .signed_by(&self.issuer)
            .map_err(|e| failed("the authority cannot sign", e))?
            .pem())
    }

    /// A key and certificate made here.
    pub fn issue(&self, role: Role) -> Result<Identity> {
        let request = SigningRequest::new()?;
        let certificate = self.sign(&request.pem, role)?;
        Ok(request.complete(certificate, self.pem.clone()))
    }
}

fn dns(text: &str) -> Result<rcgen::string::Ia5String> {
    text.try_into()
        .map_err(|e| failed("a name is not ASCII", format!("{e:?}")))
}

fn name(common: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common);
    name
}

/// Lets a certificate live from a little before now for `life`.
fn live(params: &mut CertificateParams, life: Duration) {
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    params.not_before = epoch + now.saturating_sub(BACKDATED);
    params.not_after = epoch + (now + life);
}
