//! Compression of single buffers, given up for a while where it does not pay.
//!
//! A buffer is `[codec u8][length u32]`, then its bytes, or `[stored length u32]` and compressed bytes. Integers are narrowed
//! and strings coded before they come here, so many buffers have nothing left to compress: what a buffer of a column was like
//! in one block says whether it is tried in the next ones.

use bytes::Bytes;
use rsql_common::{Error, Result};
use serde::{Deserialize, Serialize};

use super::cursor::Cursor;

/// How blocks are compressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Compression {
    /// Not at all.
    None,
    /// Fast.
    #[default]
    Lz4,
    /// Smaller.
    Zstd,
}

const RAW: u8 = 0;
const LZ4: u8 = 1;
const ZSTD: u8 = 2;
const ZSTD_LEVEL: i32 = 1;

/// Shorter buffers stay as they are.
const LEAST: usize = 64;
/// Of long buffers a part of this length is tried first.
const SAMPLE: usize = 4 << 10;
/// Blocks that pass before what failed is tried again.
const REST: u8 = 15;

/// Remembers whether something paid in the blocks before.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Trial {
    rest: u8,
}

impl Trial {
    /// It should be tried now.
    pub fn is_due(&mut self) -> bool {
        let due = self.rest == 0;
        self.rest = self.rest.saturating_sub(1);
        due
    }

    /// It did not pay.
    pub fn failed(&mut self) {
        self.rest = REST;
    }
}

/// Writes buffers.
pub(super) struct Compressor {
    codec: Codec,
    scratch: Vec<u8>,
}

impl std::fmt::Debug for Compressor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Compressor")
    }
}

enum Codec {
    None,
    Lz4,
    Zstd(zstd::bulk::Compressor<'static>),
}

impl Compressor {
    pub fn new(compression: Compression) -> Result<Self> {
        let codec = match compression {
            Compression::None => Codec::None,
            Compression::Lz4 => Codec::Lz4,
            Compression::Zstd => Codec::Zstd(zstd::bulk::Compressor::new(ZSTD_LEVEL)?),
        };
        Ok(Self {
            codec,
            scratch: Vec::new(),
        })
    }

    /// Appends a buffer of `len` bytes, which `fill` appends.
    pub fn put(
        &mut self,
        trial: &mut Trial,
        len: usize,
        out: &mut Vec<u8>,
        fill: impl FnOnce(&mut Vec<u8>),
    ) -> Result<()> {
        let stated = u32::try_from(len)
            .map_err(|_| Error::exhausted(format!("a block with {len} bytes of one column is over 4 GiB")))?;
        let head = out.len();
        out.push(RAW);
        out.extend_from_slice(&stated.to_le_bytes());
        let body = out.len();
        fill(out);
        debug_assert_eq!(out.len() - body, len);
        if len < LEAST || matches!(self.codec, Codec::None) || !trial.is_due() {
            return Ok(());
        }
        let bytes = &out[body..];
        if len > 4 * SAMPLE {
            let middle = len / 2;
            let sample = self.compress(&bytes[middle..middle + SAMPLE])?;
            if !pays(sample, SAMPLE) {
                trial.failed();
                return Ok(());
            }
        }
        let stored = self.compress(bytes)?;
        if !pays(stored, len) {
            trial.failed();
            return Ok(());
        }
        out[head] = match self.codec {
            Codec::Zstd(_) => ZSTD,
            _ => LZ4,
        };
        out.truncate(body);
        out.extend_from_slice(&(stored as u32).to_le_bytes());
        out.extend_from_slice(&self.scratch[..stored]);
        Ok(())
    }

    /// Compresses into the scratch space; the bytes there.
    fn compress(&mut self, bytes: &[u8]) -> Result<usize> {
        let most = match self.codec {
            Codec::Zstd(_) => zstd::zstd_safe::compress_bound(bytes.len()),
            _ => lz4_flex::block::get_maximum_output_size(bytes.len()),
        };
        if self.scratch.len() < most {
            self.scratch.resize(most, 0);
        }
        Ok(match &mut self.codec {
            Codec::None => bytes.len(),
            Codec::Lz4 => lz4_flex::block::compress_into(bytes, &mut self.scratch)
                .map_err(|e| Error::internal(format!("LZ4: {e}")))?,
            Codec::Zstd(zstd) => zstd.compress_to_buffer(bytes, &mut self.scratch[..])?,
        })
    }
}

/// A fifth less is worth the time.
fn pays(stored: usize, len: usize) -> bool {
    stored * 5 <= len * 4
}

/// The next buffer; none if it is damaged.
pub(super) fn take_buffer(from: &mut Cursor) -> Option<Bytes> {
    let codec = from.u8()?;
    let len = from.u32()? as usize;
    if codec == RAW {
        return from.bytes(len);
    }
    let stored = from.u32()? as usize;
    let stored = from.bytes(stored)?;
    let mut out = vec![0u8; len];
    let written = match codec {
        LZ4 => lz4_flex::block::decompress_into(&stored, &mut out).ok()?,
        ZSTD => zstd::bulk::decompress_to_buffer(&stored, &mut out[..]).ok()?,
        _ => return None,
    };
    (written == len).then(|| out.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back(compression: Compression, bytes: &[u8]) -> usize {
        let mut out = Vec::new();
        let mut compressor = Compressor::new(compression).unwrap();
        let mut trial = Trial::default();
        for _ in 0..3 {
            let fill = |out: &mut Vec<u8>| out.extend_from_slice(bytes);
            compressor.put(&mut trial, bytes.len(), &mut out, fill).unwrap();
        }
        let stored = out.len();
        let mut cursor = Cursor::new(out.into());
        for _ in 0..3 {
            assert_eq!(take_buffer(&mut cursor).unwrap(), bytes);
        }
        assert!(cursor.is_at_end());
        stored
    }

    #[test]
    fn buffers_come_back_and_shrink_where_they_can() {
        let same = vec![7u8; 100_000];
        let noise: Vec<u8> = (0..100_000u64)
            .map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8)
            .collect();
        for compression in [Compression::None, Compression::Lz4, Compression::Zstd] {
            let stored = there_and_back(compression, &same);
            assert_eq!(stored < 10_000, compression != Compression::None);
            for len in [0, 1, 63, 64, 500, 100_000] {
                there_and_back(compression, &noise[..len]);
            }
        }
    }

    #[test]
    fn damage_is_an_answer() {
        let mut out = Vec::new();
        let mut compressor = Compressor::new(Compression::Lz4).unwrap();
        let bytes = [1u8; 1000];
        compressor
            .put(&mut Trial::default(), 1000, &mut out, |o| o.extend_from_slice(&bytes))
            .unwrap();
        for cut in 0..out.len() {
            assert!(take_buffer(&mut Cursor::new(out[..cut].to_vec().into())).is_none());
        }
        out[1] = 7;
        assert!(take_buffer(&mut Cursor::new(out.into())).is_none());
    }
}
