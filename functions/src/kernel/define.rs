//! Short constructors of scalar function definitions.

use rsql_common::Result;
use rsql_expr::ScalarFn;
use rsql_expr::function::{Doc, EvalArgs, ResolveCx, Signature};
use rsql_expr::tree::{Effects, NullRule};

/// What computes a scalar function.
pub(crate) type Kernel = fn(&EvalArgs<'_>) -> Result<arrow::array::ArrayRef>;

/// Deterministic, infallible, NULL exactly if an argument is.
pub(crate) const fn pure(
    name: &'static str,
    aliases: &'static [&'static str],
    doc: Doc,
    signature: Signature,
    eval: Kernel,
) -> ScalarFn {
    ScalarFn {
        name,
        aliases,
        doc,
        signature,
        nulls: NullRule::Propagate,
        effects: Effects::PURE,
        eval,
    }
}

/// Like [`pure`], but may raise an error or give NULL for other reasons too.
pub(crate) const fn fallible(
    name: &'static str,
    aliases: &'static [&'static str],
    doc: Doc,
    signature: Signature,
    eval: Kernel,
) -> ScalarFn {
    ScalarFn {
        nulls: NullRule::PropagateOrNull,
        effects: Effects::FALLIBLE,
        ..pure(name, aliases, doc, signature, eval)
    }
}

/// Deterministic; the kernel handles NULL arguments itself.
pub(crate) const fn custom(
    name: &'static str,
    aliases: &'static [&'static str],
    doc: Doc,
    signature: Signature,
    eval: Kernel,
) -> ScalarFn {
    ScalarFn {
        nulls: NullRule::Custom,
        ..pure(name, aliases, doc, signature, eval)
    }
}

/// Different on every call; never NULL.
pub(crate) const fn volatile(
    name: &'static str,
    aliases: &'static [&'static str],
    doc: Doc,
    signature: Signature,
    eval: Kernel,
) -> ScalarFn {
    ScalarFn {
        nulls: NullRule::Never,
        effects: Effects::VOLATILE,
        ..pure(name, aliases, doc, signature, eval)
    }
}

/// A function that is replaced by another expression when it is resolved.
pub(crate) const fn rewritten(
    name: &'static str,
    aliases: &'static [&'static str],
    doc: Doc,
    rewrite: fn(Vec<rsql_expr::Expr>, &ResolveCx<'_>) -> Result<rsql_expr::Expr>,
) -> ScalarFn {
    custom(name, aliases, doc, Signature::rewrite(rewrite), |args| {
        Err(rsql_common::Error::internal(format!(
            "{} is rewritten and has no kernel",
            args.call.func
        )))
    })
}
