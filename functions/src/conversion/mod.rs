//! Casts written as functions: `int(expr)`, `string(expr)`.

use std::sync::Arc;

use rsql_common::Result;
use rsql_expr::function::{Doc, Family, FunctionKind, FunctionRegistry, ResolveCx};
use rsql_expr::tree::CastExpr;
use rsql_expr::{Expr, ScalarFn, SqlType};

use crate::kernel::{check_count, mismatch, rewritten};

/// Adds the family to the registry.
pub(crate) fn register(r: &mut FunctionRegistry) {
    for f in [
        &BIGINT, &BINARY, &BOOLEAN, &DATE, &DECIMAL, &DOUBLE, &FLOAT, &INT, &SMALLINT, &STRING, &TIMESTAMP, &TINYINT,
    ] {
        r.add(FunctionKind::Scalar(f));
    }
}

macro_rules! conversion {
    ($($name:ident = $sql:literal $ty:expr, $example:literal;)*) => { $(
        #[doc = concat!("`", $sql, "(expr)`")]
        static $name: ScalarFn = rewritten(
            $sql,
            &[],
            Doc {
                family: Family::Conversion,
                usage: concat!($sql, "(expr)"),
                text: concat!("The argument cast to ", $sql, "."),
                example: $example,
            },
            |args, cx| converted(args, $ty, cx),
        );
    )* };
}

conversion! {
    BIGINT = "bigint" SqlType::Long, "SELECT bigint('1')";
    BINARY = "binary" SqlType::Binary, "SELECT binary('Spark')";
    BOOLEAN = "boolean" SqlType::Boolean, "SELECT boolean('true')";
    DATE = "date" SqlType::Date, "SELECT date('2020-01-01')";
    DECIMAL = "decimal" SqlType::Decimal(10, 0), "SELECT decimal('1')";
    DOUBLE = "double" SqlType::Double, "SELECT double('1')";
    FLOAT = "float" SqlType::Float, "SELECT float('1')";
    INT = "int" SqlType::Int, "SELECT int('1')";
    SMALLINT = "smallint" SqlType::Short, "SELECT smallint('1')";
    STRING = "string" SqlType::String, "SELECT string(1)";
    TIMESTAMP = "timestamp" SqlType::Timestamp, "SELECT timestamp('2020-01-01')";
    TINYINT = "tinyint" SqlType::Byte, "SELECT tinyint('1')";
}

fn converted(args: Vec<Expr>, ty: SqlType, cx: &ResolveCx<'_>) -> Result<Expr> {
    check_count(&args, 1, Some(1), cx)?;
    let from = args[0].ty();
    if !rsql_expr::cast::can_cast(&from, &ty, cx.ansi()) {
        return Err(mismatch("CAST_WITHOUT_SUGGESTION", &args, cx)
            .param("srcType", from.quoted())
            .param("targetType", ty.quoted()));
    }
    Ok(Expr::Cast(Box::new(CastExpr {
        expr: args.into_iter().next().unwrap_or_default(),
        ty,
        mode: cx.mode,
        explicit: true,
        options: Arc::clone(cx.options),
        origin: cx.origin,
    })))
}
