//! Outputs whose files stay open between the reads of their partitions.
//!
//! Each partition of an output has a reader of its own: opening two files and looking at what they begin with for each of them
//! costs more than the few rows that are read when there are many maps and partitions. So a process keeps the files open that it
//! read from, until the query is over, up to a share of the descriptors that it may have.
//!
//! When there are more outputs than that, those that were opened first stay and the others are opened for each read. Readers
//! take one partition after another and go through all outputs each time: whatever was used least lately would be the next to be
//! used.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rsql_common::{OutputId, QueryId};

use super::local::{Fault, OpenOutput, OpenPartition, ReadFailure};

/// Most outputs that are kept, whatever the number of descriptors.
const MOST_OUTPUTS: usize = 2048;
/// Bytes of the indexes that are kept with them.
const INDEX_BYTES: usize = 16 << 20;
/// An output that was not read for so long makes room for others.
const IDLE: Duration = Duration::from_secs(10);

/// Outputs that are kept open.
#[derive(Debug)]
pub struct OpenOutputs {
    kept: Mutex<Kept>,
    most: usize,
}

#[derive(Debug, Default)]
struct Kept {
    outputs: HashMap<OutputId, (Arc<OpenOutput>, Instant)>,
    index_bytes: usize,
    /// When idle ones were looked for last.
    swept: Option<Instant>,
    /// Grows when outputs are forgotten: what was opened before that is not kept after it.
    forgotten: u64,
}

impl Default for OpenOutputs {
    fn default() -> Self {
        Self::of(descriptors() / 4)
    }
}

impl OpenOutputs {
    /// Keeps so many outputs at most.
    fn of(most: usize) -> Self {
        Self {
            kept: Mutex::default(),
            most: most.min(MOST_OUTPUTS),
        }
    }

    /// Keeps none.
    pub(crate) fn none() -> Self {
        Self::of(0)
    }

    /// A partition of the output `id`, which must carry `tag`, in the store at `dir`.
    pub(crate) fn partition(
        &self,
        dir: &Path,
        id: OutputId,
        tag: u64,
        partition: u32,
    ) -> Result<OpenPartition, ReadFailure> {
        let output = match self.open(dir, id, tag) {
            // What is kept may be what this process lacks.
            Err(failure) if failure.fault == Fault::Opener && self.forget_all(|_| true) => self.open(dir, id, tag),
            output => output,
        };
        output?.partition(partition)
    }

    fn open(&self, dir: &Path, id: OutputId, tag: u64) -> Result<Arc<OpenOutput>, ReadFailure> {
        let (room, forgotten) = {
            let mut kept = self.kept.lock();
            match kept.outputs.get_mut(&id) {
                Some((output, used)) if output.is(dir, id, tag) => {
                    *used = Instant::now();
                    return Ok(Arc::clone(output));
                }
                // It is read from another store now.
                Some(_) => kept.remove(&id),
                None => {}
            }
            (kept.room(self.most), kept.forgotten)
        };
        let output = OpenOutput::open(dir, id, tag, room as u64)?;
        if let Some(bytes) = output.loaded() {
            let mut kept = self.kept.lock();
            if kept.forgotten == forgotten && kept.room(self.most) >= bytes && !kept.outputs.contains_key(&id) {
                kept.index_bytes += bytes;
                kept.outputs.insert(id, (Arc::clone(&output), Instant::now()));
            }
        }
        Ok(output)
    }

    /// Closes an output's files as soon as nobody reads them.
    pub(crate) fn forget(&self, id: OutputId) {
        let mut kept = self.kept.lock();
        kept.forgotten += 1;
        kept.remove(&id);
    }

    /// Closes the files of a query's outputs as soon as nobody reads them.
    pub(crate) fn forget_query(&self, query: QueryId) {
        self.forget_all(|id| id.query == query);
    }

    /// True if there were some.
    fn forget_all(&self, which: impl Fn(&OutputId) -> bool) -> bool {
        let mut kept = self.kept.lock();
        kept.forgotten += 1;
        let before = kept.outputs.len();
        kept.retain(|id, _| !which(id));
        kept.outputs.len() < before
    }
}

impl Kept {
    /// Bytes that the index of one more output may have; 0 if no more are kept.
    fn room(&mut self, most: usize) -> usize {
        if most > 0 && (self.outputs.len() >= most || self.index_bytes >= INDEX_BYTES) {
            self.sweep();
        }
        match self.outputs.len() < most {
            true => INDEX_BYTES.saturating_sub(self.index_bytes),
            false => 0,
        }
    }

    /// Closes what was not read for a while, if that was not tried just before: there may be many.
    fn sweep(&mut self) {
        let now = Instant::now();
        if self.swept.is_none_or(|last| now.duration_since(last) > IDLE / 10) {
            self.swept = Some(now);
            self.retain(|_, used| now.duration_since(*used) < IDLE);
        }
    }

    fn retain(&mut self, which: impl Fn(&OutputId, &Instant) -> bool) {
        self.outputs.retain(|id, (_, used)| which(id, used));
        let bytes = self.outputs.values().filter_map(|(output, _)| output.loaded());
        self.index_bytes = bytes.sum();
    }

    fn remove(&mut self, id: &OutputId) {
        if let Some((output, _)) = self.outputs.remove(id) {
            self.index_bytes -= output.loaded().unwrap_or_default();
        }
    }
}

