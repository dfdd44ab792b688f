//! Keeps executor processes running: starts them, reports their ends at once, starts them again with growing pauses.
//!
//! A child's standard input is a pipe from here and nothing else has its other end: when the supervisor's process
//! ends, however it ends, the pipe closes and the child leaves (see `executor::supervised`).

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use rsql_common::{Error, Result};

use crate::core::Incarnation;
use crate::executor::ExecutorConfig;

/// How long, in milliseconds, the allocator of an executor keeps what was freed.
const PURGE_DELAY: &str = "MIMALLOC_PURGE_DELAY";

/// How often a child is looked after.
const POLL: Duration = Duration::from_millis(20);
/// A child that lived so long starts again without a pause.
const HEALTHY: Duration = Duration::from_secs(30);
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A child that does not leave by itself within this is killed.
const LEAVE: Duration = Duration::from_secs(3);

/// Told of each end: which life, its exit code unless a signal ended it, and how it ended in words.
pub type OnExit = Arc<dyn Fn(Incarnation, Option<i32>, String) + Send + Sync>;

/// What is kept running.
#[derive(Debug, Clone)]
pub struct Supervised {
    /// The binary.
    pub program: PathBuf,
    /// What each executor is told; incarnation and port differ.
    pub config: ExecutorConfig,
    /// How many.
    pub executors: usize,
    /// Starts a child again when it ends.
    pub restart: bool,
}

/// Running children; dropping it ends them.
pub struct Supervisor {
    shared: Arc<Shared>,
    slots: Vec<JoinHandle<()>>,
}

struct Shared {
    stopping: Mutex<bool>,
    changed: Condvar,
    children: Vec<Mutex<Option<Running>>>,
}

struct Running {
    pid: u32,
    incarnation: Incarnation,
    input: ChildStdin,
}

impl std::fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "supervisor of {:?}", self.pids())
    }
}

impl Supervisor {
    /// Starts the executors.
    pub fn start(what: &Supervised, on_exit: &OnExit) -> Result<Self> {
        let shared = Arc::new(Shared {
            stopping: Mutex::new(false),
            changed: Condvar::new(),
            children: (0..what.executors).map(|_| Mutex::new(None)).collect(),
        });
        let mut slots = Vec::new();
        for slot in 0..what.executors {
            // The first start happens here, so that a binary that cannot run is an error of the caller.
            let first = spawn(what, slot, &shared)?;
            let (what, shared, on_exit) = (what.clone(), Arc::clone(&shared), Arc::clone(on_exit));
            let thread = std::thread::Builder::new()
                .name(format!("rsql-supervise-{slot}"))
                .spawn(move || keep(&what, slot, first, &shared, &on_exit))
                .map_err(Error::from)?;
            slots.push(thread);
        }
        Ok(Self { shared, slots })
    }

    /// Process ids of the executors that run, by slot.
    pub fn pids(&self) -> Vec<Option<u32>> {
        self.shared
            .children
            .iter()
            .map(|c| c.lock().as_ref().map(|r| r.pid))
            .collect()
    }

    /// Asks every executor to finish its tasks and leave.
    pub fn drain(&self) {
        *self.shared.stopping.lock() = true;
        for child in &self.shared.children {
            if let Some(running) = child.lock().as_mut() {
                // A child that is gone already needs no asking.
                _ = running.input.write_all(b"drain\n");
            }
        }
    }

    /// Waits until every executor has left.
    pub fn wait(&mut self) {
        for slot in self.slots.drain(..) {
            _ = slot.join();
        }
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        *self.shared.stopping.lock() = true;
        for child in &self.shared.children {
            // Closing its standard input tells it to leave.
            child.lock().take();
        }
        self.shared.changed.notify_all();
        self.wait();
    }
}

