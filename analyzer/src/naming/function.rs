//! Calls as names show them. Most functions keep the name they were called by; the tables hold the others.

use rsql_expr::SqlType;

/// Functions shown in upper case.
const UPPER: &[&str] = &[
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cbrt",
    "ceil",
    "ceiling",
    "cos",
    "cosh",
    "cot",
    "csc",
    "degrees",
    "e",
    "exp",
    "expm1",
    "floor",
    "log",
    "log10",
    "log1p",
    "log2",
    "pi",
    "power",
    "radians",
    "regexp",
    "regexp_like",
    "rint",
    "rlike",
    "sec",
    "signum",
    "sin",
    "sinh",
    "sqrt",
    "tan",
    "tanh",
];

/// Functions shown under another name.
const RENAMED: &[(&str, &str)] = &[
    ("curdate", "current_date"),
    ("current_database", "current_schema"),
    ("dateadd", "date_add"),
    ("localtime", "current_time"),
    ("position", "locate"),
    ("random", "rand"),
    ("string_agg", "listagg"),
    ("to_varchar", "to_char"),
];

/// Arguments that a call shows though they were not written: function, arguments written, texts added.
const DEFAULTS: &[(&str, usize, &[&str])] = &[
    ("position", 2, &["1"]),
    ("locate", 2, &["1"]),
    ("substring", 2, &["2147483647"]),
    ("substr", 2, &["2147483647"]),
    ("overlay", 3, &["-1"]),
    ("lag", 1, &["1", "NULL"]),
    ("lag", 2, &["NULL"]),
    ("lead", 1, &["1", "NULL"]),
    ("lead", 2, &["NULL"]),
    ("round", 1, &["0"]),
    ("bround", 1, &["0"]),
    ("current_time", 0, &["6"]),
    ("localtime", 0, &["6"]),
];

/// `name(args)`
pub(crate) fn function(name: &str, args: &[String]) -> String {
    let shown = RENAMED.iter().find(|(n, _)| *n == name).map_or(name, |(_, s)| *s);
    let shown = if UPPER.contains(&shown) {
        shown.to_ascii_uppercase()
    } else {
        shown.to_string()
    };
    let defaults = DEFAULTS
        .iter()
        .find(|(n, count, _)| *n == name && *count == args.len())
        .map_or(&[][..], |d| d.2);
    let all: Vec<&str> = args
        .iter()
        .map(String::as_str)
        .chain(defaults.iter().copied())
        .collect();
    format!("{shown}({})", all.join(", "))
}

/// A scalar function's call; some are shown as operators.
pub(crate) fn scalar(name: &str, args: &[String], first: Option<&SqlType>) -> String {
    match (name, args) {
        ("if" | "iff", [_, _, _]) => format!("(IF({}))", args.join(", ")),
        ("isnull", [x]) => format!("({x} IS NULL)"),
        ("isnotnull", [x]) => format!("({x} IS NOT NULL)"),
        ("not" | "!", [x]) => format!("(NOT {x})"),
        ("like", [x, p]) => format!("{x} LIKE {p}"),
        ("like", [x, p, e]) => format!("{x} LIKE {p} ESCAPE '{e}'"),
        ("ilike", [x, p, e]) => format!("ilike({x}, {p} ESCAPE '{e}')"),
        ("timestampadd" | "timestampdiff", _) => format!("{name}({})", args.join(", ")),
        ("to_char" | "to_varchar", [x, f]) if first.is_some_and(|t| t.is_datetime()) => {
            format!("date_format({x}, {f})")
        }
        (
            "bigint" | "binary" | "boolean" | "date" | "decimal" | "double" | "float" | "int" | "smallint" | "string"
            | "timestamp" | "tinyint",
            [x],
        ) => {
            let ty = if name == "decimal" {
                "DECIMAL(10,0)".to_string()
            } else {
                name.to_ascii_uppercase()
            };
            format!("CAST({x} AS {ty})")
        }
        _ => function(name, args),
    }
}

/// An aggregate's call.
pub(crate) fn aggregate(name: &str, args: &[String], distinct: bool) -> String {
    let shown = RENAMED.iter().find(|(n, _)| *n == name).map_or(name, |(_, s)| *s);
    let distinct = if distinct { "DISTINCT " } else { "" };
    format!("{shown}({distinct}{})", args.join(", "))
}

/// A window function's call.
pub(crate) fn window(name: &str, args: &[String]) -> String {
    match name {
        "rank" | "dense_rank" | "percent_rank" => format!("{}({})", name.to_ascii_uppercase(), args.join(", ")),
        _ => function(name, args),
    }
}

/// A SQL function's call.
pub(crate) fn qualified_function(name: &[String], args: &[String]) -> String {
    format!("{}({})", name.join("."), args.join(", "))
}
