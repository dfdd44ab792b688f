//! Opens files as a scan source: lists them, reads their schema, types partition columns.

use std::sync::Arc;

use rsql_common::{Error, Result};
use rsql_expr::SqlType;
use rsql_expr::datetime::Zone;
use rsql_storage::{FileKey, FooterCache, ListedFile, list_files};

use crate::facts_parquet::parquet_facts;
use crate::parquet_types::parquet_columns;
use crate::partitions::{infer_partition_type, partition_value};
use crate::text_schema;
use crate::{FileFormat, FileSource, ScanFacts, ScanSource, SourceColumn, SourceFile, SourceKind};

impl SourceFile {
    /// Identity for caches.
    pub fn key(&self) -> FileKey {
        FileKey {
            path: self.path.to_string(),
            size: self.size,
            modified: self.modified,
        }
    }
}

/// Opens the files that `paths` stand for. Columns are `declared` (partition columns among them by name), else what the
/// files say. Option keys are matched ignoring case.
pub fn open_files(
    format: FileFormat,
    paths: &[String],
    declared: Option<&[SourceColumn]>,
    options: &[(String, String)],
    time_zone: &str,
) -> Result<(ScanSource, ScanFacts)> {
    let mut options: Vec<(String, String)> = options
        .iter()
        .map(|(k, v)| (k.to_ascii_lowercase(), v.clone()))
        .collect();
    let option = |key: &str| options.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str());
    if matches!(format, FileFormat::Csv | FileFormat::Json) {
        text_schema::check_options(if format == FileFormat::Csv { "CSV" } else { "JSON" }, &options)?;
    }
    let listing = list_files(paths, option("basepath"))?;
    let zone = Zone::parse(time_zone)?;
    let known = |name: &str| {
        declared
            .into_iter()
            .flatten()
            .find(|c| c.name.eq_ignore_ascii_case(name))
    };
    let partition_columns: Vec<SourceColumn> = listing
        .partition_columns
        .iter()
        .enumerate()
        .map(|(i, name)| {
            known(name).cloned().unwrap_or_else(|| SourceColumn {
                name: name.as_str().into(),
                ty: infer_partition_type(listing.files.iter().map(|f| f.partition[i].1.as_deref()), &zone),
                nullable: true,
            })
        })
        .collect();
    let is_partition = |c: &SourceColumn| partition_columns.iter().any(|p| p.name.eq_ignore_ascii_case(&c.name));
    let mut columns: Vec<SourceColumn> = match declared {
        Some(declared) => declared.iter().filter(|c| !is_partition(c)).cloned().collect(),
        None => {
            let inferred = infer(format, &listing.files, &options, time_zone)?;
            inferred.into_iter().filter(|c| !is_partition(c)).collect()
        }
    };
    let types: Vec<&SqlType> = partition_columns.iter().map(|c| &c.ty).collect();
    let files = listing
        .files
        .iter()
        .map(|f| source_file(f, &types, time_zone))
        .collect::<Result<Arc<[_]>>>()?;
    if format == FileFormat::Parquet && option("timezone").is_none() {
        // Old writers kept the clock's time, not the instant.
        options.push(("timezone".into(), time_zone.into()));
    }
    let n_partition_columns = partition_columns.len();
    columns.extend(partition_columns);
    let facts = match format {
        FileFormat::Parquet => parquet_facts(&files, &columns)?,
        _ => ScanFacts {
            bytes: files.iter().map(|f| f.size).sum(),
            columns: vec![Default::default(); columns.len()],
            ..ScanFacts::default()
        },
    };
    let source = ScanSource {
        name: paths.first().map_or("", String::as_str).into(),
        columns: columns.into(),
        nested: Arc::default(),
        kind: SourceKind::Files(FileSource {
            format,
            files,
            n_partition_columns,
            options: options.into(),
            buckets: None,
        }),
    };
    Ok((source, facts))
}

fn source_file(file: &ListedFile, types: &[&SqlType], time_zone: &str) -> Result<SourceFile> {
    let values = file.partition.iter().zip(types);
    Ok(SourceFile {
        path: file.path.as_str().into(),
        size: file.size,
        modified: file.modified,
        partition_values: values
            .map(|((_, text), ty)| partition_value(text.as_deref(), ty, time_zone))
            .collect::<Result<_>>()?,
    })
}

fn infer(
    format: FileFormat,
    files: &[ListedFile],
    options: &[(String, String)],
    time_zone: &str,
) -> Result<Vec<SourceColumn>> {
    match format {
        FileFormat::Parquet => {
            let merge = options
                .iter()
                .any(|(k, v)| k == "mergeschema" && v.eq_ignore_ascii_case("true"));
            let mut columns: Option<Vec<SourceColumn>> = None;
            for file in files {
                let key = FileKey {
                    path: file.path.clone(),
                    size: file.size,
                    modified: file.modified,
                };
                let footer = FooterCache::global().get(&key)?;
                let found = parquet_columns(&footer).map_err(|e| e.in_file(file.path.as_str()))?;
                match &mut columns {
                    None => columns = Some(found),
                    Some(all) => {
                        for c in found {
                            if !all.iter().any(|a| a.name.eq_ignore_ascii_case(&c.name)) {
                                all.push(c);
                            }
                        }
                    }
                }
                if !merge {
                    break;
                }
            }
            columns.ok_or_else(|| unable("Parquet"))
        }
        FileFormat::Text => Ok(vec![SourceColumn {
            name: "value".into(),
            ty: SqlType::String,
            nullable: true,
        }]),
        FileFormat::Csv => text_schema::infer_csv(files, options, time_zone)?.ok_or_else(|| unable("CSV")),
        FileFormat::Json => text_schema::infer_json(files, options)?.ok_or_else(|| unable("JSON")),
    }
}

fn unable(format: &str) -> Error {
    Error::user("UNABLE_TO_INFER_SCHEMA").param("format", format)
}
