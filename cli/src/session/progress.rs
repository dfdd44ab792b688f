//! A bar for a statement that runs on a cluster: stages and tasks, on a terminal's standard error only.

use std::io::IsTerminal;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::Scope;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use rsql_common::StageProgress;

/// Short statements show nothing.
const FIRST: Duration = Duration::from_millis(500);
const NEXT: Duration = Duration::from_millis(200);

/// Shows how far a statement is until dropped.
pub(super) struct Watcher {
    /// Its end stops the thread.
    _running: Option<Sender<()>>,
}

impl Watcher {
    /// Starts watching, if there is a terminal to show it on. `stages` gives what is known; nothing shows no bar.
    pub(super) fn start<'s>(scope: &'s Scope<'s, '_>, stages: impl Fn() -> Vec<StageProgress> + Send + 's) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self { _running: None };
        }
        let (running, ended) = mpsc::channel::<()>();
        scope.spawn(move || {
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
        });
        Self {
            _running: Some(running),
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
        let stages = [stage(0, 4, 4, 0), stage(1, 8, 2, 3)];
        assert_eq!(summary(&stages), "tasks, 3 running, stage 2 of 2");
    }
}
