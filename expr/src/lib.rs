//! Types, values in memory, typed expressions, what a function is, and the evaluator.
//!
//! Three layers of types: [`SqlType`] (Spark's, in plans and schemas), `Repr` (how values lie in memory) and Arrow
//! types (at the edges; [`SqlType::arrow`] is the one mapping). Reading order: [`types`], [`scalar`], [`tree`] (the
//! expression enum), [`vector`] (vectors and chunks), [`function`] (definitions and registry), [`coerce`] (implicit
//! casts), then what computes: [`eval`] (compiled programs), [`kernel`], [`mod@cast`], [`datetime`], [`mod@format`].

pub mod cast;
pub mod coerce;
pub mod datetime;
pub mod eval;
pub mod format;
pub mod function;
pub mod kernel;
pub mod options;
pub mod scalar;
pub mod tree;
pub mod types;
pub mod vector;

pub use cast::cast_array;
pub use eval::{EvalCx, Program, fold, literal_array, scalar_at, scalars_to_array};
pub use function::{AggregateFn, FunctionRegistry, GeneratorFn, ScalarFn, WindowFn};
pub use options::{BinaryStyle, EvalMode, EvalOptions};
pub use scalar::{Literal, Scalar};
pub use tree::{
    AggregateCall, ArithOp, CallExpr, CastExpr, Column, CompareOp, Effects, Expr, LambdaExpr, Origin, Slot, SortKey,
    WindowCall, WindowFrame,
};
pub use types::{Collation, Field, Schema, SqlType};
pub use vector::{Chunk, Codes, Dict, DictVector, Selection, Vector};
