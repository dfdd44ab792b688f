//! What is known about a map task's output: the figures that travel to the scheduler and from there to readers.

use std::path::PathBuf;

use rsql_common::{Error, ExecutorId, OutputId, Result};
use serde::{Deserialize, Serialize};

use crate::partition::KeySample;

/// Identifies a set of rows whatever their order: sum and xor of a 64-bit hash of each row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowSetHash {
    /// Wrapping sum.
    pub sum: u64,
    /// Exclusive or.
    pub xor: u64,
}

impl RowSetHash {
    /// Adds a row.
    #[inline(always)]
    pub fn add(&mut self, hash: u64) {
        self.sum = self.sum.wrapping_add(hash);
        self.xor ^= hash;
    }

    /// Adds the rows of another set.
    pub fn merge(&mut self, other: RowSetHash) {
        self.sum = self.sum.wrapping_add(other.sum);
        self.xor ^= other.xor;
    }
}

/// One partition of an output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionFigures {
    /// Bytes stored.
    pub bytes: u64,
    /// Rows.
    pub rows: u64,
    /// Which rows.
    pub hash: RowSetHash,
    /// CRC32C of the checksums of the partition's blocks, in order.
    pub crc: u32,
}

/// The output of one attempt at a map task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MapOutput {
    /// Which attempt.
    pub id: OutputId,
    /// Drawn when the output was written; data file and index carry it too.
    pub tag: u64,
    /// Figures of each partition.
    pub partitions: Vec<PartitionFigures>,
    /// A sample of sort keys, if one was asked for.
    pub sample: Option<KeySample>,
    /// Blocks are encrypted under the query's key.
    pub encrypted: bool,
    /// CRC32C of all the rest.
    crc: u32,
}

impl MapOutput {
    /// Seals figures under their checksum.
    pub fn seal(
        id: OutputId,
        tag: u64,
        partitions: Vec<PartitionFigures>,
        sample: Option<KeySample>,
        encrypted: bool,
    ) -> Result<Self> {
        let mut output = Self {
            id,
            tag,
            partitions,
            sample,
            encrypted,
            crc: 0,
        };
        output.crc = output.checksum()?;
        Ok(output)
    }

    /// Fails if the figures are not those that were sealed.
    pub fn verify(&self) -> Result<()> {
        if self.checksum()? == self.crc {
            return Ok(());
        }
        Err(damaged(self.id))
    }

    /// The figures of these partitions, which are in order and there.
    pub fn part(&self, partitions: &[u32]) -> Result<PartialOutput> {
        let figures = |partition: &u32| {
            let figures = self.partitions.get(*partition as usize);
            figures
                .map(|f| (*partition, *f))
                .ok_or_else(|| Error::internal(format!("{} has no partition {partition}", describe(self.id))))
        };
        let mut part = PartialOutput {
            id: self.id,
            tag: self.tag,
            encrypted: self.encrypted,
            partitions: partitions.iter().map(figures).collect::<Result<_>>()?,
            crc: 0,
        };
        part.crc = part.checksum()?;
        Ok(part)
    }

    /// The same without its sample, which nobody needs once bounds are computed.
    pub fn without_sample(self) -> Result<Self> {
        match self.sample {
            None => Ok(self),
            Some(_) => Self::seal(self.id, self.tag, self.partitions, None, self.encrypted),
        }
    }

    /// Rows of all partitions.
    pub fn rows(&self) -> u64 {
        self.partitions.iter().map(|p| p.rows).sum()
    }

    /// Bytes of all partitions.
    pub fn bytes(&self) -> u64 {
        self.partitions.iter().map(|p| p.bytes).sum()
    }

    /// True if both outputs, of two attempts at one map task, hold the same rows in each partition, in whatever order.
    pub fn same_rows(&self, other: &MapOutput) -> bool {
        let key = |o: &MapOutput| (o.id.query, o.id.stage, o.id.map, o.partitions.len());
        key(self) == key(other)
            && self
                .partitions
                .iter()
                .zip(&other.partitions)
                .all(|(a, b)| a.rows == b.rows && a.hash == b.hash)
    }

    fn checksum(&self) -> Result<u32> {
        checksum(&(self.id, self.tag, &self.partitions, &self.sample, self.encrypted))
    }
}

/// What a reader of some partitions needs to know of an output: their figures, in order, under a checksum of their own. The
/// figures of all partitions of all outputs would be too much to send with each task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartialOutput {
    /// Which attempt's.
    pub id: OutputId,
    /// See [`MapOutput::tag`].
    pub tag: u64,
    /// See [`MapOutput::encrypted`].
    pub encrypted: bool,
    partitions: Vec<(u32, PartitionFigures)>,
    /// CRC32C of all the rest.
    crc: u32,
}

impl PartialOutput {
    /// Fails if the figures are not those that were sealed.
    pub fn verify(&self) -> Result<()> {
        if self.checksum()? == self.crc {
            return Ok(());
        }
        Err(damaged(self.id))
    }

    /// The figures of all partitions; fails if there are gaps.
    pub fn all_partitions(&self) -> Result<Vec<PartitionFigures>> {
        self.verify()?;
        let each = (0..).zip(&self.partitions);
        let figures = each.map(|(n, (partition, figures))| (n == *partition).then_some(*figures));
        figures
            .collect::<Option<_>>()
            .ok_or_else(|| Error::internal(format!("figures of {} are left out", describe(self.id))))
    }

