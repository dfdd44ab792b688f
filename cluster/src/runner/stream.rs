//! The result of a query that runs on the cluster: the outputs of its last stage, read in task order.
//!
//! An output is read to its end before a row of it is handed out, as long as it is small: a failure to read it is then
//! the scheduler's affair, which has it made again. Of a larger one rows go out while it is read; if that fails it is made
//! again as well, and goes on where it stood (`handed.rs`).

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use rsql_common::{CancelToken, Error, ErrorKind, QueryId, Result, StageId};
use rsql_exec::execute::{self, QueryHandle};
use rsql_exec::metrics::StagedRun;
use rsql_exec::stage_input::TaskSite;
use rsql_exec::{ChunkStream, Run, TaskContext};
use rsql_expr::{Chunk, Schema};
use rsql_planner::PhysicalPlan;
use rsql_planner::physical::StageInput;
use rsql_shuffle::QueryKey;

use super::handed::{Handed, Resume};
use crate::core::Event;
use crate::master::{Inbox, JobUpdate, Mail, ResultPart};
use crate::shuffle_reads::Reader;

/// How often a waiting reader looks whether it was cancelled.
const POLL: Duration = Duration::from_millis(20);
/// Outputs up to this size are read to their end before rows go out. Tests have no time to write large ones.
const HELD_BYTES: u64 = if cfg!(test) { 256 << 10 } else { 64 << 20 };
/// Between tries to read an output for whose trouble this process is to blame.
const WAITS: [Duration; 3] = [
    Duration::from_millis(100),
    Duration::from_millis(400),
    Duration::from_millis(1_600),
];

/// A query's rows.
pub(crate) struct ClusterStream {
    query: QueryId,
    run: Run,
    key: Option<QueryKey>,
    schema: Schema,
    news: Receiver<JobUpdate>,
    inbox: Inbox,
    reader: Arc<Reader>,
    parts: VecDeque<ResultPart>,
    /// Complete outputs' chunks.
    held: VecDeque<Chunk>,
    open: Option<Open>,
    /// The task of which rows went out, not all, and these rows.
    interrupted: Option<(u32, Handed)>,
    /// Tasks whose rows went out; news that crossed with the word of it may name them again.
    taken: BTreeSet<u32>,
    ended: bool,
    /// What the stages did, at the end.
    staged: Option<Box<StagedRun>>,
}

/// A large output that is being read. It counts as taken when it has been: what is taken may be thrown away.
struct Open {
    rows: QueryHandle,
    part: ResultPart,
    handed: Handed,
    resume: Resume,
}

impl ClusterStream {
    pub(crate) fn new(
        query: QueryId,
        run: Run,
        key: Option<QueryKey>,
        news: Receiver<JobUpdate>,
        inbox: Inbox,
        reader: Arc<Reader>,
    ) -> Self {
        Self {
            query,
            key,
            schema: run.plan.schema().clone(),
            run,
            news,
            inbox,
            reader,
            parts: VecDeque::new(),
            held: VecDeque::new(),
            open: None,
            interrupted: None,
            taken: BTreeSet::new(),
            ended: false,
            staged: None,
        }
    }

    /// Starts reading an output; what fails sets `cancel`.
    fn open(&self, part: &ResultPart, cancel: CancelToken) -> Result<QueryHandle> {
        let stage: StageId = part.output.id.stage;
        let inputs = self.reader.whole(&part.output, &part.location, self.key.clone())?;
        let outer = &self.run.cx;
        let mut cx = TaskContext::new(
            &self.run.settings,
            Arc::clone(&outer.registry),
            Arc::clone(&outer.memory),
        )?;
        cx.cancel = cancel;
        cx.preserve_order = true;
        cx.site = Some(TaskSite {
            index: 0,
            tasks: 1,
            inputs,
        });
        let plan = PhysicalPlan::StageInput(StageInput {
            stage,
            schema: self.schema.clone(),
            estimate: 0.0,
        });
        execute::start(&plan, Arc::new(cx))
    }

    /// Takes the next output: holds its rows, or opens it if it is large.
    fn take(&mut self, part: ResultPart) -> Result<()> {
        let map = part.output.id.map;
        if self.taken.contains(&map) {
            return Ok(());
        }
        let interrupted = self.interrupted.take_if(|(of, _)| *of == map);
        let handed = interrupted.map_or_else(Handed::none, |(_, handed)| handed);
        if part.output.bytes() > HELD_BYTES || !handed.is_empty() {
            let resume = Resume::after(&handed);
            match self.open(&part, self.run.cx.cancel.child()) {
                Ok(rows) => {
                    self.open = Some(Open {
                        rows,
                        part,
                        handed,
                        resume,
                    });
                    return Ok(());
                }
                Err(e) => return self.interrupt(map, handed, e),
            }
        }
        match self.read(&part) {
            Ok(chunks) => {
                self.held.extend(chunks);
                self.taken(&part)
            }
            Err(e) => self.interrupt(map, handed, e),
        }
    }

