//! Encryption at rest: AES-256-GCM under a key of the output, derived from a key of the query that stays in memory.
//!
//! The nonce is the number of the block within the output, so no key meets a nonce twice: attempts have keys of their own.
//! The partition is authenticated with the block.

use aes_gcm::aead::{AeadInPlace, KeyInit};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use rsql_common::{Error, OutputId, Result, Settings};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::header::put_id;

/// The secret of one query. It is never written, and prints as nothing.
///
/// It serializes, to travel to executors over connections that are encrypted themselves.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryKey([u8; 32]);

impl QueryKey {
    /// A key of these bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A new key.
    pub fn random() -> Self {
        Self(rand::random())
    }

    /// A new key if a query's settings ask for one (`spark.io.encryption.enabled`).
    pub fn for_query(settings: &Settings) -> Option<Self> {
        settings.bool("spark.io.encryption.enabled").then(Self::random)
    }
}

impl std::fmt::Debug for QueryKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("QueryKey")
    }
}

/// Bytes of the authentication tag after a block's ciphertext.
pub(crate) const TAG: usize = 16;
/// Bytes of a block's number before its ciphertext.
pub(crate) const NUMBER: usize = 8;

/// Encrypts and decrypts the blocks of one output.
#[derive(Clone)]
pub(crate) struct OutputCipher(Aes256Gcm);

impl std::fmt::Debug for OutputCipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OutputCipher")
    }
}

impl OutputCipher {
    pub(crate) fn new(key: &QueryKey, id: OutputId, tag: u64) -> Self {
        let mut info = b"rsql shuffle output".to_vec();
        put_id(&mut info, id);
        info.extend_from_slice(&tag.to_le_bytes());
        info.push(1);
        let derived = hmac_sha256(&key.0, &info);
        Self(Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(&derived)))
    }

    /// Encrypts the payload that begins at `from`: the number of the block takes its first bytes, which the payload left free,
    /// and the authentication tag follows it.
    pub(crate) fn seal(&self, number: u64, partition: u32, frame: &mut Vec<u8>, from: usize) -> Result<()> {
        let failed = || Error::internal("a shuffle block could not be encrypted");
        let (head, payload) = frame
            .get_mut(from..)
            .and_then(|f| f.split_first_chunk_mut::<NUMBER>())
            .ok_or_else(failed)?;
        *head = number.to_le_bytes();
        let tag = self
            .0
            .encrypt_in_place_detached(&nonce(number), &partition.to_le_bytes(), payload)
            .map_err(|_| failed())?;
        frame.extend_from_slice(&tag);
        Ok(())
    }

    /// The payload; none if it is not what was sealed.
    pub(crate) fn open(&self, partition: u32, sealed: &[u8]) -> Option<Vec<u8>> {
        let (number, ciphertext) = sealed.split_first_chunk::<NUMBER>()?;
        let mut payload = ciphertext.to_vec();
        self.0
            .decrypt_in_place(
                &nonce(u64::from_le_bytes(*number)),
                &partition.to_le_bytes(),
                &mut payload,
            )
            .ok()?;
        Some(payload)
    }
}

fn nonce(number: u64) -> Nonce<aes_gcm::aead::consts::U12> {
    let mut bytes = [0u8; 12];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    bytes.into()
}

/// HMAC of one message; the first block of HKDF's expansion when the message ends in 1.
fn hmac_sha256(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    let pad = |byte: u8| {
        let mut block = [byte; 64];
        block.iter_mut().zip(key).for_each(|(b, k)| *b ^= k);
        block
    };
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
    Sha256::new()
        .chain_update(pad(0x5c))
        .chain_update(inner)
        .finalize()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rsql_common::{QueryId, StageId};

    #[test]
    fn hmac_is_the_standards() {
        // RFC 4231, test case 2, whose key is padded with zeros to 32 bytes as HMAC does itself.
        let mut key = [0u8; 32];
        key[..4].copy_from_slice(b"Jefe");
        let mac = hmac_sha256(&key, b"what do ya want for nothing?");
        assert_eq!(mac[..4], [0x5b, 0xdc, 0xc1, 0x46]);
        assert_eq!(mac[28..], [0x64, 0xec, 0x38, 0x43]);
    }

    #[test]
    fn only_the_same_output_and_partition_opens() {
        let key = QueryKey::random();
        let id = OutputId {
            query: QueryId(1),
            stage: StageId(0),
            map: 0,
            attempt: 0,
        };
        let cipher = OutputCipher::new(&key, id, 5);
        let mut sealed = [&[0; NUMBER][..], b"secret"].concat();
        cipher.seal(3, 7, &mut sealed, 0).unwrap();
        assert_eq!(cipher.open(7, &sealed).unwrap(), b"secret");
        assert_eq!(cipher.open(8, &sealed), None);
        assert_eq!(
            OutputCipher::new(&key, OutputId { attempt: 1, ..id }, 5).open(7, &sealed),
            None
        );
        assert_eq!(OutputCipher::new(&QueryKey::random(), id, 5).open(7, &sealed), None);
        assert!(!sealed.windows(6).any(|w| w == b"secret"));
    }
}
