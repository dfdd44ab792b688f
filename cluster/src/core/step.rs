//! One step: an event in, actions out. The only file that matches over all events.

use super::action::Action;
use super::event::{Event, Report};
use super::ids::{Millis, Sender};
use super::state::State;

/// Takes `event` at time `now` and says what is to be done.
///
/// Time that goes back counts as standing still. Whatever the event, timers that are due fire, and slots that are free are
/// filled.
pub fn step(state: &mut State, event: Event, now: Millis) -> Vec<Action> {
    state.clock(now);
    state.dispatch(event);
    state.fire_timers();
    state.admit();
    state.settle_drains();
    state.schedule();
    state.due = state.deadline();
    std::mem::take(&mut state.actions)
}

impl State {
    fn dispatch(&mut self, event: Event) {
        match event {
            Event::Submit { job, spec } => self.on_submit(job, spec),
            Event::Planned { job, stages } => self.on_planned(job, stages),
            Event::Replanned { job, stage, changes } => self.on_replanned(job, stage, changes),
            Event::BoundsReady { job, stage, bounds } => self.on_bounds(job, stage, bounds),
            Event::ResultTaken { output } => self.on_result_taken(output),
            Event::ResultRead { job } => self.on_result_read(job),
            Event::ResultFetchFailed { job, failure } => self.on_result_fetch_failed(job, failure),
            Event::Committed { job, outcome } => self.on_committed(job, outcome),
            Event::Broken { job, error } => self.on_broken(job, error),
            Event::Cancel { job } | Event::ClientGone { job } => self.on_cancel(job),
            Event::Register { from, spec, attempts } => self.on_register(from, spec, attempts),
            Event::Report { from, report } => self.on_report(from, report),
            Event::Disconnected { executor, incarnation } => self.on_disconnected(executor, incarnation),
            Event::Exited {
                executor,
                incarnation,
                code,
            } => self.on_exited(executor, incarnation, code),
            Event::Drain { executor, grace } => self.drain(executor, grace),
            Event::Tick => {}
        }
    }

    fn on_report(&mut self, from: Sender, report: Report) {
        if !self.is_current(from) {
            self.fence(from);
            return;
        }
        match report {
            Report::Heartbeat => self.on_heartbeat(from.executor),
            Report::Accepted { attempt } => self.on_accepted(from.executor, attempt),
            Report::Refused { attempt } => self.on_refused(from.executor, attempt),
            Report::Running { attempt } => self.on_running(from.executor, attempt),
            Report::Progress { attempt, progress } => self.on_progress(from.executor, attempt, progress),
            Report::Succeeded { attempt, figures } => self.on_succeeded(from.executor, attempt, figures),
            Report::Failed { attempt, error } => self.on_failed(from.executor, attempt, error),
            Report::Killed { attempt } => self.on_killed(from.executor, attempt),
            Report::Leaving { grace } => self.drain(from.executor, grace),
            Report::Moved { output, to } => self.on_moved(from.executor, output, to),
        }
    }
}
