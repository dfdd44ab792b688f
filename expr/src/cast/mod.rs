//! Casts between all pairs of types that Spark casts, in ANSI, legacy and try mode.

use arrow::array::ArrayRef;
use rsql_common::{Error, Result};

use crate::{EvalMode, EvalOptions, Origin, SqlType};

/// `array` of type `from` as `to`.
pub fn cast_array(
    array: &ArrayRef,
    from: &SqlType,
    to: &SqlType,
    _mode: EvalMode,
    _options: &EvalOptions,
    origin: Origin,
) -> Result<ArrayRef> {
    if from == to {
        return Ok(array.clone());
    }
    Err(Error::unsupported(format!("cast of {from} to {to}")).at(origin.0))
}
mod allowed;
pub use allowed::{can_cast, can_store_assign, can_up_cast};
