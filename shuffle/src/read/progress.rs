//! How far a unit was read: its bytes become frames, and the sums are held against the unit's figures.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use crate::format::{FRAME_HEADER, FrameReader};
use crate::output::PartitionFigures;
use crate::service::Held;

/// A frame on its way to a worker.
#[derive(Debug)]
pub(crate) struct Frame {
    /// Position of its unit.
    pub unit: usize,
    /// Position in the unit.
    pub number: u64,
    pub bytes: Bytes,
    /// Its share of the fetch budget.
    pub _held: Option<Held>,
}

/// Cuts the bytes of one unit into frames.
#[derive(Debug)]
pub(crate) struct UnitReader {
    pub unit: usize,
    figures: PartitionFigures,
    /// Bytes that came.
    pub offset: u64,
    crc: u32,
    frames: FrameReader,
    number: u64,
}

impl UnitReader {
    pub(crate) fn new(unit: usize, figures: PartitionFigures) -> Self {
        Self {
            unit,
            figures,
            offset: 0,
            crc: 0,
            frames: FrameReader::default(),
            number: 0,
        }
    }

    /// Takes the next bytes; appends the frames that are complete.
    pub(crate) fn push(&mut self, bytes: Bytes, out: &mut impl Extend<Frame>) {
        self.offset += bytes.len() as u64;
        let mut frames = Vec::new();
        self.frames.push(bytes, &mut frames);
        out.extend(frames.into_iter().map(|bytes| {
            // The checksum a frame states; whether its payload has it is seen when it is opened.
            self.crc = crc32c::crc32c_append(self.crc, &bytes[4..FRAME_HEADER]);
            self.number += 1;
            Frame {
                unit: self.unit,
                number: self.number - 1,
                bytes,
                _held: None,
            }
        }));
    }

    /// All bytes came.
    pub(crate) fn is_complete(&self) -> bool {
        self.offset >= self.figures.bytes
    }

    /// Bytes that have not come.
    pub(crate) fn missing(&self) -> u64 {
        self.figures.bytes.saturating_sub(self.offset)
    }

    /// Bytes of a frame that is not complete yet.
    pub(crate) fn pending(&self) -> usize {
        self.frames.pending()
    }

    /// Of a complete unit: what is wrong with it, if something is.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        if self.frames.pending() > 0 || self.offset > self.figures.bytes {
            Some("the last block is cut")
        } else if self.crc != self.figures.crc {
            Some("the blocks are not those that were written")
        } else {
            None
        }
    }
}

/// Rows of a unit that were decoded.
#[derive(Debug, Default)]
pub(super) struct RowCount(AtomicU64);

impl RowCount {
    /// Adds rows; true if there are more now than there should be.
    pub(super) fn add(&self, rows: u64, expected: u64) -> bool {
        self.0.fetch_add(rows, Ordering::Relaxed) + rows > expected
    }

    /// Rows so far.
    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
