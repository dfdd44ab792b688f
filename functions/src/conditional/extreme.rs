//! `greatest` and `least`.

use std::cmp::Ordering;

use arrow::array::{Array, ArrayRef};
use arrow::row::{RowConverter, Rows, SortField};
use rsql_common::{Result, quoted_name};
use rsql_expr::function::{EvalArgs, ResolveCx, ReturnType, Signature};
use rsql_expr::{Expr, ScalarFn, SqlType};

use super::doc;
use crate::kernel::{cast, check_count, custom, mismatch};

pub(super) const ALL: &[&ScalarFn] = &[&GREATEST, &LEAST];

/// `greatest(expr[, ...])`
static GREATEST: ScalarFn = custom(
    "greatest",
    &[],
    doc(
        "greatest(expr[, ...])",
        "The largest argument that is not NULL.",
        "SELECT greatest(10, 9, 2, 4, 3)",
    ),
    Signature::bind_with(bind, ReturnType::SameAs(0)),
    |args| extreme(args, Ordering::Greater),
);

/// `least(expr[, ...])`
static LEAST: ScalarFn = custom(
    "least",
    &[],
    doc(
        "least(expr[, ...])",
        "The smallest argument that is not NULL.",
        "SELECT least(10, 9, 2, 4, 3)",
    ),
    Signature::bind_with(bind, ReturnType::SameAs(0)),
    |args| extreme(args, Ordering::Less),
);

fn bind(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    check_count(&args, 2, None, cx)?;
    let types: Vec<SqlType> = args.iter().map(Expr::ty).filter(|t| *t != SqlType::Void).collect();
    // Texts are compared with texts only.
    let mixed = types.iter().any(SqlType::is_string) && !types.iter().all(SqlType::is_string);
    let common = if mixed {
        None
    } else {
        rsql_expr::coerce::common_type(&args, cx)
    };
    let Some(ty) = common else {
        let types: Vec<String> = args.iter().map(|a| a.ty().quoted()).collect();
        return Err(mismatch("DATA_DIFF_TYPES", &args, cx)
            .param("functionName", quoted_name([&cx.called_as]))
            .param("dataType", format!("[{}]", types.join(", "))));
    };
    let bound: Vec<Expr> = args.into_iter().map(|a| cast(a, &ty, cx)).collect();
    if !ty.is_orderable() {
        return Err(mismatch("INVALID_ORDERING_TYPE", &bound, cx)
            .param("functionName", quoted_name([&cx.called_as]))
            .param("dataType", ty.quoted()));
    }
    Ok(bound)
}

fn extreme(args: &EvalArgs<'_>, wins: Ordering) -> Result<ArrayRef> {
    let arrays = (0..args.len()).map(|i| args.array(i)).collect::<Result<Vec<_>>>()?;
    let Some(first) = arrays.first() else {
        return Ok(arrow::array::new_null_array(&args.call.ty.arrow(), args.rows));
    };
    if args.rows == 0 || first.data_type().is_null() {
        return Ok(first.clone());
    }
    let keys = arrays
        .iter()
        .map(|a| crate::collation::comparable(a, &args.call.ty))
        .collect::<Result<Vec<_>>>()?;
    let key_type = keys.first().map_or(first.data_type(), |k| k.data_type());
    let converter = RowConverter::new(vec![SortField::new(key_type.clone())])?;
    let rows: Vec<Rows> = keys
        .iter()
        .map(|a| converter.convert_columns(std::slice::from_ref(a)))
        .collect::<Result<_, _>>()?;
    let picks: Vec<(usize, usize)> = (0..args.rows)
        .map(|row| {
            let mut best = 0;
            for (i, array) in arrays.iter().enumerate().skip(1) {
                let better = array.is_valid(row)
                    && (arrays[best].is_null(row) || rows[i].row(row).cmp(&rows[best].row(row)) == wins);
                if better {
                    best = i;
                }
            }
            (best, row)
        })
        .collect();
    let arrays: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
    Ok(arrow::compute::interleave(&arrays, &picks)?)
}
