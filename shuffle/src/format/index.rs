//! The index of an output: offsets, rows, row hashes and checksums by partition, under a checksum of its own.

use rsql_common::OutputId;

use super::header::{DATA_HEADER, put_id, take_id, take_u32, take_u64};
use crate::hash::HASH_VERSION;
use crate::output::{PartitionFigures, RowSetHash};

const MAGIC: &[u8; 8] = b"RSQLSHX1";
const ENCRYPTED: u32 = 1;

/// What an index file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Index {
    pub id: OutputId,
    pub tag: u64,
    /// Hash of the columns' types.
    pub schema: u64,
    pub encrypted: bool,
    pub partitions: Vec<PartitionFigures>,
}

impl Index {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let n = self.partitions.len();
        let mut out = Vec::with_capacity(64 + n * 40);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&u32::from(HASH_VERSION).to_le_bytes());
        out.extend_from_slice(&(u32::from(self.encrypted) * ENCRYPTED).to_le_bytes());
        put_id(&mut out, self.id);
        out.extend_from_slice(&self.tag.to_le_bytes());
        out.extend_from_slice(&self.schema.to_le_bytes());
        out.extend_from_slice(&(n as u64).to_le_bytes());
        let mut offset = DATA_HEADER as u64;
        out.extend_from_slice(&offset.to_le_bytes());
        for p in &self.partitions {
            offset += p.bytes;
            out.extend_from_slice(&offset.to_le_bytes());
        }
        for p in &self.partitions {
            out.extend_from_slice(&p.crc.to_le_bytes());
        }
        for p in &self.partitions {
            out.extend_from_slice(&p.rows.to_le_bytes());
        }
        for p in &self.partitions {
            out.extend_from_slice(&p.hash.sum.to_le_bytes());
            out.extend_from_slice(&p.hash.xor.to_le_bytes());
        }
        let crc = crc32c::crc32c(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        out
    }

    /// None if the bytes are damaged or of another version.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (body, crc) = bytes.split_last_chunk::<4>()?;
        if crc32c::crc32c(body) != u32::from_le_bytes(*crc) {
            return None;
        }
        let mut b = body.strip_prefix(MAGIC)?;
        if take_u32(&mut b)? != u32::from(HASH_VERSION) {
            return None;
        }
        let flags = take_u32(&mut b)?;
        let id = take_id(&mut b)?;
        let tag = take_u64(&mut b)?;
        let schema = take_u64(&mut b)?;
        let n = usize::try_from(take_u64(&mut b)?).ok()?;
        if n.checked_mul(36)?.checked_add(8)? != b.len() {
            return None;
        }
        let mut partitions = vec![PartitionFigures::default(); n];
        let mut start = take_u64(&mut b)?;
        if start != DATA_HEADER as u64 {
            return None;
        }
        for p in &mut partitions {
            let end = take_u64(&mut b)?;
            p.bytes = end.checked_sub(start)?;
            start = end;
        }
        for p in &mut partitions {
            p.crc = take_u32(&mut b)?;
        }
        for p in &mut partitions {
            p.rows = take_u64(&mut b)?;
        }
        for p in &mut partitions {
            p.hash = RowSetHash {
                sum: take_u64(&mut b)?,
                xor: take_u64(&mut b)?,
            };
        }
        Some(Self {
            id,
            tag,
            schema,
            encrypted: flags & ENCRYPTED != 0,
            partitions,
        })
    }

    /// Where a partition begins in the data file.
    pub(crate) fn offset(&self, partition: usize) -> u64 {
        let before: u64 = self.partitions[..partition].iter().map(|p| p.bytes).sum();
        DATA_HEADER as u64 + before
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rsql_common::{QueryId, StageId};

    #[test]
    fn every_damaged_byte_is_seen() {
        let index = Index {
            id: OutputId {
                query: QueryId(u64::MAX),
                stage: StageId(2),
                map: 3,
                attempt: 4,
            },
            tag: 99,
            schema: 5,
            encrypted: true,
            partitions: (1..4)
                .map(|i| PartitionFigures {
                    bytes: i * 10,
                    rows: i,
                    hash: RowSetHash { sum: i, xor: i },
                    crc: i as u32,
                })
                .collect(),
        };
        let bytes = index.to_bytes();
        assert_eq!(Index::from_bytes(&bytes), Some(index.clone()));
        assert_eq!(index.offset(2), DATA_HEADER as u64 + 30);
        for i in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[i] ^= 0x10;
            assert_eq!(Index::from_bytes(&damaged), None, "byte {i}");
            assert_eq!(Index::from_bytes(&bytes[..i]), None, "cut at {i}");
        }
    }
}
