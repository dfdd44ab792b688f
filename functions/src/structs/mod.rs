//! Structs: `struct`, `named_struct`.

use std::sync::Arc;

use arrow::array::{ArrayRef, StructArray};
use arrow::datatypes::DataType;
use rsql_common::{Error, Result, quoted_name};
use rsql_expr::FunctionRegistry;
use rsql_expr::function::FunctionKind::Scalar;
use rsql_expr::function::{EvalArgs, Family, ResolveCx, ReturnType, Signature};
use rsql_expr::tree::NullRule;
use rsql_expr::{Effects, Expr, ScalarFn, SqlType};

use crate::definition::{doc, scalar};
use crate::kernel::{constant, mismatch};

/// Adds the family to the registry.
pub(crate) fn register(r: &mut FunctionRegistry) {
    r.add(Scalar(&STRUCT));
    r.add(Scalar(&NAMED_STRUCT));
}

static STRUCT: ScalarFn = scalar(
    "struct",
    doc(
        Family::Struct,
        "struct(col1, col2, ...)",
        "A struct of the arguments; columns and aliases name the fields.",
        "SELECT struct(1, 2, 3)",
    ),
    Signature::bind_with(
        |args, _| Ok(args),
        ReturnType::Of(|args, _| {
            Ok(SqlType::structure(args.iter().enumerate().map(|(i, a)| {
                (format!("col{}", i + 1), a.ty(), a.nullable(&|_| true))
            })))
        }),
    ),
    NullRule::Never,
    Effects::PURE,
    |args| build(args, 1),
);

static NAMED_STRUCT: ScalarFn = scalar(
    "named_struct",
    doc(
        Family::Struct,
        "named_struct(name1, val1, name2, val2, ...)",
        "A struct of the given names and values.",
        "SELECT named_struct('a', 1, 'b', 2, 'c', 3)",
    ),
    Signature::bind_with(
        bind_named,
        ReturnType::Of(|args, cx| {
            Ok(SqlType::structure(args.chunks_exact(2).map(|pair| {
                let name = crate::kernel::constant_text(&pair[0], cx).unwrap_or_default();
                (name, pair[1].ty(), pair[1].nullable(&|_| true))
            })))
        }),
    ),
    NullRule::Never,
    Effects::PURE,
    |args| build(args, 2),
);

fn bind_named(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    if !args.len().is_multiple_of(2) {
        return Err(Error::user("WRONG_NUM_ARGS.WITHOUT_SUGGESTION")
            .param("functionName", quoted_name([&cx.called_as]))
            .param("expectedNum", "2n (n > 0)")
            .param("actualNum", args.len().to_string())
            .at(cx.origin.0));
    }
    for name in args.iter().step_by(2) {
        match constant(name, cx) {
            Some(l) if l.value.as_str().is_some() => {}
            _ => {
                return Err(mismatch("CREATE_NAMED_STRUCT_WITHOUT_FOLDABLE_STRING", &args, cx)
                    .param("inputExprs", format!("[\"{name}\"]")));
            }
        }
    }
    Ok(args)
}

/// A struct of every `step`-th argument, the last of each group.
fn build(args: &EvalArgs<'_>, step: usize) -> Result<ArrayRef> {
    let DataType::Struct(fields) = args.call.ty.arrow() else {
        return Err(Error::internal(format!("{} must give a struct", args.call.func)));
    };
    let columns = (step - 1..args.len())
        .step_by(step)
        .map(|i| args.array(i))
        .collect::<Result<Vec<_>>>()?;
    if columns.is_empty() {
        return Ok(Arc::new(StructArray::new_empty_fields(args.rows, None)));
    }
    Ok(Arc::new(StructArray::try_new(fields, columns, None)?))
}
