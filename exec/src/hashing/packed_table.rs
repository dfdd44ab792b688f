//! Several integer keys packed into one.
//!
//! Each key gets as many bits as its range needs; code 0 is NULL, others are `1 + value - min`. When a chunk has values
//! outside the ranges, the fields widen (with room to spare) and the keys seen so far are packed anew.

use arrow::buffer::{BooleanBuffer, NullBuffer};

use super::{IntTable, KeyColumn, KeyValues, NONE};

/// Most bits a packed key may have, so that it stays a positive `i64`.
const BITS: u32 = 62;

/// Numbers distinct tuples of integers.
#[derive(Debug)]
pub(super) struct PackedTable {
    fields: Vec<PackedField>,
    table: IntTable,
    packed: Vec<i64>,
    hash_zero: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct PackedField {
    /// Value of code 1.
    min: i64,
    /// Codes fit into these bits; 0 until the first value is seen (only NULL).
    bits: u32,
}

impl PackedField {
    /// Largest value with a code.
    fn max(self) -> i64 {
        let codes = 1u64 << self.bits;
        self.min.saturating_add_unsigned(codes.saturating_sub(2))
    }

    fn covers(self, range: Option<(i64, i64)>) -> bool {
        range.is_none_or(|(low, high)| self.bits > 0 && low >= self.min && high <= self.max())
    }

    #[inline(always)]
    fn code(self, v: i64) -> u64 {
        (v.wrapping_sub(self.min) as u64).wrapping_add(1)
    }

    /// The narrowest field for a range.
    fn exact((low, high): (i64, i64)) -> Option<Self> {
        let codes = high.abs_diff(low).checked_add(2)?;
        let bits = u64::BITS - (codes - 1).leading_zeros();
        (bits <= BITS).then_some(Self { min: low, bits })
    }

    /// The field for a range that grew from this one.
    fn widened(self, (low, high): (i64, i64)) -> Option<Self> {
        if self.bits == 0 {
            return Self::exact((low, high));
        }
        let exact = Self::exact((low.min(self.min), high.max(self.max())))?;
        let grew_down = low < self.min;
        let roomy = Self {
            min: exact.min,
            bits: exact.bits.max(self.bits + 1),
        };
        if roomy.bits > BITS {
            return None;
        }
        if !grew_down {
            return Some(roomy);
        }
        // Spare codes go below.
        let spare = (1u64 << roomy.bits) - 2 - exact.max_span(low.min(self.min), high.max(self.max()));
        Some(Self {
            min: roomy.min.checked_sub_unsigned(spare)?,
            bits: roomy.bits,
        })
    }

