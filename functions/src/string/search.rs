//! `contains`, `startswith`, `endswith`, `instr`, `locate`, `position`, `find_in_set`.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray};
use arrow::datatypes::{DataType, Int32Type};
use memchr::memmem;
use rsql_common::{Error, Result};
use rsql_expr::function::signature::ret;
use rsql_expr::function::{EvalArgs, ResolveCx, Signature, TypeSpec};
use rsql_expr::tree::NullRule;
use rsql_expr::{Expr, Literal, ScalarFn, SqlType};

use super::substring::char_range;
use super::{Definitions, doc, is_binary, two_texts};
use crate::collation::{self, Place};
use crate::kernel::{BinCol, IntCol, StrCol, bool_rows, cast, check_count, custom, fallible, prim_rows, pure, some};

pub(super) const ALL: Definitions = &[&CONTAINS, &STARTSWITH, &ENDSWITH, &INSTR, &LOCATE, &FIND_IN_SET];

macro_rules! test {
    ($name:ident, $sql:literal, $place:expr, $text:literal, $f:expr) => {
        #[doc = concat!("`", $sql, "(left, right)`")]
        static $name: ScalarFn = pure(
            $sql,
            &[],
            doc(
                concat!($sql, "(left, right)"),
                $text,
                concat!("SELECT ", $sql, "('Spark SQL', 'SQL')"),
            ),
            Signature::bind_with(bind_pair, ret::BOOLEAN),
            |args| tested(args, $place, $f),
        );
    };
}
test!(
    CONTAINS,
    "contains",
    Place::Anywhere,
    "True if right occurs in left.",
    |a, b| { memmem::find(a, b).is_some() }
);
test!(
    STARTSWITH,
    "startswith",
    Place::Start,
    "True if left starts with right.",
    |a, b| a.starts_with(b)
);
test!(
    ENDSWITH,
    "endswith",
    Place::End,
    "True if left ends with right.",
    |a, b| a.ends_with(b)
);

/// Both binary, or both text.
fn bind_pair(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    check_count(&args, 2, Some(2), cx)?;
    let binary = args.iter().all(|a| matches!(a.ty(), SqlType::Binary | SqlType::Void))
        && args.iter().any(|a| a.ty() == SqlType::Binary);
    if binary {
        return Ok(args.into_iter().map(|a| cast(a, &SqlType::Binary, cx)).collect());
    }
    args.into_iter()
        .enumerate()
        .map(|(i, a)| rsql_expr::coerce::implicit_cast(a, TypeSpec::String, i, cx))
        .collect()
}

fn tested(args: &EvalArgs<'_>, place: Place, f: fn(&[u8], &[u8]) -> bool) -> Result<ArrayRef> {
    if let Some(rules) = collation::rules_of(args, 0)? {
        return collation::tested(args, &rules, place);
    }
    if is_binary(args, 0) {
        let (left, right) = (BinCol::of(args, 0)?, BinCol::of(args, 1)?);
        return bool_rows(args.rows, |row| {
            Ok(Some(f(some!(left.get(row)), some!(right.get(row)))))
        });
    }
    let (left, right) = two_texts(args)?;
    if right.is_constant()
        && let Some(needle) = right.get(0)
        && args.call.func.as_ref() == "contains"
    {
        let finder = memmem::Finder::new(needle.as_bytes());
        let hits: BooleanArray = (0..args.rows)
            .map(|row| left.get(row).map(|t| finder.find(t.as_bytes()).is_some()))
            .collect();
        return Ok(Arc::new(hits));
    }
    bool_rows(args.rows, |row| {
        Ok(Some(f(
            some!(left.get(row)).as_bytes(),
            some!(right.get(row)).as_bytes(),
        )))
    })
}

/// `instr(str, substr[, position[, occurrence]])`
static INSTR: ScalarFn = fallible(
    "instr",
    &[],
    doc(
        "instr(str, substr[, position[, occurrence]])",
        "Position of a part, from 1; 0 if there is none. A negative position searches backwards.",
        "SELECT instr('SparkSQL', 'SQL')",
    ),
    Signature::optional(
        &[TypeSpec::String, TypeSpec::String, TypeSpec::Int, TypeSpec::Int],
        2,
        ret::INT,
    ),
    |args| {
        let (texts, parts) = two_texts(args)?;
        let (positions, occurrences) = (IntCol::optional(args, 2)?, IntCol::optional(args, 3)?);
        let rules = collation::rules_of(args, 0)?;
        prim_rows::<Int32Type>(args.rows, &DataType::Int32, |row| {
            let (text, part) = (some!(texts.get(row)), some!(parts.get(row)));
            let position = match &positions {
                Some(p) => some!(p.get(row)),
                None => 1,
            };
            let occurrence = match &occurrences {
                Some(o) => some!(o.get(row)),
                None => 1,
            };
            if occurrence < 1 {
                return Err(args.error(
                    Error::user("INVALID_PARAMETER_VALUE.POSITIVE_NUMBER")
                        .param("functionName", "`instr`")
                        .param("parameter", "`occurrence`")
                        .param("value", occurrence.to_string()),
                ));
            }
            Ok(Some(match &rules {
                Some(rules) => collation::instr(rules, text, part, position, occurrence),
                None => occurrence_of(text, part, position, occurrence),
            }))
        })
    },
);

