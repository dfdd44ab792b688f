//! AES (FIPS 197) in the modes ECB, CBC (with PKCS#7 padding) and GCM (NIST SP 800-38D).

use std::sync::OnceLock;

/// Bytes of a block.
pub(super) const BLOCK: usize = 16;

/// Substitution of bytes, and its inverse.
fn tables() -> &'static ([u8; 256], [u8; 256]) {
    static TABLES: OnceLock<([u8; 256], [u8; 256])> = OnceLock::new();
    TABLES.get_or_init(|| {
        let (mut forward, mut inverse) = ([0u8; 256], [0u8; 256]);
        // p runs through the powers of 3, q through those of its inverse.
        let (mut p, mut q) = (1u8, 1u8);
        loop {
            p = p ^ double(p);
            q ^= q << 1;
            q ^= q << 2;
            q ^= q << 4;
            if q & 0x80 != 0 {
                q ^= 0x09;
            }
            let value = q ^ q.rotate_left(1) ^ q.rotate_left(2) ^ q.rotate_left(3) ^ q.rotate_left(4) ^ 0x63;
            forward[p as usize] = value;
            if p == 1 {
                break;
            }
        }
        forward[0] = 0x63;
        for (i, v) in forward.iter().enumerate() {
            inverse[*v as usize] = i as u8;
        }
        (forward, inverse)
    })
}

/// Multiplication by x in the cipher's field.
fn double(v: u8) -> u8 {
    (v << 1) ^ if v & 0x80 != 0 { 0x1b } else { 0 }
}

fn multiply(a: u8, mut b: u8) -> u8 {
    let (mut product, mut power) = (0, a);
    while b != 0 {
        if b & 1 != 0 {
            product ^= power;
        }
        power = double(power);
        b >>= 1;
    }
    product
}

/// A key of 16, 24 or 32 bytes, expanded.
pub(super) struct Aes {
    rounds: Vec<[u8; BLOCK]>,
}

impl Aes {
    /// The cipher for a key; `None` for a key of another length.
    pub(super) fn new(key: &[u8]) -> Option<Self> {
        if !matches!(key.len(), 16 | 24 | 32) {
            return None;
        }
        let (forward, _) = tables();
        let size = key.len() / 4;
        let (words, _) = key.as_chunks::<4>();
        let mut schedule: Vec<[u8; 4]> = words.to_vec();
        let mut factor = 1u8;
        for i in size..4 * (size + 7) {
            let mut word = schedule[i - 1];
            if i % size == 0 {
                word.rotate_left(1);
                word = word.map(|b| forward[b as usize]);
                word[0] ^= factor;
                factor = double(factor);
            } else if size > 6 && i % size == 4 {
                word = word.map(|b| forward[b as usize]);
            }
            let before = schedule[i - size];
            schedule.push(std::array::from_fn(|k| word[k] ^ before[k]));
        }
        let (rounds, _) = schedule.as_chunks::<4>();
        Some(Self {
            rounds: rounds
                .iter()
                .map(|r| std::array::from_fn(|i| r[i / 4][i % 4]))
                .collect(),
        })
    }

    fn encrypt_block(&self, block: [u8; BLOCK]) -> [u8; BLOCK] {
        let (forward, _) = tables();
        let last = self.rounds.len() - 1;
        let mut state = xor(block, self.rounds[0]);
        for (i, key) in self.rounds.iter().enumerate().skip(1) {
            // Substitute, and move each row to the left.
            state = std::array::from_fn(|k| forward[state[(k + 4 * (k % 4)) % BLOCK] as usize]);
            if i < last {
                state = mix(state, [2, 3, 1, 1]);
            }
            state = xor(state, *key);
        }
        state
    }

    fn decrypt_block(&self, block: [u8; BLOCK]) -> [u8; BLOCK] {
        let (_, inverse) = tables();
        let last = self.rounds.len() - 1;
        let mut state = block;
        for (i, key) in self.rounds.iter().enumerate().skip(1).rev() {
            state = xor(state, *key);
            if i < last {
                state = mix(state, [14, 11, 13, 9]);
            }
            state = std::array::from_fn(|k| inverse[state[(k + BLOCK - 4 * (k % 4)) % BLOCK] as usize]);
        }
        xor(state, self.rounds[0])
    }

    /// ECB with padding; with `iv`, CBC.
    pub(super) fn encrypt_blocks(&self, data: &[u8], iv: Option<[u8; BLOCK]>) -> Vec<u8> {
        let padding = BLOCK - data.len() % BLOCK;
        let mut padded = data.to_vec();
        padded.resize(data.len() + padding, padding as u8);
        let mut chain = iv;
        let mut out = Vec::with_capacity(padded.len());
        for block in padded.as_chunks::<BLOCK>().0 {
            let encrypted = self.encrypt_block(chain.map_or(*block, |c| xor(*block, c)));
            chain = chain.map(|_| encrypted);
            out.extend(encrypted);
        }
        out
    }

