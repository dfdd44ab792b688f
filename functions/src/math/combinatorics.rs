//! `factorial`.

use arrow::datatypes::{DataType, Int64Type};
use rsql_expr::ScalarFn;
use rsql_expr::function::signature::ret;
use rsql_expr::function::{Signature, TypeSpec};
use rsql_expr::tree::NullRule;

use super::doc;
use crate::kernel::{IntCol, prim_rows, pure, some};

/// `factorial(n)`
pub(super) static FACTORIAL: ScalarFn = ScalarFn {
    nulls: NullRule::PropagateOrNull,
    ..pure(
        "factorial",
        &[],
        doc(
            "factorial(n)",
            "n! for n from 0 to 20, else NULL.",
            "SELECT factorial(5)",
        ),
        Signature::exact(&[TypeSpec::Int], ret::LONG),
        |args| {
            let values = IntCol::of(args, 0)?;
            prim_rows::<Int64Type>(args.rows, &DataType::Int64, |row| {
                let n = i64::from(some!(values.get(row)));
                Ok((0..=20).contains(&n).then(|| (1..=n).product()))
            })
        },
    )
};
