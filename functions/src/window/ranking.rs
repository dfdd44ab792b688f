//! `row_number`, `rank`, `dense_rank`, `percent_rank`, `cume_dist`, `ntile`.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int32Array};
use rsql_expr::function::WindowInput;
use rsql_expr::tree::WindowFunc;
use rsql_expr::{Expr, Literal, SqlType, WindowFn};

use super::{doc, nullary, rows_to_current};
use crate::kernel::{check_count, constant, mismatch, non_foldable, unexpected_input};

/// `row_number()`
pub(super) static ROW_NUMBER: WindowFn = WindowFn {
    name: "row_number",
    aliases: &[],
    doc: doc(
        "row_number()",
        "Position of the row, from 1.",
        "SELECT a, row_number() OVER (ORDER BY a) FROM VALUES (1) AS t(a)",
    ),
    resolve: |args, _, cx| nullary("row_number", SqlType::Int, args, cx),
    fixed_frame: Some(rows_to_current),
    needs_order: true,
    eval: |input| Ok(Arc::new(Int32Array::from_iter_values(1..=input.rows as i32))),
};

/// `rank()`
pub(super) static RANK: WindowFn = WindowFn {
    name: "rank",
    aliases: &[],
    doc: doc(
        "rank()",
        "One more than the number of rows before the row's peers.",
        "SELECT a, rank() OVER (ORDER BY a) FROM VALUES (1) AS t(a)",
    ),
    resolve: |_, _, cx| nullary("rank", SqlType::Int, vec![], cx),
    fixed_frame: Some(rows_to_current),
    needs_order: true,
    eval: |input| {
        Ok(Arc::new(Int32Array::from_iter_values(
            input.peer_start.iter().map(|s| *s as i32 + 1),
        )))
    },
};

/// `dense_rank()`
pub(super) static DENSE_RANK: WindowFn = WindowFn {
    name: "dense_rank",
    aliases: &[],
    doc: doc(
        "dense_rank()",
        "Number of the row's peer group, from 1.",
        "SELECT a, dense_rank() OVER (ORDER BY a) FROM VALUES (1) AS t(a)",
    ),
    resolve: |_, _, cx| nullary("dense_rank", SqlType::Int, vec![], cx),
    fixed_frame: Some(rows_to_current),
    needs_order: true,
    eval: |input| {
        let mut rank = 0;
        let ranks = input.peer_start.iter().enumerate().map(|(i, start)| {
            rank += i32::from(i == *start as usize);
            rank
        });
        Ok(Arc::new(Int32Array::from_iter_values(ranks)))
    },
};

/// `percent_rank()`
pub(super) static PERCENT_RANK: WindowFn = WindowFn {
    name: "percent_rank",
    aliases: &[],
    doc: doc(
        "percent_rank()",
        "(rank - 1) / (rows - 1).",
        "SELECT a, percent_rank() OVER (ORDER BY a) FROM VALUES (1) AS t(a)",
    ),
    resolve: |_, _, cx| nullary("percent_rank", SqlType::Double, vec![], cx),
    fixed_frame: Some(rows_to_current),
    needs_order: true,
    eval: |input| {
        let others = input.rows.saturating_sub(1).max(1) as f64;
        Ok(Arc::new(Float64Array::from_iter_values(
            input.peer_start.iter().map(|s| f64::from(*s) / others),
        )))
    },
};

/// `cume_dist()`
pub(super) static CUME_DIST: WindowFn = WindowFn {
    name: "cume_dist",
    aliases: &[],
    doc: doc(
        "cume_dist()",
        "Share of rows up to the row and its peers.",
        "SELECT a, cume_dist() OVER (ORDER BY a) FROM VALUES (1) AS t(a)",
    ),
    resolve: |args, _, cx| nullary("cume_dist", SqlType::Double, args, cx),
    fixed_frame: Some(rows_to_current),
    needs_order: true,
    eval: |input| {
        let rows = input.rows as f64;
        Ok(Arc::new(Float64Array::from_iter_values(
            input.peer_end.iter().map(|e| f64::from(*e) / rows),
        )))
    },
};

/// `ntile([n])`
pub(super) static NTILE: WindowFn = WindowFn {
    name: "ntile",
    aliases: &[],
    doc: doc(
        "ntile([n])",
        "Number of the row's bucket when rows are dealt to n buckets evenly.",
        "SELECT a, ntile(2) OVER (ORDER BY a) FROM VALUES (1), (2) AS t(a)",
    ),
    resolve: |args, _, cx| {
        check_count(&args, 0, Some(1), cx)?;
        let n = match args.first() {
            None => 1,
            Some(n) if n.ty() != SqlType::Int => return Err(unexpected_input(&args, 0, "\"INT\"", cx)),
            Some(n) => match constant(n, cx) {
                None => return Err(non_foldable(&args, 0, "buckets", cx)),
                Some(l) => l.value.as_i64().unwrap_or(0),
            },
        };
        if n < 1 {
            return Err(mismatch("VALUE_OUT_OF_RANGE", &args, cx)
                .param("exprName", "buckets")
                .param("valueRange", format!("(0, {}]", i32::MAX))
                .param("currentValue", n.to_string()));
        }
        Ok(WindowFunc::Window {
            func: "ntile".into(),
            args: vec![Expr::lit(Literal::int(n as i32))],
            ignore_nulls: false,
            ty: SqlType::Int,
            nullable: false,
        })
    },
    fixed_frame: Some(rows_to_current),
    needs_order: true,
    eval: ntile,
};

fn ntile(input: &WindowInput<'_>) -> rsql_common::Result<ArrayRef> {
    let buckets = super::offset::int_at(input, 0, 0)?.unwrap_or(1).max(1) as usize;
    let (size, longer) = (input.rows / buckets, input.rows % buckets);
    // The first `longer` buckets have one row more.
    let boundary = longer * (size + 1);
    let tiles = (0..input.rows).map(|row| {
        let bucket = if row < boundary {
            row / (size + 1)
        } else {
            longer + (row - boundary) / size.max(1)
        };
        bucket as i32 + 1
    });
    Ok(Arc::new(Int32Array::from_iter_values(tiles)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{AsArray, types::Int32Type};

    #[test]
    fn tiles_and_ranks() {
        let args: Vec<ArrayRef> = vec![Arc::new(Int32Array::from(vec![3; 7]))];
        let (peer_start, peer_end) = ([0, 0, 2, 3, 3, 3, 6], [2, 2, 3, 6, 6, 6, 7]);
        let input = WindowInput {
            args: &args,
            rows: 7,
            peer_start: &peer_start,
            peer_end: &peer_end,
            frames: &[],
            ignore_nulls: false,
            ty: &SqlType::Int,
        };
        let ints = |f: &WindowFn| (f.eval)(&input).unwrap().as_primitive::<Int32Type>().values().to_vec();
        assert_eq!(ints(&NTILE), [1, 1, 1, 2, 2, 3, 3]);
        assert_eq!(ints(&RANK), [1, 1, 3, 4, 4, 4, 7]);
        assert_eq!(ints(&DENSE_RANK), [1, 1, 2, 3, 3, 3, 4]);
    }
}
