//! The queue that a source's workers take blocks from.
//!
//! Local units are read by the worker that finds the queue empty, a window at a time. Remote units are pushed in by the
//! fetch client, which keeps a bounded number of bytes in flight and wakes blocked pipelines.
//!
//! Blocks from afar are handed on as they come, but for small inputs: these wait until they are whole and go on in the order
//! of their maps. So what depends on that order over few rows, as LIMIT without ORDER BY, is the same in each run.

use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use rsql_common::metrics::Counter;
use rsql_common::{Error, FetchReason, Reservation, Result};
use rsql_exec::TaskContext;
use rsql_exec::encoding::RowsDecoder;
use rsql_expr::{Chunk, Schema};
use tokio::task::AbortHandle;

use super::ShuffleInputs;
use super::local::OpenPartition;
use super::open::OpenOutputs;
use super::progress::{Frame, RowCount, UnitReader};
use super::unit::StageRead;
use crate::format::{OutputCipher, open_frame, schema_hash};
use crate::output::OutputLocation;
use crate::service::{FetchClient, FetchOptions, start_fetching};

/// Bytes read from a file at once.
const WINDOW: usize = 1 << 20;
/// Inputs of so many bytes are small: waiting for the last of them takes hardly longer than for the first.
const SMALL: u64 = 256 << 10;

/// Blocks of one stage's output for one task.
pub(crate) struct BlockQueue {
    pub read: Arc<StageRead>,
    decoder: RowsDecoder,
    schema: u64,
    ciphers: Vec<Option<OutputCipher>>,
    rows: Vec<RowCount>,
    state: Mutex<State>,
    opened: Arc<OpenOutputs>,
    pub chunk_rows: usize,
    /// The task's.
    bytes_read: Counter,
    /// Units that come from afar; none if there are none.
    remote: Option<Remote>,
    /// Blocks go on in order, once all of them are there.
    in_order: bool,
    fetching: Mutex<Vec<AbortHandle>>,
}

/// What fetching needs.
struct Remote {
    client: Arc<FetchClient>,
    /// What the budget is reserved from.
    memory: Reservation,
    /// Positions of the units; taken when fetching starts.
    units: Mutex<Vec<usize>>,
}

#[derive(Default)]
struct State {
    /// Local units not begun.
    local: VecDeque<usize>,
    current: Option<(OpenPartition, UnitReader)>,
    ready: VecDeque<Frame>,
    /// Remote units whose bytes have not all come.
    awaited: usize,
    /// A worker found nothing and waits to be woken.
    waiting: bool,
    /// Blocks that workers decode at present.
    decoding: usize,
    failed: Option<Error>,
}

/// What a worker gets.
pub(super) enum Taken {
    Frame(Frame),
    /// Remote bytes are awaited.
    Blocked,
    /// All blocks were taken.
    End,
}

impl BlockQueue {
    pub(super) fn new(
        read: Arc<StageRead>,
        schema: &Schema,
        inputs: &ShuffleInputs,
        cx: &Arc<TaskContext>,
    ) -> Result<Arc<Self>> {
        let client = inputs.client.as_ref();
        let types: Vec<_> = schema.iter().map(|f| f.ty.arrow()).collect();
        let mut ciphers = vec![None; read.locations.len()];
        for unit in read.units.iter().filter(|u| u.encrypted) {
            let key = inputs
                .key
                .as_ref()
                .ok_or_else(|| Error::internal("an encrypted shuffle output is read without its key"))?;
            let id = read.location(unit).output;
            ciphers[unit.location as usize].get_or_insert_with(|| OutputCipher::new(key, id, unit.tag));
        }
        // Many outputs lie in one folder.
        let mut folders: HashMap<&Path, bool> = HashMap::new();
        let mut there = |dir| *folders.entry(dir).or_insert_with(|| dir.is_dir());
        let near = read.locations.iter().map(|l| is_near(l, client.is_some(), &mut there));
        let near: Vec<bool> = near.collect();
        let is_local = |unit: &usize| near[read.units[*unit].location as usize];
        let local: VecDeque<usize> = (0..read.units.len()).filter(is_local).collect();
        let remote: Vec<usize> = (0..read.units.len()).filter(|u| !is_local(u)).collect();
        let bytes: u64 = read.units.iter().map(|u| u.figures.bytes).sum();
        // What is in flight at once must hold all of them.
        let small = client.map_or(0, |c| SMALL.min(2 * c.options().credit));
        let queue = Arc::new(Self {
            rows: read.units.iter().map(|_| RowCount::default()).collect(),
            decoder: RowsDecoder::new(&types),
            schema: schema_hash(&types),
            ciphers,
            state: Mutex::new(State {
                local,
                awaited: remote.len(),
                ..Default::default()
            }),
            chunk_rows: cx.chunk_rows,
            in_order: !remote.is_empty() && bytes <= small,
            bytes_read: cx.totals.bytes_read.clone(),
            remote: client.filter(|_| !remote.is_empty()).map(|client| Remote {
                client: Arc::clone(client),
                memory: cx.memory.register("shuffle fetch", false),
                units: Mutex::new(remote),
            }),
            fetching: Mutex::default(),
            opened: match &inputs.opened {
                Some(opened) => Arc::clone(opened),
                None => Arc::new(OpenOutputs::none()),
            },
            read,
        });
        // A plan of many inputs reads them one after another: what is fetched ahead must leave room for the others.
        let ahead = queue.remote.as_ref().map_or(0, |r| queue.useful(&r.units.lock(), r));
        if cx.memory.used() + ahead as usize <= cx.memory.limit() / 2 {
            queue.start()?;
        }
        Ok(queue)
    }

