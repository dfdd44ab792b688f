//! One query under one fault.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rsql_common::Result;
use rsql_tpch::queries::QUERIES;
use rsql_tpch::run::{Verdict, check, register};
use serde::{Deserialize, Serialize};

use super::cluster::TestCluster;
use super::fault::{Durations, Fault};

/// What is to be done.
#[derive(Debug, Clone)]
pub struct Trial {
    /// Number of the TPC-H query.
    pub query: usize,
    /// Scale factor of the data, one with known answers.
    pub sf: f64,
    /// The fault.
    pub fault: Fault,
    /// How long passing faults last.
    pub durations: Durations,
    /// Decides the moment, the target and the place.
    pub seed: u64,
    /// Time that the query takes without a fault.
    pub clean: Duration,
    /// The moment, from the query's start; drawn between zero and `clean` if absent.
    pub moment: Option<Duration>,
}

/// What came of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Outcome {
    /// Query.
    pub query: usize,
    /// Name of the fault.
    pub fault: String,
    /// Seed.
    pub seed: u64,
    /// Executors read each other's files; else everything is fetched.
    #[serde(default = "yes")]
    pub local_reads: bool,
    /// What was done, if anything was.
    pub fired: Option<String>,
    /// How the query ended.
    pub ending: Ending,
    /// How long it took, milliseconds.
    pub millis: u64,
}

/// How reads went in the results of before they could go otherwise.
fn yes() -> bool {
    true
}

/// How a query ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// The known answer.
    Right,
    /// Another one: rows lost, doubled or changed.
    Wrong(String),
    /// An error.
    Failed(String),
    /// None within three times the clean time and a minute.
    Hung,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Right => f.write_str("right"),
            Self::Wrong(what) => write!(f, "WRONG {what}"),
            Self::Failed(what) => write!(f, "FAILED {what}"),
            Self::Hung => f.write_str("HUNG"),
        }
    }
}

/// Runs the query and, meanwhile, the fault; waits until both are over.
pub fn run_trial(cluster: &Arc<TestCluster>, data: &Path, trial: &Trial) -> Result<Outcome> {
    let session = cluster.session()?;
    register(&session, data)?;
    let Some(query) = QUERIES.iter().find(|q| q.number == trial.query) else {
        return Err(rsql_common::Error::internal(format!(
            "there is no query {}",
            trial.query
        )));
    };
    let over = Arc::new(AtomicBool::new(false));
    let mut rng = StdRng::seed_from_u64(trial.seed);
    let moment = trial
        .moment
        .unwrap_or_else(|| trial.clean.mul_f64(rng.random_range(0.0..1.0)));
    let injector = {
        let (cluster, over, trial) = (Arc::clone(cluster), Arc::clone(&over), trial.clone());
        std::thread::spawn(move || {
            std::thread::sleep(moment);
            let over = || over.load(Ordering::SeqCst);
            trial.fault.inject(&cluster, &trial.durations, &mut rng, &over)
        })
    };
    let (send, receive) = mpsc::channel();
    let (flag, sf) = (Arc::clone(&over), trial.sf);
    let start = Instant::now();
    std::thread::spawn(move || {
        let ending = match session.sql(query.sql) {
            Ok(output) => match check(query, &output, sf) {
                Verdict::Right => Ending::Right,
                other => Ending::Wrong(other.to_string()),
            },
            Err(e) => Ending::Failed(e.to_string()),
        };
        flag.store(true, Ordering::SeqCst);
        // A harness that gave up does not listen any more.
        _ = send.send(ending);
    });
    let patience = trial.clean * 3 + Duration::from_secs(60) + trial.fault.patience(&trial.durations);
    let ending = receive.recv_timeout(patience).unwrap_or(Ending::Hung);
    let millis = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    over.store(true, Ordering::SeqCst);
    let fired = injector.join().unwrap_or(None);
    Ok(Outcome {
        query: trial.query,
        fault: trial.fault.name().into(),
        seed: trial.seed,
        local_reads: cluster.local_reads(),
        fired,
        ending,
        millis,
    })
}

/// Time of a query without faults, and that its answer is right.
pub fn clean_run(cluster: &TestCluster, data: &Path, number: usize, sf: f64) -> Result<Duration> {
    let session = cluster.session()?;
    register(&session, data)?;
    let Some(query) = QUERIES.iter().find(|q| q.number == number) else {
        return Err(rsql_common::Error::internal(format!("there is no query {number}")));
    };
    let start = Instant::now();
    let output = session.sql(query.sql)?;
    let time = start.elapsed();
    match check(query, &output, sf) {
        Verdict::Right => Ok(time),
        other => Err(rsql_common::Error::internal(format!(
            "Q{number} without a fault: {other}"
        ))),
    }
}
