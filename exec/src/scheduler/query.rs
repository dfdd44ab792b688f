//! The pipelines of one query: which may run, and what follows when one is drained.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::{Condvar, Mutex};
use rsql_common::{Error, Result};

use super::local::{LocalChain, Phase, Span, Step};
use super::pool::PoolRef;
use super::{Branch, Pipeline};
use crate::pipeline::{Source, TaskContext};

/// A running query.
pub(crate) struct Query {
    cx: Arc<TaskContext>,
    state: Mutex<State>,
    over: Condvar,
    workers: AtomicUsize,
    gate: Mutex<Option<Gate>>,
    watcher: Mutex<Option<Watcher>>,
}

/// Is told when the query is over.
pub(crate) type Watcher = Arc<dyn Fn() + Send + Sync>;

/// Says whether more output is wanted at present.
pub(crate) type Gate = Arc<dyn Fn() -> bool + Send + Sync>;

struct State {
    pipelines: Vec<Running>,
    /// Pipelines not finalized yet.
    left: usize,
    failed: Option<Error>,
    /// Counts calls of [`Query::unblock`].
    wakes: u64,
    pool: PoolRef,
}

struct Running {
    branches: Option<Arc<[Branch]>>,
    estimate: f64,
    waits_for: usize,
    dependents: Vec<usize>,
    phases: Vec<Phase>,
    phase: usize,
    /// Local chains that wait for a worker.
    idle: Vec<LocalChain>,
    /// Local chains that are done with this phase.
    drained: Vec<LocalChain>,
    in_flight: usize,
    /// No further worker needs to open the source.
    exhausted: bool,
    parallelism: usize,
    blocked: bool,
}

/// Permission to run one morsel of a pipeline.
pub(crate) struct Turn {
    pipeline: usize,
    branches: Arc<[Branch]>,
    phase: Phase,
    last: bool,
    /// Others found that the source has no more.
    exhausted: bool,
    /// None: open one.
    chain: Option<LocalChain>,
    wakes: u64,
}

impl Query {
    /// A query that has not begun.
    pub fn new(pipelines: Vec<Pipeline>, cx: Arc<TaskContext>) -> Arc<Self> {
        let left = pipelines.len();
        let mut running: Vec<Running> = Vec::with_capacity(left);
        let mut dependents = vec![Vec::new(); left];
        for (i, pipeline) in pipelines.into_iter().enumerate() {
            let mut dependencies = pipeline.dependencies;
            dependencies.sort_unstable();
            dependencies.dedup();
            for d in &dependencies {
                dependents[d.0].push(i);
            }
            running.push(Running {
                phases: phases(&pipeline.source, &pipeline.branches),
                branches: Some(pipeline.branches.into()),
                estimate: pipeline.estimate,
                waits_for: dependencies.len(),
                dependents: Vec::new(),
                phase: 0,
                idle: Vec::new(),
                drained: Vec::new(),
                in_flight: 0,
                exhausted: false,
                parallelism: 0,
                blocked: false,
            });
        }
        for (r, d) in running.iter_mut().zip(dependents) {
            r.dependents = d;
        }
        Arc::new(Self {
            cx,
            state: Mutex::new(State {
                pipelines: running,
                left,
                failed: None,
                wakes: 0,
                pool: PoolRef::new(),
            }),
            over: Condvar::new(),
            workers: AtomicUsize::new(0),
            gate: Mutex::new(None),
            watcher: Mutex::new(None),
        })
    }

    /// Says which pool to tell about new work.
    pub fn attach(&self, pool: PoolRef) {
        self.state.lock().pool = pool;
    }

    /// Holds the query while `gate` says no; [`Query::unblock`] asks again.
    pub fn set_gate(&self, gate: Gate) {
        *self.gate.lock() = Some(gate);
    }

    /// Has `watcher` called when the query is over.
    pub fn watch(&self, watcher: Watcher) {
        *self.watcher.lock() = Some(watcher);
        if self.is_over() {
            self.tell_over();
        }
    }

    fn tell_over(&self) {
        self.over.notify_all();
        let watcher = self.watcher.lock().clone();
        if let Some(watcher) = watcher {
            watcher();
        }
    }

    /// Workers on it at present.
    pub fn workers(&self) -> usize {
        self.workers.load(Ordering::Relaxed)
    }

    /// True when nothing of it will run any more.
    pub fn is_over(&self) -> bool {
        self.state.lock().is_over(&self.workers)
    }

    /// Waits for the end.
    pub fn wait(&self) -> Result<()> {
        let mut state = self.state.lock();
        while !state.is_over(&self.workers) {
            self.over.wait(&mut state);
        }
        state.failed.clone().map_or(Ok(()), Err)
    }

    /// Ends the query with an error.
    pub fn fail(&self, error: Error) {
        let mut state = self.state.lock();
        state.failed.get_or_insert(error);
        self.cx.cancel.cancel();
        drop(state);
        self.tell_over();
    }

    /// Lets blocked pipelines ask their sources again.
    pub fn unblock(&self) {
        let mut state = self.state.lock();
        state.wakes += 1;
        state.pipelines.iter_mut().for_each(|p| p.blocked = false);
        let pool = state.pool.clone();
        drop(state);
        if let Some(pool) = pool.upgrade() {
            pool.notify();
        }
    }