fn occurrence_of(text: &str, part: &str, position: i32, occurrence: i32) -> i32 {
    if position == 1 && occurrence == 1 {
        return text.find(part).map_or(0, |at| text[..at].chars().count() as i32 + 1);
    }
    let starts: Vec<usize> = text.char_indices().map(|(i, _)| i).chain([text.len()]).collect();
    let total = starts.len() as i64 - 1;
    let hit = |i: &i64| text[starts[*i as usize]..].starts_with(part);
    let nth = (occurrence - 1) as usize;
    let found = match position {
        0 => None,
        1.. => (i64::from(position) - 1..=total).filter(hit).nth(nth),
        _ => (0..=total + i64::from(position)).rev().filter(hit).nth(nth),
    };
    found.map_or(0, |i| i as i32 + 1)
}

/// `locate(substr, str[, pos])`
static LOCATE: ScalarFn = custom(
    "locate",
    &["position"],
    doc(
        "locate(substr, str[, pos])",
        "Position of a part at or after pos, from 1; 0 if there is none.",
        "SELECT locate('bar', 'foobarbar')",
    ),
    Signature::bind_with(
        |args, cx| {
            check_count(&args, 2, Some(3), cx)?;
            let mut bound = Vec::with_capacity(3);
            for (i, a) in args.into_iter().enumerate() {
                let spec = if i < 2 { TypeSpec::String } else { TypeSpec::Int };
                bound.push(rsql_expr::coerce::implicit_cast(a, spec, i, cx)?);
            }
            if bound.len() == 2 {
                bound.push(Expr::lit(Literal::int(1)));
            }
            Ok(bound)
        },
        ret::INT,
    ),
    |args| {
        let (parts, texts) = two_texts(args)?;
        let (positions, rules) = (IntCol::of(args, 2)?, collation::rules_of(args, 0)?);
        prim_rows::<Int32Type>(args.rows, &DataType::Int32, |row| {
            // A NULL position gives 0.
            let Some(position) = positions.get(row) else {
                return Ok(Some(0));
            };
            let (part, text) = (some!(parts.get(row)), some!(texts.get(row)));
            if let Some(rules) = &rules {
                return Ok(Some(collation::locate(rules, part, text, position)));
            }
            if position < 1 {
                return Ok(Some(0));
            }
            let skipped = position as usize - 1;
            let rest = char_range(text, skipped, usize::MAX);
            if rest.is_empty() && (skipped > 0 || !part.is_empty()) {
                return Ok(Some(0));
            }
            Ok(Some(
                rest.find(part)
                    .map_or(0, |at| (rest[..at].chars().count() + skipped) as i32 + 1),
            ))
        })
    },
);

/// `find_in_set(str, list)`
static FIND_IN_SET: ScalarFn = ScalarFn {
    nulls: NullRule::Propagate,
    ..pure(
        "find_in_set",
        &[],
        doc(
            "find_in_set(str, list)",
            "Position of a text in a comma-separated list, from 1; 0 if it is not there or has a comma.",
            "SELECT find_in_set('ab', 'abc,b,ab,c,def')",
        ),
        Signature::exact(&[TypeSpec::String, TypeSpec::String], ret::INT),
        |args| {
            if let Some(rules) = collation::rules_of(args, 0)? {
                return collation::find_in_set(args, &rules);
            }
            let (texts, lists): (StrCol, StrCol) = two_texts(args)?;
            prim_rows::<Int32Type>(args.rows, &DataType::Int32, |row| {
                let (text, list) = (some!(texts.get(row)), some!(lists.get(row)));
                if text.contains(',') {
                    return Ok(Some(0));
                }
                Ok(Some(
                    list.split(',').position(|t| t == text).map_or(0, |i| i as i32 + 1),
                ))
            })
        },
    )
};

#[cfg(test)]
mod tests {
    use super::occurrence_of;

    #[test]
    fn occurrences() {
        for (text, part, position, occurrence, expected) in [
            ("SparkSQL", "SQL", 1, 1, 6),
            ("abcabc", "b", -1, 1, 5),
            ("abcabc", "b", 1, 2, 5),
            ("abcabc", "b", -1, 2, 2),
            ("abcabc", "x", 1, 1, 0),
        ] {
            assert_eq!(
                occurrence_of(text, part, position, occurrence),
                expected,
                "{text} {part} {position}"
            );
        }
    }
}
