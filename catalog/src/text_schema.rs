//! Schemas of CSV and JSON files, read from their content.

use rsql_common::{Error, Result};
use rsql_storage::ListedFile;

use crate::SourceColumn;

/// Columns of CSV files: the header's names or `_c0`, `_c1`, …; strings unless `inferSchema` is set.
pub(crate) fn infer_csv(
    _files: &[ListedFile],
    _options: &[(String, String)],
    _time_zone: &str,
) -> Result<Option<Vec<SourceColumn>>> {
    Err(Error::unsupported("reading CSV without a schema"))
}

/// Columns of JSON files: every field that occurs, in alphabetical order.
pub(crate) fn infer_json(_files: &[ListedFile], _options: &[(String, String)]) -> Result<Option<Vec<SourceColumn>>> {
    Err(Error::unsupported("reading JSON without a schema"))
}
