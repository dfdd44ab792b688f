//! What functions do about collations: whose arguments meet, and what they refuse.

use rsql_common::{Error, ordinal_word};
use rsql_expr::{Collation, SqlType};

use crate::expr::Bound;

/// Which arguments of a function must have one collation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Merge {
    /// All.
    All,
    /// From this one on.
    From(usize),
    /// These.
    Only(&'static [usize]),
    /// Keys and values, each among themselves.
    Pairs,
}

/// The arguments of `name` that must have one collation, if any must.
pub(crate) fn merge_of(name: &str) -> Option<Merge> {
    Some(match name {
        "map" => Merge::Pairs,
        "elt" => Merge::From(1),
        "if" | "nvl2" => Merge::Only(&[1, 2]),
        "locate" | "position" | "instr" | "substring_index" | "split_part" | "overlay" | "levenshtein" => {
            Merge::Only(&[0, 1])
        }
        "regexp_replace" => Merge::Only(&[0, 1, 2]),
        "lpad" | "rpad" => Merge::Only(&[0, 2]),
        "lag" | "lead" => Merge::Only(&[0, 2]),
        "array" | "array_append" | "array_contains" | "array_except" | "array_intersect" | "array_join"
        | "array_position" | "array_remove" | "array_union" | "arrays_overlap" | "btrim" | "coalesce" | "concat"
        | "concat_ws" | "contains" | "endswith" | "equal_null" | "find_in_set" | "greatest" | "ifnull" | "least"
        | "ltrim" | "mask" | "nvl" | "replace" | "rtrim" | "startswith" | "str_to_map" | "to_number" | "translate"
        | "trim" | "try_to_number" => Merge::All,
        _ => return None,
    })
}

/// Functions that Spark replaces by other expressions, whose names show the call as it was.
pub(crate) fn shows_arguments_as_written(name: &str) -> bool {
    matches!(name, "btrim" | "equal_null" | "ifnull" | "nvl" | "nvl2")
}

/// When a function refuses a text of which nobody knows the collation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// As part of the expression.
    Analysis,
    /// Spark finds out when the query runs.
    Running,
}

/// Whether and how `name` refuses texts without a known collation.
pub(crate) fn refusal_of(name: &str) -> Option<Refusal> {
    Some(match name {
        "btrim" | "contains" | "endswith" | "equal_null" | "find_in_set" | "initcap" | "instr" | "lcase" | "like"
        | "locate" | "lower" | "ltrim" | "nullif" | "position" | "replace" | "rtrim" | "startswith"
        | "substring_index" | "translate" | "trim" | "ucase" | "upper" => Refusal::Analysis,
        "array_contains" | "array_distinct" | "array_except" | "array_intersect" | "array_max" | "array_min"
        | "array_position" | "array_remove" | "array_sort" | "array_union" | "arrays_overlap" | "greatest"
        | "least" | "map" | "sort_array" | "split_part" | "str_to_map" => Refusal::Running,
        _ => return None,
    })
}

/// Which collations a function takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Support {
    Any,
    /// Not those in which accents do not count but case does.
    NotAccentsAlone,
    /// UTF8_BINARY and UTF8_LCASE, without `_RTRIM`.
    PlainUtf8,
}

fn support_of(name: &str) -> Support {
    match name {
        "btrim" | "contains" | "endswith" | "find_in_set" | "instr" | "locate" | "ltrim" | "position" | "replace"
        | "rtrim" | "split_part" | "startswith" | "str_to_map" | "substring_index" | "translate" | "trim" => {
            Support::NotAccentsAlone
        }
        "ilike" | "like" | "regexp" | "regexp_count" | "regexp_extract" | "regexp_extract_all" | "regexp_instr"
        | "regexp_like" | "regexp_replace" | "regexp_substr" | "rlike" | "split" => Support::PlainUtf8,
        _ => Support::Any,
    }
}

fn takes(support: Support, collation: Collation) -> bool {
    match support {
        Support::Any => true,
        Support::NotAccentsAlone => !collation.accent_insensitive() || collation.case_insensitive(),
        Support::PlainUtf8 => {
            !collation.rtrim()
                && (collation.is_binary_family() || collation.is_lcase_family() || collation.is_indeterminate())
        }
    }
}

/// The error about the first argument whose collation `name` does not take.
pub(crate) fn unsupported(name: &str, args: &[Bound], text: &dyn Fn() -> String) -> Option<Error> {
    let support = support_of(name);
    if support == Support::Any {
        return None;
    }
    let refused = |ty: &SqlType| ty.collation().is_some_and(|c| !takes(support, c));
    let (index, arg) = args.iter().enumerate().find(|(_, b)| refused(&b.expr.ty()))?;
    Some(
        Error::user("DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE")
            .param("paramIndex", ordinal_word(index))
            .param("requiredType", "\"STRING\"")
            .param("inputSql", format!("\"{}\"", arg.name))
            .param("inputType", arg.expr.ty().quoted())
            .param("sqlExpr", format!("\"{}\"", text())),
    )
}
