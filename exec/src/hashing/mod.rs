//! Vectorised hashing and numbering of keys, shared by hash joins and hash aggregation.
//!
//! ```text
//!   key vectors ── KeyReader ──> KeyColumn (i64 | i128 | bytes) ── KeyTable::assign / find ──> one u32 a row
//! ```
//!
//! [`KeyColumn`] brings every type into one of three comparable forms. A [`KeyTable`] numbers distinct keys from 0 in
//! the order of their first appearance: single integers through a dense array or open addressing ([`int_table`]),
//! several integers packed into one ([`packed_table`]), anything else by hash and columnwise compare
//! ([`general_table`]). [`CodeCache`] sits in front where keys are dictionary codes.

mod bytes;
mod code_cache;
mod general_table;
mod hash;
mod int_table;
mod key_column;
mod key_reader;
mod key_table;
mod packed_table;
mod paged_slots;
#[cfg(test)]
mod tests;

pub(crate) use code_cache::CodeCache;
pub(crate) use hash::{hash_keys, hash_view, view_bytes};
use int_table::IntTable;
pub(crate) use key_column::{KeyColumn, KeyKind, KeyValues};
pub(crate) use key_reader::KeyReader;
pub(crate) use key_table::KeyTable;

/// What `find` gives for a key that is not there.
pub(crate) const NONE: u32 = u32::MAX;