    /// Starts fetching, if that was not done before.
    pub(super) fn start(self: &Arc<Self>) -> Result<()> {
        let Some(remote) = &self.remote else { return Ok(()) };
        let mut units = remote.units.lock();
        if units.is_empty() {
            return Ok(());
        }
        let budget = reserve(&remote.memory, self.useful(&units, remote), remote.client.options())?;
        *self.fetching.lock() = start_fetching(&remote.client, self, &self.read, std::mem::take(&mut units), budget)?;
        Ok(())
    }

    /// Bytes in flight beyond which nothing is gained.
    fn useful(&self, units: &[usize], remote: &Remote) -> u64 {
        let options = remote.client.options();
        let bytes: u64 = units.iter().map(|u| self.read.units[*u].figures.bytes).sum();
        bytes.min(options.in_flight.max(2 * options.credit))
    }

    /// Takes blocks that came from afar; with them so many units are complete.
    pub(crate) fn push(&self, frames: Vec<Frame>, complete: usize) {
        let mut state = self.state.lock();
        state.ready.extend(frames);
        state.awaited -= complete;
        if self.in_order {
            state.sort();
        }
        self.rouse(state);
    }

    /// Ends the source with an error.
    pub(crate) fn fail(&self, error: Error) {
        let mut state = self.state.lock();
        state.failed.get_or_insert(error);
        self.rouse(state);
    }

    fn rouse(&self, mut state: MutexGuard<'_, State>) {
        let some = !state.ready.is_empty() && !self.in_order;
        let waiting = state.waiting && (some || state.awaited == 0 || state.failed.is_some());
        state.waiting &= !waiting;
        drop(state);
        if waiting {
            rsql_exec::scheduler::wake();
        }
    }

    /// The next block.
    pub(super) fn take(&self) -> Result<Taken> {
        let mut state = self.state.lock();
        loop {
            if let Some(error) = &state.failed {
                return Err(error.clone());
            }
            if self.in_order && state.awaited > 0 {
                state.waiting = true;
                return Ok(Taken::Blocked);
            }
            let unread = state.current.is_some() || !state.local.is_empty();
            if self.in_order && unread {
                self.read_local(&mut state)?;
                state.sort();
                continue;
            }
            if let Some(frame) = state.ready.pop_front() {
                state.decoding += 1;
                return Ok(Taken::Frame(frame));
            }
            if unread {
                self.read_local(&mut state)?;
                continue;
            }
            state.waiting = state.awaited > 0;
            return Ok(if state.waiting { Taken::Blocked } else { Taken::End });
        }
    }

    /// Reads a window of the current local unit, or of the next one; a failure is the queue's.
    fn read_local(&self, state: &mut State) -> Result<()> {
        self.read_window(state).inspect_err(|e| state.failed = Some(e.clone()))
    }

