//! Kernels: arithmetic, comparison, decimals, selection by predicate, membership.
//!
//! Kernels get dense operands of one length (arrays or constants), work on slices, and combine validity outside their
//! inner loops.

mod arithmetic;
mod compare;
pub mod decimal;
mod decimal_arithmetic;
mod membership;
mod operand;
mod ordering;
mod select;

pub use arithmetic::{ArithSpec, arithmetic};
pub use compare::{compare, equal_pairs};
pub use membership::Membership;
pub use operand::{Operand, union_nulls};
pub use ordering::{RowComparator, cmp_f32, cmp_f64, comparator};
pub use select::{select_codes, select_compare, select_where};
