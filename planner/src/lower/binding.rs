//! Column ids to slots of the input chunk.

use std::collections::HashMap;

use rsql_common::{ColumnId, Error, Result};
use rsql_expr::tree::{FrameBound, WindowCall, WindowFrame, WindowFunc};
use rsql_expr::{AggregateCall, Expr, Schema, Slot, SortKey};

/// Where each column lies in the chunk that expressions are evaluated on.
pub(super) struct Binding {
    slots: HashMap<ColumnId, usize>,
    width: usize,
}

impl Binding {
    /// The columns of these schemas, one after another.
    pub(super) fn new(schemas: &[&Schema]) -> Self {
        let mut slots = HashMap::new();
        let mut width = 0;
        for field in schemas.iter().flat_map(|s| s.iter()) {
            slots.entry(field.id).or_insert(width);
            width += 1;
        }
        Self { slots, width }
    }

    /// Position of a column.
    pub(super) fn slot(&self, id: ColumnId) -> Option<usize> {
        self.slots.get(&id).copied()
    }

    /// `expr` over slots. Parameters of lambdas lie behind the input's columns and those of outer lambdas.
    pub(super) fn expr(&self, expr: &Expr) -> Result<Expr> {
        self.owned(expr.clone())
    }

    fn owned(&self, expr: Expr) -> Result<Expr> {
        match expr {
            Expr::Column(c) => match self.slot(c.id) {
                Some(index) => Ok(Expr::Slot(Slot { index, ty: c.ty })),
                None => Err(Error::internal(format!("column {} is not in the input", c.id))),
            },
            Expr::Lambda(mut l) => {
                let mut inner = Binding {
                    slots: self.slots.clone(),
                    width: self.width + l.params.len(),
                };
                inner
                    .slots
                    .extend(l.params.iter().enumerate().map(|(i, p)| (p.id, self.width + i)));
                l.first_slot = self.width;
                l.body = inner.owned(std::mem::take(&mut l.body))?;
                Ok(Expr::Lambda(l))
            }
            other => other.try_map_children(&mut |e| self.owned(e)),
        }
    }

    /// Each of them.
    pub(super) fn exprs<'a>(&self, exprs: impl IntoIterator<Item = &'a Expr>) -> Result<Vec<Expr>> {
        exprs.into_iter().map(|e| self.expr(e)).collect()
    }

    /// Sort keys.
    pub(super) fn keys(&self, keys: &[SortKey]) -> Result<Vec<SortKey>> {
        keys.iter()
            .map(|k| {
                Ok(SortKey {
                    expr: self.expr(&k.expr)?,
                    ..k.clone()
                })
            })
            .collect()
    }

    /// An aggregate's arguments, filter and order.
    pub(super) fn aggregate(&self, call: &AggregateCall) -> Result<AggregateCall> {
        Ok(AggregateCall {
            args: self.exprs(&call.args)?,
            filter: call.filter.as_ref().map(|e| self.expr(e)).transpose()?,
            order_by: self.keys(&call.order_by)?,
            ..call.clone()
        })
    }

    /// A window call's arguments and frame boundaries.
    pub(super) fn window(&self, call: &WindowCall) -> Result<WindowCall> {
        let func = match &call.func {
            WindowFunc::Window {
                func,
                args,
                ignore_nulls,
                ty,
                nullable,
            } => WindowFunc::Window {
                func: func.clone(),
                args: self.exprs(args)?,
                ignore_nulls: *ignore_nulls,
                ty: ty.clone(),
                nullable: *nullable,
            },
            WindowFunc::Aggregate(a) => WindowFunc::Aggregate(self.aggregate(a)?),
        };
        let frame = WindowFrame {
            units: call.frame.units,
            start: self.bound(&call.frame.start)?,
            end: self.bound(&call.frame.end)?,
        };
        Ok(WindowCall { func, frame })
    }

    fn bound(&self, bound: &FrameBound) -> Result<FrameBound> {
        Ok(match bound {
            FrameBound::Value(e) => FrameBound::Value(Box::new(self.expr(e)?)),
            other => other.clone(),
        })
    }
}
