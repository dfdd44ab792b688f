//! Distinct counts by HyperLogLog sketches: `hll_sketch_agg`, `hll_union_agg`, `hll_union`, `hll_sketch_estimate`.

mod bytes;
mod sketch;
#[cfg(test)]
mod tests;

use arrow::array::{Array, AsArray};
use rsql_common::{Error, Result, quoted_name};
use rsql_expr::function::signature::ret;
use rsql_expr::function::{Family as DocFamily, FunctionRegistry, ResolveCx, Signature};
use rsql_expr::{AggregateCall, AggregateFn, Expr, Literal, Origin, ScalarFn, SortKey, SqlType, Vector};

use self::sketch::{Hll, LG_K, Union};
use super::accumulator::{Family, Groups, Sketches, state_field};
use super::bind::{self, constant_of, exact, exact_int, or_default};
use super::keys::for_each_key;
use super::{aggregate, binary_call, estimates, flag};
use crate::definition::doc;
use crate::kernel::{BinCol, BoolCol, binary_rows, cast, check_count, fallible, some};

pub(super) fn register(r: &mut FunctionRegistry) {
    super::add(r, &[&SKETCH_AGG, &UNION_AGG], &[&UNION, &ESTIMATE]);
}

/// `hll_sketch_agg(expr[, lgConfigK])`
static SKETCH_AGG: AggregateFn = aggregate(
    "hll_sketch_agg",
    doc(
        DocFamily::Aggregate,
        "hll_sketch_agg(expr[, lgConfigK])",
        "HyperLogLog sketch of the values, with 2^lgConfigK registers (4 to 21, 12 if not given).",
        "SELECT hll_sketch_estimate(hll_sketch_agg(a)) FROM VALUES (1), (1), (2) AS t(a)",
    ),
    |mut args, order, _, cx| {
        check_count(&args, 1, Some(2), cx)?;
        or_default(&mut args, 1, bind::int(12));
        let key = |ty: &SqlType| matches!(ty, SqlType::Int | SqlType::Long | SqlType::Binary) || ty.is_string();
        let required = "(\"INT\" or \"BIGINT\" or \"STRING\" or \"BINARY\")";
        let value = exact(&args, 0, key, &SqlType::Int, required, cx)?;
        let size = constant_of(&exact_int(&args, 1, cx)?, cx)?.ok_or_else(|| {
            Error::user("HLL_K_MUST_BE_CONSTANT")
                .param("function", "`hll_sketch_agg`")
                .at(cx.origin.0)
        })?;
        // Spark takes NULL for 0 here.
        let lg_k = size.value.as_i64().unwrap_or(0);
        if !u8::try_from(lg_k).is_ok_and(|k| LG_K.contains(&k)) {
            return Err(Error::user("HLL_INVALID_LG_K")
                .param("function", "`hll_sketch_agg`")
                .param("min", LG_K.start().to_string())
                .param("max", LG_K.end().to_string())
                .param("value", lg_k.to_string())
                .at(cx.origin.0));
        }
        binary_call("hll_sketch_agg", vec![value, bind::int(lg_k as i32)], &order, cx)
    },
    |_| state_field(),
    |call| {
        let lg_k = bind::bound_int(&call.args, 1).unwrap_or(12) as u8;
        Ok(Sketches::boxed(Build { lg_k }))
    },
);

/// `hll_union_agg(sketch[, allowDifferentLgConfigK])`
static UNION_AGG: AggregateFn = aggregate(
    "hll_union_agg",
    doc(
        DocFamily::Aggregate,
        "hll_union_agg(sketch[, allowDifferentLgConfigK])",
        "Union of HyperLogLog sketches; sketches of different sizes only if the flag is set.",
        "SELECT hll_sketch_estimate(hll_union_agg(s)) FROM (SELECT hll_sketch_agg(a) AS s FROM VALUES (1), (2) AS t(a) GROUP BY a)",
    ),
    resolve_union_agg,
    |_| state_field(),
    |call| {
        Ok(Sketches::boxed(Unite {
            any_size: flag(&call.args, 1),
            origin: call.origin,
        }))
    },
);

fn resolve_union_agg(mut args: Vec<Expr>, order: Vec<SortKey>, _: bool, cx: &ResolveCx<'_>) -> Result<AggregateCall> {
    check_count(&args, 1, Some(2), cx)?;
    or_default(&mut args, 1, Expr::lit(Literal::bool(false)));
    let sketch = bind::sketch(&args, 0, cx)?;
    let allow = allow_flag(&args, 1, cx)?;
    let Some(allow) = constant_of(&allow, cx)? else {
        return Err(crate::kernel::non_foldable(&args, 1, "allowDifferentLgConfigK", cx));
    };
    binary_call("hll_union_agg", vec![sketch, Expr::lit(allow)], &order, cx)
}

fn allow_flag(args: &[Expr], i: usize, cx: &ResolveCx<'_>) -> Result<Expr> {
    exact(
        args,
        i,
        |ty| *ty == SqlType::Boolean,
        &SqlType::Boolean,
        "\"BOOLEAN\"",
        cx,
    )
}

