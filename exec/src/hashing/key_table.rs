//! The table for keys of given types; picks the layout and changes it when the keys outgrow it.

use arrow::buffer::NullBuffer;
use arrow::datatypes::DataType;
use rsql_common::Result;

use super::general_table::GeneralTable;
use super::packed_table::PackedTable;
use super::{IntTable, KeyColumn, KeyKind, KeyValues, NONE};

/// Numbers distinct keys from 0 in order of first appearance; NULL is a value like others.
#[derive(Debug)]
pub(crate) struct KeyTable {
    kinds: Vec<KeyKind>,
    layout: Layout,
    hash_zero: bool,
}

#[derive(Debug)]
enum Layout {
    /// No key columns: every row has key 0, once there is one.
    Unit {
        len: usize,
    },
    /// One integer key; the number of NULL is kept beside.
    Int {
        table: IntTable,
        /// The number of NULL and the numbers that the table gave before; later ones are one higher.
        null: Option<u32>,
    },
    Packed(PackedTable),
    General(GeneralTable),
}

impl KeyTable {
    /// An empty table for keys of these engine types. `keep_keys`: [`KeyTable::keys`] will be asked for.
    pub(crate) fn new(types: &[DataType], keep_keys: bool, hash_zero: bool) -> Self {
        let kinds: Vec<KeyKind> = types.iter().map(KeyKind::of).collect();
        let layout = match kinds.as_slice() {
            [] => Layout::Unit { len: 0 },
            [one] if one.is_int() => Layout::Int {
                table: IntTable::new(keep_keys, hash_zero),
                null: None,
            },
            many if many.iter().all(|k| *k == KeyKind::Int) => Layout::Packed(PackedTable::new(many.len(), hash_zero)),
            _ => Layout::General(GeneralTable::new(&kinds, hash_zero)),
        };
        Self {
            kinds,
            layout,
            hash_zero,
        }
    }

    /// Distinct keys.
    pub(crate) fn len(&self) -> usize {
        match &self.layout {
            Layout::Unit { len } => *len,
            Layout::Int { table, null } => table.len() + usize::from(null.is_some()),
            Layout::Packed(t) => t.len(),
            Layout::General(t) => t.len(),
        }
    }

    /// Bytes held.
    pub(crate) fn size(&self) -> usize {
        match &self.layout {
            Layout::Unit { .. } => 0,
            Layout::Int { table, .. } => table.size(),
            Layout::Packed(t) => t.size(),
            Layout::General(t) => t.size(),
        }
    }

    /// Prepares an empty table for `rows` keys; `ranges` are those of integer keys, by column.
    pub(crate) fn reserve(&mut self, ranges: &[Option<(i64, i64)>], rows: usize) {
        match (&mut self.layout, ranges) {
            (Layout::Int { table, .. }, [Some(range)]) => table.reserve(*range, rows),
            (Layout::Packed(t), ranges) => t.reserve(ranges, rows),
            (Layout::General(t), _) => t.reserve(rows),
            _ => {}
        }
    }

    /// Says that about `rows` keys come from all over their range, so that arrays would not pay.
    pub(crate) fn strewn(&mut self, rows: usize) {
        match &mut self.layout {
            Layout::Int { table, .. } => table.strewn(rows),
            Layout::Packed(t) => t.strewn(rows),
            Layout::General(t) => t.reserve(rows),
            Layout::Unit { .. } => {}
        }
    }

    /// The number of each row's key; new keys get the next numbers.
    pub(crate) fn assign(&mut self, keys: &[KeyColumn], rows: usize, out: &mut Vec<u32>) {
        match &mut self.layout {
            Layout::Unit { len } => {
                *len = (*len).max(usize::from(rows > 0));
                out.clear();
                out.resize(rows, 0);
            }
            Layout::Int { table, null } => assign_int(table, null, &keys[0], out),
            Layout::Packed(t) => {
                if !t.assign(keys, rows, out) {
                    let mut general = GeneralTable::new(&self.kinds, self.hash_zero);
                    general.assign(&t.keys(), t.len(), out);
                    general.assign(keys, rows, out);
                    self.layout = Layout::General(general);
                }
            }
            Layout::General(t) => t.assign(keys, rows, out),
        }
    }

    /// The number of each row's key, [`NONE`] for keys that are not there. NULL finds NULL.
    pub(crate) fn find(&self, keys: &[KeyColumn], rows: usize, out: &mut Vec<u32>) {
        match &self.layout {
            Layout::Unit { len } => {
                out.clear();
                out.resize(rows, if *len > 0 { 0 } else { NONE });
            }
            Layout::Int { table, null } => {
                let column = &keys[0];
                table.find(column.ints(), column.nulls.as_ref(), out);
                if let Some(null) = *null {
                    shift_from(out, null);
                    set_nulls(out, column.nulls.as_ref(), null);
                }
            }
            Layout::Packed(t) => t.find(keys, rows, out),
            Layout::General(t) => t.find(keys, rows, out),
        }
    }

    /// The distinct keys, by number.
    pub(crate) fn keys(&self) -> Vec<KeyColumn> {
        match &self.layout {
            Layout::Unit { .. } => vec![],
            Layout::Int { table, null } => {
                let mut values = table.keys().to_vec();
                let nulls = null.map(|at| {
                    values.insert(at as usize, 0);
                    (0..values.len()).map(|i| i != at as usize).collect::<NullBuffer>()
                });
                vec![KeyColumn {
                    values: KeyValues::Int(values.into()),
                    nulls,
                }]
            }
            Layout::Packed(t) => t.keys(),
            Layout::General(t) => t.keys(),
        }
    }

    /// The distinct keys as arrays of their columns' types.
    pub(crate) fn key_arrays(&self, types: &[DataType]) -> Result<Vec<arrow::array::ArrayRef>> {
        self.keys().iter().zip(types).map(|(k, t)| k.to_array(t)).collect()
    }
}

/// The table itself gives numbers without NULL; numbers from NULL's on are one higher.
fn assign_int(table: &mut IntTable, null: &mut Option<u32>, column: &KeyColumn, out: &mut Vec<u32>) {
    let before = table.len() as u32;
    table.assign(column.ints(), column.nulls.as_ref(), out);
    let Some(nulls) = column.nulls.as_ref().filter(|n| n.null_count() > 0) else {
        if let Some(null) = *null {
            shift_from(out, null);
        }
        return;
    };
    let at = *null.get_or_insert_with(|| {
        // Keys that this chunk brought before its first NULL have the numbers up to here.
        let first = nulls.iter().position(|ok| !ok).unwrap_or(0);
        out[..first].iter().map(|id| id + 1).max().unwrap_or(0).max(before)
    });
    shift_from(out, at);
    set_nulls(out, Some(nulls), at);
}

fn shift_from(out: &mut [u32], null: u32) {
    out.iter_mut()
        .for_each(|id| *id += u32::from(*id >= null && *id != NONE));
}

fn set_nulls(out: &mut [u32], nulls: Option<&NullBuffer>, null: u32) {
    if let Some(n) = nulls {
        out.iter_mut()
            .zip(n.iter())
            .filter(|(_, ok)| !ok)
            .for_each(|(id, _)| *id = null);
    }
}
