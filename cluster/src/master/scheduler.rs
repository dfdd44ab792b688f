//! The thread around the scheduler core: takes mail, turns it into events, carries out what the core orders.

use std::collections::{HashMap, VecDeque};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use rsql_common::{Error, ExecutorId, QueryId, Settings};
use rsql_shuffle::MapOutput;
use tokio::sync::mpsc::UnboundedSender;

use super::executors::Executors;
use super::inbox::{Inbox, Mail};
use super::jobs::Job;
use crate::clock::monotonic_millis;
use crate::core::{self, Config, Event, Incarnation, LeaderEpoch, Report, Sender};
use crate::events::{EventLog, History};
use crate::executor::HEARTBEAT;
use crate::rpc::messages::{
    ExecutorMessage, FromExecutor, MasterMessage, PlanHash, Registration, ToExecutor, WorkerRegistration, protocol,
};

/// Executors that have not hung up by then are on their own.
const FAREWELL: Duration = Duration::from_secs(2);
/// The core is asked at least so often (milliseconds) what it is waiting for.
const LONGEST_WAIT: u64 = 1_000;

/// The scheduler's state, owned by its thread.
pub(crate) struct Scheduler {
    pub(super) core: core::State,
    pub(super) epoch: LeaderEpoch,
    pub(super) cluster: u128,
    pub(super) executors: Executors,
    pub(super) jobs: HashMap<QueryId, Job>,
    pub(super) workers: Vec<WorkerRegistration>,
    pub(super) events: EventLog,
    /// Its own, for what threads of it have to say.
    pub(super) inbox: Inbox,
    /// Events that actions gave rise to.
    pub(super) pending: VecDeque<Event>,
    /// Host that results are read on.
    pub(super) host: String,
    settings: Settings,
    /// Readers open files of executors on their own host.
    pub(super) local_reads: bool,
}

impl Scheduler {
    pub(super) fn new(
        config: Config,
        epoch: LeaderEpoch,
        cluster: u128,
        host: String,
        events: EventLog,
        settings: Settings,
        inbox: Inbox,
    ) -> Self {
        Self {
            core: core::State::new(config, epoch),
            epoch,
            cluster,
            executors: Executors::new(epoch.0),
            jobs: HashMap::new(),
            workers: Vec::new(),
            events,
            inbox,
            pending: VecDeque::new(),
            host,
            local_reads: settings.bool("rsql.cluster.localReads"),
            settings,
        }
    }

