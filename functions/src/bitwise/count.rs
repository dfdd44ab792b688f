//! `bit_count` and `getbit`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int32Array};
use arrow::datatypes::{DataType, Int8Type};
use rsql_common::{Error, Result, quoted_name};
use rsql_expr::function::signature::ret;
use rsql_expr::function::{EvalArgs, Signature, TypeSpec};
use rsql_expr::types::Repr;
use rsql_expr::{ScalarFn, SqlType};

use super::doc;
use crate::kernel::{BoolCol, IntCol, check_count, fallible, native_values, prim_rows, pure, some, unexpected_input};

/// `bit_count(expr)`
pub(super) static BIT_COUNT: ScalarFn = pure(
    "bit_count",
    &[],
    doc(
        "bit_count(expr)",
        "Number of bits that are set; integers count as BIGINT.",
        "SELECT bit_count(0)",
    ),
    Signature::bind_with(
        |args, cx| {
            check_count(&args, 1, Some(1), cx)?;
            match args[0].ty() {
                t if t.is_integral() || t == SqlType::Boolean => Ok(args),
                SqlType::Void => Ok(vec![crate::kernel::cast(args[0].clone(), &SqlType::Long, cx)]),
                _ => Err(unexpected_input(&args, 0, "(\"INTEGRAL\" or \"BOOLEAN\")", cx)),
            }
        },
        ret::INT,
    ),
    |args| {
        let array = args.array(0)?;
        let counts: Vec<i32> = match args.ty(0).repr() {
            Repr::Bool => {
                let values = BoolCol::of(args, 0)?;
                (0..args.rows).map(|i| i32::from(values.get(i) == Some(true))).collect()
            }
            _ => longs(args, &array)?.iter().map(|v| v.count_ones() as i32).collect(),
        };
        Ok(Arc::new(Int32Array::new(counts.into(), array.nulls().cloned())))
    },
);

/// Integers of any width, widened.
fn longs(args: &EvalArgs<'_>, array: &ArrayRef) -> Result<Vec<i64>> {
    Ok(match args.ty(0).repr() {
        Repr::I8 => native_values::<i8>(array.as_ref())?
            .iter()
            .map(|v| i64::from(*v))
            .collect(),
        Repr::I16 => native_values::<i16>(array.as_ref())?
            .iter()
            .map(|v| i64::from(*v))
            .collect(),
        Repr::I32 => native_values::<i32>(array.as_ref())?
            .iter()
            .map(|v| i64::from(*v))
            .collect(),
        _ => native_values::<i64>(array.as_ref())?.to_vec(),
    })
}

/// `getbit(expr, pos)`
pub(super) static GETBIT: ScalarFn = fallible(
    "getbit",
    &["bit_get"],
    doc(
        "getbit(expr, pos)",
        "The bit at a position, from 0 at the right.",
        "SELECT getbit(11, 0)",
    ),
    Signature::exact(&[TypeSpec::Integral, TypeSpec::Int], ret::BYTE),
    |args| {
        let array = args.array(0)?;
        let (values, positions) = (longs(args, &array)?, IntCol::of(args, 1)?);
        let width: i32 = match args.ty(0).repr() {
            Repr::I8 => 8,
            Repr::I16 => 16,
            Repr::I32 => 32,
            _ => 64,
        };
        prim_rows::<Int8Type>(args.rows, &DataType::Int8, |row| {
            let position = some!(positions.get(row));
            if array.is_null(row) {
                return Ok(None);
            }
            if !(0..width).contains(&position) {
                return Err(args.error(
                    Error::user("INVALID_PARAMETER_VALUE.BIT_POSITION_RANGE")
                        .param("functionName", quoted_name([&args.call.func]))
                        .param("parameter", "`pos`")
                        .param("upper", width.to_string())
                        .param("invalidValue", position.to_string()),
                ));
            }
            Ok(Some((values[row] >> position & 1) as i8))
        })
    },
);
