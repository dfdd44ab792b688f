//! The tasks an executor runs: one thread an attempt, which waits while the process's workers compute.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use rsql_common::{CancelToken, Error, ErrorKind, ExecutorId, MemoryPool, OutputId, QueryId, Result};
use rsql_exec::metrics::Totals;
use rsql_exec::write::WrittenFile;
use rsql_shuffle::{MapOutput, ShuffleStore};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tonic::transport::Channel;

use super::config::ExecutorConfig;
use super::outbox::Outbox;
use crate::core::{AttemptId, OutputFigures, PartitionFigures, Progress, Report};
use crate::panics::panic_words;
use crate::rpc::connect::{MESSAGE_LIMIT, channel, from_status};
use crate::rpc::messages::{ExecutorMessage, Launch, OutputCopy, PlanRequest};
use crate::rpc::services::control::control_client::ControlClient;
use crate::security::{Identity, MASTER_NAME, mutual_client};
use crate::stage_plan::{PlanCache, StagePlan};
use crate::stage_task::{Surroundings, TaskOutput, run_task};

/// Running attempts and what they need.
pub(super) struct Tasks {
    outbox: Arc<Outbox>,
    runtime: Handle,
    plans: Mutex<PlanCache>,
    master: ControlClient<Channel>,
    running: Mutex<HashMap<AttemptId, Running>>,
    copies: Mutex<Copies>,
    surroundings: Surroundings,
    /// Told when the last task has ended.
    idle: Arc<Notify>,
}

/// Outputs to take over.
#[derive(Default)]
struct Copies {
    outputs: VecDeque<OutputCopy>,
    /// A thread works on them.
    under_way: bool,
}

/// How a running attempt is stopped.
#[derive(Debug, Clone, Default)]
struct Running {
    /// Stops its operators. A task that fails sets it as well, so that its other workers stop.
    cancel: CancelToken,
    /// Set only from outside: its end is then no failure.
    killed: CancelToken,
    /// Set if its query is over: whoever ends last clears up behind it.
    forgotten: CancelToken,
    /// What it has read and spilled.
    totals: Totals,
    /// The progress that the master was told last.
    told: Progress,
}

impl Running {
    fn progress(&self) -> Progress {
        Progress {
            rows: self.totals.rows_read.get(),
            bytes: self.totals.bytes_read.get(),
            permille: 0,
        }
    }

    fn kill(&self) {
        self.killed.cancel();
        self.cancel.cancel();
    }
}

impl std::fmt::Debug for Tasks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} running tasks", self.running())
    }
}

impl Tasks {
    pub(super) fn new(
        config: &ExecutorConfig,
        identity: &Identity,
        store: Arc<ShuffleStore>,
        memory: Arc<MemoryPool>,
        outbox: Arc<Outbox>,
        runtime: Handle,
    ) -> Result<Arc<Self>> {
        let _inside = runtime.enter();
        let tls = mutual_client(identity, MASTER_NAME);
        let master = ControlClient::new(channel(&config.master, tls)?).max_decoding_message_size(MESSAGE_LIMIT);
        let surroundings = Surroundings::new(config, identity, store, memory, runtime.clone());
        Ok(Arc::new(Self {
            outbox,
            runtime,
            plans: Mutex::default(),
            master,
            running: Mutex::default(),
            copies: Mutex::default(),
            surroundings,
            idle: Arc::default(),
        }))
    }

    /// Notified whenever the last running task has ended.
    pub(super) fn idle(&self) -> Arc<Notify> {
        Arc::clone(&self.idle)
    }

    pub(super) fn running(&self) -> usize {
        self.running.lock().len()
    }

    /// Attempts that run, or whose end the master may not have heard.
    pub(super) fn unfinished(&self) -> Vec<AttemptId> {
        let mut attempts: Vec<AttemptId> = self.running.lock().keys().copied().collect();
        attempts.extend(self.outbox.attempts());
        attempts.sort_unstable();
        attempts.dedup();
        attempts
    }

