//! Validity bits that cost nothing until the first NULL.

use arrow::array::BooleanBufferBuilder;
use arrow::buffer::NullBuffer;

/// Validity of appended rows.
#[derive(Debug, Default)]
pub(super) struct Validity {
    /// None while no NULL came.
    bits: Option<BooleanBufferBuilder>,
}

impl Validity {
    /// Appends the validity of `rows`; `len` rows were appended before.
    pub(super) fn append(&mut self, nulls: Option<&NullBuffer>, rows: &[u32], len: usize) {
        match nulls {
            Some(nulls) if self.bits.is_some() || rows.iter().any(|r| nulls.is_null(*r as usize)) => {
                let bits = self.bits(len);
                rows.iter().for_each(|r| bits.append(nulls.is_valid(*r as usize)));
            }
            _ => {
                if let Some(bits) = &mut self.bits {
                    bits.append_n(rows.len(), true);
                }
            }
        }
    }

    fn bits(&mut self, len: usize) -> &mut BooleanBufferBuilder {
        self.bits.get_or_insert_with(|| {
            let mut bits = BooleanBufferBuilder::new(len + 64);
            bits.append_n(len, true);
            bits
        })
    }

    /// The validity of all appended rows; none appended then.
    pub(super) fn take(&mut self) -> Option<NullBuffer> {
        self.bits.take().map(|mut bits| NullBuffer::new(bits.finish()))
    }
}
