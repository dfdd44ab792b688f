//! Fetching the remote units of one source: a task a connection, which share the peer's units.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Weak};
use std::time::Instant;

use parking_lot::Mutex;
use rsql_common::{Error, FetchReason, Result};
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tonic::Status;

use super::budget::{Budget, Held};
use super::client::FetchClient;
use super::{CHUNK_BYTES, FetchChunk, FetchItem, FetchRequest};
use crate::read::{BlockQueue, Frame, ReadFailure, StageRead, UnitReader};

/// Units of one peer that no task has taken.
type Units = Arc<Mutex<VecDeque<usize>>>;

/// Starts fetching `units` (positions in `read`) into `queue`, with `budget` bytes at most in flight. The tasks end with
/// the queue.
pub(crate) fn start_fetching(
    client: &Arc<FetchClient>,
    queue: &Arc<BlockQueue>,
    read: &Arc<StageRead>,
    units: Vec<usize>,
    budget: u64,
) -> Result<Vec<AbortHandle>> {
    let mut peers: HashMap<&str, VecDeque<usize>> = HashMap::new();
    for unit in units {
        let endpoint = read.location(&read.units[unit]).endpoint.as_str();
        peers.entry(endpoint).or_default().push_back(unit);
    }
    let budget = Budget::new(budget);
    let mut tasks = Vec::new();
    for (endpoint, units) in peers {
        let connections = client.options().connections.clamp(1, units.len());
        let units = Arc::new(Mutex::new(units));
        for connection in 0..connections {
            let fetch = Fetch {
                client: Arc::clone(client),
                endpoint: endpoint.to_string(),
                connection,
                read: Arc::clone(read),
                queue: Arc::downgrade(queue),
                units: Arc::clone(&units),
                budget: Arc::clone(&budget),
            };
            tasks.push(client.runtime().spawn(fetch.run()).abort_handle());
        }
    }
    Ok(tasks)
}

/// One task of one peer.
struct Fetch {
    client: Arc<FetchClient>,
    endpoint: String,
    connection: usize,
    read: Arc<StageRead>,
    queue: Weak<BlockQueue>,
    units: Units,
    budget: Arc<Budget>,
}

/// Why a task stops.
enum Stop {
    /// The queue is gone.
    Unwanted,
    /// A unit cannot be had.
    Failed(usize, ReadFailure),
    /// Anything else.
    Error(Error),
}

impl Fetch {
    async fn run(self) {
        let stop = self.fetch_all().await;
        let Some(queue) = self.queue.upgrade() else { return };
        match stop {
            Ok(()) | Err(Stop::Unwanted) => {}
            Err(Stop::Failed(unit, failure)) => {
                let unit = &self.read.units[unit];
                queue.fail(failure.error(&self.read, unit));
            }
            Err(Stop::Error(e)) => queue.fail(e),
        }
    }

    async fn fetch_all(&self) -> std::result::Result<(), Stop> {
        let options = *self.client.options();
        // Units that were begun and not ended, in the order they are asked for.
        let mut begun: VecDeque<UnitReader> = VecDeque::new();
        let mut held: Option<Held> = None;
        let (mut failures, mut last_byte) = (0, Instant::now());
        loop {
            self.take_units(&mut begun);
            let Some(first) = begun.front().map(|r| r.unit) else {
                return Ok(());
            };
            let wanted = begun.iter().map(UnitReader::missing).sum::<u64>().min(options.credit);
            let share = self.reserve(wanted, begun.iter().any(|r| r.pending() > 0)).await;
            let credit = share.bytes();
            match &mut held {
                Some(held) => held.merge(share),
                None => held = Some(share),
            }
            let Some(held) = &mut held else { return Ok(()) };
            if failures == 0 {
                last_byte = Instant::now();
            }
            let before: u64 = begun.iter().map(|r| r.offset).sum();
            let outcome = self.ask(&mut begun, credit, held).await;
            let progress =
                begun.iter().map(|r| r.offset).sum::<u64>() != before || begun.front().map(|r| r.unit) != Some(first);
            // What is kept stands for the pieces of blocks that wait for their rest.
            let pending: u64 = begun.iter().map(|r| r.pending() as u64).sum();
            let surplus = held.bytes().saturating_sub(pending);
            drop(held.split(surplus));
            if progress {
                failures = 0;
            }
            let why = match outcome {
                Ok(()) if progress => continue,
                Ok(()) => {
                    let why = "its executor has fewer bytes of it than its map wrote";
                    return Err(Stop::Failed(first, ReadFailure::new(FetchReason::Corrupt, why)));
                }
                Err(Asked::Stop(stop)) => return Err(stop),
                Err(Asked::Transport(why)) => why,
            };
            failures += 1;
            if failures >= options.attempts || last_byte.elapsed() >= options.give_up {
                self.client.forget(&self.endpoint);
                let why = format!("{} after {failures} attempts: {why}", self.endpoint);
                return Err(Stop::Failed(first, ReadFailure::new(FetchReason::Unreachable, why)));
            }
            tokio::time::sleep(options.backoff * 2u32.pow(failures - 1)).await;
        }
    }

