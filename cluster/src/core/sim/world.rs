//! The world around the core: time, a network that delays, repeats, reorders and loses, and the queue of what is to come.

use std::collections::{BTreeMap, BTreeSet};

use rsql_common::{Error, ExecutorId, FetchFailure, FetchReason, OutputId, QueryId, StageId};

use super::machine::{LEADER, Machine};
use super::oracle::Oracle;
use super::rng::Rng;
use super::scenario::Scenario;
use super::spent::CLOCK_BACK;
use crate::core::slips::Slip;
use crate::core::{
    Action, AttemptId, Event, ExecutorSpec, Incarnation, InputOutput, Millis, Report, Sender, State, step,
};

/// Something that will happen.
#[derive(Debug, Clone)]
pub(super) enum Occurrence {
    /// The master hears something.
    Hear(Event),
    /// The master hears something on a connection, if that stands.
    HearFrom(ExecutorId, u32, Event),
    /// An executor is told something on a connection, if that stands.
    Tell(ExecutorId, u32, Action),
    /// An attempt reaches its end.
    TaskEnds(ExecutorId, AttemptId),
    /// An acknowledgement arrives.
    Acked(ExecutorId, AttemptId),
    /// A heartbeat is due.
    Beat(ExecutorId),
    /// Copies arrive.
    Copied(ExecutorId, ExecutorId, OutputId),
    /// An executor starts.
    Start,
    /// A connection comes back.
    Reconnect(ExecutorId),
    /// Someone may read its outputs again.
    Serve(ExecutorId),
    /// The reader goes on with an offer.
    Read(QueryId, u32, Vec<InputOutput>),
    /// A fault strikes.
    Fault,
}

/// The simulation.
pub(super) struct World {
    pub(super) rng: Rng,
    pub(super) now: Millis,
    pub(super) scenario: Scenario,
    pub(super) core: State,
    pub(super) queue: BTreeMap<(Millis, u64), Occurrence>,
    pub(super) sequence: u64,
    pub(super) machines: BTreeMap<ExecutorId, Machine>,
    pub(super) next_executor: u32,
    /// Until when the master's process stands still.
    pub(super) stalled_until: Millis,
    pub(super) oracle: Oracle,
    /// Which offer each reader works on.
    pub(super) offers: BTreeMap<QueryId, u32>,
    /// What the commit of a job came to.
    pub(super) commits: BTreeMap<QueryId, Result<(), Error>>,
    /// Jobs whose staged files were thrown away.
    pub(super) aborted: BTreeSet<QueryId>,
    pub(super) over: BTreeSet<QueryId>,
    pub(super) steps: u64,
    pub(super) trace: Option<Vec<String>>,
}

/// More steps than any schedule needs.
const MAX_STEPS: u64 = 60_000;

impl World {
    pub(super) fn new(seed: u64, slip: Option<Slip>, trace: bool) -> Self {
        let mut rng = Rng::new(seed);
        let scenario = Scenario::draw(&mut rng);
        let mut core = State::new(scenario.config.clone(), LEADER);
        core.slip = slip;
        let mut world = Self {
            rng,
            now: 0,
            core,
            queue: BTreeMap::new(),
            sequence: 0,
            machines: BTreeMap::new(),
            next_executor: 0,
            stalled_until: 0,
            oracle: Oracle::default(),
            offers: BTreeMap::new(),
            commits: BTreeMap::new(),
            aborted: BTreeSet::new(),
            over: BTreeSet::new(),
            steps: 0,
            trace: trace.then(Vec::new),
            scenario,
        };
        for n in 0..world.scenario.executors {
            world.at(n * 10, Occurrence::Start);
        }
        for index in 0..world.scenario.jobs.len() {
            let plan = &world.scenario.jobs[index];
            let (at, id, spec, cancel) = (plan.at, plan.id, plan.spec.clone(), plan.cancel_at);
            world.at(at, Occurrence::Hear(Event::Submit { job: id, spec }));
            if let Some(at) = cancel {
                let gone = world.rng.chance(500);
                let event = if gone {
                    Event::ClientGone { job: id }
                } else {
                    Event::Cancel { job: id }
                };
                world.at(at, Occurrence::Hear(event));
            }
        }
        world.next_fault();
        world
    }

    /// Runs until all jobs are over and everything had time to settle.
    pub(super) fn run(&mut self) -> Result<(), String> {
        while self.over.len() < self.scenario.jobs.len() {
            if !self.advance()? {
                return Err(format!(
                    "I5: nothing will ever happen again, yet jobs are open at {}",
                    self.now
                ));
            }
        }
        let settled = self.now.max(self.scenario.calm_at + 100_000) + 45_000;
        while self.queue.keys().next().is_some_and(|(at, _)| *at < settled)
            || self.core.next_deadline().is_some_and(|at| at < settled)
        {
            self.advance()?;
        }
        self.check_settled()
    }

