//! Scalar functions: one value a row.

use arrow::array::ArrayRef;
use rsql_common::{Error, Result};

use super::{Doc, ResolveCx, Signature};
use crate::tree::{CallExpr, Effects, NullRule};
use crate::{EvalMode, EvalOptions, Expr, SqlType, Vector};

/// Definition of a scalar function.
///
/// `static ABS: ScalarFn = ScalarFn { name: "abs", ... }`. Only kernels that gain from encoded input override
/// [`ScalarFn::eval`]'s reading of [`EvalArgs`] by looking at vectors; most call [`EvalArgs::array`].
#[derive(Debug)]
pub struct ScalarFn {
    /// Canonical name, lower case.
    pub name: &'static str,
    /// Other names of the same function.
    pub aliases: &'static [&'static str],
    /// Documentation.
    pub doc: Doc,
    /// Arguments and result type.
    pub signature: Signature,
    /// When the result is NULL. With `Propagate*` the kernel may compute anything for rows with a NULL argument: the
    /// evaluator gives it only rows without one if the function is fallible, and masks the result otherwise.
    pub nulls: NullRule,
    /// Determinism and fallibility.
    pub effects: Effects,
    /// Computes `args.rows` values of `args.call.ty`.
    pub eval: fn(&EvalArgs<'_>) -> Result<ArrayRef>,
}

/// What a kernel gets.
pub struct EvalArgs<'a> {
    /// Dense arguments of `rows` rows each; lambdas have an empty constant in their place.
    pub vectors: &'a [Vector],
    /// Rows.
    pub rows: usize,
    /// The call: types, mode, frozen session facts.
    pub call: &'a CallExpr,
    /// Lambda arguments by argument position.
    pub lambdas: &'a [Option<&'a dyn LambdaRef>],
}

/// A lambda that a higher-order kernel can call.
pub trait LambdaRef {
    /// Evaluates the body for `params[0].len()` rows; row `i` sees the captured columns of outer row `outer_rows[i]`.
    fn call(&self, params: &[ArrayRef], outer_rows: &[u32]) -> Result<ArrayRef>;
}

impl EvalArgs<'_> {
    /// Argument `i` as a plain array.
    pub fn array(&self, i: usize) -> Result<ArrayRef> {
        self.vectors.get(i).ok_or_else(|| self.missing(i))?.to_array()
    }

    /// Argument `i` if it is the same in all rows: an array of one value.
    pub fn constant(&self, i: usize) -> Option<&ArrayRef> {
        match self.vectors.get(i) {
            Some(Vector::Constant { value, .. }) => Some(value),
            _ => None,
        }
    }

    /// The lambda at argument `i`.
    pub fn lambda(&self, i: usize) -> Result<&dyn LambdaRef> {
        self.lambdas.get(i).copied().flatten().ok_or_else(|| self.missing(i))
    }

    /// Declared type of argument `i`.
    pub fn ty(&self, i: usize) -> SqlType {
        self.call.args.get(i).map_or(SqlType::Void, Expr::ty)
    }

    /// Number of arguments.
    pub fn len(&self) -> usize {
        self.vectors.len()
    }

    /// True without arguments.
    pub fn is_empty(&self) -> bool {
        self.vectors.is_empty()
    }

    /// Frozen session facts.
    pub fn options(&self) -> &EvalOptions {
        &self.call.options
    }

    /// Error behaviour.
    pub fn mode(&self) -> EvalMode {
        self.call.mode
    }

    /// `error` at the call's place in the text.
    pub fn error(&self, error: Error) -> Error {
        error.at(self.call.origin.0)
    }

    fn missing(&self, i: usize) -> Error {
        Error::internal(format!("{} was called without argument {i}", self.call.func))
    }
}

impl ScalarFn {
    /// Resolves a call with these (typed, not yet cast) arguments.
    pub fn resolve(&'static self, args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Expr> {
        if let super::signature::Arity::Rewrite(rewrite) = self.signature.arity {
            return rewrite(args, cx);
        }
        self.call(self.signature.bind(cx.called_as, args, cx)?, cx)
    }

    /// A call with arguments that already have the types the kernel takes.
    pub fn call(&'static self, args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Expr> {
        let ty = self.signature.returns(&args, cx)?;
        Ok(self.call_typed(args, ty, cx))
    }

    /// A call with arguments and result type given; for rewrites that know both.
    pub fn call_typed(&'static self, args: Vec<Expr>, ty: SqlType, cx: &ResolveCx<'_>) -> Expr {
        Expr::Call(Box::new(CallExpr {
            func: self.name.into(),
            args,
            ty,
            mode: cx.mode,
            nulls: self.nulls,
            effects: self.effects,
            options: std::sync::Arc::clone(cx.options),
            origin: cx.origin,
        }))
    }
}
