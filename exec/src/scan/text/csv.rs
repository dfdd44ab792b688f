//! Records of CSV files.

use std::borrow::Cow;

use rsql_catalog::{FileSource, SourceColumn};
use rsql_common::{Error, Result};
use rsql_storage::delimited::DelimitedOptions;

use super::{Cells, Mode, Shared};

/// How the files are cut.
pub(super) struct CsvFormat {
    options: DelimitedOptions,
    /// Column that takes records that do not fit, by position in the table.
    corrupt: Option<usize>,
    n_fields: usize,
}

impl CsvFormat {
    pub fn new(source: &FileSource, columns: &[SourceColumn]) -> Self {
        let name = source.options.iter().find(|(k, _)| k == "columnnameofcorruptrecord");
        let name = name.map_or("_corrupt_record", |(_, v)| v.as_str());
        let corrupt = columns.iter().position(|c| c.name.eq_ignore_ascii_case(name));
        Self {
            options: DelimitedOptions::from_options(&source.options),
            n_fields: columns.len() - usize::from(corrupt.is_some()),
            corrupt,
        }
    }

    /// Reads the record at `at`, if it is one; gives the start of the next.
    pub fn record(&self, bytes: &[u8], at: usize, shared: &Shared, cells: &mut Cells) -> Result<usize> {
        let (end, next) = self.options.record_end(bytes, at);
        let record = &bytes[at..end];
        if self.options.is_skipped(record) || self.options.header && self.is_header(bytes, at) {
            return Ok(next);
        }
        let mut fields: Vec<Option<Cow<'_, str>>> = Vec::with_capacity(self.n_fields);
        self.options.fields(record, &mut fields);
        let fits = fields.len() == self.n_fields;
        if !fits && shared.mode == Mode::DropMalformed {
            return Ok(next);
        }
        if !fits && shared.mode == Mode::FailFast {
            return Err(Error::user("MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION")
                .param("badRecord", String::from_utf8_lossy(record))
                .param("failFastMode", "FAILFAST"));
        }
        for (i, column) in shared.columns.iter().enumerate() {
            if Some(*column) == self.corrupt {
                cells.push(i, (!fits).then(|| String::from_utf8_lossy(record)).as_deref());
                continue;
            }
            let field = *column - usize::from(self.corrupt.is_some_and(|c| c < *column));
            cells.push(i, fields.get(field).and_then(Option::as_deref));
        }
        cells.rows += 1;
        Ok(next)
    }

    /// True for the first record of a file.
    fn is_header(&self, bytes: &[u8], at: usize) -> bool {
        let mut start = 0;
        while start < at {
            let (end, next) = self.options.record_end(bytes, start);
            if !self.options.is_skipped(&bytes[start..end]) {
                return false;
            }
            start = next;
        }
        true
    }
}
