//! Lengths: `size` (`cardinality`), `array_size`.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array};
use rsql_common::Result;
use rsql_expr::function::signature::ret;
use rsql_expr::function::{EvalArgs, Family, ResolveCx, Signature, TypeSpec};
use rsql_expr::tree::NullRule;
use rsql_expr::{Effects, Expr, ScalarFn, SqlType};

use crate::collection::{Lists, Maps, bind};
use crate::definition::{doc, scalar};

pub(super) static SIZE: ScalarFn = ScalarFn {
    aliases: &["cardinality"],
    ..scalar(
        "size",
        doc(
            Family::Collection,
            "size(array) or size(map)",
            "The number of elements or entries; of NULL it is NULL, or -1 without ANSI mode.",
            "SELECT size(array('b', 'd', 'c', 'a'))",
        ),
        Signature::bind_with(bind_size, ret::INT),
        NullRule::Custom,
        Effects::PURE,
        size,
    )
};

pub(super) static ARRAY_SIZE: ScalarFn = scalar(
    "array_size",
    doc(
        Family::Array,
        "array_size(array)",
        "The number of elements.",
        "SELECT array_size(array('b', 'd', 'c', 'a'))",
    ),
    Signature::exact(&[TypeSpec::Array], ret::INT),
    NullRule::Propagate,
    Effects::PURE,
    |args| {
        let lists = Lists::arg(args, 0)?;
        let lengths = (0..args.rows).map(|row| lists.range(row).len() as i32);
        Ok(Arc::new(Int32Array::from_iter_values(lengths)))
    },
);

fn bind_size(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    bind::count(&args, 1, Some(1), cx)?;
    args.into_iter()
        .map(|a| match a.ty() {
            SqlType::Array(_) | SqlType::Map(_) => Ok(a),
            SqlType::Void => bind::array(a, 0, cx),
            _ => Err(bind::unexpected(&a, 0, "(\"ARRAY\" or \"MAP\")", cx)),
        })
        .collect()
}

fn size(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let of_null = (!args.options().ansi).then_some(-1);
    let lengths: Vec<Option<i32>> = if matches!(args.ty(0), SqlType::Map(_)) {
        let maps = Maps::arg(args, 0)?;
        (0..maps.len())
            .map(|r| {
                if maps.is_null(r) {
                    of_null
                } else {
                    Some(maps.range(r).len() as i32)
                }
            })
            .collect()
    } else {
        let lists = Lists::arg(args, 0)?;
        (0..lists.len())
            .map(|r| {
                if lists.is_null(r) {
                    of_null
                } else {
                    Some(lists.range(r).len() as i32)
                }
            })
            .collect()
    };
    Ok(Arc::new(Int32Array::from(lengths)))
}
