//! Opens files as scan sources: format, listing, schema, facts.

use std::sync::Arc;

use rsql_catalog::session::TableEntry;
use rsql_catalog::{FileFormat, ScanFacts, ScanSource, SourceColumn};
use rsql_common::{Error, Result};

/// A source with what is known about it.
pub(crate) type Opened = (Arc<ScanSource>, Option<Arc<ScanFacts>>);

/// The format of a provider's name, if it is one we read.
pub(crate) fn format_of(provider: &str) -> Option<FileFormat> {
    Some(match provider.to_ascii_lowercase().as_str() {
        "parquet" => FileFormat::Parquet,
        "csv" => FileFormat::Csv,
        "json" => FileFormat::Json,
        "text" => FileFormat::Text,
        _ => return None,
    })
}

/// Opens the files of `paths`; columns are `declared` if given, else what the files say.
pub(crate) fn open(
    format: FileFormat,
    paths: &[String],
    declared: Option<&[SourceColumn]>,
    options: &[(String, String)],
    time_zone: &str,
) -> Result<Opened> {
    let (source, facts) = rsql_catalog::open_files(format, paths, declared, options, time_zone)?;
    Ok((Arc::new(source), Some(Arc::new(facts))))
}

/// Opens a table's files.
pub(crate) fn open_table(table: &TableEntry, time_zone: &str) -> Result<Opened> {
    let format = table
        .format
        .ok_or_else(|| Error::user("DATA_SOURCE_NOT_FOUND").param("provider", table.provider.clone()))?;
    open(
        format,
        std::slice::from_ref(&table.location),
        Some(&table.columns),
        &table.options,
        time_zone,
    )
}
