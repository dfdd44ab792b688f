//! Writing rows into a table's folder: staged part files that appear all at once.
//!
//! Rows go to files below a hidden folder; [`TableWriter::commit`] moves them to their partitions' folders and then
//! removes what they replace. If anything fails before, the hidden folder goes and the table is as it was.

mod csv;
mod json;
mod parquet;
mod partition;
mod schema_json;

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, UInt32Array};
use rsql_catalog::session::TableEntry;
use rsql_catalog::{FileFormat, SourceColumn};
use rsql_common::{Error, Result};
use rsql_expr::{EvalOptions, FunctionRegistry};

pub(crate) use partition::folder_of;

use crate::query::StatementCx;

/// Where rows go.
#[derive(Debug, Clone)]
pub(crate) struct Destination {
    /// The table's folder.
    pub folder: PathBuf,
    /// Format of the files.
    pub format: FileFormat,
    /// Columns, partition columns last.
    pub columns: Vec<SourceColumn>,
    /// How many of the last columns are partition columns.
    pub n_partition_columns: usize,
    /// Writer options.
    pub options: Vec<(String, String)>,
    /// Session facts for the text of values.
    pub eval: Arc<EvalOptions>,
    /// Functions that make text of values.
    pub registry: Arc<FunctionRegistry>,
}

/// What new files replace.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Overwrite {
    /// Nothing.
    Nothing,
    /// All files below a folder of the table (the table's own folder for an empty path).
    Below(PathBuf),
    /// All files of the partitions that are written to.
    Written,
}

/// An open part file.
trait Part {
    /// Adds rows.
    fn write(&mut self, columns: &[ArrayRef]) -> Result<()>;
    /// Completes the file.
    fn finish(self: Box<Self>) -> Result<()>;
}

/// Writes one statement's rows.
pub(crate) struct TableWriter {
    to: Destination,
    staging: tempfile::TempDir,
    stem: String,
    /// By partition folder, relative to the table's.
    parts: BTreeMap<PathBuf, Box<dyn Part>>,
}

impl Destination {
    /// A table's folder.
    pub(crate) fn of(table: &TableEntry, cx: &StatementCx<'_>) -> Result<Self> {
        let format = table
            .format
            .ok_or_else(|| Error::unsupported(format!("writing {} files", table.provider)))?;
        Ok(Self {
            folder: rsql_storage::local_path(&table.location)?,
            format,
            columns: table.columns.clone(),
            n_partition_columns: table.n_partition_columns,
            options: table.options.clone(),
            eval: Arc::clone(&cx.options),
            registry: Arc::clone(&cx.session.shared.registry),
        })
    }

    fn n_data_columns(&self) -> usize {
        self.columns.len() - self.n_partition_columns
    }
}

impl TableWriter {
    /// Starts writing; makes the folder if it is missing.
    pub(crate) fn new(to: Destination) -> Result<Self> {
        let at = to.folder.display().to_string();
        std::fs::create_dir_all(&to.folder).map_err(|e| Error::from(e).in_file(&at))?;
        let staging = tempfile::Builder::new()
            .prefix("_temporary-")
            .tempdir_in(&to.folder)
            .map_err(|e| Error::from(e).in_file(&at))?;
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        let unique = staging.path().file_name().map(|n| n.to_string_lossy().into_owned());
        let unique = unique.as_deref().and_then(|n| n.rsplit('-').next()).unwrap_or_default();
        // Later statements' files sort behind earlier ones', so that rows are read in the order of the inserts.
        let stem = format!("part-00000-{:016x}-{unique}", now.as_nanos());
        Ok(Self {
            to,
            staging,
            stem,
            parts: BTreeMap::new(),
        })
    }

    /// Adds rows; one array a column, in the table's order.
    pub(crate) fn write(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let n = self.to.n_data_columns();
        let (data, keys) = columns.split_at(n);
        if keys.is_empty() {
            return self.part(PathBuf::new())?.write(data);
        }
        for (folder, rows) in partition::group(keys, &self.to.columns[n..], &self.to.eval)? {
            let rows = UInt32Array::from(rows);
            let taken = data
                .iter()
                .map(|a| Ok(arrow::compute::take(a.as_ref(), &rows, None)?))
                .collect::<Result<Vec<_>>>()?;
            self.part(folder)?.write(&taken)?;
        }
        Ok(())
    }

