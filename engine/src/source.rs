//! Opens files as scan sources: format, listing, schema, facts.

use std::sync::Arc;

use rsql_catalog::session::TableEntry;
use rsql_catalog::{Buckets, FileFormat, ScanFacts, ScanSource, SourceColumn, SourceKind};
use rsql_common::{Error, Result, Settings};

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
pub(crate) fn open_table(table: &TableEntry, settings: &Settings) -> Result<Opened> {
    let format = table
        .format
        .ok_or_else(|| Error::user("DATA_SOURCE_NOT_FOUND").param("provider", table.provider.clone()))?;
    let (mut source, facts) = rsql_catalog::open_files(
        format,
        std::slice::from_ref(&table.location),
        Some(&table.columns),
        &table.options,
        settings.time_zone(),
    )?;
    if settings.bool("spark.sql.sources.bucketing.enabled") {
        let buckets = buckets(table, &source.columns)?;
        if let SourceKind::Files(files) = &mut source.kind {
            files.buckets = buckets;
        }
    }
    Ok((Arc::new(source), Some(Arc::new(facts))))
}

/// How a table's rows lie in its files, which have these columns.
pub(crate) fn buckets(table: &TableEntry, of: &[SourceColumn]) -> Result<Option<Buckets>> {
    let Some((columns, _, count)) = &table.buckets else {
        return Ok(None);
    };
    Ok(Some(Buckets {
        columns: columns.iter().map(|name| position(of, name)).collect::<Result<_>>()?,
        count: u32::try_from(*count).map_err(|_| Error::internal(format!("{count} buckets")))?,
        kept: None,
    }))
}

/// The position of a column.
pub(crate) fn position(columns: &[SourceColumn], name: &str) -> Result<usize> {
    let at = columns.iter().position(|c| c.name.eq_ignore_ascii_case(name));
    at.ok_or_else(|| Error::internal(format!("a table without its column {name}")))
}
