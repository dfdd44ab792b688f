//! `json_tuple`: members of a JSON object as columns.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StringViewBuilder, cast::AsArray};
use rsql_common::{Error, Result};
use rsql_expr::SqlType;
use rsql_expr::function::{GeneratorFn, GeneratorOutput, TypeSpec};

use super::doc;
use super::value::Json;
use crate::kernel::{check_count, mismatch};

/// `json_tuple(json, name[, ...])`
pub(super) static JSON_TUPLE: GeneratorFn = GeneratorFn {
    name: "json_tuple",
    aliases: &[],
    doc: doc(
        "json_tuple(json, name[, ...])",
        "Members of a JSON object as columns.",
        "SELECT json_tuple('{\"a\":1, \"b\":2}', 'a', 'b')",
    ),
    resolve: |args, cx| {
        check_count(&args, 2, None, cx)?;
        let mut bound = Vec::with_capacity(args.len());
        for (i, a) in args.iter().enumerate() {
            match rsql_expr::coerce::implicit_type(&a.ty(), TypeSpec::Text, cx.ansi()) {
                Some(ty) => bound.push(rsql_expr::coerce::cast_to(a.clone(), &ty, cx)),
                None => return Err(mismatch("NON_STRING_TYPE", &args[..=i], cx).param("funcName", "`json_tuple`")),
            }
        }
        let text = bound.first().map(rsql_expr::Expr::ty).filter(SqlType::is_string);
        let text = text.unwrap_or(SqlType::String);
        let columns = (0..bound.len() - 1)
            .map(|i| (format!("c{i}"), text.clone(), true))
            .collect();
        Ok((bound, columns))
    },
    eval: |args, _, rows| {
        let texts = args
            .iter()
            .map(|a| {
                a.as_string_view_opt()
                    .ok_or_else(|| Error::internal("json_tuple takes texts"))
            })
            .collect::<Result<Vec<_>>>()?;
        let Some((texts, names)) = texts.split_first() else {
            return Err(Error::internal("json_tuple without arguments"));
        };
        let mut columns: Vec<StringViewBuilder> =
            names.iter().map(|_| StringViewBuilder::with_capacity(rows)).collect();
        let mut text = String::new();
        for row in 0..rows {
            let json = texts.is_valid(row).then(|| Json::parse(texts.value(row))).flatten();
            for (column, names) in columns.iter_mut().zip(names) {
                let member = json
                    .as_ref()
                    .filter(|_| names.is_valid(row))
                    .and_then(|j| j.member(names.value(row)));
                match member {
                    None | Some(Json::Null) => column.append_null(),
                    Some(Json::Text(t)) => column.append_value(t),
                    Some(other) => {
                        text.clear();
                        other.push(&mut text);
                        column.append_value(&text);
                    }
                }
            }
        }
        Ok(GeneratorOutput {
            row_of: (0..rows as u32).collect(),
            columns: columns.iter_mut().map(|c| Arc::new(c.finish()) as ArrayRef).collect(),
        })
    },
};
