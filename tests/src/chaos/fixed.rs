//! One fault of each kind at a fixed point of a fixed query: deadly where nothing is tried again, survived where it is.
//!
//! A fault that does no harm proves nothing about surviving it. The point is a state that is waited for, not a time:
//!
//! | fault | point |
//! |---|---|
//! | kill, pause, cut | every executor runs a task |
//! | truncate, flip, delete | the first output is complete, and what reads it waits for slower ones |
//! | disk-full | before the first task |
//!
//! Pauses, cuts and full disks last until the query is over or the executor's lease surely is.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rsql_common::{Error, Progress, Result};
use rsql_engine::{Session, StatementOptions};
use rsql_expr::format::Notation;

use super::cluster::{ClusterOptions, TestCluster, signal};
use super::fault::{FAULTS, Fault, data_files, fill};

/// Two slow aggregates and a join of them. Whichever side runs first, its outputs wait for the other's.
const QUERY: &str = "
    SELECT count(*), sum(a.n), sum(b.n)
    FROM (SELECT id % 1000 AS k, sum(length(sha2(cast(id AS string), 512))) AS n
          FROM range(0, 60000, 1, 3) GROUP BY id % 1000) a
    JOIN (SELECT id % 1000 AS k, sum(length(sha2(cast(id + 1 AS string), 512))) AS n
          FROM range(0, 60000, 1, 3) GROUP BY id % 1000) b ON a.k = b.k";

/// Both sides are divided and shuffled, an executor that is silent is lost soon, and one that suffered is not avoided: the next
/// fault wants to meet a task there.
const SETTINGS: [(&str, &str); 4] = [
    ("spark.excludeOnFailure.enabled", "false"),
    ("spark.sql.autoBroadcastJoinThreshold", "-1"),
    ("rsql.cluster.scanTaskBytes", "1"),
    ("rsql.cluster.executor.lease", "3s"),
];
/// Longer than the lease, by more than the scheduler's own rounding.
const DEADLY: Duration = Duration::from_millis(4_500);
const PATIENCE: Duration = Duration::from_secs(90);
const LOOK: Duration = Duration::from_millis(2);

/// Settings under which nothing is tried again.
const RETRIES_OFF: [(&str, &str); 4] = [
    ("spark.task.maxFailures", "1"),
    ("spark.stage.maxConsecutiveAttempts", "1"),
    ("rsql.cluster.query.maxResubmits", "0"),
    ("rsql.cluster.task.maxExecutorDeaths", "1"),
];

/// How the query ended under one fault.
#[derive(Debug, Clone)]
pub struct FixedRun {
    /// The fault.
    pub fault: Fault,
    /// What was done; none if it could not be.
    pub fired: Option<String>,
    /// Its rows, or why there are none.
    pub ending: Result<(), String>,
    /// How long it took.
    pub time: Duration,
}

/// All faults with and without retries.
#[derive(Debug, Clone)]
pub struct FixedRuns {
    /// With retries off.
    pub off: Vec<FixedRun>,
    /// With retries on.
    pub on: Vec<FixedRun>,
}

/// Runs every fault on a cluster with retries off and on one with retries on, side by side. `local_reads`: executors read each
/// other's files instead of fetching.
pub fn run_fixed(program: &Path, local_reads: bool) -> Result<FixedRuns> {
    let wanted = rows(&Session::new()?, &Progress::default())?;
    std::thread::scope(|scope| {
        let off = scope.spawn(|| run_all(program, local_reads, &RETRIES_OFF, &wanted));
        let on = run_all(program, local_reads, &[], &wanted);
        let off = off
            .join()
            .unwrap_or_else(|_| Err(Error::internal("the runs without retries panicked")));
        Ok(FixedRuns { off: off?, on: on? })
    })
}

