//! `get_json_object`.

use rsql_expr::ScalarFn;
use rsql_expr::function::signature::ret;
use rsql_expr::function::{Signature, TypeSpec};
use rsql_expr::tree::NullRule;

use super::doc;
use super::path::{Step, find, parse_path};
use super::value::Json;
use crate::kernel::{StrCol, pure, some, text_rows};

/// `get_json_object(json, path)`
pub(super) static GET_JSON_OBJECT: ScalarFn = ScalarFn {
    nulls: NullRule::PropagateOrNull,
    ..pure(
        "get_json_object",
        &[],
        doc(
            "get_json_object(json, path)",
            "What a path finds in a JSON text.",
            "SELECT get_json_object('{\"a\":\"b\"}', '$.a')",
        ),
        Signature::exact(&[TypeSpec::Text, TypeSpec::Text], ret::STRING),
        |args| {
            let (texts, paths) = (StrCol::of(args, 0)?, StrCol::of(args, 1)?);
            let constant: Option<Option<Vec<Step>>> = if paths.is_constant() && args.rows > 0 {
                Some(paths.get(0).and_then(parse_path))
            } else {
                None
            };
            text_rows(args.rows, |row, out| {
                let text = some!(texts.get(row));
                let found = match &constant {
                    Some(steps) => find(&some!(Json::parse(text)), some!(steps)),
                    None => find(&some!(Json::parse(text)), &some!(parse_path(some!(paths.get(row))))),
                };
                out.push_str(&some!(found));
                Ok(Some(()))
            })
        },
    )
};
