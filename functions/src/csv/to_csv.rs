//! `to_csv`: a struct as a line of CSV.

use rsql_common::Error;
use rsql_expr::function::Signature;
use rsql_expr::{Scalar, ScalarFn, SqlType, scalar_at};

use super::doc;
use super::line::Dialect;
use crate::kernel::{fallible, text_rows};
use crate::record::{Options, TEXT_TYPE, TextWriter, bind_writer, struct_value};

/// `to_csv(struct[, options])`
pub(super) static TO_CSV: ScalarFn = fallible(
    "to_csv",
    &[],
    doc(
        "to_csv(struct[, options])",
        "A struct as a line of CSV.",
        "SELECT to_csv(named_struct('a', 1, 'b', 2))",
    ),
    Signature::bind_with(|args, cx| bind_writer(&args, struct_value, cx), TEXT_TYPE),
    |args| {
        let (array, ty) = (args.array(0)?, args.ty(0));
        let SqlType::Struct(fields) = &ty else {
            return Err(Error::internal("to_csv takes a struct"));
        };
        let options = Options::of(args, 1);
        let (dialect, writer) = (Dialect::new(&options, true), TextWriter::new(&options, args.options())?);
        let mut text = String::new();
        text_rows(args.rows, |row, out| {
            let Scalar::Struct(values) = scalar_at(array.as_ref(), row, &ty)? else {
                return Ok(None);
            };
            for (i, (value, field)) in values.iter().zip(fields.iter()).enumerate() {
                text.clear();
                match value {
                    Scalar::Null => dialect.push(out, None, i == 0),
                    value => {
                        if field.ty == SqlType::Binary {
                            writer.push_bytes(&mut text, value)?;
                        } else {
                            writer.push(&mut text, value, &field.ty)?;
                        }
                        dialect.push(out, Some(&text), i == 0);
                    }
                }
            }
            Ok(Some(()))
        })
    },
);