    fn read_window(&self, state: &mut State) -> Result<()> {
        if state.current.is_none() {
            let Some(unit) = state.local.pop_front() else {
                return Ok(());
            };
            let open = self.open_local(unit)?;
            let figures = self.read.units[unit].figures;
            state.current = Some((open, UnitReader::new(unit, figures)));
        }
        let Some((open, reader)) = &mut state.current else {
            return Ok(());
        };
        let unit = &self.read.units[reader.unit];
        let bytes = open
            .read(reader.offset, WINDOW)
            .map_err(|f| f.error(&self.read, unit))?;
        reader.push(bytes, &mut state.ready);
        if reader.is_complete() {
            if let Some(fault) = reader.fault() {
                return Err(self.read.failed(unit, FetchReason::Corrupt, fault));
            }
            state.current = None;
        }
        Ok(())
    }

    fn open_local(&self, unit: usize) -> Result<OpenPartition> {
        let unit = &self.read.units[unit];
        let location = self.read.location(unit);
        let Some(dir) = location.local_dir.as_deref() else {
            return Err(self
                .read
                .failed(unit, FetchReason::Unreachable, "there is no way to its executor"));
        };
        let open = self
            .opened
            .partition(dir, location.output, unit.tag, unit.partition)
            .map_err(|f| f.error(&self.read, unit))?;
        if open.figures != unit.figures || open.schema != self.schema {
            let why = "the index does not agree with the figures of the map's status";
            return Err(self.read.failed(unit, FetchReason::Corrupt, why));
        }
        Ok(open)
    }

    /// The rows of a block that was taken.
    pub(super) fn decode(&self, frame: Frame) -> Result<Chunk> {
        let result = self.open(frame);
        let mut state = self.state.lock();
        state.decoding -= 1;
        if let Err(e) = &result {
            state.failed.get_or_insert_with(|| e.clone());
        } else if state.decoding == 0 && state.at_end() {
            if let Some(remote) = &self.remote {
                remote.memory.free();
            }
            self.check_rows()?;
        }
        result
    }

    fn open(&self, frame: Frame) -> Result<Chunk> {
        self.bytes_read.add(frame.bytes.len() as u64);
        let unit = &self.read.units[frame.unit];
        let corrupt = |why: &str| self.read.failed(unit, FetchReason::Corrupt, why);
        let (mut payload, _) =
            open_frame(&frame.bytes).ok_or_else(|| corrupt("a block does not match its checksum"))?;
        if unit.encrypted {
            let cipher = self.ciphers[unit.location as usize].as_ref();
            let opened = cipher.and_then(|c| c.open(unit.partition, &payload));
            payload = opened.ok_or_else(|| corrupt("a block cannot be decrypted"))?.into();
        }
        let chunk = self.decoder.decode(payload).map_err(|e| corrupt(&e.to_string()))?;
        if self.rows[frame.unit].add(chunk.len as u64, unit.figures.rows) {
            return Err(corrupt("it has more rows than its map wrote"));
        }
        Ok(chunk.with_sequence((frame.unit as u64) << 20 | frame.number.min((1 << 20) - 1)))
    }

    /// Each unit gave as many rows as its map wrote.
    fn check_rows(&self) -> Result<()> {
        for (unit, rows) in self.read.units.iter().zip(&self.rows) {
            if rows.get() != unit.figures.rows {
                let why = "it has fewer rows than its map wrote";
                return Err(self.read.failed(unit, FetchReason::Corrupt, why));
            }
        }
        Ok(())
    }
}

impl Drop for BlockQueue {
    fn drop(&mut self) {
        self.fetching.get_mut().iter().for_each(AbortHandle::abort);
    }
}

/// True if an output is to be read from a file; `there` says whether a folder is in this file system.
fn is_near<'a>(location: &'a OutputLocation, fetching: bool, there: &mut impl FnMut(&'a Path) -> bool) -> bool {
    match &location.local_dir {
        Some(dir) => there(dir) || !fetching || location.endpoint.is_empty(),
        None => false,
    }
}

/// Room for bytes in flight: as much as is useful and granted, but at least two responses.
fn reserve(memory: &Reservation, useful: u64, options: &FetchOptions) -> Result<u64> {
    if memory.try_grow(useful as usize).is_ok() {
        return Ok(useful);
    }
    let least = useful.min(2 * options.credit);
    memory.try_grow(least as usize)?;
    Ok(least)
}

impl State {
    /// Puts blocks into the order of their maps.
    fn sort(&mut self) {
        self.ready.make_contiguous().sort_by_key(|f| (f.unit, f.number));
    }

    fn at_end(&self) -> bool {
        self.ready.is_empty() && self.current.is_none() && self.local.is_empty() && self.awaited == 0
    }
}