    /// The next rows of the output that is open, none if it had none or could not be read.
    fn go_on(&mut self) -> Result<Option<Chunk>> {
        let Some(open) = &mut self.open else { return Ok(None) };
        let next = open.rows.next_chunk();
        match next {
            Ok(Some(chunk)) => {
                let rest = open.resume.rest(chunk)?;
                if let Some(rest) = &rest {
                    open.handed.add(rest)?;
                }
                Ok(rest)
            }
            Ok(None) => {
                open.resume.check()?;
                if let Some(Open { part, .. }) = self.open.take() {
                    self.taken(&part)?;
                }
                Ok(None)
            }
            Err(e) => match self.open.take() {
                Some(open) => self.interrupt(open.part.output.id.map, open.handed, e).map(|()| None),
                None => Err(e),
            },
        }
    }

    /// An output could not be read. If it was lost the scheduler has it made again and says where it is.
    fn interrupt(&mut self, map: u32, handed: Handed, error: Error) -> Result<()> {
        let Some(failure) = error.fetch_failure() else {
            return Err(error);
        };
        if !handed.is_empty() {
            self.interrupted = Some((map, handed));
        }
        self.parts.clear();
        let job = self.query;
        self.inbox.send(Mail::Event(Event::ResultFetchFailed { job, failure }))
    }

    /// Reads an output whole. Who lacks descriptors or the like for a moment waits: the output is good, and nobody could make it
    /// any better.
    fn read(&self, part: &ResultPart) -> Result<Vec<Chunk>> {
        for wait in WAITS {
            match self.read_once(part) {
                Err(e) if e.kind() == ErrorKind::Io => {
                    let until = Instant::now() + wait;
                    while Instant::now() < until {
                        self.run.cx.cancel.check()?;
                        std::thread::sleep(POLL);
                    }
                }
                result => return result,
            }
        }
        self.read_once(part)
    }

    fn read_once(&self, part: &ResultPart) -> Result<Vec<Chunk>> {
        // A token of its own: the query goes on when the output cannot be read and is made again.
        let mut handle = self.open(part, self.run.cx.cancel.child())?;
        let mut chunks = Vec::new();
        while let Some(chunk) = handle.next_chunk()? {
            chunks.push(chunk);
        }
        Ok(chunks)
    }

    fn taken(&mut self, part: &ResultPart) -> Result<()> {
        let output = part.output.id;
        self.taken.insert(output.map);
        self.inbox.send(Mail::Event(Event::ResultTaken { output }))
    }

    /// Takes the news that are there: an output that is about to be read may be elsewhere by now.
    fn hear(&mut self) -> Result<()> {
        while let Ok(update) = self.news.try_recv() {
            self.heard(update)?;
        }
        Ok(())
    }

    /// Takes news in; false when the query ended well.
    fn heard(&mut self, update: JobUpdate) -> Result<bool> {
        match update {
            JobUpdate::Ready(parts) => {
                self.parts = parts.into();
                Ok(true)
            }
            JobUpdate::Ended(outcome) => {
                self.ended = true;
                self.parts.clear();
                self.staged = outcome?;
                Ok(false)
            }
        }
    }

    /// Waits for news; false when the query ended well.
    fn listen(&mut self) -> Result<bool> {
        let mut stopped = false;
        loop {
            if !stopped && self.run.cx.cancel.is_cancelled() {
                self.stop();
                stopped = true;
                // Whether a write has happened only the scheduler knows.
                if self.run.write.is_none() {
                    return Err(Error::cancelled());
                }
            }
            match self.news.recv_timeout(POLL) {
                Ok(update) => return self.heard(update),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    self.ended = true;
                    return Err(Error::new(ErrorKind::Io, "CLUSTER.STOPPED")
                        .with_message("The master stopped while the query ran."));
                }
            }
        }
    }

    fn stop(&self) {
        if !self.ended {
            // A master that has stopped runs nothing.
            _ = self.inbox.send(Mail::Event(Event::Cancel { job: self.query }));
        }
    }
}

impl ChunkStream for ClusterStream {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn next_chunk(&mut self) -> Result<Option<Chunk>> {
        loop {
            if let Some(chunk) = self.held.pop_front() {
                return Ok(Some(chunk));
            }
            if self.open.is_some() {
                if let Some(chunk) = self.go_on()? {
                    return Ok(Some(chunk));
                }
                continue;
            }
            self.hear()?;
            match self.parts.pop_front() {
                Some(part) => self.take(part)?,
                None if self.ended => return Ok(None),
                None => {
                    if !self.listen()? {
                        return Ok(None);
                    }
                }
            }
        }
    }

    fn cancel(&self) {
        self.run.cx.cancel.cancel();
        self.stop();
    }

    fn staged_run(&mut self) -> Option<Box<StagedRun>> {
        self.staged.take()
    }
}

impl Drop for ClusterStream {
    fn drop(&mut self) {
        if !self.ended {
            // A master that has stopped runs nothing.
            _ = self.inbox.send(Mail::ReaderGone { job: self.query });
        }
    }
}
