//! `rand`, `randn`, `uniform`, `randstr`.
//!
//! A call with a seed is a sequence that goes on from chunk to chunk. Kernels keep nothing, so the sequence's position
//! stands in a table under a token that resolving put into the call.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};

use arrow::array::{ArrayRef, Float64Array};
use hashbrown::HashMap;
use parking_lot::Mutex;
use rsql_common::{Error, Result};
use rsql_expr::function::signature::ret;
use rsql_expr::function::{EvalArgs, ResolveCx, ReturnType, Signature};
use rsql_expr::{Expr, Literal, Scalar, ScalarFn, SqlType};

use super::doc;
use super::xor_shift::XorShift;
use crate::kernel::{
    cast, check_count, common_type, constant, mismatch, non_foldable, text_rows, unexpected_input, volatile,
};

/// Sequences kept; the oldest goes first.
const KEPT: usize = 4096;

/// A position in a random or counting sequence.
pub(crate) struct Stream {
    pub(crate) random: XorShift,
    pub(crate) count: i64,
}

#[derive(Default)]
struct Streams {
    by_token: HashMap<i64, Arc<Mutex<Stream>>>,
    order: VecDeque<i64>,
}

impl Stream {
    /// The stream of a token, begun with `seed` when it is new.
    pub(crate) fn of(token: i64, seed: i64) -> Arc<Mutex<Stream>> {
        static STREAMS: OnceLock<Mutex<Streams>> = OnceLock::new();
        let mut streams = STREAMS.get_or_init(Mutex::default).lock();
        if let Some(stream) = streams.by_token.get(&token) {
            return Arc::clone(stream);
        }
        if streams.order.len() >= KEPT
            && let Some(oldest) = streams.order.pop_front()
        {
            streams.by_token.remove(&oldest);
        }
        let stream = Arc::new(Mutex::new(Stream {
            random: XorShift::new(seed),
            count: 0,
        }));
        streams.order.push_back(token);
        streams.by_token.insert(token, Arc::clone(&stream));
        stream
    }
}

/// A literal that no other call has.
pub(crate) fn stream_token() -> Expr {
    static NEXT: AtomicI64 = AtomicI64::new(1);
    Expr::lit(Literal::long(NEXT.fetch_add(1, Ordering::Relaxed)))
}

/// The constant seed at argument `index` (NULL is 0), or a fresh one.
fn seed(args: &[Expr], index: usize, cx: &ResolveCx<'_>) -> Result<Expr> {
    let seed = match args.get(index) {
        None => rand::random::<i64>(),
        Some(e) if !e.ty().is_integral() && e.ty() != SqlType::Void => {
            return Err(unexpected_input(args, index, "(\"INT\" or \"BIGINT\")", cx));
        }
        Some(e) => match constant(e, cx) {
            Some(l) => l.value.as_i64().unwrap_or(0),
            None if !cx.called_as.starts_with("rand") || cx.called_as == "randstr" => {
                return Err(non_foldable(args, index, "seed", cx));
            }
            None => {
                return Err(Error::user("SEED_EXPRESSION_IS_UNFOLDABLE")
                    .param("seedExpr", format!("\"{e}\""))
                    .param("exprWithSeed", format!("\"{}({e})\"", cx.called_as))
                    .at(cx.origin.0));
            }
        },
    };
    Ok(Expr::lit(Literal::long(seed)))
}

fn bind_seed(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    check_count(&args, 0, Some(1), cx)?;
    Ok(vec![seed(&args, 0, cx)?, stream_token()])
}

/// The stream named by the literals at `index` (seed) and after it (token).
fn stream(args: &EvalArgs<'_>, index: usize) -> Arc<Mutex<Stream>> {
    let literal = |i: usize| {
        args.call
            .args
            .get(i)
            .and_then(Expr::as_literal)
            .and_then(|l| l.value.as_i64())
    };
    Stream::of(literal(index + 1).unwrap_or(0), literal(index).unwrap_or(0))
}

/// `rand([seed])`
pub(super) static RAND: ScalarFn = volatile(
    "rand",
    &["random"],
    doc(
        "rand([seed])",
        "Random number in [0, 1), uniformly distributed.",
        "SELECT rand(0)",
    ),
    Signature::bind_with(bind_seed, ret::DOUBLE),
    |args| {
        let stream = stream(args, 0);
        let random = &mut stream.lock().random;
        Ok(Arc::new(Float64Array::from_iter_values(
            (0..args.rows).map(|_| random.next_double()),
        )))
    },
);

/// `randn([seed])`
pub(super) static RANDN: ScalarFn = volatile(
    "randn",
    &[],
    doc(
        "randn([seed])",
        "Random number, normally distributed around 0 with deviation 1.",
        "SELECT randn(0)",
    ),
    Signature::bind_with(bind_seed, ret::DOUBLE),
    |args| {
        let stream = stream(args, 0);
        let random = &mut stream.lock().random;
        Ok(Arc::new(Float64Array::from_iter_values(
            (0..args.rows).map(|_| random.next_gaussian()),
        )))
    },
);