    /// How far those attempts are that got on since this was asked last.
    pub(super) fn progress(&self) -> Vec<Report> {
        let mut running = self.running.lock();
        let news = running.iter_mut().filter_map(|(attempt, running)| {
            let progress = running.progress();
            let told = std::mem::replace(&mut running.told, progress);
            (told != progress).then_some(Report::Progress {
                attempt: *attempt,
                progress,
            })
        });
        news.collect()
    }

    /// The master has given this executor its number.
    pub(super) fn registered(&self, executor: ExecutorId) {
        self.surroundings.set_executor(executor);
    }

    /// Starts an attempt; one that runs already is only confirmed.
    pub(super) fn launch(self: &Arc<Self>, launch: Launch) {
        let attempt = launch.attempt;
        let stop = Running::default();
        {
            let mut running = self.running.lock();
            if running.contains_key(&attempt) {
                return self.report(Report::Accepted { attempt });
            }
            running.insert(attempt, stop.clone());
        }
        self.report(Report::Accepted { attempt });
        let tasks = Arc::clone(self);
        let started = std::thread::Builder::new()
            .name(format!("rsql-task-{attempt:?}"))
            .spawn(move || tasks.work(&launch, &stop));
        if let Err(e) = started {
            self.running.lock().remove(&attempt);
            self.report(Report::Failed {
                attempt,
                error: Error::exhausted(format!("no thread for a task: {e}")),
            });
        }
    }

    fn work(&self, launch: &Launch, stop: &Running) {
        let attempt = launch.attempt;
        let start = Instant::now();
        self.report(Report::Running { attempt });
        let outcome = catch_unwind(AssertUnwindSafe(|| self.run(launch, stop))).unwrap_or_else(|panic| {
            Err(Error::internal(format!(
                "a task panicked: {}",
                panic_words(panic.as_ref())
            )))
        });
        let rest = {
            let mut running = self.running.lock();
            running.remove(&attempt);
            running.len()
        };
        if rest == 0 {
            self.idle.notify_one();
        }
        match outcome {
            _ if stop.killed.is_cancelled() => {
                self.discard(attempt.output());
                if stop.forgotten.is_cancelled() {
                    // It may have made the query's folder again.
                    self.delete_query(attempt.task.job);
                }
                self.report(Report::Killed { attempt });
            }
            Ok(TaskOutput::Shuffled(output, nodes)) => {
                let figures = figures(&output, start, &stop.totals);
                let report = Report::Succeeded { attempt, figures };
                self.outbox
                    .say(ExecutorMessage::Succeeded(report, Box::new(output), nodes));
            }
            Ok(TaskOutput::Wrote(files)) => {
                let figures = written(&files, start, &stop.totals);
                let report = Report::Succeeded { attempt, figures };
                self.outbox.say(ExecutorMessage::Wrote(report, files));
            }
            Err(error) => {
                // The master warns, if it matters: its query may be over, and what it reads gone, before this one hears so.
                tracing::info!(?attempt, %error, "a task failed");
                self.discard(attempt.output());
                // Nobody cancelled it: whatever stopped inside was a failure.
                let error = match error.kind() {
                    ErrorKind::Killed => Error::internal(format!("a task stopped by itself: {error}")),
                    _ => error,
                };
                self.report(Report::Failed { attempt, error });
            }
        }
    }

    fn run(&self, launch: &Launch, stop: &Running) -> Result<TaskOutput> {
        let plan = self.plan(launch)?;
        stop.cancel.check()?;
        run_task(launch, &plan, &stop.cancel, &stop.totals, &self.surroundings)
    }

    /// The stage's plan, fetched unless it is there.
    fn plan(&self, launch: &Launch) -> Result<Arc<StagePlan>> {
        if let Some(plan) = self.plans.lock().get(launch.plan) {
            return Ok(plan);
        }
        let mut master = self.master.clone();
        let response = self
            .runtime
            .block_on(master.plan(PlanRequest { hash: launch.plan }))
            .map_err(from_status)?;
        let bytes = response.into_inner().bytes.ok_or_else(|| {
            // The query ended while the task was on its way.
            Error::io("the master no longer has the stage's plan")
        })?;
        let plan = Arc::new(StagePlan::decode(launch.plan, &bytes)?);
        self.plans.lock().put(launch.plan, Arc::clone(&plan));
        Ok(plan)
    }

