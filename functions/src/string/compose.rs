//! `concat`, `concat_ws`, `elt`, `space`, `repeat`.

use arrow::array::{Array, BinaryViewArray, ListArray, StringViewArray, cast::AsArray};
use rsql_common::{Error, Result};
use rsql_expr::function::{ResolveCx, ReturnType, Signature, TypeSpec};
use rsql_expr::tree::Effects;
use rsql_expr::{EvalMode, Expr, Literal, ScalarFn, SqlType};

use super::{Definitions, doc};
use crate::kernel::{
    BinCol, Col, IntCol, StrCol, binary_rows, cast, check_count, custom, fallible, pure, rewritten, some, text_rows,
    to_common, unexpected_input,
};

pub(super) const ALL: Definitions = &[&CONCAT, &CONCAT_WS, &ELT, &SPACE, &REPEAT];

/// `concat(expr[, ...])` of texts, binaries or arrays.
static CONCAT: ScalarFn = pure(
    "concat",
    &[],
    doc(
        "concat(expr[, ...])",
        "The arguments one after the other: texts, binaries or arrays.",
        "SELECT concat('Spark', 'SQL')",
    ),
    Signature::bind_with(
        bind_concat,
        ReturnType::Of(|args, _| {
            let mut ty = args.first().map_or(SqlType::String, Expr::ty);
            for a in args.iter().skip(1) {
                if let (SqlType::Array(x), SqlType::Array(y)) = (&ty, a.ty())
                    && y.contains_null
                {
                    ty = SqlType::array(x.element.clone());
                }
            }
            Ok(ty)
        }),
    ),
    |args| match args.call.ty {
        SqlType::Array(_) => crate::array::concat_arrays(args),
        SqlType::Binary => {
            let parts = (0..args.len())
                .map(|i| BinCol::of(args, i))
                .collect::<Result<Vec<_>>>()?;
            binary_rows(args.rows, |row, out| {
                for part in &parts {
                    out.extend_from_slice(some!(part.get(row)));
                }
                Ok(Some(()))
            })
        }
        _ => {
            let parts = (0..args.len())
                .map(|i| StrCol::of(args, i))
                .collect::<Result<Vec<_>>>()?;
            text_rows(args.rows, |row, out| {
                for part in &parts {
                    out.push_str(some!(part.get(row)));
                }
                Ok(Some(()))
            })
        }
    },
);

fn bind_concat(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    let types: Vec<SqlType> = args.iter().map(Expr::ty).collect();
    if types.iter().any(|t| matches!(t, SqlType::Array(_))) {
        return to_common(args, cx).map(|(args, _)| args);
    }
    let ty = if !types.is_empty() && types.iter().all(|t| *t == SqlType::Binary) {
        SqlType::Binary
    } else {
        SqlType::String
    };
    if let Some(i) = types.iter().position(SqlType::is_nested) {
        return Err(unexpected_input(
            &args,
            i,
            "(\"STRING\" or \"BINARY\" or \"ARRAY\")",
            cx,
        ));
    }
    Ok(args.into_iter().map(|a| cast(a, &ty, cx)).collect())
}

/// Bytes as the text they are.
fn cast_bytes(arg: Expr, cx: &ResolveCx<'_>) -> Expr {
    if arg.ty() == SqlType::Binary {
        cast(arg, &SqlType::String, cx)
    } else {
        arg
    }
}

/// `concat_ws(separator[, text or array of texts][, ...])`
static CONCAT_WS: ScalarFn = custom(
    "concat_ws",
    &[],
    doc(
        "concat_ws(separator[, expr][, ...])",
        "The texts (and elements of arrays) that are not NULL, with the separator between them.",
        "SELECT concat_ws(' ', 'Spark', 'SQL')",
    ),
    Signature::bind_with(
        |args, cx| {
            check_count(&args, 1, None, cx)?;
            let bound = args.iter().enumerate().map(|(i, a)| match a.ty() {
                SqlType::Array(_) if i > 0 => Ok(cast(a.clone(), &SqlType::array(SqlType::String), cx)),
                t if t.is_nested() && i > 0 => Err(unexpected_input(&args, i, "(\"ARRAY<STRING>\" or \"STRING\")", cx)),
                _ => rsql_expr::coerce::implicit_cast(cast_bytes(a.clone(), cx), TypeSpec::String, i, cx),
            });
            bound.collect()
        },
        ReturnType::TextOf(0),
    ),
    |args| {
        enum Part {
            Text(StrCol),
            List(ListArray),
        }
        let separator = StrCol::of(args, 0)?;
        let mut parts = Vec::new();
        for i in 1..args.len() {
            parts.push(match args.ty(i) {
                SqlType::Array(_) => Part::List(args.array(i)?.as_list::<i32>().clone()),
                _ => Part::Text(StrCol::of(args, i)?),
            });
        }
        text_rows(args.rows, |row, out| {
            let separator = some!(separator.get(row));
            let mut first = true;
            let mut push = |text: &str| {
                if !std::mem::take(&mut first) {
                    out.push_str(separator);
                }
                out.push_str(text);
            };
            for part in &parts {
                match part {
                    Part::Text(texts) => {
                        if let Some(t) = texts.get(row) {
                            push(t);
                        }
                    }
                    Part::List(lists) if lists.is_valid(row) => {
                        lists.value(row).as_string_view().iter().flatten().for_each(&mut push);
                    }
                    Part::List(_) => {}
                }
            }
            Ok(Some(()))
        })
    },
);