fn spawn(what: &Supervised, slot: usize, shared: &Shared) -> Result<(Child, Incarnation)> {
    let incarnation = Incarnation(rand::random());
    let mut command = Command::new(&what.program);
    command
        .args(what.config.of_slot(slot).arguments(incarnation))
        // Ctrl-C at a terminal is for the process that it was meant for.
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null());
    // Pages that went back to the system have to be cleared when they are wanted again, which tasks that fill and free their
    // memory in turns would wait for most of their time. The allocator keeps them a while; what tasks hold is limited anyway.
    if std::env::var_os(PURGE_DELAY).is_none() {
        command.env(PURGE_DELAY, "10000");
    }
    let mut child = command.spawn().map_err(Error::of_file(&what.program))?;
    if let Some(input) = child.stdin.take() {
        *shared.children[slot].lock() = Some(Running {
            pid: child.id(),
            incarnation,
            input,
        });
    }
    Ok((child, incarnation))
}

fn keep(what: &Supervised, slot: usize, first: (Child, Incarnation), shared: &Shared, on_exit: &OnExit) {
    let mut pause = FIRST_PAUSE;
    let mut in_a_row = 0u32;
    let mut running = Some(first);
    loop {
        if let Some((mut child, incarnation)) = running.take() {
            let started = Instant::now();
            let (code, reason) = watch(&mut child, slot, shared);
            let mut kept = shared.children[slot].lock();
            if kept.as_ref().is_some_and(|r| r.incarnation == incarnation) {
                *kept = None;
            }
            drop(kept);
            let lived = started.elapsed();
            (pause, in_a_row) = if lived > HEALTHY {
                (FIRST_PAUSE, 1)
            } else {
                ((pause * 2).min(LONGEST_PAUSE), in_a_row + 1)
            };
            // One that was released ended well.
            if *shared.stopping.lock() || code == Some(0) {
                tracing::info!(?incarnation, reason, "executor ended");
            } else {
                let next = if what.restart {
                    format!("it starts again in {:.1} s", pause.as_secs_f64())
                } else {
                    "it stays away".into()
                };
                tracing::warn!(
                    "executor {slot} ended after {:.1} s ({reason}), {in_a_row} in a row; {next}",
                    lived.as_secs_f64()
                );
            }
            on_exit(incarnation, code, reason);
        }
        let mut stopping = shared.stopping.lock();
        if !*stopping {
            shared.changed.wait_for(&mut stopping, pause);
        }
        if *stopping || !what.restart {
            return;
        }
        drop(stopping);
        match spawn(what, slot, shared) {
            Ok(started) => running = Some(started),
            Err(e) => tracing::error!(error = %e, "an executor does not start"),
        }
    }
}

/// Waits for a child's end; one whose standard input was closed has [`LEAVE`] to go.
fn watch(child: &mut Child, slot: usize, shared: &Shared) -> (Option<i32>, String) {
    let mut asked = None;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return (status.code(), status.to_string()),
            Ok(None) => {}
            Err(e) => return (None, format!("lost sight of it: {e}")),
        }
        if asked.is_none() && shared.children[slot].lock().is_none() {
            asked = Some(Instant::now());
        }
        if asked.is_some_and(|at| at.elapsed() > LEAVE) {
            // It may have ended in between.
            _ = child.kill();
        }
        std::thread::sleep(POLL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn supervised(program: &str, executors: usize, restart: bool) -> Supervised {
        Supervised {
            program: program.into(),
            config: ExecutorConfig::default(),
            executors,
            restart,
        }
    }

    fn counting() -> (OnExit, Arc<Mutex<Vec<String>>>) {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let to = Arc::clone(&seen);
        (Arc::new(move |_, _, reason| to.lock().push(reason)), seen)
    }

    #[test]
    fn ends_are_reported_with_their_code_and_children_start_again() {
        let (on_exit, seen) = counting();
        let supervisor = Supervisor::start(&supervised("false", 1, true), &on_exit).unwrap();
        let until = Instant::now() + Duration::from_secs(10);
        while seen.lock().len() < 2 && Instant::now() < until {
            std::thread::sleep(POLL);
        }
        drop(supervisor);
        assert!(seen.lock().len() >= 2);
        assert!(seen.lock()[0].contains('1'), "{:?}", seen.lock());
    }

    #[test]
    fn a_missing_binary_is_an_error() {
        let (on_exit, _) = counting();
        let Err(e) = Supervisor::start(&supervised("/no/such/binary", 1, true), &on_exit) else {
            unreachable!("it cannot start");
        };
        assert!(e.message().contains("/no/such/binary"), "{e}");
    }
}