    /// Something to run, if there is: from the smallest ready pipeline that wants one more worker.
    pub fn take(&self) -> Option<Turn> {
        if self.gate.lock().as_ref().is_some_and(|open| !open()) {
            return None;
        }
        let mut state = self.state.lock();
        if state.failed.is_some() {
            return None;
        }
        let wakes = state.wakes;
        let mut order: Vec<usize> = (0..state.pipelines.len())
            .filter(|i| state.pipelines[*i].wants_worker())
            .collect();
        order.sort_by(|a, b| state.pipelines[*a].estimate.total_cmp(&state.pipelines[*b].estimate));
        for i in order {
            let p = &mut state.pipelines[i];
            let Some(branches) = p.branches.clone() else { continue };
            let phase = p.phases[p.phase].clone();
            if p.parallelism == 0 {
                p.parallelism = phase.source.parallelism().max(1);
            }
            if p.in_flight >= p.parallelism {
                continue;
            }
            // In turns: rows that are put in order wait for the worker that is furthest behind.
            let chain = (!p.idle.is_empty()).then(|| p.idle.remove(0));
            p.in_flight += 1;
            let last = p.phase + 1 == p.phases.len();
            let exhausted = p.exhausted;
            self.workers.fetch_add(1, Ordering::Relaxed);
            return Some(Turn {
                pipeline: i,
                branches,
                phase,
                last,
                exhausted,
                chain,
                wakes,
            });
        }
        None
    }

    /// Runs a turn and whatever it made ready to finalize.
    pub fn run(&self, turn: Turn) {
        let Turn {
            pipeline,
            branches,
            phase,
            last,
            exhausted,
            chain,
            wakes,
        } = turn;
        if self.cx.metrics.is_some() {
            crate::metrics::start_clock();
        }
        let result = guarded(|| {
            let mut chain = match chain {
                Some(c) => c,
                None => LocalChain::open(&branches, &self.cx)?,
            };
            let step = chain.step(&phase, last, exhausted, &self.cx)?;
            Ok((chain, step))
        });
        let result = result.and_then(|(chain, step)| {
            if self.give_back(pipeline, chain, step, wakes) {
                for branch in branches.iter() {
                    guarded(|| branch.sink.finalize(&self.cx))?;
                }
                self.finalized(pipeline);
            }
            Ok(())
        });
        drop(branches);
        let mut state = self.state.lock();
        if let Err(e) = result {
            state.failed.get_or_insert(e);
            self.cx.cancel.cancel();
        }
        self.workers.fetch_sub(1, Ordering::Relaxed);
        if state.is_over(&self.workers) {
            let ended = std::mem::take(&mut state.pipelines);
            drop(state);
            drop(ended);
            self.tell_over();
        }
    }

    /// Takes a local chain back; true when the pipeline is drained to its end and is the caller's to finalize.
    fn give_back(&self, pipeline: usize, chain: LocalChain, step: Step, wakes: u64) -> bool {
        let mut state = self.state.lock();
        let same_epoch = state.wakes == wakes;
        let Some(p) = state.pipelines.get_mut(pipeline) else {
            return false;
        };
        p.in_flight -= 1;
        match step {
            Step::MorselDone => p.idle.push(chain),
            Step::Blocked => {
                p.idle.push(chain);
                p.blocked = same_epoch;
            }
            Step::Drained => {
                p.exhausted = true;
                p.drained.push(chain);
            }
        }
        if !p.exhausted || p.in_flight > 0 || !p.idle.is_empty() {
            return false;
        }
        p.phase += 1;
        if p.phase == p.phases.len() {
            p.drained.clear();
            return true;
        }
        p.exhausted = false;
        p.idle = std::mem::take(&mut p.drained);
        p.parallelism = 0;
        let pool = state.pool.clone();
        drop(state);
        if let Some(pool) = pool.upgrade() {
            pool.notify();
        }
        false
    }

    fn finalized(&self, pipeline: usize) {
        let mut state = self.state.lock();
        state.left -= 1;
        let p = &mut state.pipelines[pipeline];
        p.branches = None;
        p.phases.clear();
        for d in std::mem::take(&mut p.dependents) {
            state.pipelines[d].waits_for -= 1;
        }
        let pool = state.pool.clone();
        drop(state);
        if let Some(pool) = pool.upgrade() {
            pool.notify();
        }
    }
}

impl State {
    fn is_over(&self, workers: &AtomicUsize) -> bool {
        (self.left == 0 || self.failed.is_some()) && workers.load(Ordering::Relaxed) == 0
    }
}

impl Running {
    fn wants_worker(&self) -> bool {
        self.waits_for == 0
            && !self.blocked
            && self.phase < self.phases.len()
            && (!self.idle.is_empty() || !self.exhausted)
    }
}

/// Cuts a pipeline at the operators that have a tail: their own rows must be flushed before the tail runs, and the tail
/// must be done before the operators after it are flushed. All branches share the first phase.
fn phases(source: &Arc<dyn Source>, branches: &[Branch]) -> Vec<Phase> {
    let whole = |(branch, b): (usize, &Branch)| Span {
        branch,
        first: 0,
        flush_to: b.operators.len(),
    };
    let mut phases = vec![Phase {
        source: Arc::clone(source),
        spans: branches.iter().enumerate().map(whole).collect(),
    }];
    for (branch, b) in branches.iter().enumerate() {
        let mut before = (0, branch);
        for (i, operator) in b.operators.iter().enumerate() {
            if let Some(source) = operator.tail() {
                phases[before.0].spans[before.1].flush_to = i + 1;
                let span = Span {
                    branch,
                    first: i + 1,
                    flush_to: b.operators.len(),
                };
                before = (phases.len(), 0);
                phases.push(Phase {
                    source,
                    spans: vec![span],
                });
            }
        }
    }
    phases
}

/// Runs a part of an operator; a panic is an error of the query, not the end of the process.
fn guarded<T>(f: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<&str>()
            .map(|s| (*s).to_string())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "unknown".into());
        Err(Error::internal(format!("an operator panicked: {text}")))
    })
}