/// `elt(n, expr[, ...])`
static ELT: ScalarFn = ScalarFn {
    effects: Effects::FALLIBLE,
    ..custom(
        "elt",
        &[],
        doc(
            "elt(n, expr[, ...])",
            "The n-th of the other arguments.",
            "SELECT elt(1, 'scala', 'java')",
        ),
        Signature::bind_with(
            |args, cx| {
                check_count(&args, 2, None, cx)?;
                let binary = args.iter().skip(1).all(|a| a.ty() == SqlType::Binary);
                let ty = if binary { SqlType::Binary } else { SqlType::String };
                let mut bound = Vec::with_capacity(args.len());
                for (i, a) in args.into_iter().enumerate() {
                    bound.push(if i == 0 {
                        rsql_expr::coerce::implicit_cast(a, TypeSpec::Int, 0, cx)?
                    } else {
                        cast(a, &ty, cx)
                    });
                }
                Ok(bound)
            },
            ReturnType::SameAs(1),
        ),
        |args| {
            let index = IntCol::of(args, 0)?;
            let pick = |row: usize| -> Result<Option<usize>> {
                let n = some!(index.get(row));
                match usize::try_from(n).ok().filter(|n| (1..args.len()).contains(n)) {
                    Some(n) => Ok(Some(n - 1)),
                    None if args.mode() == EvalMode::Ansi => Err(args.error(
                        Error::user("INVALID_ARRAY_INDEX")
                            .param("indexValue", n.to_string())
                            .param("arraySize", (args.len() - 1).to_string()),
                    )),
                    None => Ok(None),
                }
            };
            if args.call.ty == SqlType::Binary {
                let parts: Vec<Col<BinaryViewArray>> =
                    (1..args.len()).map(|i| Col::of(args, i)).collect::<Result<_>>()?;
                return binary_rows(args.rows, |row, out| {
                    out.extend_from_slice(some!(parts[some!(pick(row)?)].get(row)));
                    Ok(Some(()))
                });
            }
            let parts: Vec<Col<StringViewArray>> = (1..args.len()).map(|i| Col::of(args, i)).collect::<Result<_>>()?;
            text_rows(args.rows, |row, out| {
                out.push_str(some!(parts[some!(pick(row)?)].get(row)));
                Ok(Some(()))
            })
        },
    )
};

/// `space(n)`
static SPACE: ScalarFn = rewritten(
    "space",
    &[],
    doc("space(n)", "n spaces.", "SELECT space(2)"),
    |args, cx| {
        check_count(&args, 1, Some(1), cx)?;
        let n = args.into_iter().next().unwrap_or_default();
        REPEAT.resolve(vec![Expr::lit(Literal::string(" ")), n], cx)
    },
);

/// `repeat(str, n)`
static REPEAT: ScalarFn = fallible(
    "repeat",
    &[],
    doc("repeat(str, n)", "The text n times.", "SELECT repeat('123', 2)"),
    Signature::exact(&[TypeSpec::String, TypeSpec::Int], ReturnType::TextOf(0)),
    |args| {
        let (texts, times) = (StrCol::of(args, 0)?, IntCol::of(args, 1)?);
        text_rows(args.rows, |row, out| {
            let (text, n) = (some!(texts.get(row)), some!(times.get(row)).max(0) as usize);
            if text.len().saturating_mul(n) > i32::MAX as usize {
                return Err(args.error(Error::exhausted(format!(
                    "repeat makes a text of {n} times {} bytes",
                    text.len()
                ))));
            }
            (0..n).for_each(|_| out.push_str(text));
            Ok(Some(()))
        })
    },
);