    /// Stops an attempt; its thread reports the end. What is not known here is over.
    pub(super) fn kill(&self, attempt: AttemptId) {
        let running = self.running.lock();
        if let Some(stop) = running.get(&attempt) {
            stop.kill();
            return;
        }
        drop(running);
        self.discard(attempt.output());
        self.report(Report::Killed { attempt });
    }

    pub(super) fn kill_all(&self) {
        self.running.lock().values().for_each(Running::kill);
    }

    pub(super) fn drop_outputs(&self, outputs: Vec<OutputId>) {
        outputs.into_iter().for_each(|o| self.discard(o));
    }

    /// Takes over outputs of executors that are about to go, one after another. One that cannot be had is made again by a
    /// task when it is needed.
    pub(super) fn copy(self: &Arc<Self>, copies: Vec<OutputCopy>) {
        let mut waiting = self.copies.lock();
        waiting.outputs.extend(copies);
        if std::mem::replace(&mut waiting.under_way, true) {
            return;
        }
        drop(waiting);
        let tasks = Arc::clone(self);
        self.runtime.spawn_blocking(move || {
            while let Some(copy) = tasks.next_copy() {
                let (output, from) = (copy.output.id, copy.location.executor);
                match tasks.runtime.block_on(tasks.surroundings.copy(&copy)) {
                    Ok(()) => tasks.outbox.say(ExecutorMessage::Copied { output, from }),
                    Err(e) => tracing::warn!(?output, %from, error = %e, "an output is not taken over"),
                }
            }
        });
    }

    fn next_copy(&self) -> Option<OutputCopy> {
        let mut waiting = self.copies.lock();
        let next = waiting.outputs.pop_front();
        waiting.under_way = next.is_some();
        next
    }

    /// Removes what is left of a query.
    pub(super) fn forget(&self, query: QueryId) {
        for (attempt, stop) in self.running.lock().iter() {
            if attempt.task.job == query {
                stop.forgotten.cancel();
                stop.kill();
            }
        }
        self.delete_query(query);
    }

    fn delete_query(&self, query: QueryId) {
        if let Err(e) = self.surroundings.store().delete_query(query) {
            tracing::warn!(%query, error = %e, "outputs stay behind");
        }
    }

    fn discard(&self, output: OutputId) {
        if let Err(e) = self.surroundings.store().delete_output(output) {
            tracing::warn!(?output, error = %e, "an output stays behind");
        }
    }

    fn report(&self, report: Report) {
        self.outbox.say(ExecutorMessage::Report(report));
    }
}

fn figures(output: &MapOutput, start: Instant, totals: &Totals) -> OutputFigures {
    OutputFigures {
        partitions: output
            .partitions
            .iter()
            .map(|p| PartitionFigures {
                bytes: p.bytes,
                rows: p.rows,
                hash: (p.hash.sum, p.hash.xor),
            })
            .collect(),
        run_millis: millis_since(start),
        read_bytes: totals.bytes_read.get(),
        read_rows: totals.rows_read.get(),
        spilled_bytes: totals.spilled.get(),
    }
}

fn written(files: &[WrittenFile], start: Instant, totals: &Totals) -> OutputFigures {
    OutputFigures {
        partitions: vec![PartitionFigures {
            bytes: files.iter().map(|f| f.bytes).sum(),
            rows: files.iter().map(|f| f.rows).sum(),
            ..PartitionFigures::default()
        }],
        run_millis: millis_since(start),
        read_bytes: totals.bytes_read.get(),
        read_rows: totals.rows_read.get(),
        spilled_bytes: totals.spilled.get(),
    }
}

fn millis_since(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX)
}
