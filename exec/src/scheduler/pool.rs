//! The workers of the process and the list of queries they serve.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use rsql_common::{Error, Result};

use super::query::Query;

/// Workers on a rayon pool of a fixed number of threads.
pub(crate) struct WorkerPool {
    threads: rayon::ThreadPool,
    limit: usize,
    state: Mutex<PoolState>,
}

#[derive(Default)]
struct PoolState {
    queries: Vec<Arc<Query>>,
    /// Worker loops that run or are about to.
    active: usize,
    /// Where the next round of turns starts.
    turn: usize,
}

static POOLS: Mutex<BTreeMap<usize, Arc<WorkerPool>>> = Mutex::new(BTreeMap::new());

/// Lets blocked pipelines of all queries try again.
pub(crate) fn wake_all() {
    let pools: Vec<_> = POOLS.lock().values().cloned().collect();
    for pool in pools {
        let queries = pool.state.lock().queries.clone();
        queries.iter().for_each(|q| q.unblock());
        pool.notify();
    }
}

impl WorkerPool {
    /// The process's pool of so many threads.
    pub fn of_threads(n: usize) -> Result<Arc<Self>> {
        let n = n.max(1);
        let mut pools = POOLS.lock();
        if let Some(pool) = pools.get(&n) {
            return Ok(Arc::clone(pool));
        }
        let threads = rayon::ThreadPoolBuilder::new()
            .num_threads(n)
            .thread_name(|i| format!("rsql-worker-{i}"))
            .stack_size(16 << 20)
            .build()
            .map_err(|e| Error::internal(format!("no worker threads: {e}")))?;
        let pool = Arc::new(WorkerPool {
            threads,
            limit: n,
            state: Mutex::default(),
        });
        pools.insert(n, Arc::clone(&pool));
        Ok(pool)
    }

    /// Adds a query to those that get turns.
    pub fn submit(self: &Arc<Self>, query: Arc<Query>) {
        query.attach(Arc::downgrade(self));
        self.state.lock().queries.push(query);
        self.notify();
    }

    /// Starts worker loops up to the limit; ones that find nothing end at once.
    pub fn notify(self: &Arc<Self>) {
        let missing = {
            let mut state = self.state.lock();
            if state.queries.is_empty() {
                return;
            }
            let missing = self.limit - state.active;
            state.active = self.limit;
            missing
        };
        for _ in 0..missing {
            let pool = Arc::clone(self);
            self.threads.spawn(move || pool.work());
        }
    }

    fn work(&self) {
        loop {
            let next = {
                let mut state = self.state.lock();
                let next = state.next();
                if next.is_none() {
                    state.active -= 1;
                    return;
                }
                next
            };
            if let Some((query, turn)) = next {
                query.run(turn);
            }
        }
    }
}

impl PoolState {
    /// The next turn: of the query that has the fewest workers, in rotation among equals.
    fn next(&mut self) -> Option<(Arc<Query>, super::query::Turn)> {
        self.queries.retain(|q| !q.is_over());
        let n = self.queries.len();
        let mut order: Vec<usize> = (0..n).map(|i| (self.turn + i) % n).collect();
        order.sort_by_key(|i| self.queries[*i].workers());
        for i in order {
            if let Some(turn) = self.queries[i].take() {
                self.turn = i + 1;
                return Some((Arc::clone(&self.queries[i]), turn));
            }
        }
        None
    }
}

/// The pool a query runs on.
pub(crate) type PoolRef = Weak<WorkerPool>;