fn run_all(
    program: &Path,
    local_reads: bool,
    settings: &[(&str, &str)],
    wanted: &[Vec<Option<String>>],
) -> Result<Vec<FixedRun>> {
    let settings = [settings, &SETTINGS].concat();
    let cluster = TestCluster::start(&ClusterOptions {
        executors: 3,
        memory: 512 << 20,
        program: program.to_path_buf(),
        local_reads,
        settings: settings
            .iter()
            .map(|(k, v)| ((*k).to_string(), (*v).to_string()))
            .collect(),
        disk: Some(16 << 20),
    })?;
    let mut runs = Vec::new();
    for (i, fault) in FAULTS.into_iter().enumerate() {
        runs.push(run_one(&cluster, fault, i, wanted)?);
        cluster.recover()?;
    }
    Ok(runs)
}

fn run_one(cluster: &TestCluster, fault: Fault, number: usize, wanted: &[Vec<Option<String>>]) -> Result<FixedRun> {
    let session = cluster.session()?;
    let number = number % cluster.executors().len();
    let target = &cluster.executors()[number];
    let (over, progress) = (Arc::new(AtomicBool::new(false)), Progress::default());
    // Those of the query before may go a moment after it ended.
    let old = outputs(cluster);
    let started = Instant::now();
    if fault == Fault::DiskFull && !target.has_own_disk() {
        return Ok(FixedRun {
            fault,
            fired: None,
            ending: Ok(()),
            time: Duration::ZERO,
        });
    }
    let filler = (fault == Fault::DiskFull).then(|| target.folder.join("filler"));
    if let Some(filler) = &filler {
        fill(filler);
    }
    let query = {
        let (over, progress) = (Arc::clone(&over), progress.clone());
        std::thread::spawn(move || {
            let rows = rows(&session, &progress);
            over.store(true, Ordering::SeqCst);
            rows
        })
    };
    let fired = strike(fault, cluster, number, &old, &progress, &over);
    while !over.load(Ordering::SeqCst) && started.elapsed() < PATIENCE {
        std::thread::sleep(LOOK);
    }
    if let Some(filler) = filler {
        std::fs::remove_file(filler)?;
    }
    if !over.load(Ordering::SeqCst) {
        return Err(Error::internal(format!("the query hangs under {}", fault.name())));
    }
    let ending = match query.join() {
        Ok(Ok(rows)) if rows == wanted => Ok(()),
        Ok(Ok(rows)) => {
            return Err(Error::internal(format!(
                "a wrong answer under {}: {rows:?}",
                fault.name()
            )));
        }
        Ok(Err(e)) => Err(e.to_string()),
        Err(_) => return Err(Error::internal("the query's thread panicked")),
    };
    Ok(FixedRun {
        fault,
        fired,
        ending,
        time: started.elapsed(),
    })
}

/// Waits for the fault's point and does it.
fn strike(
    fault: Fault,
    cluster: &TestCluster,
    number: usize,
    old: &[PathBuf],
    progress: &Progress,
    over: &AtomicBool,
) -> Option<String> {
    let slots = cluster.executors().len();
    let target = &cluster.executors()[number];
    match fault {
        Fault::Kill | Fault::Pause | Fault::Cut => {
            let running = || progress.stages().iter().map(|s| s.running as usize).sum::<usize>() >= slots;
            wait(over, || running().then_some(()))?;
        }
        Fault::Truncate | Fault::Flip | Fault::Delete | Fault::DiskFull => {}
    }
    match fault {
        Fault::Kill => target.signal("KILL").map(|pid| format!("killed process {pid}")),
        Fault::Pause => {
            let pid = target.signal("STOP")?;
            linger(over);
            signal(pid, "CONT");
            Some(format!("paused process {pid}"))
        }
        Fault::Cut => {
            let cut = cluster.cut(number);
            linger(over);
            cluster.mend();
            (cut.control > 0).then(|| format!("cut {} and {} connections", cut.control, cut.data))
        }
        Fault::DiskFull => Some("filled a disk".into()),
        Fault::Truncate | Fault::Flip | Fault::Delete => {
            let file = wait(over, || outputs(cluster).into_iter().find(|f| !old.contains(f)))?;
            damage(fault, &file).ok().map(str::to_string)
        }
    }
}

