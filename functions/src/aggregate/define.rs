//! Short constructors of aggregate definitions and calls.

use std::sync::Arc;

use rsql_common::{Error, Result, quoted_name};
use rsql_expr::function::{
    Accumulator, AggregateFn, Doc, Family, FunctionKind, FunctionRegistry, ResolveCx, StateField,
};
use rsql_expr::{AggregateCall, Expr, SortKey, SqlType};

use crate::kernel::check_count;

/// A resolver as [`AggregateFn`] takes it.
pub(super) type Resolve = fn(Vec<Expr>, Vec<SortKey>, bool, &ResolveCx<'_>) -> Result<AggregateCall>;
/// State columns as [`AggregateFn`] takes them.
pub(super) type State = fn(&AggregateCall) -> Vec<StateField>;
/// An accumulator's constructor as [`AggregateFn`] takes it.
pub(super) type Make = fn(&AggregateCall) -> Result<Box<dyn Accumulator>>;

/// Documentation of an aggregate.
pub(super) const fn doc(usage: &'static str, text: &'static str, example: &'static str) -> Doc {
    Doc {
        family: Family::Aggregate,
        usage,
        text,
        example,
    }
}

/// An aggregate whose result depends on duplicates but not on order.
pub(super) const fn aggregate(
    name: &'static str,
    aliases: &'static [&'static str],
    doc: Doc,
    resolve: Resolve,
    state: State,
    accumulator: Make,
) -> AggregateFn {
    AggregateFn {
        name,
        aliases,
        doc,
        resolve,
        state,
        accumulator,
        duplicate_insensitive: false,
        order_sensitive: false,
    }
}

/// Adds definitions.
pub(super) fn add(r: &mut FunctionRegistry, functions: &[&'static AggregateFn]) {
    for f in functions {
        r.add(FunctionKind::Aggregate(f));
    }
}

/// A call of `func` giving `ty`, NULL for a group without values.
pub(super) fn call(
    func: &'static str,
    args: Vec<Expr>,
    ty: SqlType,
    ignore_nulls: bool,
    cx: &ResolveCx<'_>,
) -> AggregateCall {
    AggregateCall {
        func: func.into(),
        args,
        distinct: false,
        filter: None,
        order_by: Vec::new(),
        ty,
        nullable: true,
        ignore_nulls,
        mode: cx.mode,
        options: Arc::clone(cx.options),
        origin: cx.origin,
    }
}

/// The call's only argument, refusing WITHIN GROUP.
pub(super) fn one_argument(args: Vec<Expr>, order: &[SortKey], cx: &ResolveCx<'_>) -> Result<Expr> {
    no_order(order, cx)?;
    check_count(&args, 1, Some(1), cx)?;
    args.into_iter()
        .next()
        .ok_or_else(|| Error::internal("an argument was counted but is not there"))
}

/// Refuses WITHIN GROUP.
pub(super) fn no_order(order: &[SortKey], cx: &ResolveCx<'_>) -> Result<()> {
    if order.is_empty() {
        return Ok(());
    }
    Err(Error::user("INVALID_SQL_SYNTAX.FUNCTION_WITH_UNSUPPORTED_SYNTAX")
        .param("prettyName", quoted_name([&cx.called_as]))
        .param("syntax", "WITHIN GROUP (ORDER BY ...)")
        .at(cx.origin.0))
}

/// A column of the state.
pub(super) fn field(name: &'static str, ty: SqlType) -> StateField {
    StateField { name, ty }
}

/// Type of argument `i` of a call.
pub(super) fn arg_type(call: &AggregateCall, i: usize) -> SqlType {
    call.args.get(i).map_or(SqlType::Void, Expr::ty)
}

/// Argument `i` of `vectors`.
pub(super) fn arg<T>(vectors: &[T], i: usize) -> Result<&T> {
    vectors
        .get(i)
        .ok_or_else(|| Error::internal(format!("an aggregate lacks its argument {i}")))
}

/// The one sort key of WITHIN GROUP.
pub(super) fn one_order(mut order: Vec<SortKey>, cx: &ResolveCx<'_>) -> Result<SortKey> {
    let wrong = |sub: &str| {
        Error::user(format!("INVALID_WITHIN_GROUP_EXPRESSION.{sub}"))
            .param("funcName", quoted_name([&cx.called_as]))
            .at(cx.origin.0)
    };
    match (order.len(), order.pop()) {
        (1, Some(key)) => Ok(key),
        (0, _) => Err(wrong("WITHIN_GROUP_MISSING")),
        (n, _) => Err(wrong("WRONG_NUM_ORDERINGS")
            .param("expectedNum", "1")
            .param("actualNum", n.to_string())),
    }
}
