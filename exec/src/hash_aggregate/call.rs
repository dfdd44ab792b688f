//! What an aggregation computes, with equal FILTERs and equal argument expressions found once.

use std::sync::Arc;

use arrow::datatypes::DataType;
use rsql_common::{Error, Result};
use rsql_expr::function::Accumulator;
use rsql_expr::{AggregateCall, AggregateFn, Expr, FunctionRegistry};
use rsql_planner::physical::{AggregateMode, HashAggregate};

/// An aggregation or a phase of one.
pub(super) struct AggregateSpec {
    pub(super) mode: AggregateMode,
    pub(super) groups: Vec<Expr>,
    pub(super) group_types: Vec<DataType>,
    pub(super) calls: Vec<CallSpec>,
    /// What calls take: the rows that pass no FILTER first, then those of each FILTER.
    pub(super) inputs: Vec<CallInput>,
    /// Some call depends on the order of rows.
    pub(super) ordered: bool,
}

/// Rows that calls take, and what they take of them.
pub(super) struct CallInput {
    pub(super) filter: Option<Expr>,
    /// Arguments, each once.
    pub(super) args: Vec<Expr>,
}

/// One call.
pub(super) struct CallSpec {
    pub(super) call: AggregateCall,
    function: &'static AggregateFn,
    /// Position in [`AggregateSpec::inputs`].
    pub(super) input: usize,
    /// Positions in [`CallInput::args`].
    pub(super) args: Vec<usize>,
    pub(super) arg_types: Vec<DataType>,
    pub(super) state_types: Vec<DataType>,
    /// Duplicates must be dropped first.
    pub(super) distinct: bool,
}

impl CallSpec {
    pub(super) fn accumulator(&self) -> Result<Box<dyn Accumulator>> {
        (self.function.accumulator)(&self.call)
    }
}

impl AggregateSpec {
    pub(super) fn new(node: &HashAggregate, registry: &Arc<FunctionRegistry>) -> Result<Self> {
        let mut inputs = vec![CallInput {
            filter: None,
            args: Vec::new(),
        }];
        let mut calls = Vec::with_capacity(node.aggregates.len());
        for call in &node.aggregates {
            let function = registry
                .aggregate(&call.func)
                .ok_or_else(|| Error::internal(format!("no aggregate function {}", call.func)))?;
            // Rows that a final aggregation merges have passed.
            let (input, positions) = match node.mode {
                AggregateMode::Final => (0, Vec::new()),
                _ => {
                    let input = input_of(call.filter.as_ref(), &mut inputs);
                    let args = &mut inputs[input].args;
                    (input, call.args.iter().map(|a| position_of(a, args)).collect())
                }
            };
            calls.push(CallSpec {
                function,
                input,
                args: positions,
                arg_types: call.args.iter().map(|a| a.ty().arrow()).collect(),
                state_types: (function.state)(call).iter().map(|f| f.ty.arrow()).collect(),
                distinct: call.distinct && !function.duplicate_insensitive,
                call: call.clone(),
            });
        }
        Ok(Self {
            mode: node.mode,
            groups: node.groups.clone(),
            group_types: node.groups.iter().map(|g| g.ty().arrow()).collect(),
            ordered: node.mode == AggregateMode::Single && calls.iter().any(|c| c.function.order_sensitive),
            calls,
            inputs,
        })
    }
}

fn input_of(filter: Option<&Expr>, all: &mut Vec<CallInput>) -> usize {
    let known = all.iter().position(|i| i.filter.as_ref() == filter);
    known.unwrap_or_else(|| {
        all.push(CallInput {
            filter: filter.cloned(),
            args: Vec::new(),
        });
        all.len() - 1
    })
}

fn position_of(expr: &Expr, all: &mut Vec<Expr>) -> usize {
    all.iter().position(|e| e == expr).unwrap_or_else(|| {
        all.push(expr.clone());
        all.len() - 1
    })
}
