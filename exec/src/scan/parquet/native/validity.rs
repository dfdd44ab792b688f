//! Which of the rows put out are NULL.

use arrow::array::BooleanBufferBuilder;
use arrow::buffer::NullBuffer;

/// Validity of the rows put out; nothing is stored until a NULL comes.
pub(super) struct Validity {
    bits: Option<BooleanBufferBuilder>,
    rows: usize,
    capacity: usize,
}

impl Validity {
    pub fn new(capacity: usize) -> Self {
        Self {
            bits: None,
            rows: 0,
            capacity,
        }
    }

    pub fn valid(&mut self, n: usize) {
        if let Some(bits) = &mut self.bits {
            bits.append_n(n, true);
        }
        self.rows += n;
    }

    /// Rows of a part, or the picked ones.
    pub fn rows(&mut self, valid: &[u8], picked: Option<(&[u32], u32)>) {
        let (rows, capacity) = (self.rows, self.capacity);
        let bits = self.bits.get_or_insert_with(|| {
            let mut bits = BooleanBufferBuilder::new(capacity);
            bits.append_n(rows, true);
            bits
        });
        match picked {
            None => valid.iter().for_each(|v| bits.append(*v != 0)),
            Some((picked, base)) => picked
                .iter()
                .for_each(|r| bits.append(valid[(*r - base) as usize] != 0)),
        }
        self.rows += picked.map_or(valid.len(), |(p, _)| p.len());
    }

    pub fn finish(self) -> Option<NullBuffer> {
        let nulls = NullBuffer::new(self.bits?.finish());
        (nulls.null_count() > 0).then_some(nulls)
    }
}