    /// Works until it is told to stop.
    pub(super) fn run(mut self, inbox: &Receiver<Mail>) {
        loop {
            let now = monotonic_millis();
            let wait = self
                .core
                .next_deadline()
                .map_or(LONGEST_WAIT, |at| at.saturating_sub(now))
                .min(LONGEST_WAIT);
            match inbox.recv_timeout(Duration::from_millis(wait)) {
                Ok(Mail::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(mail) => self.open(mail),
                Err(RecvTimeoutError::Timeout) => self.happened(Event::Tick),
            }
        }
        for id in self.executors.iter().map(|(id, _)| id).collect::<Vec<_>>() {
            self.executors.say(id, MasterMessage::Release);
        }
        self.see_off(inbox);
    }

    /// Waits until the executors have hung up: what is under way when the services stop is lost, and an executor that
    /// was not released goes on looking for its master.
    fn see_off(&mut self, inbox: &Receiver<Mail>) {
        let until = Instant::now() + FAREWELL;
        while self.executors.connected() > 0 {
            let left = until.saturating_duration_since(Instant::now());
            match inbox.recv_timeout(left) {
                Ok(Mail::Disconnected {
                    incarnation,
                    connection,
                }) => {
                    if let Some(id) = self.executors.id(incarnation) {
                        self.executors.disconnect(id, connection);
                    }
                }
                Ok(_) => {}
                Err(_) => return,
            }
        }
    }

    /// Feeds an event to the core and carries out what it orders, until nothing is left to do.
    pub(super) fn happened(&mut self, event: Event) {
        self.pending.push_back(event);
        while let Some(mut event) = self.pending.pop_front() {
            let new_plan = self.plan_again(&mut event);
            let actions = core::step(&mut self.core, event, monotonic_millis());
            if let Some(new_plan) = new_plan {
                self.adopt(new_plan);
            }
            for action in actions {
                self.carry_out(action);
            }
        }
    }

    /// Executors and slots that take tasks.
    pub(crate) fn size(&self) -> (usize, usize) {
        let alive = self.executors.iter().filter(|(_, e)| e.alive);
        alive.fold((0, 0), |(n, slots), (_, e)| (n + 1, slots + e.spec.slots as usize))
    }

    /// What happened so far.
    pub(crate) fn history(&self) -> &History {
        &self.events.history
    }

    /// Tasks that an executor runs and bytes that its pool has granted, as its last heartbeat said.
    pub(crate) fn live(&self, id: ExecutorId) -> Option<(u32, u64)> {
        self.executors.get(id).map(|e| (e.running, e.memory_used))
    }

    /// What was set for the cluster.
    pub(crate) fn settings(&self) -> impl Iterator<Item = (&str, &str)> {
        self.settings.overrides()
    }

    fn open(&mut self, mail: Mail) {
        match mail {
            Mail::Submit(submission) => {
                let hidden = submission.hidden.clone();
                let (query, spec, job) = Job::new(*submission);
                self.events.submitted(query, &spec, &job.sql, &job.graph, hidden);
                self.jobs.insert(query, job);
                self.happened(Event::Submit { job: query, spec });
            }
            Mail::Unplanned(failed) => self.events.unplanned(*failed),
            Mail::Event(event) => self.happened(event),
            Mail::Connected {
                incarnation,
                connection,
                registration,
                to,
            } => self.connected(incarnation, connection, *registration, to),
            Mail::Said(message) => self.said(*message),
            Mail::Disconnected {
                incarnation,
                connection,
            } => {
                if let Some(executor) = self.executors.id(incarnation)
                    && self.executors.disconnect(executor, connection)
                {
                    self.happened(Event::Disconnected { executor, incarnation });
                }
            }
            Mail::Heartbeat {
                incarnation,
                memory_used,
                running,
                known,
            } => {
                let id = self.executors.id(incarnation);
                if let Some(id) = id {
                    if let Some(executor) = self.executors.get_mut(id) {
                        executor.memory_used = memory_used;
                        executor.running = running;
                    }
                    let from = self.sender(id, incarnation);
                    self.happened(Event::Report {
                        from,
                        report: Report::Heartbeat,
                    });
                }
                let alive = id.and_then(|id| self.executors.get(id)).is_none_or(|e| e.alive);
                // The executor may have hung up; one that is not known here yet is about to register.
                _ = known.send(alive);
            }
            Mail::Exited {
                incarnation,
                code,
                reason,
            } => {
                // The supervisor warns of what was not to end; a cluster that is told to stop has nothing to say.
                tracing::info!(?incarnation, reason, "an executor's process ended");
                if let Some(executor) = self.executors.id(incarnation) {
                    self.happened(Event::Exited {
                        executor,
                        incarnation,
                        code,
                    });
                }
            }
            Mail::Plan { hash, bytes } => {
                // Nobody waits if the executor is gone.
                _ = bytes.send(self.plan(hash));
            }
            Mail::Worker(worker) => {
                self.workers.retain(|known| known.worker != worker.worker);
                self.workers.push(worker);
            }
            Mail::Look(look) => look(self),
            Mail::ReaderGone { job } => self.happened(Event::ClientGone { job }),
            Mail::Stop => {}
        }
    }

    fn connected(
        &mut self,
        incarnation: Incarnation,
        connection: u64,
        registration: Registration,
        to: UnboundedSender<ToExecutor>,
    ) {
        if registration.protocol != protocol() {
            let refusal = Error::user("CLUSTER.PROTOCOL")
                .with_message("The executor was built from other sources than the master; both must be of one build.");
            // It may have gone already.
            _ = to.send(ToExecutor {
                epoch: self.epoch.0,
                seq: 0,
                ack: 0,
                body: MasterMessage::Refused(refusal),
            });
            return;
        }
        let spec = registration.spec.clone();
        let attempts = registration.attempts.clone();
        let executor = self.executors.connect(incarnation, connection, registration, to);
        self.executors.say(
            executor,
            MasterMessage::Registered {
                executor,
                cluster: self.cluster,
                heartbeat_millis: u64::try_from(HEARTBEAT.as_millis()).unwrap_or(u64::MAX),
            },
        );
        let from = self.sender(executor, incarnation);
        self.happened(Event::Register { from, spec, attempts });
    }

    fn said(&mut self, message: FromExecutor) {
        let Some(executor) = self.executors.id(message.incarnation) else {
            return;
        };
        if self.executors.hear(executor, message.seq) {
            let from = Sender {
                leader: LeaderEpoch(message.epoch),
                executor,
                incarnation: message.incarnation,
            };
            match message.body {
                ExecutorMessage::Report(report) => {
                    if let Report::Progress { attempt, progress } = &report {
                        self.events.got_on(executor, *attempt, *progress);
                        self.show(attempt.task.job, attempt.task.stage);
                    }
                    self.happened(Event::Report { from, report });
                }
                ExecutorMessage::Succeeded(report, output, nodes) => {
                    let metering = self.jobs.get_mut(&output.id.query).and_then(|j| j.metering.as_mut());
                    if let Some(metering) = metering {
                        metering.nodes.insert(output.id, nodes);
                    }
                    let report = self.note_output(executor, report, *output);
                    self.happened(Event::Report { from, report });
                }
                ExecutorMessage::Wrote(report, files) => {
                    if let Report::Succeeded { attempt, .. } = &report
                        && let Some(write) = self.jobs.get_mut(&attempt.task.job).and_then(|j| j.write.as_mut())
                    {
                        write.files.insert(attempt.output(), files);
                    }
                    self.happened(Event::Report { from, report });
                }
                // For the core it is the leaving executor that has moved it.
                ExecutorMessage::Copied { output, from: holder } => {
                    if let Some(incarnation) = self.executors.incarnation(holder) {
                        let from = self.sender(holder, incarnation);
                        let report = Report::Moved { output, to: executor };
                        self.happened(Event::Report { from, report });
                    }
                }
                ExecutorMessage::Register(_) | ExecutorMessage::Acknowledge => {}
            }
        }
        if message.seq > 0 {
            self.executors.acknowledge(executor);
        }
    }

    /// Keeps an output's figures for its readers. Without figures that hold an attempt that ended well has failed: nobody could
    /// read what it wrote.
    pub(super) fn note_output(&mut self, executor: ExecutorId, report: Report, output: MapOutput) -> Report {
        let Report::Succeeded { attempt, .. } = report else {
            return report;
        };
        let wanted = attempt.output();
        let checked = match output.id == wanted {
            true => output.verify(),
            false => Err(Error::io("the figures are those of another output")),
        };
        match checked {
            Ok(()) => {
                if let Some(job) = self.jobs.get_mut(&wanted.query) {
                    job.outputs.insert(wanted, output);
                }
                report
            }
            Err(error) => {
                tracing::warn!(?attempt, %error, "a task's figures arrived damaged");
                self.executors.say(executor, MasterMessage::Drop(vec![wanted]));
                Report::Failed { attempt, error }
            }
        }
    }

    fn plan(&self, hash: PlanHash) -> Option<Vec<u8>> {
        let mut plans = self.jobs.values().flat_map(|j| j.plans.values());
        plans.find(|(h, _)| *h == hash).map(|(_, bytes)| bytes.clone())
    }

    fn sender(&self, executor: ExecutorId, incarnation: Incarnation) -> Sender {
        Sender {
            leader: self.epoch,
            executor,
            incarnation,
        }
    }
}
