//! `width_bucket`.

use arrow::array::{Array, ArrayRef, cast::AsArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use rsql_common::Result;
use rsql_expr::function::signature::ret;
use rsql_expr::function::{EvalArgs, Signature, TypeSpec};
use rsql_expr::tree::NullRule;
use rsql_expr::types::Repr;
use rsql_expr::{Expr, ScalarFn, SqlType};

use super::doc;
use crate::kernel::{LongCol, cast, check_count, mismatch, native_values, prim_rows, pure, some, unexpected_input};

/// `width_bucket(value, min, max, buckets)`
pub(super) static WIDTH_BUCKET: ScalarFn = ScalarFn {
    nulls: NullRule::PropagateOrNull,
    ..pure(
        "width_bucket",
        &[],
        doc(
            "width_bucket(value, min, max, buckets)",
            "Number of the equally wide bucket that the value falls into; 0 before the first, one more after the last.",
            "SELECT width_bucket(5.3, 0.2, 10.6, 5)",
        ),
        Signature::bind_with(
            |args, cx| {
                check_count(&args, 4, Some(4), cx)?;
                let interval = args.first().is_some_and(|a| a.ty().is_ansi_interval());
                let same_family = |a: &Expr, b: &Expr| match (a.ty(), b.ty()) {
                    (SqlType::YearMonthInterval(..), SqlType::YearMonthInterval(..)) => true,
                    (SqlType::DayTimeInterval(..), t) => matches!(t, SqlType::DayTimeInterval(..)),
                    _ => false,
                };
                let odd = args[..3]
                    .iter()
                    .any(|a| a.ty().is_ansi_interval() != interval && a.ty() != SqlType::Void);
                if odd {
                    let types: Vec<String> = args[..3].iter().map(|a| a.ty().quoted()).collect();
                    return Err(mismatch("DATA_DIFF_TYPES", &args, cx)
                        .param("functionName", "`width_bucket`")
                        .param("dataType", types.join(", ")));
                }
                let mut bound = Vec::with_capacity(4);
                for (i, a) in args.iter().enumerate() {
                    bound.push(match i {
                        3 => rsql_expr::coerce::implicit_cast(a.clone(), TypeSpec::Long, 3, cx)?,
                        _ if interval && same_family(&args[0], a) => a.clone(),
                        _ if interval => return Err(unexpected_input(&args, i, &args[0].ty().quoted(), cx)),
                        _ if a.ty() == SqlType::Void => cast(a.clone(), &SqlType::Double, cx),
                        _ => rsql_expr::coerce::implicit_cast(a.clone(), TypeSpec::Double, i, cx)?,
                    });
                }
                Ok(bound)
            },
            ret::LONG,
        ),
        |args| {
            let (value, min, max) = (numbers(args, 0)?, numbers(args, 1)?, numbers(args, 2)?);
            let buckets = LongCol::of(args, 3)?;
            prim_rows::<Int64Type>(args.rows, &DataType::Int64, |row| {
                Ok(bucket(
                    some!(value[row]),
                    some!(min[row]),
                    some!(max[row]),
                    some!(buckets.get(row)),
                ))
            })
        },
    )
};

fn numbers(args: &EvalArgs<'_>, i: usize) -> Result<Vec<Option<f64>>> {
    let array: ArrayRef = args.array(i)?;
    let valid = |i: usize, v: f64| array.is_valid(i).then_some(v);
    Ok(match args.ty(i).repr() {
        Repr::I32 => native_values::<i32>(array.as_ref())?
            .iter()
            .enumerate()
            .map(|(i, v)| valid(i, f64::from(*v)))
            .collect(),
        Repr::I64 => native_values::<i64>(array.as_ref())?
            .iter()
            .enumerate()
            .map(|(i, v)| valid(i, *v as f64))
            .collect(),
        _ => array.as_primitive::<Float64Type>().iter().collect(),
    })
}

fn bucket(value: f64, min: f64, max: f64, buckets: i64) -> Option<i64> {
    if buckets <= 0 || buckets == i64::MAX || value.is_nan() || min == max || !min.is_finite() || !max.is_finite() {
        return None;
    }
    let (lower, upper) = if min < max { (min, max) } else { (max, min) };
    if min < max {
        Some(if value < lower {
            0
        } else if value >= upper {
            buckets + 1
        } else {
            (buckets as f64 * (value - lower) / (upper - lower)) as i64 + 1
        })
    } else {
        Some(if value > upper {
            0
        } else if value <= lower {
            buckets + 1
        } else {
            (buckets as f64 * (upper - value) / (upper - lower)) as i64 + 1
        })
    }
}

#[cfg(test)]
mod tests {
    use super::bucket;

    #[test]
    fn buckets() {
        assert_eq!(bucket(5.3, 0.2, 10.6, 5), Some(3));
        assert_eq!(bucket(-2.1, 1.3, 3.4, 3), Some(0));
        assert_eq!(bucket(8.1, 0.0, 5.7, 4), Some(5));
        assert_eq!(bucket(-0.9, 5.2, 0.5, 2), Some(3));
        assert_eq!(bucket(1.0, 1.0, 1.0, 2), None);
    }
}
