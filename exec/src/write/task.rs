//! One attempt at one task of a write: runs its plan and stages its rows as part files.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, UInt32Array};
use rsql_catalog::buckets::bucket_suffix;
use rsql_common::{Reservation, Result};
use rsql_expr::Chunk;
use rsql_planner::PhysicalPlan;

use super::bucket::Bucketer;
use super::{Cell, Part, WriteSpec, WrittenFile, durable, in_file, partition};
use crate::execute;
use crate::pipeline::TaskContext;

/// Bytes that an attempt may hold whatever the pool says.
const LEAST: usize = 4 << 20;

/// Runs a plan and stages its rows, in their order; gives the files. If it fails nothing of them stays.
pub fn write_task(
    plan: &PhysicalPlan,
    spec: &WriteSpec,
    task: u32,
    attempt: u32,
    cx: &Arc<TaskContext>,
) -> Result<Vec<WrittenFile>> {
    let mut writer = TaskWriter::new(spec, task, attempt, cx)?;
    let mut rows = execute::start_accounted(plan, Arc::clone(cx))?;
    while let Some(chunk) = rows.next_chunk()? {
        // A failure sets the token as well: it comes at the end of the rows.
        if !cx.cancel.is_cancelled() && chunk.rows() > 0 {
            writer.write(&chunk)?;
        }
    }
    cx.cancel.check()?;
    writer.finish()
}

/// The files of one attempt.
pub(super) struct TaskWriter<'a> {
    spec: &'a WriteSpec,
    cx: &'a TaskContext,
    /// The attempt's own folder; goes unless the attempt is finished.
    folder: PathBuf,
    stem: String,
    bucketer: Option<Bucketer>,
    parts: BTreeMap<Place, OpenPart>,
    /// Parts that are complete.
    complete: Vec<(PathBuf, ClosedPart)>,
    memory: Reservation,
    finished: bool,
}

/// Where a row belongs: partition folder, relative to the table's, and bucket.
type Place = (PathBuf, Option<u32>);

/// A complete file and its rows.
type ClosedPart = (PathBuf, u64);

struct OpenPart {
    path: PathBuf,
    part: Box<dyn Part>,
    rows: u64,
}

impl<'a> TaskWriter<'a> {
    pub(super) fn new(spec: &'a WriteSpec, task: u32, attempt: u32, cx: &'a TaskContext) -> Result<Self> {
        let folder = spec.staging.join(format!("{task}-{attempt}"));
        // The staging folder itself is not made: if it is gone the write is over, and this attempt is too late.
        make_folder(&folder)?;
        Ok(Self {
            spec,
            cx,
            folder,
            // Files are read in the order of their names: rows come in the order of tasks.
            stem: format!("{}-{task:05}-{attempt}", spec.stem),
            bucketer: match &spec.buckets {
                Some(b) => Some(Bucketer::new(b, &spec.columns, cx.eval(), &cx.registry)?),
                None => None,
            },
            parts: BTreeMap::new(),
            complete: Vec::new(),
            memory: cx.memory.register("writer", true),
            finished: false,
        })
    }

    pub(super) fn write(&mut self, chunk: &Chunk) -> Result<()> {
        let columns = self.columns(chunk)?;
        let data = &columns[..self.spec.n_data_columns()];
        if data.len() == columns.len() && self.bucketer.is_none() {
            self.part((PathBuf::new(), None))?.write(data)?;
        } else {
            for (place, rows) in self.places(&columns)? {
                let rows = UInt32Array::from(rows);
                let taken = data
                    .iter()
                    .map(|a| Ok(arrow::compute::take(a.as_ref(), &rows, None)?))
                    .collect::<Result<Vec<_>>>()?;
                self.part(place)?.write(&taken)?;
            }
        }
        self.account()
    }

    /// Rows of the table's columns by where they belong, in the order in which they come.
    fn places(&self, columns: &[ArrayRef]) -> Result<Vec<(Place, Vec<u32>)>> {
        let n = self.spec.n_data_columns();
        let rows = columns.first().map_or(0, |c| c.len()) as u32;
        let folders = match &columns[n..] {
            [] => BTreeMap::from([(PathBuf::new(), (0..rows).collect())]),
            keys => partition::group(keys, &self.spec.columns[n..], &self.spec.eval)?,
        };
        let Some(bucketer) = &self.bucketer else {
            return Ok(folders.into_iter().map(|(f, rows)| ((f, None), rows)).collect());
        };
        let buckets = bucketer.buckets(columns)?;
        let mut places: BTreeMap<Place, Vec<u32>> = BTreeMap::new();
        for (folder, rows) in folders {
            let mut of_folder: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
            for row in rows {
                of_folder.entry(buckets[row as usize]).or_default().push(row);
            }
            let of_bucket = |(bucket, rows)| ((folder.clone(), Some(bucket)), rows);
            places.extend(of_folder.into_iter().map(of_bucket));
        }
        let mut places: Vec<(Place, Vec<u32>)> = places.into_iter().collect();
        places.sort_by_key(|(_, rows)| rows.first().copied());
        Ok(places)
    }