    /// Completes the files, puts them in their places and removes what they replace.
    pub(crate) fn commit(mut self, overwrite: &Overwrite) -> Result<()> {
        if self.parts.is_empty() && self.to.n_partition_columns == 0 {
            // A folder with a schema can be read without a catalog.
            self.part(PathBuf::new())?;
        }
        let folders: Vec<PathBuf> = self.parts.keys().cloned().collect();
        for part in std::mem::take(&mut self.parts).into_values() {
            part.finish()?;
        }
        let replaced = self.replaced(overwrite, &folders)?;
        for folder in &folders {
            let into = self.to.folder.join(folder);
            std::fs::create_dir_all(&into)?;
            for entry in std::fs::read_dir(self.staging.path().join(folder))? {
                let entry = entry?;
                if entry.file_type()?.is_file() {
                    std::fs::rename(entry.path(), into.join(entry.file_name()))?;
                }
            }
        }
        let mut emptied = HashSet::new();
        for file in replaced {
            std::fs::remove_file(&file)?;
            emptied.extend(file.parent().map(Path::to_path_buf));
        }
        for folder in emptied {
            remove_empty(&folder, &self.to.folder);
        }
        if let Overwrite::Below(folder) = overwrite
            && self.to.n_partition_columns > 0
        {
            prune(&self.to.folder.join(folder));
        }
        Ok(())
    }

    fn replaced(&self, overwrite: &Overwrite, written: &[PathBuf]) -> Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        match overwrite {
            Overwrite::Nothing => {}
            Overwrite::Below(folder) => visible_files(&self.to.folder.join(folder), &mut files)?,
            Overwrite::Written => {
                for folder in written {
                    visible_files(&self.to.folder.join(folder), &mut files)?;
                }
            }
        }
        Ok(files)
    }

    fn part(&mut self, folder: PathBuf) -> Result<&mut Box<dyn Part>> {
        use std::collections::btree_map::Entry;
        match self.parts.entry(folder) {
            Entry::Occupied(e) => Ok(e.into_mut()),
            Entry::Vacant(e) => {
                let within = self.staging.path().join(e.key());
                std::fs::create_dir_all(&within)?;
                let columns = &self.to.columns[..self.to.columns.len() - self.to.n_partition_columns];
                let part: Box<dyn Part> = match self.to.format {
                    FileFormat::Parquet => Box::new(parquet::ParquetPart::create(
                        &within.join(format!("{}.snappy.parquet", self.stem)),
                        columns,
                    )?),
                    FileFormat::Csv | FileFormat::Text => Box::new(csv::CsvPart::create(
                        &within,
                        &self.stem,
                        self.to.format,
                        columns,
                        &self.to.options,
                        &self.to.eval,
                    )?),
                    FileFormat::Json => Box::new(json::JsonPart::create(
                        &within.join(format!("{}.json", self.stem)),
                        columns,
                        &self.to.eval,
                        &self.to.registry,
                    )?),
                };
                Ok(e.insert(part))
            }
        }
    }
}

/// Removes all files of a table or of one of its folders.
pub(crate) fn truncate(table_folder: &Path, below: &Path) -> Result<()> {
    let mut files = Vec::new();
    visible_files(&table_folder.join(below), &mut files)?;
    for file in files {
        std::fs::remove_file(file)?;
    }
    Ok(())
}

fn visible_files(folder: &Path, out: &mut Vec<PathBuf>) -> Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(Error::from(e).in_file(folder.display().to_string())),
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') || (name.starts_with('_') && !name.contains('=')) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            visible_files(&entry.path(), out)?;
        } else {
            out.push(entry.path());
        }
    }
    Ok(())
}

/// Removes the partition folders below `folder` that hold nothing.
fn prune(folder: &Path) {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(|e| e.file_name().to_string_lossy().contains('=')) {
        prune(&entry.path());
        // Fails for what is not empty, which stays.
        let _ = std::fs::remove_dir(entry.path());
    }
}

/// Removes `folder` and its parents up to the table's folder while they are empty.
fn remove_empty(folder: &Path, table: &Path) {
    let mut folder = Some(folder);
    while let Some(f) = folder.filter(|f| *f != table && f.starts_with(table)) {
        if std::fs::remove_dir(f).is_err() {
            return;
        }
        folder = f.parent();
    }
}
