//! Records that do not fit their schema: the error of FAILFAST, and the field that takes the text otherwise.

use rsql_common::Error;
use rsql_expr::Scalar;
use rsql_expr::function::EvalArgs;
use rsql_expr::types::StructField;

use super::Options;

/// The error for a record that is malformed where FAILFAST is asked (or nothing else is possible).
pub(crate) fn malformed(args: &EvalArgs<'_>, text: &str) -> Error {
    args.error(
        Error::user("MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION")
            .param("badRecord", text)
            .param("failFastMode", "FAILFAST"),
    )
}

/// Name of the field that gets the text of a broken record.
pub(crate) fn corrupt_field(options: &Options) -> &str {
    options.get("columnnameofcorruptrecord").unwrap_or("_corrupt_record")
}

/// Puts the text of a broken record into the field `name`, if the schema has it as a string.
pub(crate) fn keep_text(parts: &mut [Scalar], fields: &[StructField], name: &str, text: &str) {
    if let Some(i) = fields.iter().position(|f| f.name.as_ref() == name && f.ty.is_string()) {
        parts[i] = Scalar::Str(text.into());
    }
}
