//! Writing rows into a table's folder: tasks stage part files, one committer makes them appear all at once.
//!
//! ```text
//!   task ── part files ──> <table>/_temporary-<id>/<task>-<attempt>/<partitions>/part-…     (nobody lists these)
//!     │ WrittenFile: where it is staged, where it belongs, rows, bytes
//!     v
//!   Committer::commit(files of the winners) ── manifest ──> renamed into place; what they replace goes
//! ```
//!
//! Many attempts at a task may write; only the files that the commit names become visible, and all others go with the
//! staging folder. Files of a bucketed table say their bucket in their name (`bucket`), as Spark's do. If anything fails before the manifest is there, the table is as it was. Files are on the disk before the
//! manifest is, and renames before what they replace goes (`durable`): a power cut leaves one or the other as well.

mod bucket;
mod commit;
mod csv;
mod disk;
mod durable;
mod json;
mod parquet;
mod partition;
mod recover;
mod schema_json;
mod task;

use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::ArrayRef;
use rsql_catalog::{FileFormat, SourceColumn};
use rsql_common::{Error, Result};
use rsql_expr::{EvalOptions, Literal};
use serde::{Deserialize, Serialize};

pub use bucket::BucketSpec;
pub use commit::FolderCommitter;
pub use partition::folder_of;
pub use task::write_task;

/// What rows become: the same for all tasks of a write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WriteSpec {
    /// The table's folder.
    pub folder: PathBuf,
    /// Folder within it where tasks put their files.
    pub staging: PathBuf,
    /// What the names of all files start with.
    pub stem: String,
    /// Format of the files.
    pub format: FileFormat,
    /// Columns, partition columns last.
    pub columns: Vec<SourceColumn>,
    /// How many of the last columns are partition columns.
    pub n_partition_columns: usize,
    /// CLUSTERED BY, if the table is bucketed: a task writes one file a bucket.
    pub buckets: Option<BucketSpec>,
    /// Where each column's values come from.
    pub cells: Vec<Cell>,
    /// Writer options.
    pub options: Vec<(String, String)>,
    /// Session facts for the text of values.
    pub eval: Arc<EvalOptions>,
    /// The write is on the disk before it is reported done (`rsql.write.sync`).
    pub sync: bool,
}

/// Where a written column's values come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Cell {
    /// The plan's column of this position.
    Column(usize),
    /// One value for all rows.
    Constant(Literal),
}

/// A complete file that waits to become visible.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenFile {
    /// Where it is, below the staging folder.
    pub staged: PathBuf,
    /// Where it belongs, below the table's folder: its partition.
    pub folder: PathBuf,
    /// Rows.
    pub rows: u64,
    /// Bytes.
    pub bytes: u64,
}

/// What new files replace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Overwrite {
    /// Nothing.
    Nothing,
    /// All files below a folder of the table (the table's own folder for an empty path).
    Below(PathBuf),
    /// All files of the partitions that are written to.
    Written,
}

/// Makes what tasks staged visible, or throws it away. Whoever comes first wins: after a commit nothing can be aborted,
/// after an abort nothing can be committed.
pub trait Committer: Send + Sync + Debug {
    /// Makes these files visible and no others, and what they replace invisible. May be repeated. An error means that the
    /// write has not happened, unless it says that it has ([`Error::is_committed`]).
    fn commit(&self, files: &[WrittenFile]) -> Result<()>;

    /// Throws away everything that was staged.
    fn abort(&self);
}

/// A write as runners get it: what tasks do, and who commits.
#[derive(Debug, Clone)]
pub struct TableWrite {
    /// For the tasks.
    pub spec: Arc<WriteSpec>,
    /// For whoever decides that all tasks are done.
    pub committer: Arc<dyn Committer>,
}

/// An open part file.
trait Part: Send {
    /// Adds rows.
    fn write(&mut self, columns: &[ArrayRef]) -> Result<()>;
    /// Bytes that it holds in memory.
    fn memory(&self) -> usize {
        0
    }
    /// Writes out what it holds in memory.
    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
    /// Completes the file.
    fn finish(self: Box<Self>) -> Result<()>;
}

impl WriteSpec {
    fn n_data_columns(&self) -> usize {
        self.columns.len() - self.n_partition_columns
    }

    /// Starts a part file in `folder`; gives its path as well.
    fn create_part(
        &self,
        folder: &Path,
        stem: &str,
        registry: &Arc<rsql_expr::FunctionRegistry>,
    ) -> Result<(PathBuf, Box<dyn Part>)> {
        let columns = &self.columns[..self.n_data_columns()];
        let extension = match self.format {
            FileFormat::Parquet => "snappy.parquet",
            FileFormat::Csv => "csv",
            FileFormat::Text => "txt",
            FileFormat::Json => "json",
        };
        let path = folder.join(format!("{stem}.{extension}"));
        let part: Box<dyn Part> = match self.format {
            FileFormat::Parquet => Box::new(parquet::ParquetPart::create(&path, columns)?),
            FileFormat::Csv | FileFormat::Text => Box::new(csv::CsvPart::create(
                &path,
                self.format,
                columns,
                &self.options,
                &self.eval,
            )?),
            FileFormat::Json => Box::new(json::JsonPart::create(&path, columns, &self.eval, registry)?),
        };
        Ok((path, part))
    }
}

/// Ends what earlier writers of a table left unfinished. Comes before files are removed that no write replaces: nobody
/// shall look for them later.
pub fn settle(table_folder: &Path) -> Result<()> {
    match table_folder.exists() {
        true => recover::settle_dead_writes(table_folder),
        false => Ok(()),
    }
}

/// Removes all files of a table or of one of its folders.
pub fn truncate(table_folder: &Path, below: &Path) -> Result<()> {
    settle(table_folder)?;
    for file in visible_files(&table_folder.join(below))? {
        std::fs::remove_file(file)?;
    }
    Ok(())
}

/// Files below a folder that a scan would read.
fn visible_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
            Err(e) => return Err(in_file(e, &folder)),
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with('.') || (name.starts_with('_') && !name.contains('=')) {
                continue;
            }
            match entry.file_type()?.is_dir() {
                true => folders.push(entry.path()),
                false => files.push(entry.path()),
            }
        }
    }
    Ok(files)
}

fn in_file(e: std::io::Error, path: &Path) -> Error {
    Error::from(e).in_file(path.display().to_string())
}

#[cfg(test)]
mod interrupted;
#[cfg(test)]
mod tests;
