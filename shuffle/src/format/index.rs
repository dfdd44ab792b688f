//! The index of an output: where each partition is, its rows, row hash and checksum.
//!
//! ```text
//!   head    [magic][hash version u32][flags u32][id][tag u64][schema u64][partitions u64][crc32c of these u32]
//!   entry   [start u64][bytes u64][rows u64][row hash: sum u64, xor u64][crc u32][crc32c of head, partition and these u32]
//! ```
//!
//! The head and all entries are of fixed size, so a reader of one partition reads its entry alone, however many there are. The
//! checksum of an entry begins with the head's and the partition's number: entries of other outputs or places are not taken
//! for it.

use rsql_common::OutputId;

use super::header::{DATA_HEADER, ID_BYTES, put_id, take_id, take_u32, take_u64};
use crate::hash::HASH_VERSION;
use crate::output::{PartitionFigures, RowSetHash};

const MAGIC: &[u8; 8] = b"RSQLSHX2";
const ENCRYPTED: u32 = 1;

/// Bytes of the head.
pub(crate) const INDEX_HEAD: usize = 8 + 4 + 4 + ID_BYTES + 8 + 8 + 8 + 4;
/// Bytes of an entry.
pub(crate) const INDEX_ENTRY: usize = 5 * 8 + 4 + 4;

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

/// What an index file begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IndexHead {
    pub id: OutputId,
    pub tag: u64,
    /// Hash of the columns' types.
    pub schema: u64,
    /// Entries that follow.
    pub partitions: u64,
    crc: u32,
}

/// Where a partition is in the data file, and what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IndexEntry {
    pub start: u64,
    pub figures: PartitionFigures,
}

impl Index {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let n = self.partitions.len();
        let mut out = Vec::with_capacity(INDEX_HEAD + n * INDEX_ENTRY);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&u32::from(HASH_VERSION).to_le_bytes());
        out.extend_from_slice(&(u32::from(self.encrypted) * ENCRYPTED).to_le_bytes());
        put_id(&mut out, self.id);
        out.extend_from_slice(&self.tag.to_le_bytes());
        out.extend_from_slice(&self.schema.to_le_bytes());
        out.extend_from_slice(&(n as u64).to_le_bytes());
        let head = crc32c::crc32c(&out);
        out.extend_from_slice(&head.to_le_bytes());
        let mut start = DATA_HEADER as u64;
        for (partition, p) in (0u32..).zip(&self.partitions) {
            let from = out.len();
            for n in [start, p.bytes, p.rows, p.hash.sum, p.hash.xor] {
                out.extend_from_slice(&n.to_le_bytes());
            }
            out.extend_from_slice(&p.crc.to_le_bytes());
            let crc = entry_checksum(head, partition, &out[from..]);
            out.extend_from_slice(&crc.to_le_bytes());
            start += p.bytes;
        }
        out
    }
}

impl IndexHead {
    /// None if the bytes are damaged, too few or of another version.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (body, crc) = bytes.get(..INDEX_HEAD)?.split_last_chunk::<4>()?;
        let crc = u32::from_le_bytes(*crc);
        if crc32c::crc32c(body) != crc {
            return None;
        }
        let mut b = body.strip_prefix(MAGIC)?;
        if take_u32(&mut b)? != u32::from(HASH_VERSION) {
            return None;
        }
        // Whether blocks are encrypted is known to readers from elsewhere.
        take_u32(&mut b)?;
        Some(Self {
            id: take_id(&mut b)?,
            tag: take_u64(&mut b)?,
            schema: take_u64(&mut b)?,
            partitions: take_u64(&mut b)?,
            crc,
        })
    }

    /// Bytes of the whole index.
    pub(crate) fn index_bytes(&self) -> u64 {
        let entries = self.partitions.saturating_mul(INDEX_ENTRY as u64);
        entries.saturating_add(INDEX_HEAD as u64)
    }

    /// Where a partition's entry begins; none if there is no such partition.
    pub(crate) fn place(&self, partition: u32) -> Option<u64> {
        let before = u64::from(partition) * INDEX_ENTRY as u64;
        (u64::from(partition) < self.partitions).then_some(INDEX_HEAD as u64 + before)
    }

    /// A partition's entry; none if the bytes are damaged or another one's.
    pub(crate) fn entry(&self, partition: u32, bytes: &[u8]) -> Option<IndexEntry> {
        let (body, crc) = bytes.get(..INDEX_ENTRY)?.split_last_chunk::<4>()?;
        if entry_checksum(self.crc, partition, body) != u32::from_le_bytes(*crc) {
            return None;
        }
        let mut b = body;
        let start = take_u64(&mut b)?;
        let (bytes, rows) = (take_u64(&mut b)?, take_u64(&mut b)?);
        let hash = RowSetHash {
            sum: take_u64(&mut b)?,
            xor: take_u64(&mut b)?,
        };
        let crc = take_u32(&mut b)?;
        let figures = PartitionFigures { bytes, rows, hash, crc };
        Some(IndexEntry { start, figures })
    }
}

fn entry_checksum(head: u32, partition: u32, body: &[u8]) -> u32 {
    let seed = crc32c::crc32c_append(head, &partition.to_le_bytes());
    crc32c::crc32c_append(seed, body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rsql_common::{QueryId, StageId};

    fn index() -> Index {
        Index {
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
        }
    }

    /// All of an index as readers of its partitions see it.
    fn parsed(bytes: &[u8]) -> Option<(IndexHead, Vec<IndexEntry>)> {
        let head = IndexHead::from_bytes(bytes)?;
        let entry = |partition| head.entry(partition, bytes.get(head.place(partition)? as usize..)?);
        let entries = (0..head.partitions as u32).map(entry).collect::<Option<_>>()?;
        Some((head, entries))
    }

    #[test]
    fn every_damaged_byte_is_seen() {
        let index = index();
        let bytes = index.to_bytes();
        let (head, entries) = parsed(&bytes).unwrap();
        assert_eq!((head.id, head.tag, head.schema), (index.id, index.tag, index.schema));
        let figures: Vec<_> = entries.iter().map(|e| e.figures).collect();
        assert_eq!(figures, index.partitions);
        let starts: Vec<_> = entries.iter().map(|e| e.start - DATA_HEADER as u64).collect();
        assert_eq!(starts, [0, 10, 30]);
        assert_eq!(head.index_bytes(), bytes.len() as u64);
        for i in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[i] ^= 0x10;
            assert_eq!(parsed(&damaged), None, "byte {i}");
            assert_eq!(parsed(&bytes[..i]), None, "cut at {i}");
        }
    }

    #[test]
    fn an_entry_is_of_its_partition_and_output() {
        let bytes = index().to_bytes();
        let head = IndexHead::from_bytes(&bytes).unwrap();
        let at = |partition| &bytes[head.place(partition).unwrap() as usize..];
        assert!(head.entry(1, at(1)).is_some());
        assert_eq!(head.entry(1, at(2)), None);
        assert_eq!(head.place(3), None);
        let other = Index { tag: 100, ..index() }.to_bytes();
        assert_eq!(IndexHead::from_bytes(&other).unwrap().entry(1, at(1)), None);
    }
}