    /// Takes units until they fill a response.
    fn take_units(&self, begun: &mut VecDeque<UnitReader>) {
        let mut missing: u64 = begun.iter().map(UnitReader::missing).sum();
        let mut units = self.units.lock();
        while missing < self.client.options().credit
            && let Some(unit) = units.pop_front()
        {
            let reader = UnitReader::new(unit, self.read.units[unit].figures);
            missing += reader.missing();
            begun.push_back(reader);
        }
    }

    /// Room for a response. A task that holds a part of a block may not wait for blocks to be decoded.
    async fn reserve(&self, wanted: u64, in_block: bool) -> Held {
        let fair = wanted.min(self.client.options().credit);
        if let Some(held) = self.budget.try_reserve(fair) {
            return held;
        }
        if in_block {
            return self.budget.overdraw(fair.min(CHUNK_BYTES as u64));
        }
        self.budget.reserve(fair).await
    }

    /// Sends a request and hands on what it brings.
    async fn ask(
        &self,
        begun: &mut VecDeque<UnitReader>,
        credit: u64,
        held: &mut Held,
    ) -> std::result::Result<(), Asked> {
        let idle = self.client.options().idle;
        let items: Vec<FetchItem> = begun.iter().map(|r| self.item(r)).collect();
        let mut client = self
            .client
            .connection(&self.endpoint, self.connection)
            .map_err(|e| Asked::Stop(Stop::Error(e)))?;
        let request = FetchRequest { items, credit };
        let connect = self.client.options().connect + idle;
        let response = timeout(connect, client.fetch(request))
            .await
            .map_err(|_| Asked::late())?;
        let mut stream = response.map_err(|s| Asked::status(&s))?.into_inner();
        // Items keep their numbers while ended units leave `begun`.
        let mut ended = 0;
        while let Some(message) = timeout(idle, stream.message())
            .await
            .map_err(|_| Asked::late())?
            .map_err(|s| Asked::status(&s))?
        {
            let (before, mut frames) = (ended, Vec::new());
            let mut chunks = message.chunks.into_iter();
            let taken = chunks.try_for_each(|chunk| take_chunk(begun, &mut ended, chunk, &mut frames));
            for frame in &mut frames {
                frame._held = Some(held.split(frame.bytes.len() as u64));
            }
            // Also before one that is wrong there may be good ones, which are not asked for again.
            let queue = self.queue.upgrade().ok_or(Asked::Stop(Stop::Unwanted))?;
            queue.push(frames, ended - before);
            taken?;
        }
        Ok(())
    }

    fn item(&self, reader: &UnitReader) -> FetchItem {
        let unit = &self.read.units[reader.unit];
        FetchItem {
            output: self.read.location(unit).output,
            tag: unit.tag,
            partition: unit.partition,
            offset: reader.offset,
        }
    }
}

/// Takes a chunk of the first of the units that were begun; `ended` have left them before.
fn take_chunk(
    begun: &mut VecDeque<UnitReader>,
    ended: &mut usize,
    chunk: FetchChunk,
    frames: &mut Vec<Frame>,
) -> std::result::Result<(), Asked> {
    let Some(reader) = begun.front_mut() else {
        let why = "the response is about nothing that was asked for";
        return Err(Asked::Transport(why.into()));
    };
    let corrupt = |unit, why| {
        let failure = ReadFailure::new(FetchReason::Corrupt, why);
        Err(Asked::Stop(Stop::Failed(unit, failure)))
    };
    if chunk.item as usize != *ended {
        return corrupt(reader.unit, "its executor has fewer bytes of it than its map wrote");
    }
    let bytes = match chunk.body {
        Ok(bytes) => bytes,
        Err((reason, why)) => {
            return Err(Asked::Stop(Stop::Failed(reader.unit, ReadFailure::new(reason, why))));
        }
    };
    if chunk.offset != reader.offset {
        return Err(Asked::Transport("the response has a gap".into()));
    }
    reader.push(bytes, frames);
    if reader.is_complete() {
        if let Some(fault) = reader.fault() {
            return corrupt(reader.unit, fault);
        }
        begun.pop_front();
        *ended += 1;
    }
    Ok(())
}

/// Why a request ended before its time.
enum Asked {
    Stop(Stop),
    /// Worth another attempt.
    Transport(String),
}

impl Asked {
    fn late() -> Self {
        Self::Transport("no answer in time".into())
    }

    fn status(status: &Status) -> Self {
        Self::Transport(format!("{}: {}", status.code(), status.message()))
    }
}
