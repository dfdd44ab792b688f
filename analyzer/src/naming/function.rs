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
    "cos",
    "cosh",
    "cot",
    "csc",
    "degrees",
    "e",
    "exp",
    "expm1",
    "floor",
    "hypot",
    "log",
    "log10",
    "log1p",
    "log2",
    "pi",
    "power",
    "radians",
    "regexp",
    "regexp_like",
    "rlike",
    "sec",
    "signum",
    "sin",
    "sinh",
    "spark_partition_id",
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
    ("random", "rand"),
    ("current_user", "current_user"),
    ("to_varchar", "to_char"),
];

/// Arguments that a call shows though they were not written: function, arguments written, texts added.
const DEFAULTS: &[(&str, usize, &[&str])] = &[
    ("position", 2, &["1"]),
    ("locate", 2, &["1"]),
    ("instr", 3, &["1"]),
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
    ("split", 2, &["-1"]),
    ("str_to_map", 1, &[",", ":"]),
    ("str_to_map", 2, &[":"]),
    ("from_unixtime", 1, &["yyyy-MM-dd HH:mm:ss"]),
    ("unix_timestamp", 0, &["current_timestamp()", "yyyy-MM-dd HH:mm:ss"]),
    ("unix_timestamp", 1, &["yyyy-MM-dd HH:mm:ss"]),
    ("to_unix_timestamp", 1, &["yyyy-MM-dd HH:mm:ss"]),
    ("mask", 1, &["X", "x", "n", "NULL"]),
    ("mask", 2, &["x", "n", "NULL"]),
    ("mask", 3, &["n", "NULL"]),
    ("mask", 4, &["NULL"]),
    ("make_dt_interval", 0, &["0", "0", "0", "0.000000"]),
    ("make_dt_interval", 1, &["0", "0", "0.000000"]),
    ("make_dt_interval", 2, &["0", "0.000000"]),
    ("make_dt_interval", 3, &["0.000000"]),
    ("make_ym_interval", 0, &["0", "0"]),
    ("make_ym_interval", 1, &["0"]),
    ("months_between", 2, &["true"]),
    ("sort_array", 1, &["true"]),
    ("make_interval", 0, &["0", "0", "0", "0", "0", "0", "0.000000"]),
    ("make_interval", 1, &["0", "0", "0", "0", "0", "0.000000"]),
    ("make_interval", 2, &["0", "0", "0", "0", "0.000000"]),
    ("make_interval", 3, &["0", "0", "0", "0.000000"]),
    ("make_interval", 4, &["0", "0", "0.000000"]),
    ("make_interval", 5, &["0", "0.000000"]),
    ("make_interval", 6, &["0.000000"]),
    ("regexp_replace", 3, &["1"]),
    ("regexp_instr", 2, &["0"]),
    ("regexp_extract", 2, &["1"]),
    ("regexp_extract_all", 2, &["1"]),
    ("sentences", 1, &["", ""]),
    ("sentences", 2, &[""]),
    ("vector_norm", 1, &["2.0"]),
    ("vector_normalize", 1, &["2.0"]),
    ("replace", 2, &[""]),
    ("aes_encrypt", 2, &["GCM", "DEFAULT", "", ""]),
    ("aes_encrypt", 3, &["DEFAULT", "", ""]),
    ("aes_encrypt", 4, &["", ""]),
    ("aes_encrypt", 5, &[""]),
    ("aes_decrypt", 2, &["GCM", "DEFAULT", ""]),
    ("aes_decrypt", 3, &["DEFAULT", ""]),
    ("aes_decrypt", 4, &[""]),
    ("try_aes_decrypt", 2, &["GCM", "DEFAULT", ""]),
    ("try_aes_decrypt", 3, &["DEFAULT", ""]),
    ("try_aes_decrypt", 4, &[""]),
    ("percentile", 2, &["1"]),
    ("percentile_approx", 2, &["10000"]),
    ("approx_percentile", 2, &["10000"]),
    ("hll_sketch_agg", 1, &["12"]),
    ("hll_union_agg", 1, &["false"]),
    ("hll_union", 2, &["false"]),
    ("theta_sketch_agg", 1, &["12"]),
    ("theta_union_agg", 1, &["12"]),
    ("theta_union", 2, &["12"]),
    ("tuple_sketch_agg_double", 2, &["12", "sum"]),
    ("tuple_sketch_agg_double", 3, &["sum"]),
    ("tuple_union_agg_double", 1, &["12", "sum"]),
    ("tuple_union_agg_double", 2, &["sum"]),
    ("tuple_intersection_agg_double", 1, &["sum"]),
    ("tuple_union_double", 2, &["12", "sum"]),
    ("tuple_union_double", 3, &["sum"]),
    ("tuple_union_theta_double", 2, &["12", "sum"]),
    ("tuple_union_theta_double", 3, &["sum"]),
    ("tuple_intersection_double", 2, &["sum"]),
    ("tuple_intersection_theta_double", 2, &["sum"]),
    ("tuple_sketch_summary_double", 1, &["sum"]),
    ("tuple_sketch_agg_integer", 2, &["12", "sum"]),
    ("tuple_sketch_agg_integer", 3, &["sum"]),
    ("tuple_union_agg_integer", 1, &["12", "sum"]),
    ("tuple_union_agg_integer", 2, &["sum"]),
    ("tuple_intersection_agg_integer", 1, &["sum"]),
    ("tuple_union_integer", 2, &["12", "sum"]),
    ("tuple_union_integer", 3, &["sum"]),
    ("tuple_union_theta_integer", 2, &["12", "sum"]),
    ("tuple_union_theta_integer", 3, &["sum"]),
    ("tuple_intersection_integer", 2, &["sum"]),
    ("tuple_intersection_theta_integer", 2, &["sum"]),
    ("tuple_sketch_summary_integer", 1, &["sum"]),
    ("approx_top_k", 1, &["5", "10000"]),
    ("approx_top_k", 2, &["10000"]),
    ("approx_top_k_accumulate", 1, &["10000"]),
    ("approx_top_k_combine", 1, &["-1"]),
    ("approx_top_k_estimate", 1, &["5"]),
];

