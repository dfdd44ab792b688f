//! What kernels share: typed views of arguments, row loops, and short constructors of definitions.

mod bind;
mod column;
mod define;
mod native;
mod rows;

pub(crate) use bind::{
    cast, cast_lenient, check_count, common_type, constant, constant_text, mismatch, non_foldable, text_before_cast,
    to_common, unexpected_input, wider,
};
pub(crate) use column::{BinCol, BoolCol, Col, DoubleCol, IntCol, LongCol, StrCol};
pub(crate) use define::{Kernel, custom, fallible, pure, rewritten, volatile};
pub(crate) use native::{native_array, native_values};
pub(crate) use rows::{binary_rows, bool_rows, prim_rows, slice_rows, text_rows};

/// The value of an `Option`, or NULL as the closure's row.
macro_rules! some {
    ($value:expr) => {
        match $value {
            Some(v) => v,
            None => return Ok(None),
        }
    };
}
pub(crate) use some;
