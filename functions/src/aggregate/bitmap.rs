//! `bitmap_construct_agg`, `bitmap_or_agg`, `bitmap_and_agg`: bitmaps of 4 KB.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryViewArray, cast::AsArray};
use rsql_common::{Error, Result};
use rsql_expr::function::{Accumulator, AggregateFn, FunctionRegistry, ResolveCx, TypeSpec};
use rsql_expr::{AggregateCall, Expr, SortKey, SqlType, Vector};

use super::define::{add, aggregate, arg, call, doc, field, one_argument};
use super::input::for_each;

/// Bytes of a bitmap.
const BYTES: usize = 4096;

pub(super) fn register(r: &mut FunctionRegistry) {
    add(r, &[&CONSTRUCT, &OR, &AND]);
}

/// `bitmap_construct_agg(position)`
static CONSTRUCT: AggregateFn = AggregateFn {
    duplicate_insensitive: true,
    ..aggregate(
        "bitmap_construct_agg",
        &[],
        doc(
            "bitmap_construct_agg(position)",
            "Bitmap with the bits at the positions set.",
            "SELECT hex(bitmap_construct_agg(bitmap_bit_position(a))) FROM VALUES (1), (2) AS t(a)",
        ),
        |args, order, nulls, cx| resolve("bitmap_construct_agg", TypeSpec::Long, args, &order, nulls, cx),
        |_| vec![field("bitmap", SqlType::Binary)],
        |call| Ok(Box::new(Bitmaps::new(call, Op::Set))),
    )
};

/// `bitmap_or_agg(bitmap)`
static OR: AggregateFn = AggregateFn {
    duplicate_insensitive: true,
    ..aggregate(
        "bitmap_or_agg",
        &[],
        doc(
            "bitmap_or_agg(bitmap)",
            "OR of bitmaps.",
            "SELECT hex(bitmap_or_agg(a)) FROM VALUES (X'10') AS t(a)",
        ),
        |args, order, nulls, cx| resolve("bitmap_or_agg", TypeSpec::Binary, args, &order, nulls, cx),
        |_| vec![field("bitmap", SqlType::Binary)],
        |call| Ok(Box::new(Bitmaps::new(call, Op::Or))),
    )
};

/// `bitmap_and_agg(bitmap)`
static AND: AggregateFn = AggregateFn {
    duplicate_insensitive: true,
    ..aggregate(
        "bitmap_and_agg",
        &[],
        doc(
            "bitmap_and_agg(bitmap)",
            "AND of bitmaps.",
            "SELECT hex(bitmap_and_agg(a)) FROM VALUES (X'FF') AS t(a)",
        ),
        |args, order, nulls, cx| resolve("bitmap_and_agg", TypeSpec::Binary, args, &order, nulls, cx),
        |_| vec![field("bitmap", SqlType::Binary)],
        |call| Ok(Box::new(Bitmaps::new(call, Op::And))),
    )
};

fn resolve(
    name: &'static str,
    spec: TypeSpec,
    args: Vec<Expr>,
    order: &[SortKey],
    ignore_nulls: bool,
    cx: &ResolveCx<'_>,
) -> Result<AggregateCall> {
    let arg = rsql_expr::coerce::implicit_cast(one_argument(args, order, cx)?, spec, 0, cx)?;
    Ok(AggregateCall {
        nullable: false,
        ..call(name, vec![arg], SqlType::Binary, ignore_nulls, cx)
    })
}

#[derive(Clone, Copy, PartialEq)]
enum Op {
    Set,
    Or,
    And,
}

struct Bitmaps {
    bitmaps: Vec<Box<[u8]>>,
    op: Op,
    origin: rsql_expr::Origin,
}

impl Bitmaps {
    fn new(call: &AggregateCall, op: Op) -> Self {
        Self {
            bitmaps: vec![],
            op,
            origin: call.origin,
        }
    }

    fn combine(&mut self, group: usize, other: &[u8]) {
        let mine = self.bitmaps[group].iter_mut();
        match self.op {
            // A shorter bitmap ends in zeros.
            Op::And => mine
                .enumerate()
                .for_each(|(i, b)| *b &= other.get(i).copied().unwrap_or(0)),
            Op::Set | Op::Or => mine.zip(other).for_each(|(b, o)| *b |= o),
        }
    }
}

impl Accumulator for Bitmaps {
    fn resize(&mut self, groups: usize) {
        let fill = if self.op == Op::And { 0xff } else { 0 };
        self.bitmaps
            .resize_with(groups, || vec![fill; BYTES].into_boxed_slice());
    }

    fn update(&mut self, args: &[Vector], group_of: &[u32]) -> Result<()> {
        if self.op != Op::Set {
            return self.merge(&[arg(args, 0)?.to_array()?], group_of);
        }
        let mut invalid = None;
        let bitmaps = &mut self.bitmaps;
        for_each::<i64>(arg(args, 0)?, group_of, |g, position| {
            match usize::try_from(position).ok().filter(|p| *p < BYTES * 8) {
                Some(p) => bitmaps[g][p / 8] |= 1 << (p % 8),
                None => invalid = Some(position),
            }
        })?;
        match invalid {
            None => Ok(()),
            Some(p) => Err(Error::user("INVALID_BITMAP_POSITION")
                .param("bitPosition", p.to_string())
                .param("bitmapNumBytes", BYTES.to_string())
                .param("bitmapNumBits", (BYTES * 8).to_string())
                .at(self.origin.0)),
        }
    }

    fn merge(&mut self, states: &[ArrayRef], group_of: &[u32]) -> Result<()> {
        let states = arg(states, 0)?.as_binary_view();
        for (i, g) in group_of.iter().enumerate() {
            if states.is_valid(i) {
                self.combine(*g as usize, states.value(i));
            }
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.finish()?])
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        Ok(Arc::new(
            self.bitmaps
                .iter()
                .map(|b| Some(b.as_ref()))
                .collect::<BinaryViewArray>(),
        ))
    }

    fn size(&self) -> usize {
        self.bitmaps.len() * (BYTES + 16)
    }
}