    fn checksum(&self) -> Result<u32> {
        checksum(&(self.id, self.tag, &self.partitions, self.encrypted))
    }
}

/// The figures of an output, all or some of them.
pub trait Figures {
    /// Which attempt's.
    fn id(&self) -> OutputId;
    /// See [`MapOutput::tag`].
    fn tag(&self) -> u64;
    /// See [`MapOutput::encrypted`].
    fn encrypted(&self) -> bool;
    /// Those of one partition, if they are known.
    fn partition(&self, partition: u32) -> Option<PartitionFigures>;
    /// Fails if the figures are not those that were sealed.
    fn verify(&self) -> Result<()>;
}

impl Figures for MapOutput {
    fn id(&self) -> OutputId {
        self.id
    }

    fn tag(&self) -> u64 {
        self.tag
    }

    fn encrypted(&self) -> bool {
        self.encrypted
    }

    fn partition(&self, partition: u32) -> Option<PartitionFigures> {
        self.partitions.get(partition as usize).copied()
    }

    fn verify(&self) -> Result<()> {
        MapOutput::verify(self)
    }
}

impl Figures for PartialOutput {
    fn id(&self) -> OutputId {
        self.id
    }

    fn tag(&self) -> u64 {
        self.tag
    }

    fn encrypted(&self) -> bool {
        self.encrypted
    }

    fn partition(&self, partition: u32) -> Option<PartitionFigures> {
        let at = self.partitions.binary_search_by_key(&partition, |(p, _)| *p).ok()?;
        self.partitions.get(at).map(|(_, figures)| *figures)
    }

    fn verify(&self) -> Result<()> {
        PartialOutput::verify(self)
    }
}

fn checksum(of: &impl Serialize) -> Result<u32> {
    let bytes = postcard::to_allocvec(of).map_err(|e| Error::internal(format!("figures: {e}")))?;
    Ok(crc32c::crc32c(&bytes))
}

fn damaged(id: OutputId) -> Error {
    Error::io(format!("the figures of {} do not match their checksum", describe(id)))
}

/// Where an output lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputLocation {
    /// Which output.
    pub output: OutputId,
    /// Who holds it.
    pub executor: ExecutorId,
    /// Address of the executor's fetch service, as `host:port`; empty if it has none.
    pub endpoint: String,
    /// The store's folder, if the reader may look for it in its own file system.
    pub local_dir: Option<PathBuf>,
}

/// An output in words.
pub(crate) fn describe(id: OutputId) -> String {
    format!("map {} attempt {} of {} of {}", id.map, id.attempt, id.stage, id.query)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rsql_common::{QueryId, StageId};

    fn output(attempt: u32, rows: &[u64]) -> MapOutput {
        let mut figures = PartitionFigures {
            rows: rows.len() as u64,
            ..Default::default()
        };
        rows.iter().for_each(|r| figures.hash.add(*r));
        let id = OutputId {
            query: QueryId(7),
            stage: StageId(1),
            map: 3,
            attempt,
        };
        MapOutput::seal(id, u64::from(attempt), vec![figures], None, false).unwrap()
    }

    #[test]
    fn attempts_compare_by_rows_not_by_order() {
        assert!(output(0, &[1, 2, 3]).same_rows(&output(1, &[3, 1, 2])));
        assert!(!output(0, &[1, 2, 3]).same_rows(&output(1, &[1, 2, 4])));
        assert!(!output(0, &[1, 1]).same_rows(&output(1, &[2, 0])), "the sums are equal");
        assert!(!output(0, &[5]).same_rows(&output(1, &[5, 0])));
    }

    #[test]
    fn a_part_knows_its_partitions_and_no_others() {
        let figures = |rows| PartitionFigures {
            rows,
            ..Default::default()
        };
        let id = output(0, &[]).id;
        let all = MapOutput::seal(id, 9, (0..400).map(figures).collect(), None, false).unwrap();
        let part = all.part(&[7, 300]).unwrap();
        assert_eq!(part.partition(7).unwrap().rows, 7);
        assert_eq!(part.partition(300).unwrap().rows, 300);
        assert_eq!(part.partition(8), None);
        assert!(part.all_partitions().is_err(), "it has gaps");
        assert!(all.part(&[400]).is_err());
        let whole = all.part(&(0..400).collect::<Vec<_>>()).unwrap();
        assert_eq!(whole.all_partitions().unwrap(), all.partitions);
        let mut bad = part.clone();
        bad.partitions[1].0 = 301;
        assert!(bad.verify().is_err());
        // However many partitions there are, a reader of one gets little.
        assert!(postcard::to_allocvec(&part).unwrap().len() < 120);
    }

    #[test]
    fn a_changed_figure_is_seen() {
        let mut sealed = output(0, &[1, 2]);
        sealed.verify().unwrap();
        let bytes = postcard::to_allocvec(&sealed).unwrap();
        assert_eq!(postcard::from_bytes::<MapOutput>(&bytes).unwrap(), sealed);
        sealed.partitions[0].rows = 3;
        assert_eq!(
            sealed.verify().unwrap_err().condition(),
            rsql_common::Error::io("").condition()
        );
    }
}
