//! CHAR columns in comparisons: the shorter operand is padded with spaces to the longer one's length.
//!
//! A CHAR column is STRING to everything else; that it is padded is known only of the column itself, as in Spark. So
//! the lengths stand beside the plan, by column id, and only comparisons look at them.

use std::collections::HashMap;

use parking_lot::Mutex;
use rsql_common::{ColumnId, Result, Span};
use rsql_expr::{Expr, Literal};

use crate::env::Env;
use crate::expr::Binder;

/// Lengths of the CHAR columns that a statement reads.
#[derive(Debug, Default)]
pub struct CharColumns(Mutex<HashMap<ColumnId, u32>>);

impl CharColumns {
    /// Remembers that a column is CHAR(`length`).
    pub(crate) fn add(&self, id: ColumnId, length: u32) {
        self.0.lock().insert(id, length);
    }

    /// `new` is another name for what `old` holds.
    pub(crate) fn inherit(&self, old: ColumnId, new: ColumnId) {
        let mut lengths = self.0.lock();
        if let Some(length) = lengths.get(&old).copied() {
            lengths.insert(new, length);
        }
    }

    fn get(&self, id: ColumnId) -> Option<u32> {
        self.0.lock().get(&id).copied()
    }
}

/// An operand's length where it counts: of a CHAR column, or of a constant text.
enum Length {
    Column(u32),
    Constant(u32),
}

impl Binder<'_> {
    /// The operands of one comparison, padded to one length where a CHAR column meets CHAR columns and constants only.
    pub(crate) fn char_padded(&self, operands: Vec<Expr>, span: Span) -> Result<Vec<Expr>> {
        let chars = &self.env.cx.char_columns;
        let column = |e: &Expr| matches!(e, Expr::Column(c) if chars.get(c.id).is_some());
        if !operands.iter().any(column) {
            return Ok(operands);
        }
        let lengths: Option<Vec<Length>> = operands.iter().map(|e| length(e, self.env)).collect();
        let Some(lengths) = lengths else {
            return Ok(operands);
        };
        let longest = lengths
            .iter()
            .map(|l| match l {
                Length::Column(n) | Length::Constant(n) => *n,
            })
            .max()
            .unwrap_or(0);
        operands
            .into_iter()
            .zip(lengths)
            .map(|(e, l)| match l {
                Length::Column(n) | Length::Constant(n) if n < longest => {
                    let to = Expr::lit(Literal::int(i32::try_from(longest).unwrap_or(i32::MAX)));
                    self.scalar("rpad", vec![e, to, Expr::lit(Literal::string(" "))], span)
                }
                _ => Ok(e),
            })
            .collect()
    }
}

fn length(e: &Expr, env: Env<'_>) -> Option<Length> {
    match e {
        Expr::Column(c) => env.cx.char_columns.get(c.id).map(Length::Column),
        e if e.ty().is_string() && e.is_foldable() && e.is_deterministic() => {
            let value = rsql_expr::eval::fold(e, &env.cx.registry).ok()?.value;
            let n = value.as_str()?.chars().count();
            Some(Length::Constant(u32::try_from(n).ok()?))
        }
        _ => None,
    }
}
