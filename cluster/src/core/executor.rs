//! Executors: registered, heard of, lost, drained.
//!
//! An executor is lost when its process ended, when its heartbeat lease ran out, or when its control stream was down for as
//! long. Whatever the reason, [`State::lose_executor`] is the only function that takes one away.

use rsql_common::ExecutorId;

use super::action::{Action, KillReason};
use super::errors;
use super::ids::{AttemptId, Incarnation, Millis, Sender};
use super::lifecycle::Lifecycle;
use super::slips::Slip;
use super::spec::ExecutorSpec;
use super::state::{Executor, State};
use super::status::{AttemptStatus, ExecutorStatus, JobStatus};

/// Departed executors that are kept to be shown.
const RETAINED: usize = 100;

impl State {
    /// Whether a message comes from a life that counts (I4).
    pub(super) fn is_current(&self, from: Sender) -> bool {
        (from.leader == self.leader || self.slipped(Slip::OldLeaderBelieved))
            && self
                .executors
                .get(&from.executor)
                .is_some_and(|e| e.incarnation == from.incarnation)
    }

    /// Tells a life that does not count to end what it does.
    pub(super) fn fence(&mut self, from: Sender) {
        let leader = self.leader;
        self.order(Action::Fence { executor: from, leader });
    }

    pub(super) fn on_register(&mut self, from: Sender, spec: ExecutorSpec, attempts: Vec<AttemptId>) {
        if from.leader != self.leader {
            self.fence(from);
        } else if self.executors.contains_key(&from.executor) {
            if self.is_current(from) {
                self.reattach(from.executor, &attempts);
            } else {
                self.fence(from);
            }
        } else if self.highest.is_some_and(|highest| from.executor <= highest) {
            // Its time is over; numbers are not used twice.
            self.fence(from);
        } else {
            self.add_executor(from, spec, attempts);
        }
    }

    fn add_executor(&mut self, from: Sender, spec: ExecutorSpec, attempts: Vec<AttemptId>) {
        self.highest = Some(from.executor);
        self.deserted = None;
        self.executors.insert(
            from.executor,
            Executor {
                spec: ExecutorSpec {
                    slots: spec.slots.max(1),
                    ..spec.clone()
                },
                incarnation: from.incarnation,
                status: ExecutorStatus::Active,
                registered: self.now,
                last_seen: self.now,
                disconnected: None,
                occupied: std::collections::BTreeMap::new(),
                held_for: None,
                failures: Vec::new(),
                excluded_until: None,
                unreachable: std::collections::BTreeSet::new(),
                drain_until: None,
                moving: std::collections::BTreeMap::new(),
                dropped: Vec::new(),
                completed: 0,
                failed: 0,
            },
        );
        self.log(Lifecycle::ExecutorAdded {
            executor: from.executor,
            incarnation: from.incarnation,
            spec,
        });
        for attempt in attempts {
            self.order(Action::Kill {
                executor: from.executor,
                attempt,
                why: KillReason::Forgotten,
            });
        }
    }

    /// The control stream of a known life is back: what either side does not know of is ended. An attempt that the executor
    /// has not heard of counts as sent back: if it was the launch itself that broke the stream, this must not go on for ever.
    fn reattach(&mut self, id: ExecutorId, attempts: &[AttemptId]) {
        let now = self.now;
        let Some(executor) = self.executors.get_mut(&id) else {
            return;
        };
        executor.disconnected = None;
        executor.last_seen = now;
        executor.unreachable.clear();
        let dropped: Vec<_> = executor.dropped.drain(..).map(|(_, output)| output).collect();
        let missing: Vec<_> = executor
            .occupied
            .keys()
            .filter(|a| !attempts.contains(a))
            .copied()
            .collect();
        self.order_copies_again(id);
        if !self.slipped(Slip::DropsForgotten) {
            self.drop_outputs(id, dropped);
        }
        for attempt in missing {
            let live = self.is_live_on(id, attempt);
            // It may also be a launch that crosses this message, so the kill is sent all the same and frees the slot.
            self.kill(attempt, KillReason::Forgotten);
            self.resend_kill(id, attempt);
            if live {
                self.detour(attempt, None);
            }
        }
        for attempt in attempts {
            // Of one that won only the acknowledgement was lost; a kill would delete what readers are sent to.
            let won = self.output_stands(*attempt) && !self.slipped(Slip::WinnersKilled);
            if !self.is_live_on(id, *attempt) && !won {
                self.order(Action::Kill {
                    executor: id,
                    attempt: *attempt,
                    why: KillReason::Forgotten,
                });
            }
        }
    }

