//! Sorted runs on disk and their merge.

use std::cmp::Ordering;
use std::fs::File;
use std::io::{BufReader, BufWriter, Seek};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::ipc::CompressionType;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
use parking_lot::Mutex;
use rsql_common::{Error, Result};
use rsql_expr::{Chunk, Vector};

use super::run::SortedRun;
use super::{KeyColumns, Keys, Shared};
use crate::pipeline::{LocalSource, SourceStatus, TaskContext};

/// A run in an unnamed file of the spill folder; the file ends with this.
pub(super) struct SpilledRun(File);

impl SpilledRun {
    /// Writes a run in its order.
    pub fn write(run: &SortedRun, shared: &Shared, cx: &TaskContext) -> Result<Self> {
        let schema = file_schema(&shared.types);
        let file = tempfile::tempfile_in(&cx.spill_dir)?;
        let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME))?;
        let mut writer = StreamWriter::try_new_with_options(BufWriter::new(&file), &schema, options)?;
        let mut at = 0;
        while at < run.len() {
            cx.cancel.check()?;
            let n = cx.chunk_rows.min(run.len() - at);
            let chunk = run.gather(at, n)?;
            let arrays = chunk.columns.iter().map(Vector::to_array).collect::<Result<Vec<_>>>()?;
            let options = RecordBatchOptions::new().with_row_count(Some(n));
            writer.write(&RecordBatch::try_new_with_options(
                Arc::clone(&schema),
                arrays,
                &options,
            )?)?;
            at += n;
        }
        writer.finish()?;
        drop(writer);
        Ok(Self(file))
    }
}

fn file_schema(types: &[DataType]) -> Arc<Schema> {
    let fields: Vec<Field> = types.iter().map(|t| Field::new("c", t.clone(), true)).collect();
    Arc::new(Schema::new(fields))
}

/// Merges runs while they are read.
pub(super) struct MergeSource(Mutex<Option<LocalMerge>>);

/// What a run has left.
enum Rest {
    Disk(Box<StreamReader<BufReader<File>>>),
    Memory(SortedRun, usize),
}

struct Input {
    rest: Rest,
    chunk: Chunk,
    keys: Keys,
    row: usize,
}

struct LocalMerge {
    inputs: Vec<Input>,
    columns: KeyColumns,
    types: Arc<[DataType]>,
    chunk_rows: usize,
    left: u64,
    sequence: u64,
}

impl MergeSource {
    /// Opens all runs; `memory` holds the rows that were never written.
    pub fn new(shared: &Shared, runs: Vec<SpilledRun>, memory: SortedRun, cx: &TaskContext) -> Result<Self> {
        let mut columns = KeyColumns::open(shared, cx)?;
        let mut rests = Vec::new();
        for SpilledRun(mut file) in runs {
            file.rewind()?;
            rests.push(Rest::Disk(Box::new(StreamReader::try_new_buffered(file, None)?)));
        }
        rests.push(Rest::Memory(memory, 0));
        let mut inputs = Vec::new();
        for mut rest in rests {
            if let Some(chunk) = rest.next(cx.chunk_rows)? {
                inputs.push(Input {
                    rest,
                    keys: columns.keys(&chunk)?,
                    chunk,
                    row: 0,
                });
            }
        }
        Ok(Self(Mutex::new(Some(LocalMerge {
            inputs,
            columns,
            types: Arc::clone(&shared.types),
            chunk_rows: cx.chunk_rows,
            left: shared.fetch.unwrap_or(u64::MAX),
            sequence: 0,
        }))))
    }

    pub fn open(&self) -> Result<Box<dyn LocalSource>> {
        match self.0.lock().take() {
            Some(merge) => Ok(Box::new(merge)),
            None => Err(Error::internal("merged runs were opened twice")),
        }
    }
}

impl Rest {
    fn next(&mut self, chunk_rows: usize) -> Result<Option<Chunk>> {
        match self {
            Self::Disk(reader) => match reader.next() {
                Some(batch) => Ok(Some(Chunk::from_record_batch(&batch?))),
                None => Ok(None),
            },
            Self::Memory(run, at) => {
                let n = chunk_rows.min(run.len() - *at);
                *at += n;
                if n == 0 {
                    Ok(None)
                } else {
                    Ok(Some(run.gather(*at - n, n)?))
                }
            }
        }
    }
}

impl LocalMerge {
    /// The input with the smallest key.
    fn smallest(&self) -> Option<usize> {
        let mut inputs = self.inputs.iter().enumerate();
        let (mut best, mut head) = inputs.next()?;
        for (i, input) in inputs {
            if input.keys.compare(input.row, &head.keys, head.row) == Ordering::Less {
                (best, head) = (i, input);
            }
        }
        Some(best)
    }

    fn gather(&self, picks: &[(usize, usize)]) -> Result<Chunk> {
        let columns = (0..self.types.len())
            .map(|c| {
                let arrays = self
                    .inputs
                    .iter()
                    .map(|i| i.chunk.columns[c].to_array())
                    .collect::<Result<Vec<ArrayRef>>>()?;
                let refs: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
                Ok(Vector::Flat(arrow::compute::interleave(&refs, picks)?))
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Chunk::new(columns, picks.len()))
    }
}

impl LocalSource for LocalMerge {
    fn next(&mut self) -> Result<SourceStatus> {
        let mut picks: Vec<(usize, usize)> = Vec::with_capacity(self.chunk_rows);
        let wanted = self.chunk_rows.min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let mut ended = None;
        while picks.len() < wanted {
            let Some(i) = self.smallest() else { break };
            let input = &mut self.inputs[i];
            picks.push((i, input.row));
            input.row += 1;
            if input.row == input.chunk.len {
                // Its next chunk replaces the one the picks point into: hand out what there is.
                ended = Some(i);
                break;
            }
        }
        if picks.is_empty() {
            return Ok(SourceStatus::Finished);
        }
        let chunk = self.gather(&picks)?.with_sequence(self.sequence);
        self.sequence += 1;
        self.left -= picks.len() as u64;
        if let Some(i) = ended {
            match self.inputs[i].rest.next(self.chunk_rows)? {
                Some(chunk) => {
                    let keys = self.columns.keys(&chunk)?;
                    let input = &mut self.inputs[i];
                    (input.chunk, input.keys, input.row) = (chunk, keys, 0);
                }
                None => _ = self.inputs.remove(i),
            }
        }
        Ok(SourceStatus::Chunk(chunk))
    }
}
