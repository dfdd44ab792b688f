//! A bar for a statement that runs on a cluster: stages, tasks and what they wrote, on a terminal's standard error only.

use std::io::IsTerminal;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};
use rsql_common::StageProgress;

/// Short statements show nothing.
const FIRST: Duration = Duration::from_millis(500);
const NEXT: Duration = Duration::from_millis(200);

/// Shows how far a statement is until dropped.
pub(super) struct Watcher {
    /// Its end stops the thread.
    running: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watcher {
    /// Starts watching, if there is a terminal to show it on. `stages` gives what is known; nothing shows no bar.
    pub(super) fn start(stages: impl Fn() -> Vec<StageProgress> + Send + 'static) -> Option<Self> {
        if !std::io::stderr().is_terminal() {
            return None;
        }
        let (running, ended) = mpsc::channel::<()>();
        let watch = move || {
            let bar = ProgressBar::new(0);
            if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos}/{len} {msg}") {
                bar.set_style(style);
            }
            let mut pause = FIRST;
            while ended.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                pause = NEXT;
                let stages = stages();
                if !stages.is_empty() {
                    show(&bar, &stages);
                }
            }
            bar.finish_and_clear();
        };
        // Without a thread there is no bar, which is no reason to refuse a statement.
        let thread = std::thread::Builder::new()
            .name("rsql-progress".into())
            .spawn(watch)
            .ok()?;
        Some(Self {
            running: Some(running),
            thread: Some(thread),
        })
    }
}

impl Drop for Watcher {
    /// The bar is gone afterwards.
    fn drop(&mut self) {
        drop(self.running.take());
        if let Some(thread) = self.thread.take() {
            // A thread that failed shows no bar either.
            _ = thread.join();
        }
    }
}

fn show(bar: &ProgressBar, stages: &[StageProgress]) {
    let sum = |f: fn(&StageProgress) -> u32| stages.iter().map(|s| u64::from(f(s))).sum::<u64>();
    bar.set_length(sum(|s| s.tasks));
    bar.set_position(sum(|s| s.done));
    bar.set_message(summary(stages));
}

fn summary(stages: &[StageProgress]) -> String {
    let done = stages.iter().filter(|s| s.tasks > 0 && s.done >= s.tasks).count();
    let running: u32 = stages.iter().map(|s| s.running).sum();
    let failed: u32 = stages.iter().map(|s| s.failed).sum();
    let mut text = format!(
        "tasks, {running} running, stage {} of {}",
        (done + 1).min(stages.len()),
        stages.len()
    );
    if failed > 0 {
        text.push_str(&format!(", {failed} failed attempts"));
    }
    let rows: u64 = stages.iter().map(|s| s.read_rows).sum();
    let bytes: u64 = stages.iter().map(|s| s.read_bytes).sum();
    if rows > 0 || bytes > 0 {
        text.push_str(&format!(", {} rows, {} read", HumanCount(rows), HumanBytes(bytes)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_which_stage_runs() {
        let stage = |stage, tasks, done, running| StageProgress {
            stage,
            tasks,
            done,
            running,
            ..StageProgress::default()
        };
        let mut stages = [stage(0, 4, 4, 0), stage(1, 8, 2, 3)];
        assert_eq!(summary(&stages), "tasks, 3 running, stage 2 of 2");
        (stages[0].read_rows, stages[0].read_bytes) = (1_234_000, 3 << 20);
        (stages[1].read_rows, stages[1].read_bytes) = (567, 1 << 19);
        assert_eq!(
            summary(&stages),
            "tasks, 3 running, stage 2 of 2, 1,234,567 rows, 3.50 MiB read"
        );
    }
}