    /// Sends a kill again that was not answered.
    pub(super) fn resend_kill(&mut self, id: ExecutorId, attempt: AttemptId) {
        let now = self.now;
        let slot = self.executors.get_mut(&id).and_then(|e| e.occupied.get_mut(&attempt));
        if let Some((_, last, why)) = slot.and_then(|s| s.killed.as_mut())
            && *last < now
        {
            *last = now;
            let why = *why;
            self.order(Action::Kill {
                executor: id,
                attempt,
                why,
            });
        }
    }

    pub(super) fn on_heartbeat(&mut self, id: ExecutorId) {
        let now = self.now;
        if let Some(executor) = self.executors.get_mut(&id) {
            executor.last_seen = now;
        }
    }

    pub(super) fn on_disconnected(&mut self, id: ExecutorId, incarnation: Incarnation) {
        let now = self.now;
        if let Some(executor) = self.executors.get_mut(&id).filter(|e| e.incarnation == incarnation) {
            executor.disconnected.get_or_insert(now);
        }
    }

    pub(super) fn on_exited(&mut self, id: ExecutorId, incarnation: Incarnation, code: Option<i32>) {
        if self.executors.get(&id).is_some_and(|e| e.incarnation == incarnation) {
            let reason = match code {
                Some(code) => format!("its process ended with code {code}"),
                None => "its process was killed".to_string(),
            };
            self.lose_executor(id, &reason);
        }
    }

    pub(super) fn is_draining(&self, id: ExecutorId) -> bool {
        self.executors
            .get(&id)
            .is_some_and(|e| e.status == ExecutorStatus::Draining)
    }

    /// The one way an executor is lost: its attempts are lost and sent out again, its outputs are wanted again if somebody
    /// needs them.
    pub(super) fn lose_executor(&mut self, id: ExecutorId, reason: &str) {
        let draining = self.is_draining(id);
        let Some(executor) = self.depart(id, ExecutorStatus::Lost, reason) else {
            return;
        };
        self.fence(Sender {
            leader: self.leader,
            executor: id,
            incarnation: executor.incarnation,
        });
        let mut poisoned = None;
        for attempt in executor.occupied.keys().copied() {
            let Some(status) = self.attempt(attempt).map(|a| a.status) else {
                continue;
            };
            let present = matches!(status, AttemptStatus::Accepted | AttemptStatus::Running);
            if self.slipped(Slip::LostAttemptsForgotten) || !self.advance_lost(attempt) {
                continue;
            }
            if present
                && !draining
                && let Some(task) = self.task_mut(attempt.task)
            {
                task.deaths += 1;
                let deaths = task.deaths;
                if deaths >= self.config.max_deaths || self.slipped(Slip::FirstDeathPoisons) {
                    poisoned = Some((attempt.task, deaths));
                }
            }
            self.requeue(attempt.task);
        }
        if let Some((task, deaths)) = poisoned {
            self.end_job(task.job, JobStatus::Failed, Some(errors::poison(task, deaths)));
        }
        for job in self.lose_outputs_of(id) {
            self.refresh(job);
        }
    }

    fn advance_lost(&mut self, id: AttemptId) -> bool {
        use super::status::Machine;
        let live = self.attempt(id).is_some_and(|a| !a.status.is_terminal());
        live && self.advance(id, AttemptStatus::Lost)
    }

