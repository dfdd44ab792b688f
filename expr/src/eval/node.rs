//! The compiled tree.

use std::cell::RefCell;
use std::sync::Arc;

use arrow::array::ArrayRef;

use super::dictionary::DictCache;
use super::lambda::LambdaProgram;
use crate::function::ScalarFn;
use crate::kernel::{ArithSpec, Membership};
use crate::{CallExpr, CompareOp, EvalMode, EvalOptions, Origin, SqlType};

/// A compiled expression with the facts evaluation asks for.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub op: Op,
    /// Type of the value.
    pub ty: SqlType,
    /// Columns read, ascending, without duplicates.
    pub slots: Vec<usize>,
    /// Same columns give the same value.
    pub deterministic: bool,
    /// May raise an error.
    pub fallible: bool,
    /// The value, for a node without columns.
    pub constant: RefCell<Option<ArrayRef>>,
    /// Values by dictionary, for a node of one column.
    pub dicts: RefCell<DictCache>,
}

#[derive(Debug, Clone)]
pub(super) enum Op {
    Slot(usize),
    Constant(ArrayRef),
    Arith(Box<ArithSpec>, Box<[Node; 2]>),
    Compare(CompareOp, Box<[Node; 2]>),
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    /// `IS NULL` (true) or `IS NOT NULL` (false).
    NullTest(Box<Node>, bool),
    /// Operand and constants.
    Member(Box<Node>, Box<Membership>),
    /// Operand and computed candidates.
    In(Box<Node>, Vec<Node>),
    Case {
        branches: Vec<(Node, Node)>,
        otherwise: Option<Box<Node>>,
    },
    Coalesce(Vec<Node>),
    Cast(Box<CastOp>),
    Field(Box<Node>, usize),
    Call(Box<CallOp>),
}

#[derive(Debug, Clone)]
pub(super) struct CastOp {
    pub input: Node,
    pub mode: EvalMode,
    pub options: Arc<EvalOptions>,
    pub origin: Origin,
}

#[derive(Debug, Clone)]
pub(super) struct CallOp {
    pub function: &'static ScalarFn,
    pub call: CallExpr,
    pub args: Vec<Arg>,
}

#[derive(Debug, Clone)]
pub(super) enum Arg {
    Value(Node),
    Lambda(Box<LambdaProgram>),
}

impl Node {
    pub fn is_constant(&self) -> bool {
        matches!(self.op, Op::Constant(_))
    }
}
