//! What a task reads.

use std::collections::HashMap;

use rsql_common::{Error, FetchFailure, FetchReason, OutputId, Result};
use rsql_planner::stages::Slice;
use serde::{Deserialize, Serialize};

use crate::output::{Figures, MapOutput, OutputLocation, PartitionFigures, describe};

/// One partition of one output, with the figures it must have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadUnit {
    /// Position in [`StageRead::locations`].
    pub location: u32,
    /// Partition.
    pub partition: u32,
    /// Tag of the output.
    pub tag: u64,
    /// Blocks are encrypted.
    pub encrypted: bool,
    /// Figures.
    pub figures: PartitionFigures,
}

/// What a task reads of one stage.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageRead {
    /// Outputs that are read.
    pub locations: Vec<OutputLocation>,
    /// Parts of them, in the order of their rows.
    pub units: Vec<ReadUnit>,
}

impl StageRead {
    /// The units of `slices`, in order, of a stage's outputs: the winning attempt of each map. Partitions without rows
    /// are left out. Fails if the figures of an output do not match their checksum or a map has no output.
    pub fn new<F: Figures>(outputs: &[(F, OutputLocation)], slices: &[Slice]) -> Result<Self> {
        let mut by_map: HashMap<u32, &(F, OutputLocation)> = HashMap::new();
        for output in outputs {
            output.0.verify()?;
            let id = output.0.id();
            if id != output.1.output || by_map.insert(id.map, output).is_some() {
                return Err(Error::internal(format!(
                    "{} is not the one output of its map",
                    describe(id)
                )));
            }
        }
        let mut read = Self::default();
        let mut places: HashMap<OutputId, u32> = HashMap::new();
        for slice in slices {
            for map in slice.maps.clone() {
                let (output, location) = by_map
                    .get(&map)
                    .ok_or_else(|| Error::internal(format!("map {map} of a stage has no output")))?;
                let id = output.id();
                let figures = output
                    .partition(slice.partition)
                    .ok_or_else(|| Error::internal(format!("{} has no partition {}", describe(id), slice.partition)))?;
                if figures.rows == 0 {
                    continue;
                }
                let place = *places.entry(id).or_insert_with(|| {
                    read.locations.push(location.clone());
                    read.locations.len() as u32 - 1
                });
                read.units.push(ReadUnit {
                    location: place,
                    partition: slice.partition,
                    tag: output.tag(),
                    encrypted: output.encrypted(),
                    figures,
                });
            }
        }
        Ok(read)
    }

    /// All partitions of the given outputs, partition by partition, in the order of the maps.
    pub fn everything(outputs: &[(MapOutput, OutputLocation)]) -> Result<Self> {
        let partitions = outputs.iter().map(|(o, _)| o.partitions.len()).max().unwrap_or(0);
        let mut maps: Vec<u32> = outputs.iter().map(|(o, _)| o.id.map).collect();
        maps.sort_unstable();
        let slices: Vec<Slice> = (0..partitions as u32)
            .flat_map(|partition| {
                maps.iter().map(move |map| Slice {
                    partition,
                    maps: *map..*map + 1,
                })
            })
            .collect();
        Self::new(outputs, &slices)
    }

    /// Bytes of all units.
    pub fn bytes(&self) -> u64 {
        self.units.iter().map(|u| u.figures.bytes).sum()
    }

    /// Where a unit lies.
    pub(crate) fn location(&self, unit: &ReadUnit) -> &OutputLocation {
        &self.locations[unit.location as usize]
    }

    /// The failure to read a unit, which names its producer.
    pub(crate) fn failed(&self, unit: &ReadUnit, reason: FetchReason, why: &str) -> Error {
        let location = self.location(unit);
        let failure = FetchFailure {
            output: location.output,
            executor: location.executor,
            reason,
        };
        let what = format!(
            "partition {} of {} on {}: {why}",
            unit.partition,
            describe(location.output),
            location.executor
        );
        Error::fetch_failed(failure, what)
    }
}
