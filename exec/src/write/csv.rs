//! CSV and text part files in Spark's format: NULL is nothing, an empty string is `""`.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use rsql_catalog::{FileFormat, SourceColumn};
use rsql_common::{Error, Result, quoted_name};
use rsql_expr::{EvalMode, EvalOptions, SqlType};

use super::{Part, in_file};

/// An open CSV or text file.
pub(super) struct CsvPart {
    out: BufWriter<File>,
    types: Vec<SqlType>,
    separator: String,
    null: String,
    /// A text file: one column, nothing quoted.
    plain: bool,
    eval: Arc<EvalOptions>,
}

impl CsvPart {
    /// Starts a file.
    pub(super) fn create(
        path: &Path,
        format: FileFormat,
        columns: &[SourceColumn],
        options: &[(String, String)],
        eval: &Arc<EvalOptions>,
    ) -> Result<Self> {
        let plain = format == FileFormat::Text;
        let kind = if plain { "Text" } else { "CSV" };
        let unfit = columns.iter().find(|c| match &c.ty {
            SqlType::CalendarInterval => true,
            ty if plain => !ty.is_string(),
            ty => ty.is_nested() || *ty == SqlType::Binary && plain,
        });
        if let Some(column) = unfit {
            return Err(Error::user("UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE")
                .param("columnName", quoted_name([&column.name]))
                .param("columnType", column.ty.quoted())
                .param("format", kind));
        }
        let option = |keys: &[&str]| {
            let found = options
                .iter()
                .find(|(k, _)| keys.iter().any(|key| k.eq_ignore_ascii_case(key)));
            found.map(|(_, v)| v.clone())
        };
        let file = File::create(path).map_err(|e| in_file(e, path))?;
        let mut part = Self {
            out: BufWriter::new(file),
            types: columns.iter().map(|c| c.ty.clone()).collect(),
            separator: option(&["sep", "delimiter"]).unwrap_or_else(|| ",".to_string()),
            null: option(&["nullValue"]).unwrap_or_default(),
            plain,
            eval: Arc::clone(eval),
        };
        if !plain && option(&["header"]).is_some_and(|v| v.eq_ignore_ascii_case("true")) {
            let names: Vec<Option<&str>> = columns.iter().map(|c| Some(c.name.as_ref())).collect();
            part.line(&names)?;
        }
        Ok(part)
    }

    fn line(&mut self, cells: &[Option<&str>]) -> Result<()> {
        for (i, cell) in cells.iter().enumerate() {
            if i > 0 {
                self.out.write_all(self.separator.as_bytes())?;
            }
            match cell {
                None if self.plain => {}
                None => self.out.write_all(self.null.as_bytes())?,
                Some(text) if self.plain => self.out.write_all(text.as_bytes())?,
                Some("") => self.out.write_all(b"\"\"")?,
                Some(text) if self.needs_quotes(text) => {
                    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
                    write!(self.out, "\"{escaped}\"")?;
                }
                Some(text) => self.out.write_all(text.as_bytes())?,
            }
        }
        self.out.write_all(b"\n")?;
        Ok(())
    }

    fn needs_quotes(&self, text: &str) -> bool {
        text.contains(['"', '\n', '\r']) || text.contains(&self.separator)
    }
}

impl Part for CsvPart {
    fn write(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let texts = columns
            .iter()
            .zip(&self.types)
            .map(|(a, ty)| match ty {
                ty if ty.is_string() => Ok(Arc::clone(a)),
                ty => {
                    rsql_expr::cast::cast_array(a, ty, &SqlType::String, EvalMode::Ansi, &self.eval, Default::default())
                }
            })
            .collect::<Result<Vec<_>>>()?;
        let rows = columns.first().map_or(0, |c| c.len());
        for row in 0..rows {
            let cells: Vec<Option<&str>> = texts
                .iter()
                .map(|t| {
                    let t = t.as_string_view();
                    t.is_valid(row).then(|| t.value(row))
                })
                .collect();
            self.line(&cells)?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.out.flush()?;
        Ok(())
    }
}
