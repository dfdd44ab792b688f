//! `typeof`, `version`, `current_user`, `current_catalog`, `current_schema`, `current_path`: known when the call is
//! resolved.

use rsql_common::Result;
use rsql_expr::function::ResolveCx;
use rsql_expr::{Expr, Literal, ScalarFn};

use super::doc;
use crate::kernel::{check_count, rewritten};

pub(super) const ALL: &[&ScalarFn] = &[
    &TYPEOF,
    &VERSION,
    &CURRENT_USER,
    &CURRENT_CATALOG,
    &CURRENT_SCHEMA,
    &CURRENT_PATH,
];

/// A text for a call without arguments.
fn text(value: &str, args: &[Expr], cx: &ResolveCx<'_>) -> Result<Expr> {
    check_count(args, 0, Some(0), cx)?;
    Ok(Expr::lit(Literal::string(value)))
}

/// `typeof(expr)`
static TYPEOF: ScalarFn = rewritten(
    "typeof",
    &[],
    doc("typeof(expr)", "The argument's type.", "SELECT typeof(1)"),
    |args, cx| {
        check_count(&args, 1, Some(1), cx)?;
        Ok(Expr::lit(Literal::string(args[0].ty().to_string())))
    },
);

/// `version()`
static VERSION: ScalarFn = rewritten(
    "version",
    &[],
    doc("version()", "The engine's version.", "SELECT version()"),
    |args, cx| text(concat!("rsql ", env!("CARGO_PKG_VERSION")), &args, cx),
);

/// `current_user()`
static CURRENT_USER: ScalarFn = rewritten(
    "current_user",
    &["user", "session_user"],
    doc("current_user()", "The user of the session.", "SELECT current_user()"),
    |args, cx| text(&cx.options.user, &args, cx),
);

/// `current_catalog()`
static CURRENT_CATALOG: ScalarFn = rewritten(
    "current_catalog",
    &[],
    doc("current_catalog()", "The current catalog.", "SELECT current_catalog()"),
    |args, cx| text(&cx.options.catalog, &args, cx),
);

/// `current_schema()`
static CURRENT_SCHEMA: ScalarFn = rewritten(
    "current_schema",
    &["current_database"],
    doc("current_schema()", "The current database.", "SELECT current_schema()"),
    |args, cx| text(&cx.options.database, &args, cx),
);

/// `current_path()`
static CURRENT_PATH: ScalarFn = rewritten(
    "current_path",
    &[],
    doc(
        "current_path()",
        "Where functions are looked for.",
        "SELECT current_path()",
    ),
    |args, cx| {
        let (catalog, database) = (&cx.options.catalog, &cx.options.database);
        text(
            &format!("system.builtin,system.session,{catalog}.{database}"),
            &args,
            cx,
        )
    },
);
