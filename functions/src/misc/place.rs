//! `monotonically_increasing_id`, `uuid`, `spark_partition_id`, `input_file_*`.

use std::sync::Arc;

use arrow::array::Int64Array;
use rsql_expr::function::Signature;
use rsql_expr::function::signature::ret;
use rsql_expr::{Expr, Literal, ScalarFn};

use super::doc;
use crate::kernel::{check_count, rewritten, text_rows, volatile};
use crate::math::{Stream, stream_token};

pub(super) const ALL: &[&ScalarFn] = &[
    &MONOTONIC_ID,
    &UUID,
    &PARTITION_ID,
    &FILE_NAME,
    &FILE_BLOCK_START,
    &FILE_BLOCK_LENGTH,
];

/// The literal at argument `i` as a number.
fn number(args: &rsql_expr::function::EvalArgs<'_>, i: usize) -> i64 {
    args.call
        .args
        .get(i)
        .and_then(Expr::as_literal)
        .and_then(|l| l.value.as_i64())
        .unwrap_or(0)
}

/// `monotonically_increasing_id()`
static MONOTONIC_ID: ScalarFn = volatile(
    "monotonically_increasing_id",
    &[],
    doc(
        "monotonically_increasing_id()",
        "A number that grows from row to row.",
        "SELECT monotonically_increasing_id()",
    ),
    Signature::bind_with(
        |args, cx| {
            check_count(&args, 0, Some(0), cx)?;
            Ok(vec![stream_token()])
        },
        ret::LONG,
    ),
    |args| {
        let stream = Stream::of(number(args, 0), 0);
        let mut stream = stream.lock();
        let start = stream.count;
        stream.count += args.rows as i64;
        Ok(Arc::new(Int64Array::from_iter_values(start..stream.count)))
    },
);

/// `uuid([seed])`
static UUID: ScalarFn = volatile(
    "uuid",
    &[],
    doc("uuid([seed])", "A random UUID.", "SELECT uuid()"),
    Signature::bind_with(
        |args, cx| {
            check_count(&args, 0, Some(1), cx)?;
            let seed = args
                .first()
                .and_then(|s| crate::kernel::constant(s, cx))
                .and_then(|l| l.value.as_i64());
            let seed = seed.unwrap_or_else(rand::random::<i64>);
            Ok(vec![Expr::lit(Literal::long(seed)), stream_token()])
        },
        ret::STRING,
    ),
    |args| {
        let stream = Stream::of(number(args, 1), number(args, 0));
        let random = &mut stream.lock().random;
        text_rows(args.rows, |_, out| {
            use std::fmt::Write;
            let mut word = || u64::from(random.next(32) as u32) << 32 | u64::from(random.next(32) as u32);
            // Version 4, variant 1.
            let high = word() & !0xf000 | 0x4000;
            let low = word() & !(0b11 << 62) | 0b10 << 62;
            let _ = write!(
                out,
                "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
                high >> 32,
                high >> 16 & 0xffff,
                high & 0xffff,
                low >> 48,
                low & 0xffff_ffff_ffff
            );
            Ok(Some(()))
        })
    },
);

macro_rules! constant {
    ($name:ident, $sql:literal, $text:literal, $value:expr) => {
        #[doc = concat!("`", $sql, "()`")]
        static $name: ScalarFn = rewritten(
            $sql,
            &[],
            doc(concat!($sql, "()"), $text, concat!("SELECT ", $sql, "()")),
            |args, cx| {
                check_count(&args, 0, Some(0), cx)?;
                Ok(Expr::lit($value))
            },
        );
    };
}
constant!(
    PARTITION_ID,
    "spark_partition_id",
    "The partition of the row.",
    Literal::int(0)
);
constant!(
    FILE_NAME,
    "input_file_name",
    "The file the row was read from; empty where that is not known.",
    Literal::string("")
);
constant!(
    FILE_BLOCK_START,
    "input_file_block_start",
    "Start of the block read, or -1.",
    Literal::long(-1)
);
constant!(
    FILE_BLOCK_LENGTH,
    "input_file_block_length",
    "Length of the block read, or -1.",
    Literal::long(-1)
);