    /// Takes an executor off the list.
    fn depart(&mut self, id: ExecutorId, to: ExecutorStatus, reason: &str) -> Option<Executor> {
        let from = self.executors.get(&id)?.status;
        if !self.permits(from, to) {
            return None;
        }
        let mut executor = self.executors.remove(&id)?;
        executor.status = to;
        self.order_copies_again(id);
        self.departed.push_back(self.show_executor(id, &executor));
        if self.departed.len() > RETAINED {
            self.departed.pop_front();
        }
        self.note_desertion();
        self.log(Lifecycle::ExecutorRemoved {
            executor: id,
            released: to == ExecutorStatus::Released,
            reason: reason.to_string(),
        });
        Some(executor)
    }

    /// Copies to `target` may never have been heard of or arrived: they are ordered again. Those to others are under way.
    fn order_copies_again(&mut self, target: ExecutorId) {
        for executor in self.executors.values_mut() {
            executor.moving.retain(|_, to| *to != target);
        }
    }

    fn note_desertion(&mut self) {
        let active = self.executors.values().any(|e| e.status == ExecutorStatus::Active);
        if !active {
            self.deserted.get_or_insert(self.now);
        }
    }

    /// Starts a drain: no new tasks; those that run may end within the grace; outputs move.
    pub(super) fn drain(&mut self, id: ExecutorId, grace: Millis) {
        let until = self.now.saturating_add(grace);
        let Some(from) = self.executors.get(&id).map(|e| e.status) else {
            return;
        };
        if from == ExecutorStatus::Draining || !self.permits(from, ExecutorStatus::Draining) {
            return;
        }
        if let Some(executor) = self.executors.get_mut(&id) {
            executor.status = ExecutorStatus::Draining;
            executor.drain_until = Some(until);
            executor.held_for = None;
        }
        self.note_desertion();
        self.log(Lifecycle::ExecutorDraining { executor: id });
    }

    /// Moves every drain on.
    pub(super) fn settle_drains(&mut self) {
        let draining: Vec<(ExecutorId, Millis)> = self
            .executors
            .iter()
            .filter(|(_, e)| e.status == ExecutorStatus::Draining)
            .map(|(id, e)| (*id, e.drain_until.unwrap_or(0)))
            .collect();
        for (id, until) in draining {
            if self.now >= until {
                self.end_grace(id);
            } else {
                self.move_outputs(id);
            }
            let idle = self.executors.get(&id).is_some_and(|e| e.occupied.is_empty());
            let empty = self
                .running_jobs()
                .into_iter()
                .all(|job| self.outputs_on(id, job).is_empty());
            if idle && empty {
                self.order(Action::Release { executor: id });
                self.depart(id, ExecutorStatus::Released, "it was drained");
            } else if self.now >= until.saturating_add(self.config.reap_timeout) {
                self.lose_executor(id, "it did not end its tasks when drained");
            }
        }
    }

    /// The grace is over: what still runs goes elsewhere, what was not moved is made again.
    fn end_grace(&mut self, id: ExecutorId) {
        let occupied: Vec<_> = self
            .executors
            .get(&id)
            .into_iter()
            .flat_map(|e| e.occupied.keys().copied())
            .collect();
        for attempt in occupied {
            self.kill(attempt, KillReason::Decommission);
            self.requeue(attempt.task);
        }
        for job in self.lose_outputs_of(id) {
            self.refresh(job);
        }
    }

    fn move_outputs(&mut self, from: ExecutorId) {
        let target = self
            .executors
            .iter()
            .filter(|(_, e)| e.status == ExecutorStatus::Active && e.disconnected.is_none())
            .min_by_key(|(id, e)| (e.occupied.len(), **id))
            .map(|(id, _)| *id);
        let Some(to) = target else { return };
        let mut outputs = Vec::new();
        for job in self.running_jobs() {
            outputs.extend(self.outputs_on(from, job));
        }
        let Some(executor) = self.executors.get_mut(&from) else {
            return;
        };
        outputs.retain(|output| !executor.moving.contains_key(output));
        executor.moving.extend(outputs.iter().map(|output| (*output, to)));
        if !outputs.is_empty() {
            self.order(Action::MoveOutputs { from, to, outputs });
        }
    }
}
