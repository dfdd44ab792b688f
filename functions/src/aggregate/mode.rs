//! `mode`: the most frequent value.

use arrow::array::{Array, ArrayRef};
use arrow::row::Rows;
use hashbrown::HashMap;
use rsql_common::{Error, Result};
use rsql_expr::function::{AggregateFn, FunctionRegistry, ResolveCx};
use rsql_expr::{AggregateCall, Expr, SortKey, SqlType};

use super::collecting::{Answer, Collecting};
use super::define::{add, aggregate, arg_type, call, doc, field, one_order};
use crate::kernel::{check_count, constant, non_foldable};

pub(super) fn register(r: &mut FunctionRegistry) {
    add(r, &[&MODE]);
}

/// `mode(expr[, deterministic])`, `mode() WITHIN GROUP (ORDER BY expr)`
static MODE: AggregateFn = aggregate(
    "mode",
    &[],
    doc(
        "mode(expr[, deterministic]), mode() WITHIN GROUP (ORDER BY expr)",
        "The most frequent value.",
        "SELECT mode(a) FROM VALUES (0), (10), (10) AS t(a)",
    ),
    resolve,
    |call| vec![field("values", SqlType::array(arg_type(call, 0)))],
    |call| {
        let ty = arg_type(call, 0).arrow();
        let ties = match (call.order_by.first(), call.args.get(1)) {
            (Some(key), _) if key.descending => Ties::Largest,
            (Some(_), _) | (None, Some(_)) => Ties::Smallest,
            (None, None) => Ties::First,
        };
        Ok(Box::new(Collecting::new(ty, ties)?))
    },
);

fn resolve(mut args: Vec<Expr>, order: Vec<SortKey>, ignore_nulls: bool, cx: &ResolveCx<'_>) -> Result<AggregateCall> {
    if args.is_empty() {
        let key = one_order(order, cx)?;
        let ty = key.expr.ty();
        return Ok(AggregateCall {
            order_by: vec![key.clone()],
            ..call("mode", vec![key.expr], ty, ignore_nulls, cx)
        });
    }
    super::define::no_order(&order, cx)?;
    check_count(&args, 1, Some(2), cx)?;
    if let Some(flag) = args.get(1) {
        match constant(flag, cx).and_then(|l| l.value.as_bool()) {
            Some(true) => {}
            Some(false) => args.truncate(1),
            None => return Err(non_foldable(&args, 1, "deterministic", cx)),
        }
    }
    let ty = args.first().map_or(SqlType::Void, Expr::ty);
    Ok(call("mode", args, ty, ignore_nulls, cx))
}

/// Which of equally frequent values wins.
#[derive(Clone, Copy, PartialEq)]
enum Ties {
    First,
    Smallest,
    Largest,
}

impl Answer for Ties {
    fn answer(&self, starts: &[usize], values: &ArrayRef, rows: &Rows) -> Result<ArrayRef> {
        let mut picks: Vec<Option<u32>> = Vec::with_capacity(starts.len().saturating_sub(1));
        for w in starts.windows(2) {
            let mut counts: HashMap<&[u8], (usize, u32)> = HashMap::new();
            for i in w[0]..w[1] {
                counts.entry(rows.row(i).data()).or_insert((0, i as u32)).0 += 1;
            }
            let best = counts.iter().max_by(|(a, (n, i)), (b, (m, j))| {
                n.cmp(m).then_with(|| match self {
                    Ties::First => j.cmp(i),
                    Ties::Smallest => b.cmp(a),
                    Ties::Largest => a.cmp(b),
                })
            });
            picks.push(best.map(|(_, (_, i))| *i));
        }
        if picks.iter().all(Option::is_none) {
            return Ok(arrow::array::new_null_array(values.data_type(), picks.len()));
        }
        let picks = arrow::array::UInt32Array::from(picks);
        arrow::compute::take(values, &picks, None).map_err(Error::from)
    }
}