    /// One array a column of the table.
    fn columns(&self, chunk: &Chunk) -> Result<Vec<ArrayRef>> {
        let chunk = chunk.clone().compact()?;
        let array = |cell: &Cell| match cell {
            Cell::Column(i) => chunk.columns[*i].to_array(),
            Cell::Constant(value) => {
                let one = rsql_expr::eval::literal_array(value)?;
                rsql_expr::vector::repeat(&one, chunk.len)
            }
        };
        self.spec.cells.iter().map(array).collect()
    }

    /// Reserves what the open files hold; writes it out where the pool does not grant it, or asks for it.
    fn account(&mut self) -> Result<()> {
        let granted = self.memory.try_resize(self.held()).is_ok();
        if granted && !self.memory.revoke_requested() {
            return Ok(());
        }
        for open in self.parts.values_mut() {
            open.part.flush()?;
        }
        self.memory.clear_revoke();
        let held = self.held();
        match self.memory.try_resize(held) {
            // Something has to be there to write at all, also where waiting rows have all of the pool.
            Err(_) if held <= LEAST => Ok(()),
            resized => resized,
        }
    }

    fn held(&self) -> usize {
        self.parts.values().map(|open| open.part.memory()).sum()
    }

    fn part(&mut self, place: Place) -> Result<&mut OpenPart> {
        use std::collections::btree_map::Entry;
        if !self.parts.contains_key(&place) && self.spec.in_order() {
            // Rows come sorted by where they belong: what was there before is complete.
            self.close()?;
        }
        let stem = self.stem_of(&place);
        match self.parts.entry(place) {
            Entry::Occupied(e) => Ok(e.into_mut()),
            Entry::Vacant(e) => {
                let mut within = self.folder.clone();
                for component in &e.key().0 {
                    within.push(component);
                    make_folder(&within)?;
                }
                let (path, part) = self.spec.create_part(&within, &stem, &self.cx.registry)?;
                Ok(e.insert(OpenPart { path, part, rows: 0 }))
            }
        }
    }

    /// What a file's name starts with. Values of different partitions may name one folder, whose files are numbered then.
    fn stem_of(&self, (folder, bucket): &Place) -> String {
        let Some(bucket) = bucket else {
            return self.stem.clone();
        };
        let stem = format!("{}{}", self.stem, bucket_suffix(*bucket, 0));
        let starts = |path: &Path| path.file_name().is_some_and(|n| n.to_string_lossy().starts_with(&stem));
        let taken = self.complete.iter().any(|(of, (path, _))| of == folder && starts(path));
        match taken {
            false => stem,
            true => format!("{}{}", self.stem, bucket_suffix(*bucket, self.complete.len())),
        }
    }

    /// Completes the files that are open.
    fn close(&mut self) -> Result<()> {
        for ((folder, _), open) in std::mem::take(&mut self.parts) {
            open.part.finish()?;
            self.complete.push((folder, (open.path, open.rows)));
        }
        Ok(())
    }

    /// A file without rows: a folder with a schema can be read without a catalog.
    pub(super) fn empty_file(mut self) -> Result<Vec<WrittenFile>> {
        self.part((PathBuf::new(), None))?;
        self.finish()
    }

    /// Completes the files.
    pub(super) fn finish(mut self) -> Result<Vec<WrittenFile>> {
        self.close()?;
        let mut files = Vec::with_capacity(self.complete.len());
        let mut paths = Vec::with_capacity(self.complete.len());
        for (folder, (path, rows)) in std::mem::take(&mut self.complete) {
            let bytes = std::fs::metadata(&path).map_err(|e| in_file(e, &path))?.len();
            let staged = path.strip_prefix(&self.spec.staging).unwrap_or(&path).to_path_buf();
            files.push(WrittenFile {
                staged,
                folder,
                rows,
                bytes,
            });
            paths.push(path);
        }
        if self.spec.sync {
            durable::sync_all(&paths)?;
            durable::sync_folders(paths.iter().filter_map(|p| p.parent()), &self.folder)?;
        }
        self.finished = true;
        Ok(files)
    }
}

impl OpenPart {
    fn write(&mut self, columns: &[ArrayRef]) -> Result<()> {
        self.rows += columns.first().map_or(0, |c| c.len()) as u64;
        self.part.write(columns)
    }
}

impl Drop for TaskWriter<'_> {
    fn drop(&mut self) {
        if !self.finished {
            // What stays goes with the staging folder.
            _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

/// Makes one folder whose parent is there.
fn make_folder(path: &Path) -> Result<()> {
    match std::fs::create_dir(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => Err(rsql_common::Error::io(format!(
            "{} is gone: the write is over",
            path.parent().unwrap_or(path).display()
        ))),
        Err(e) if e.kind() != ErrorKind::AlreadyExists => Err(in_file(e, path)),
        _ => Ok(()),
    }
}