/// `uniform(min, max[, seed])`
pub(super) static UNIFORM: ScalarFn = volatile(
    "uniform",
    &[],
    doc(
        "uniform(min, max[, seed])",
        "Random number between two constants.",
        "SELECT uniform(10, 20, 0)",
    ),
    Signature::bind_with(
        |args, cx| {
            check_count(&args, 2, Some(3), cx)?;
            let mut ends = Vec::new();
            for (i, (name, arg)) in ["min", "max"].into_iter().zip(&args).enumerate() {
                if !arg.ty().is_numeric() && arg.ty() != SqlType::Void {
                    return Err(unexpected_input(&args, i, "integer or floating-point", cx));
                }
                let Some(l) = constant(arg, cx) else {
                    return Err(non_foldable(&args, i, name, cx));
                };
                ends.push(Expr::lit(l));
            }
            let ty = uniform_type(&ends, cx)?;
            let mut bound: Vec<Expr> = ends
                .into_iter()
                .map(|e| cast(e, &ty, cx))
                .map(|e| constant(&e, cx).map_or(e, Expr::lit))
                .collect();
            bound.push(seed(&args, 2, cx)?);
            bound.push(stream_token());
            bound.push(Expr::lit(Literal::null(ty)));
            Ok(bound)
        },
        ReturnType::Of(|args, _| Ok(args.last().map_or(SqlType::Double, Expr::ty))),
    ),
    uniform,
);

/// The more precise of the two types; a whole number takes a decimal's.
fn uniform_type(ends: &[Expr], cx: &ResolveCx<'_>) -> Result<SqlType> {
    let has = |f: &dyn Fn(&SqlType) -> bool| ends.iter().map(Expr::ty).find(|t| f(t));
    if let Some(ty) = has(&|t| matches!(t, SqlType::Double | SqlType::Void)) {
        return Ok(if ty == SqlType::Void { SqlType::Double } else { ty });
    }
    match (
        has(&|t| *t == SqlType::Float),
        has(&SqlType::is_integral),
        has(&SqlType::is_decimal),
    ) {
        (Some(float), _, _) => Ok(float),
        (None, Some(_), Some(decimal)) => Ok(decimal),
        _ => common_type(ends, cx),
    }
}

fn uniform(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let ty = &args.call.ty;
    let number = |i: usize| -> Option<f64> {
        let l = args.call.args.get(i)?.as_literal()?;
        match (&l.value, &l.ty) {
            (Scalar::F32(v), _) => Some(f64::from(*v)),
            (Scalar::F64(v), _) => Some(*v),
            (v, SqlType::Decimal(_, s)) => Some(v.as_i128()? as f64 / 10f64.powi(i32::from(*s))),
            (v, _) => Some(v.as_i128()? as f64),
        }
    };
    let (Some(min), Some(max)) = (number(0), number(1)) else {
        return Ok(arrow::array::new_null_array(&ty.arrow(), args.rows));
    };
    let stream = stream(args, 2);
    let random = &mut stream.lock().random;
    let scale = if let SqlType::Decimal(_, s) = ty {
        10f64.powi(i32::from(*s))
    } else {
        1.0
    };
    let values: Vec<Scalar> = (0..args.rows)
        .map(|_| {
            let v = min + (max - min) * random.next_double();
            match ty {
                SqlType::Byte => Scalar::I8(v as i8),
                SqlType::Short => Scalar::I16(v as i16),
                SqlType::Int => Scalar::I32(v as i32),
                SqlType::Long => Scalar::I64(v as i64),
                SqlType::Float => Scalar::F32(v as f32),
                SqlType::Decimal(p, _) if *p <= 18 => Scalar::I64((v * scale).round() as i64),
                SqlType::Decimal(..) => Scalar::I128((v * scale).round() as i128),
                _ => Scalar::F64(v),
            }
        })
        .collect();
    rsql_expr::scalars_to_array(&values, ty)
}

/// `randstr(length[, seed])`
pub(super) static RANDSTR: ScalarFn = volatile(
    "randstr",
    &[],
    doc(
        "randstr(length[, seed])",
        "Random letters and digits.",
        "SELECT randstr(3, 0)",
    ),
    Signature::bind_with(
        |args, cx| {
            check_count(&args, 1, Some(2), cx)?;
            let length = args.first().cloned().unwrap_or_default();
            if !length.ty().is_numeric() && length.ty() != SqlType::Void {
                return Err(unexpected_input(&args, 0, "INT or SMALLINT", cx));
            }
            let Some(l) = constant(&cast(length, &SqlType::Int, cx), cx) else {
                return Err(non_foldable(&args, 0, "length", cx));
            };
            if l.value.as_i64().is_some_and(|n| n < 0) {
                return Err(mismatch("VALUE_OUT_OF_RANGE", &args, cx)
                    .param("exprName", "`length`")
                    .param("valueRange", "[0, 2147483647]"));
            }
            Ok(vec![Expr::lit(l), seed(&args, 1, cx)?, stream_token()])
        },
        ret::STRING,
    ),
    |args| {
        let length = args
            .call
            .args
            .first()
            .and_then(Expr::as_literal)
            .and_then(|l| l.value.as_i64())
            .unwrap_or(0);
        let stream = stream(args, 1);
        let random = &mut stream.lock().random;
        text_rows(args.rows, |_, out| {
            for _ in 0..length {
                let at = (random.next(32) % 62).unsigned_abs() as u8;
                out.push(char::from(match at {
                    0..10 => b'0' + at,
                    10..36 => b'a' + at - 10,
                    _ => b'A' + at - 36,
                }));
            }
            Ok(Some(()))
        })
    },
);