/// `name(args)`
pub(crate) fn function(name: &str, args: &[String]) -> String {
    let shown = RENAMED.iter().find(|(n, _)| *n == name).map_or(name, |(_, s)| *s);
    let shown = if UPPER.contains(&shown) {
        shown.to_ascii_uppercase()
    } else {
        shown.to_string()
    };
    format!("{shown}({})", complete(name, args))
}

/// The arguments and those that the call shows though they were not written.
fn complete(name: &str, args: &[String]) -> String {
    let name = if name == "try_make_interval" {
        "make_interval"
    } else {
        name
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
    all.join(", ")
}

/// How `array_sort` compares without a lambda.
const ARRAY_SORT_ORDER: &str = "lambdafunction((IF(((namedlambdavariable() IS NULL) AND (namedlambdavariable() IS NULL)), \
    0, (IF((namedlambdavariable() IS NULL), 1, (IF((namedlambdavariable() IS NULL), -1, \
    (IF((namedlambdavariable() < namedlambdavariable()), -1, (IF((namedlambdavariable() > namedlambdavariable()), \
    1, 0)))))))))), namedlambdavariable(), namedlambdavariable())";

/// A scalar function's call; some are shown as operators.
pub(crate) fn scalar(name: &str, args: &[String], first: Option<&SqlType>) -> String {
    match (name, args) {
        ("if" | "iff", [_, _, _]) => format!("(IF({}))", args.join(", ")),
        ("ceil" | "ceiling" | "floor", [_, _]) => format!("{name}({})", args.join(", ")),
        ("positive", [x]) => format!("(+ {x})"),
        ("div", [l, r]) => format!("({l} div {r})"),
        ("log", [x]) => format!("LOG(E(), {x})"),
        (
            "from_json" | "from_csv" | "from_xml" | "to_json" | "to_csv" | "to_xml" | "schema_of_json"
            | "schema_of_csv" | "schema_of_xml",
            [x, ..],
        ) => format!("{name}({x})"),
        ("lpad" | "rpad", [x, n]) => {
            let pad = if first == Some(&SqlType::Binary) { "X'00'" } else { " " };
            format!("{name}({x}, {n}, {pad})")
        }
        // Of a date and a time it becomes another function, which shows.
        ("try_make_timestamp_ltz", [..]) if args.len() <= 3 => function("make_timestamp", args),
        ("convert_timezone", [to, x]) => format!("convert_timezone(current_timezone(), {to}, {x})"),
        ("raise_error", [message]) => format!("raise_error(USER_RAISED_EXCEPTION, map(errorMessage, {message}))"),
        ("ltrim", [chars, x]) => format!("TRIM(LEADING {chars} FROM {x})"),
        ("rtrim", [chars, x]) => format!("TRIM(TRAILING {chars} FROM {x})"),
        ("datepart", [field, x]) => format!("datepart({field} FROM {x})"),
        ("assert_true", [x]) => format!("assert_true({x}, '{x}' is not true!)"),
        ("try_to_time", _) => format!("try_to_time(to_time({}))", args.join(", ")),
        ("to_varchar", [x, _]) if first == Some(&SqlType::Binary) => format!("to_varchar({x})"),
        ("to_char", [x, f]) if first == Some(&SqlType::Binary) => match f.as_str() {
            "base64" => format!("base64({x})"),
            "hex" => format!("hex({x})"),
            _ => format!("decode({x}, {f})"),
        },
        ("array_sort", [x]) => format!("array_sort({x}, {ARRAY_SORT_ORDER})"),
        ("trim", [characters, x]) => format!("TRIM(BOTH {characters} FROM {x})"),
        ("isnull", [x]) => format!("({x} IS NULL)"),
        ("isnotnull", [x]) => format!("({x} IS NOT NULL)"),
        ("not" | "!", [x]) => format!("(NOT {x})"),
        ("like", [x, p]) => format!("{x} LIKE {p}"),
        ("like", [x, p, e]) => format!("{x} LIKE {p} ESCAPE '{e}'"),
        ("ilike", [x, p, _]) => format!("ilike({x}, {p})"),
        ("timestampadd" | "timestampdiff", _) => format!("{name}({})", args.join(", ")),
        ("to_char" | "to_varchar", [x, f]) if first.is_some_and(|t| t.is_datetime()) => {
            format!("date_format({x}, {f})")
        }
        ("bigint" | "binary" | "boolean" | "date" | "decimal" | "double" | "float" | "int" | "smallint", [x]) => {
            x.clone()
        }
        ("string" | "time" | "timestamp" | "timestamp_ntz" | "timestamp_ltz" | "tinyint", [x]) => x.clone(),
        _ => function(name, args),
    }
}

/// An aggregate's call.
pub(crate) fn aggregate(name: &str, args: &[String], distinct: bool) -> String {
    let shown = RENAMED.iter().find(|(n, _)| *n == name).map_or(name, |(_, s)| *s);
    let distinct = if distinct { "DISTINCT " } else { "" };
    let ignore = matches!(name, "first" | "last" | "first_value" | "last_value" | "any_value");
    let args = if ignore && args.len() == 2 { &args[..1] } else { args };
    format!("{shown}({distinct}{})", complete(name, args))
}

/// A window function's call.
pub(crate) fn window(name: &str, args: &[String]) -> String {
    match name {
        "rank" | "dense_rank" | "percent_rank" => format!("{}()", name.to_ascii_uppercase()),
        _ => function(name, args),
    }
}

/// A SQL function's call.
pub(crate) fn qualified_function(name: &[String], args: &[String]) -> String {
    format!("{}({})", name.join("."), args.join(", "))
}