    fn max_span(self, low: i64, high: i64) -> u64 {
        high.abs_diff(low)
    }
}

impl PackedTable {
    pub(super) fn new(columns: usize, hash_zero: bool) -> Self {
        Self {
            fields: vec![PackedField { min: 0, bits: 0 }; columns],
            table: IntTable::new(true, hash_zero),
            packed: Vec::new(),
            hash_zero,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    pub(super) fn size(&self) -> usize {
        self.table.size()
    }

    /// Prepares an empty table for `rows` keys in these ranges, if they fit.
    pub(super) fn reserve(&mut self, ranges: &[Option<(i64, i64)>], rows: usize) {
        let exact: Option<Vec<PackedField>> = ranges
            .iter()
            .map(|r| match r {
                Some(r) => PackedField::exact(*r),
                None => Some(PackedField { min: 0, bits: 0 }),
            })
            .collect();
        let Some(fields) = exact else { return };
        let bits = fields.iter().map(|f| f.bits).sum::<u32>();
        if bits <= BITS {
            self.fields = fields;
            self.table.reserve((0, (1i64 << bits) - 1), rows);
        }
    }

    /// Says that keys are known to be strewn.
    pub(super) fn strewn(&mut self, rows: usize) {
        self.table.strewn(rows);
    }

    /// Numbers each row's key. False: the keys do not fit; nothing was changed.
    pub(super) fn assign(&mut self, columns: &[KeyColumn], rows: usize, out: &mut Vec<u32>) -> bool {
        if !self.fit(columns, rows) {
            return false;
        }
        let mut packed = std::mem::take(&mut self.packed);
        self.pack(columns, rows, &mut packed);
        self.table.assign(&packed, None, out);
        self.packed = packed;
        true
    }

    /// Looks up each row's key.
    pub(super) fn find(&self, columns: &[KeyColumn], rows: usize, out: &mut Vec<u32>) {
        let mut packed = Vec::new();
        self.pack(columns, rows, &mut packed);
        self.table.find(&packed, None, out);
        for (column, field) in columns.iter().zip(&self.fields) {
            let (low, high) = (field.min, field.max());
            let outside = |v: i64| field.bits == 0 || v < low || v > high;
            let values = column.ints();
            match &column.nulls {
                None => out
                    .iter_mut()
                    .zip(values)
                    .for_each(|(o, v)| *o = if outside(*v) { NONE } else { *o }),
                Some(n) => n
                    .valid_indices()
                    .filter(|i| outside(values[*i]))
                    .for_each(|i| out[i] = NONE),
            }
        }
    }

    /// Widens fields until all values have codes; false if they do not fit.
    fn fit(&mut self, columns: &[KeyColumn], new: usize) -> bool {
        let mut fields = self.fields.clone();
        let mut changed = false;
        for (field, column) in fields.iter_mut().zip(columns) {
            let range = column.int_range();
            if let Some(range) = range.filter(|_| !field.covers(range)) {
                let Some(wider) = field.widened(range) else {
                    return false;
                };
                *field = wider;
                changed = true;
            }
        }
        if !changed {
            return true;
        }
        if fields.iter().map(|f| f.bits).sum::<u32>() > BITS {
            return false;
        }
        let keys = self.keys();
        self.fields = fields;
        if self.table.len() > 0 {
            let rows = self.table.len();
            let mut packed = Vec::new();
            self.pack(&keys, rows, &mut packed);
            let mut table = IntTable::new(true, self.hash_zero);
            if self.table.is_hashed() {
                table.strewn(self.table.len() + new);
            }
            table.assign(&packed, None, &mut Vec::new());
            self.table = table;
        }
        true
    }

    fn pack(&self, columns: &[KeyColumn], rows: usize, packed: &mut Vec<i64>) {
        packed.clear();
        packed.resize(rows, 0);
        for (column, field) in columns.iter().zip(&self.fields) {
            let bits = field.bits;
            let values = column.ints();
            match &column.nulls {
                None => packed
                    .iter_mut()
                    .zip(values)
                    .for_each(|(p, v)| *p = (*p << bits) | field.code(*v) as i64),
                Some(n) => packed
                    .iter_mut()
                    .zip(values)
                    .zip(n.iter())
                    .for_each(|((p, v), ok)| *p = (*p << bits) | if ok { field.code(*v) as i64 } else { 0 }),
            }
        }
    }

    /// The distinct keys, by number.
    pub(super) fn keys(&self) -> Vec<KeyColumn> {
        let packed = self.table.keys();
        let mut shift: u32 = self.fields.iter().map(|f| f.bits).sum();
        let mut columns = Vec::with_capacity(self.fields.len());
        for field in &self.fields {
            shift -= field.bits;
            let mask = (1i64 << field.bits) - 1;
            let codes = || packed.iter().map(move |p| (*p >> shift) & mask);
            let nulls = codes().any(|c| c == 0).then(|| {
                let codes: Vec<i64> = codes().collect();
                NullBuffer::new(BooleanBuffer::collect_bool(codes.len(), |i| codes[i] != 0))
            });
            let min = field.min;
            let values = codes()
                .map(|c| if c == 0 { 0 } else { min.wrapping_add(c - 1) })
                .collect();
            columns.push(KeyColumn {
                values: KeyValues::Int(values),
                nulls,
            });
        }
        columns
    }
}