    /// Lets the next thing happen. False if there is none.
    fn advance(&mut self) -> Result<bool, String> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return Err(format!("I5: no end after {MAX_STEPS} steps, at {}", self.now));
        }
        let next = self.queue.keys().next().copied();
        let deadline = self.core.next_deadline().map(|at| at.max(self.stalled_until));
        match (next, deadline) {
            (Some((at, _)), Some(deadline)) if deadline < at => self.tick(deadline)?,
            (None, Some(deadline)) => self.tick(deadline)?,
            (None, None) => return Ok(false),
            (Some(key), _) => {
                let Some(what) = self.queue.remove(&key) else {
                    return Ok(false);
                };
                let heard = matches!(what, Occurrence::Hear(_) | Occurrence::HearFrom(..));
                if heard && key.0 < self.stalled_until {
                    self.at(self.stalled_until, what);
                    return Ok(true);
                }
                self.now = self.now.max(key.0);
                self.happen(what)?;
            }
        }
        Ok(true)
    }

    fn tick(&mut self, at: Millis) -> Result<(), String> {
        self.now = self.now.max(at);
        self.hear(Event::Tick)
    }

    fn happen(&mut self, what: Occurrence) -> Result<(), String> {
        match what {
            Occurrence::Hear(event) => self.hear(event),
            Occurrence::HearFrom(from, connection, event) => self.hear_from(from, connection, event),
            Occurrence::Tell(to, connection, action) => {
                self.told(to, connection, action);
                Ok(())
            }
            Occurrence::TaskEnds(executor, attempt) => {
                self.end_task(executor, attempt);
                Ok(())
            }
            Occurrence::Acked(executor, attempt) => {
                if let Some(machine) = self.machines.get_mut(&executor) {
                    machine.unacked.remove(&attempt);
                }
                Ok(())
            }
            Occurrence::Beat(executor) => {
                self.beat(executor);
                Ok(())
            }
            Occurrence::Copied(from, to, output) => {
                self.copied(from, to, output);
                Ok(())
            }
            Occurrence::Start => {
                self.start_machine();
                Ok(())
            }
            Occurrence::Reconnect(executor) => {
                self.reconnect(executor);
                Ok(())
            }
            Occurrence::Serve(executor) => {
                if let Some(machine) = self.machines.get_mut(&executor) {
                    machine.serves = true;
                    machine.beats = true;
                }
                Ok(())
            }
            Occurrence::Read(job, offer, outputs) => {
                self.read(job, offer, outputs);
                Ok(())
            }
            Occurrence::Fault => {
                self.strike();
                Ok(())
            }
        }
    }

    /// One step of the core, with everything checked around it.
    pub(super) fn hear(&mut self, event: Event) -> Result<(), String> {
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{:>8} > {event:?}", self.now));
        }
        // Clocks are read at different places: a little back now and then.
        let at = if self.rng.chance(20) {
            self.now.saturating_sub(CLOCK_BACK)
        } else {
            self.now
        };
        let stale = self.is_stale(&event);
        let counts = self.counts(&event);
        if let Some((reader, failure)) = self.word(&event, counts) {
            self.oracle.spent.note_word(reader, failure)?;
        }
        let before = stale.then(|| {
            let actions = step(&mut self.core, Event::Tick, at);
            (self.core.clone(), actions)
        });
        let mut actions = step(&mut self.core, event.clone(), at);
        if let Some((before, ticked)) = before {
            if before != self.core {
                return Err(format!(
                    "I4: a message that does not count changed something: {event:?}"
                ));
            }
            actions = ticked.into_iter().chain(actions).collect();
        }
        self.oracle.spent.note_event(self.core.now, &event, counts);
        for action in actions {
            if let Some(trace) = &mut self.trace {
                trace.push(format!("{:>8}     < {action:?}", self.now));
            }
            self.oracle.check_action(&self.core, &action)?;
            self.carry_out(action)?;
        }
        self.oracle.check_state(&self.core)
    }

    /// The word of a reader of a stage that an output is not where the master sent it.
    fn word(&self, event: &Event, counts: bool) -> Option<((QueryId, StageId), FetchFailure)> {
        let (reader, failure) = match event {
            Event::Report {
                report: Report::Failed { attempt, error },
                ..
            } if counts => ((attempt.task.job, attempt.task.stage), error.fetch_failure()?),
            Event::ResultFetchFailed { job, failure } => ((*job, failure.output.stage), *failure),
            _ => return None,
        };
        let found = failure.reason != FetchReason::Unreachable;
        (found && self.core.is_held(failure.output, failure.executor)).then_some((reader, failure))
    }

    /// Whether the event is the first that is heard of an attempt's end.
    fn counts(&self, event: &Event) -> bool {
        let Event::Report { from, report } = event else {
            return false;
        };
        !self.is_stale(event) && ended(report).is_some_and(|attempt| self.core.is_live_on(from.executor, attempt))
    }

    /// Whether the event comes from a life or a term that does not count.
    fn is_stale(&self, event: &Event) -> bool {
        let Event::Report { from, .. } = event else {
            return false;
        };
        from.leader != LEADER
            || self
                .core
                .executors
                .get(&from.executor)
                .is_none_or(|e| e.incarnation != from.incarnation)
    }

    fn hear_from(&mut self, from: ExecutorId, connection: u32, event: Event) -> Result<(), String> {
        let stands = self
            .machines
            .get(&from)
            .is_some_and(|m| m.connection == connection && m.connected);
        if !stands && !self.rng.chance(200) {
            return Ok(());
        }
        if let Event::Report { from: sender, report } = &event {
            self.forge(*sender, report);
            if stands && let Some(attempt) = ended(report) {
                let delay = self.delay();
                self.after(delay, Occurrence::Acked(from, attempt));
            }
        }
        self.hear(event)
    }

    /// Now and then the same report comes from an earlier term or another life.
    fn forge(&mut self, from: Sender, report: &Report) {
        if !self.rng.chance(15) {
            return;
        }
        let mut forged = from;
        if self.rng.chance(500) {
            forged.leader.0 -= 1;
        } else {
            forged.incarnation = Incarnation(1);
        }
        let event = Event::Report {
            from: forged,
            report: report.clone(),
        };
        self.at(self.now, Occurrence::Hear(event.clone()));
        if let Report::Running { attempt } = report {
            // Something that would matter much if it were believed.
            let killed = Report::Killed { attempt: *attempt };
            self.at(
                self.now,
                Occurrence::Hear(Event::Report {
                    from: forged,
                    report: killed,
                }),
            );
        }
    }

    pub(super) fn at(&mut self, at: Millis, what: Occurrence) {
        self.sequence += 1;
        self.queue.insert((at, self.sequence), what);
    }

    pub(super) fn after(&mut self, delay: Millis, what: Occurrence) {
        self.at(self.now + delay, what);
    }

    /// A message's time on the way.
    pub(super) fn delay(&mut self) -> Millis {
        let late = self.rng.chance(self.scenario.unruly / 4);
        let most = if late { 20_000 } else { self.scenario.delay };
        1 + self.rng.range(0, most)
    }

    /// Sends a report to the master, perhaps twice.
    pub(super) fn report(&mut self, from: ExecutorId, report: Report) {
        let Some(machine) = self.machines.get(&from) else {
            return;
        };
        let (sender, connection) = (machine.sender(), machine.connection);
        let times = 1 + u64::from(self.rng.chance(self.scenario.unruly));
        for _ in 0..times {
            let delay = self.delay();
            let event = Event::Report {
                from: sender,
                report: report.clone(),
            };
            self.after(delay, Occurrence::HearFrom(from, connection, event));
        }
    }

    /// Sends the end of an attempt, and keeps it until it is acknowledged.
    pub(super) fn report_end(&mut self, from: ExecutorId, attempt: AttemptId, report: Report) {
        if let Some(machine) = self.machines.get_mut(&from) {
            machine.unacked.insert(attempt, report.clone());
        }
        self.report(from, report);
    }

    pub(super) fn start_machine(&mut self) {
        let number = self.next_executor;
        self.next_executor += 1;
        let id = ExecutorId(number);
        let incarnation = Incarnation(u128::from(self.rng.draw()) + 2);
        let host = self.rng.range(0, self.scenario.hosts);
        let spec = ExecutorSpec {
            host: format!("host{host}"),
            endpoint: String::new(),
            slots: self.scenario.slots as u32,
            memory: 1_000,
        };
        let machine = Machine::new(id, incarnation, spec.clone());
        let from = machine.sender();
        self.machines.insert(id, machine);
        // Numbers are given by the master as it hears of them, so registrations are in order.
        self.at(
            self.now,
            Occurrence::Hear(Event::Register {
                from,
                spec,
                attempts: Vec::new(),
            }),
        );
        self.after(5_000, Occurrence::Beat(id));
    }

    fn reconnect(&mut self, id: ExecutorId) {
        let Some(machine) = self.machines.get_mut(&id) else {
            return;
        };
        if !machine.alive || machine.connected {
            return;
        }
        machine.connected = true;
        machine.connection += 1;
        let event = Event::Register {
            from: machine.sender(),
            spec: machine.spec.clone(),
            attempts: machine.attempts(),
        };
        let connection = machine.connection;
        let mut again: Vec<Report> = machine.unacked.values().cloned().collect();
        if machine.leaving {
            again.push(Report::Leaving { grace: 10_000 });
        }
        self.after(1, Occurrence::HearFrom(id, connection, event));
        for report in again {
            self.report(id, report);
        }
    }

    fn beat(&mut self, id: ExecutorId) {
        let Some(machine) = self.machines.get(&id) else { return };
        if !machine.alive {
            return;
        }
        let (frozen, beats, from) = (machine.frozen_until, machine.beats, machine.sender());
        if frozen > self.now {
            self.at(frozen, Occurrence::Beat(id));
            return;
        }
        if beats {
            let delay = self.delay();
            self.after(
                delay,
                Occurrence::Hear(Event::Report {
                    from,
                    report: Report::Heartbeat,
                }),
            );
        }
        self.after(8_000, Occurrence::Beat(id));
    }
}

/// The attempt that a report ends.
fn ended(report: &Report) -> Option<AttemptId> {
    match report {
        Report::Succeeded { attempt, .. }
        | Report::Failed { attempt, .. }
        | Report::Refused { attempt }
        | Report::Killed { attempt } => Some(*attempt),
        _ => None,
    }
}
