//! What a function is: data plus plain function pointers, one small static a function.
//!
//! A definition resolves a call (checks arguments, adds casts, gives a type) and computes it. The library itself lives
//! in `rsql-functions`; this crate owns the shape ([`ScalarFn`], [`AggregateFn`], [`WindowFn`], [`GeneratorFn`]), the
//! [`FunctionRegistry`] and what resolving needs ([`ResolveCx`], [`signature`]).

mod aggregate;
mod generator;
mod higher_order;
mod registry;
mod resolve;
mod scalar;
pub mod signature;
mod window;

pub use aggregate::{Accumulator, AggregateFn, StateField};
pub use generator::{GeneratorFn, GeneratorOutput};
pub use higher_order::lambda_params;
pub use registry::{FunctionKind, FunctionRegistry};
pub use resolve::ResolveCx;
pub use scalar::{EvalArgs, LambdaRef, ScalarFn};
pub use signature::{Arity, ReturnType, Signature, TypeSpec};
pub use window::{WindowFn, WindowInput};

/// Family a function is listed under in `docs/functions.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Family {
    Aggregate,
    Array,
    Bitwise,
    Collection,
    Conditional,
    Conversion,
    Csv,
    Datetime,
    Generator,
    Hash,
    Json,
    Lambda,
    Map,
    Math,
    Misc,
    Predicate,
    String,
    Struct,
    Url,
    Window,
    Xml,
    Sketch,
    Variant,
    Vector,
}

/// Documentation shared by all kinds of function.
#[derive(Debug, Clone, Copy)]
pub struct Doc {
    /// Family.
    pub family: Family,
    /// Call forms, e.g. `substring(str, pos[, len])`.
    pub usage: &'static str,
    /// One sentence: what it returns.
    pub text: &'static str,
    /// A statement that shows it, e.g. `SELECT abs(-1)`.
    pub example: &'static str,
}