/// Descriptors that this process may have open.
fn descriptors() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let files = limits.lines().find_map(|l| l.strip_prefix("Max open files"));
    let soft = files.and_then(|l| l.split_whitespace().next()?.parse().ok());
    soft.unwrap_or(1024)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use rsql_common::FetchReason;
    use rsql_expr::SqlType;
    use rsql_planner::physical::Partitioning;

    use super::*;
    use crate::testing::*;
    use crate::{MapOutput, ShuffleStore};

    fn store(root: &Path) -> Arc<ShuffleStore> {
        ShuffleStore::open(root).unwrap()
    }

    fn output(store: &Arc<ShuffleStore>, map: u32) -> MapOutput {
        let types = [SqlType::Long];
        let hash = Partitioning::Hash {
            keys: vec![slot(0, &SqlType::Long)],
            partitions: 3,
            function: Default::default(),
        };
        let input = chunks(&types, 2, 100, u64::from(map));
        write(store, spec(&types, id(map, 0), hash), &input, 1, &Arc::new(context())).unwrap()
    }

    /// Reads a partition to its end.
    fn read_whole(opened: &OpenOutputs, store: &ShuffleStore, output: &MapOutput, partition: u32) {
        let open = opened.partition(store.dir(), output.id, output.tag, partition).unwrap();
        assert_eq!(open.figures, output.partitions[partition as usize]);
        let bytes = open.read(0, 1 << 20).unwrap();
        assert_eq!(bytes.len() as u64, open.figures.bytes);
        assert_eq!(open.read(5, 7).unwrap(), bytes[5..12]);
        assert_eq!(open.read(bytes.len() as u64, 7).unwrap().len(), 0);
    }

    /// Files below a folder that this process has open, deleted ones among them.
    fn open_files(below: &Path) -> usize {
        let descriptors = std::fs::read_dir("/proc/self/fd").unwrap();
        let files = descriptors.filter_map(|d| std::fs::read_link(d.ok()?.path()).ok());
        files.filter(|f: &PathBuf| f.starts_with(below)).count()
    }

    #[test]
    fn outputs_that_find_no_room_are_opened_for_each_read() {
        let root = tempfile::tempdir().unwrap();
        let store = store(root.path());
        let outputs: Vec<_> = (0..5).map(|map| output(&store, map)).collect();
        let before = open_files(store.dir());
        for most in [0, 2, 5, 9] {
            let opened = OpenOutputs::of(most);
            for partition in [0, 1, 2, 0] {
                for output in &outputs {
                    read_whole(&opened, &store, output, partition);
                }
            }
            let kept = most.min(outputs.len());
            assert_eq!(open_files(store.dir()) - before, kept, "the data files alone");
            let first: Vec<_> = outputs[..kept].iter().map(|o| o.id).collect();
            let mut ids: Vec<_> = opened.kept.lock().outputs.keys().copied().collect();
            ids.sort_unstable();
            assert_eq!(ids, first, "who came first stays");
        }
    }

    #[test]
    fn what_is_not_read_any_more_makes_room() {
        let root = tempfile::tempdir().unwrap();
        let store = store(root.path());
        let outputs = [0, 1, 2].map(|map| output(&store, map));
        let opened = OpenOutputs::of(2);
        outputs.iter().for_each(|o| read_whole(&opened, &store, o, 0));
        {
            let mut kept = opened.kept.lock();
            assert!(!kept.outputs.contains_key(&outputs[2].id));
            let long_ago = Instant::now().checked_sub(2 * IDLE).unwrap();
            kept.outputs.get_mut(&outputs[0].id).unwrap().1 = long_ago;
            kept.swept = Some(long_ago);
        }
        read_whole(&opened, &store, &outputs[2], 0);
        let kept = opened.kept.lock();
        assert!(!kept.outputs.contains_key(&outputs[0].id));
        assert!(kept.outputs.contains_key(&outputs[2].id));
    }

    #[test]
    fn what_is_deleted_is_closed() {
        let root = tempfile::tempdir().unwrap();
        let (mine, neighbour) = (store(root.path()), store(root.path()));
        let (one, two, other) = (output(&mine, 0), output(&mine, 1), output(&neighbour, 2));
        let leases = open_files(root.path());
        let opened = mine.opened();
        read_whole(opened, &mine, &one, 0);
        read_whole(opened, &mine, &two, 1);
        read_whole(opened, &neighbour, &other, 2);
        assert_eq!(open_files(root.path()) - leases, 3);
        mine.delete_output(one.id).unwrap();
        assert_eq!(open_files(root.path()) - leases, 2);
        let gone = opened.partition(mine.dir(), one.id, one.tag, 0).unwrap_err();
        assert_eq!(gone.fault, Fault::Output(FetchReason::NotFound));
        // A query is over everywhere.
        mine.delete_query(one.id.query).unwrap();
        assert_eq!(open_files(root.path()), leases);
        assert_eq!(opened.kept.lock().index_bytes, 0);
    }

    #[test]
    fn an_output_is_read_from_the_store_that_was_named() {
        let root = tempfile::tempdir().unwrap();
        let (from, to) = (store(root.path()), store(root.path()));
        let (first, second) = (output(&from, 0), output(&to, 0));
        let opened = OpenOutputs::of(9);
        for _ in 0..2 {
            read_whole(&opened, &from, &first, 0);
            read_whole(&opened, &to, &second, 0);
        }
        let stale = opened.partition(to.dir(), first.id, first.tag, 0).unwrap_err();
        assert_eq!(stale.fault, Fault::Output(FetchReason::Corrupt));
        assert_eq!(opened.kept.lock().outputs.len(), 0);
        read_whole(&opened, &to, &second, 1);
    }
}