/// `hll_union(first, second[, allowDifferentLgConfigK])`
static UNION: ScalarFn = fallible(
    "hll_union",
    &[],
    doc(
        DocFamily::Sketch,
        "hll_union(first, second[, allowDifferentLgConfigK])",
        "Union of two HyperLogLog sketches; of different sizes only if the flag is set.",
        "SELECT hll_sketch_estimate(hll_union(hll_sketch_agg(a), hll_sketch_agg(b))) FROM VALUES (1, 4), (2, 5) AS t(a, b)",
    ),
    Signature::bind_with(
        |mut args, cx| {
            check_count(&args, 2, Some(3), cx)?;
            or_default(&mut args, 2, Expr::lit(Literal::bool(false)));
            let allow = cast(allow_flag(&args, 2, cx)?, &SqlType::Boolean, cx);
            Ok(vec![bind::sketch(&args, 0, cx)?, bind::sketch(&args, 1, cx)?, allow])
        },
        ret::BINARY,
    ),
    |args| {
        let (first, second, allow) = (BinCol::of(args, 0)?, BinCol::of(args, 1)?, BoolCol::of(args, 2)?);
        let origin = args.call.origin;
        binary_rows(args.rows, |row, out| {
            let first = read(some!(first.get(row)), "hll_union", origin)?;
            let second = read(some!(second.get(row)), "hll_union", origin)?;
            same_size(some!(allow.get(row)), first.lg_k, second.lg_k, "hll_union", origin)?;
            let mut union = Union::new(first.lg_k.min(second.lg_k));
            union.add(&first, true);
            union.add(&second, true);
            out.extend(bytes::write(&union.result()));
            Ok(Some(()))
        })
    },
);

/// `hll_sketch_estimate(sketch)`
static ESTIMATE: ScalarFn = fallible(
    "hll_sketch_estimate",
    &[],
    doc(
        DocFamily::Sketch,
        "hll_sketch_estimate(sketch)",
        "Estimated number of distinct values of a HyperLogLog sketch.",
        "SELECT hll_sketch_estimate(hll_sketch_agg(a)) FROM VALUES (1), (1), (2) AS t(a)",
    ),
    Signature::bind_with(bind::one_sketch, ret::LONG),
    |args| {
        estimates(args, |bytes| {
            Ok(read(bytes, "hll_sketch_estimate", args.call.origin)?.estimate())
        })
    },
);

/// A sketch from its bytes, or Spark's error naming the function.
fn read(bytes: &[u8], function: &str, origin: Origin) -> Result<Hll> {
    bytes::read(bytes).map_err(|_| {
        Error::user("HLL_INVALID_INPUT_SKETCH_BUFFER")
            .param("function", quoted_name([function]))
            .at(origin.0)
    })
}

fn same_size(any: bool, left: u8, right: u8, function: &str, origin: Origin) -> Result<()> {
    if any || left == right {
        return Ok(());
    }
    Err(Error::user("HLL_UNION_DIFFERENT_LG_K")
        .param("left", left.to_string())
        .param("right", right.to_string())
        .param("function", quoted_name([function]))
        .at(origin.0))
}

/// `hll_sketch_agg`
struct Build {
    lg_k: u8,
}

impl Family for Build {
    type Sketch = Hll;

    fn fresh(&self) -> Result<Hll> {
        Ok(Hll::new(self.lg_k))
    }

    fn update(&self, groups: &mut Groups<'_, Self>, args: &[Vector], group_of: &[u32]) -> Result<()> {
        let Some(values) = args.first() else { return Ok(()) };
        for_each_key(values, |row, bytes| {
            groups.get(group_of[row])?.update(bytes);
            Ok(())
        })
    }

    fn merge(&self, sketch: &mut Hll, state: &[u8]) -> Result<()> {
        let other = bytes::read(state)?;
        let mut union = Union::new(sketch.lg_k);
        union.add(sketch, true);
        union.add(&other, true);
        *sketch = union.result();
        Ok(())
    }

    fn state(&self, sketch: &mut Hll) -> Result<Vec<u8>> {
        Ok(bytes::write(sketch))
    }

    fn size(&self, sketch: &Hll) -> usize {
        sketch.size()
    }
}

/// `hll_union_agg`
struct Unite {
    any_size: bool,
    origin: Origin,
}

impl Unite {
    fn add(&self, union: &mut Option<Union>, sketch: &Hll, keep_table: bool) -> Result<()> {
        let union = union.get_or_insert_with(|| Union::new(sketch.lg_k));
        same_size(self.any_size, union.lg_k(), sketch.lg_k, "hll_union_agg", self.origin)?;
        union.add(sketch, keep_table);
        Ok(())
    }
}

impl Family for Unite {
    /// Nothing until the first sketch gives the size.
    type Sketch = Option<Union>;

    fn fresh(&self) -> Result<Self::Sketch> {
        Ok(None)
    }

    fn update(&self, groups: &mut Groups<'_, Self>, args: &[Vector], group_of: &[u32]) -> Result<()> {
        let Some(sketches) = args.first() else { return Ok(()) };
        let array = sketches.to_array()?;
        let sketches = array.as_binary_view();
        for (row, group) in group_of.iter().enumerate().filter(|(row, _)| sketches.is_valid(*row)) {
            let sketch = read(sketches.value(row), "hll_union_agg", self.origin)?;
            self.add(groups.get(*group)?, &sketch, false)?;
        }
        Ok(())
    }

    fn merge(&self, union: &mut Self::Sketch, state: &[u8]) -> Result<()> {
        self.add(union, &bytes::read(state)?, true)
    }

    fn state(&self, union: &mut Self::Sketch) -> Result<Vec<u8>> {
        Ok(bytes::write(
            &union.as_ref().map_or_else(|| Hll::new(12), Union::result),
        ))
    }

    fn size(&self, union: &Self::Sketch) -> usize {
        union.as_ref().map_or(0, Union::size)
    }
}