fn outputs(cluster: &TestCluster) -> Vec<PathBuf> {
    cluster.executors().iter().flat_map(|e| data_files(&e.folder)).collect()
}

/// Waits until `seen` gives something, as long as the query runs.
fn wait<T>(over: &AtomicBool, mut seen: impl FnMut() -> Option<T>) -> Option<T> {
    loop {
        if let Some(found) = seen() {
            return Some(found);
        }
        if over.load(Ordering::SeqCst) {
            return None;
        }
        std::thread::sleep(LOOK);
    }
}

fn linger(over: &AtomicBool) {
    let until = Instant::now() + DEADLY;
    while Instant::now() < until && !over.load(Ordering::SeqCst) {
        std::thread::sleep(LOOK);
    }
}

fn damage(fault: Fault, path: &PathBuf) -> std::io::Result<&'static str> {
    if fault == Fault::Delete {
        std::fs::remove_file(path)?;
        return Ok("deleted an output");
    }
    let mut bytes = std::fs::read(path)?;
    let middle = bytes.len() / 2;
    if fault == Fault::Truncate {
        std::fs::OpenOptions::new()
            .write(true)
            .open(path)?
            .set_len(middle as u64)?;
        return Ok("cut an output in half");
    }
    bytes[middle] ^= 1;
    std::fs::write(path, bytes)?;
    Ok("flipped a bit in the middle of an output")
}

fn rows(session: &Session, progress: &Progress) -> Result<Vec<Vec<Option<String>>>> {
    let mut running = session.start(
        QUERY,
        StatementOptions {
            progress: progress.clone(),
            ..StatementOptions::default()
        },
    )?;
    let mut chunks = Vec::new();
    while let Some(chunk) = running.next_chunk()? {
        chunks.push(chunk);
    }
    let output = rsql_engine::StatementOutput {
        schema: running.schema().clone(),
        chunks,
        is_query: true,
    };
    crate::text::cells(&output, Notation::Hive, "UTC")
}

impl FixedRuns {
    /// What is not as it should be: with retries off each fault that fired is deadly, with retries on none is.
    pub fn complaints(&self) -> Vec<String> {
        let (off, on) = (self.off.iter(), self.on.iter());
        let harmless = off.filter(|r| r.fired.is_some() && r.ending.is_ok());
        let deadly = on.filter(|r| r.ending.is_err());
        let unfired = self.off.iter().chain(&self.on).filter(|r| {
            // A disk of its own needs the right to mount.
            r.fired.is_none() && r.fault != Fault::DiskFull
        });
        let say = |what: &'static str| move |r: &FixedRun| format!("{} {what}: {r:?}", r.fault.name());
        harmless
            .map(say("did no harm without retries"))
            .chain(deadly.map(say("was not survived")))
            .chain(unfired.map(say("did not fire")))
            .collect()
    }
}

impl fmt::Display for FixedRuns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<10} {:<44} {:>12} {:>12}",
            "fault", "what was done", "retries off", "retries on"
        )?;
        for (off, on) in self.off.iter().zip(&self.on) {
            let show = |run: &FixedRun| match (&run.fired, &run.ending) {
                (None, _) => "not fired".to_string(),
                (_, Ok(())) => format!("right {:.1}s", run.time.as_secs_f64()),
                (_, Err(_)) => format!("failed {:.1}s", run.time.as_secs_f64()),
            };
            let done = on.fired.as_deref().unwrap_or("-");
            writeln!(
                f,
                "{:<10} {done:<44} {:>12} {:>12}",
                off.fault.name(),
                show(off),
                show(on)
            )?;
        }
        Ok(())
    }
}