    /// The inverse of [`Self::encrypt_blocks`]; `None` for a wrong length or padding.
    pub(super) fn decrypt_blocks(&self, data: &[u8], iv: Option<[u8; BLOCK]>) -> Option<Vec<u8>> {
        let (blocks, rest) = data.as_chunks::<BLOCK>();
        if blocks.is_empty() || !rest.is_empty() {
            return None;
        }
        let mut chain = iv;
        let mut out = Vec::with_capacity(data.len());
        for block in blocks {
            let plain = self.decrypt_block(*block);
            out.extend(chain.map_or(plain, |c| xor(plain, c)));
            chain = chain.map(|_| *block);
        }
        let padding = *out.last()? as usize;
        let body = out.len().checked_sub(padding)?;
        let padded = (1..=BLOCK).contains(&padding) && out[body..].iter().all(|b| *b as usize == padding);
        out.truncate(body);
        padded.then_some(out)
    }

    /// GCM: the data with the key stream over it, and the tag of the encrypted form.
    pub(super) fn gcm(&self, data: &[u8], iv: &[u8; 12], aad: &[u8], encrypts: bool) -> (Vec<u8>, [u8; BLOCK]) {
        let counter = |n: u32| {
            let mut block = [0; BLOCK];
            block[..12].copy_from_slice(iv);
            block[12..].copy_from_slice(&n.to_be_bytes());
            self.encrypt_block(block)
        };
        let mut out = Vec::with_capacity(data.len());
        for (i, chunk) in data.chunks(BLOCK).enumerate() {
            out.extend(chunk.iter().zip(counter(i as u32 + 2)).map(|(d, k)| d ^ k));
        }
        let encrypted = if encrypts { &out } else { data };
        let key = u128::from_be_bytes(self.encrypt_block([0; BLOCK]));
        let mut hash = 0u128;
        for part in [aad, encrypted] {
            for chunk in part.chunks(BLOCK) {
                let mut block = [0; BLOCK];
                block[..chunk.len()].copy_from_slice(chunk);
                hash = carryless(hash ^ u128::from_be_bytes(block), key);
            }
        }
        let lengths = ((aad.len() as u128 * 8) << 64) | (encrypted.len() as u128 * 8);
        hash = carryless(hash ^ lengths, key);
        (out, xor(hash.to_be_bytes(), counter(1)))
    }
}

fn xor(a: [u8; BLOCK], b: [u8; BLOCK]) -> [u8; BLOCK] {
    std::array::from_fn(|i| a[i] ^ b[i])
}

/// Multiplies each column by a polynomial.
fn mix(state: [u8; BLOCK], factors: [u8; 4]) -> [u8; BLOCK] {
    std::array::from_fn(|i| {
        let (column, row) = (i / 4 * 4, i % 4);
        (0..4).fold(0, |sum, k| {
            sum ^ multiply(state[column + k], factors[(k + 4 - row) % 4])
        })
    })
}

/// Multiplication in GCM's field, whose bits run from the highest.
fn carryless(a: u128, mut b: u128) -> u128 {
    let mut product = 0;
    for i in (0..128).rev() {
        if a >> i & 1 == 1 {
            product ^= b;
        }
        b = b >> 1 ^ if b & 1 == 1 { 0xe1 << 120 } else { 0 };
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len())
            .step_by(2)
            .map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap())
            .collect()
    }

    #[test]
    fn published_vectors() {
        // FIPS 197, appendix C.
        let plain: [u8; 16] = bytes("00112233445566778899aabbccddeeff").try_into().unwrap();
        for (key, expected) in [
            ("000102030405060708090a0b0c0d0e0f", "69c4e0d86a7b0430d8cdb78070b4c55a"),
            (
                "000102030405060708090a0b0c0d0e0f1011121314151617",
                "dda97ca4864cdfe06eaf70a0ec0d7191",
            ),
            (
                "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
                "8ea2b7ca516745bfeafc49904b496089",
            ),
        ] {
            let aes = Aes::new(&bytes(key)).unwrap();
            assert_eq!(aes.encrypt_block(plain).to_vec(), bytes(expected));
            assert_eq!(aes.decrypt_block(bytes(expected).try_into().unwrap()), plain);
        }
        // The GCM specification, test case 2.
        let aes = Aes::new(&[0; 16]).unwrap();
        let (encrypted, tag) = aes.gcm(&[0; 16], &[0; 12], &[], true);
        assert_eq!(encrypted, bytes("0388dace60b6a392f328c2b971b2fe78"));
        assert_eq!(tag.to_vec(), bytes("ab6e47d42cec13bdf53a67b21257bddf"));
    }
}
