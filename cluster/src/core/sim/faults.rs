//! What strikes: kills, cuts, freezes, stalls of the master, lost and corrupt outputs, drains.

use rsql_common::ExecutorId;

use super::world::{Occurrence, World};
use crate::core::{Event, Report};

impl World {
    pub(super) fn next_fault(&mut self) {
        let wait = self.rng.range(1, self.scenario.fault_every * 2);
        if self.now + wait < self.scenario.calm_at {
            self.after(wait, Occurrence::Fault);
        } else if self.now < self.scenario.calm_at {
            // The calm: what died is replaced, so that what can end well does.
            let at = self.scenario.calm_at;
            if self.scenario.replace {
                self.at(at, Occurrence::Start);
            }
        }
    }

    pub(super) fn strike(&mut self) {
        let alive: Vec<ExecutorId> = self.machines.values().filter(|m| m.alive).map(|m| m.id).collect();
        let kind = self.rng.range(0, 100);
        if let Some(id) = self.rng.pick(&alive) {
            match kind {
                0..20 => self.die(id),
                20..40 => self.cut(id),
                40..52 => self.freeze(id),
                52..64 => self.spoil(id),
                64..76 => self.leave(id),
                76..82 => alive.iter().for_each(|id| self.die(*id)),
                82..90 => self.stalled_until = self.now + self.rng.range(1_000, 120_000),
                _ => self.stop_serving(id),
            }
        }
        self.next_fault();
    }

    pub(super) fn die(&mut self, id: ExecutorId) {
        let Some(machine) = self.machines.get_mut(&id) else {
            return;
        };
        machine.alive = false;
        machine.connected = false;
        let incarnation = machine.incarnation;
        if self.rng.chance(900) {
            let delay = self.delay();
            self.after(
                delay,
                Occurrence::Hear(Event::Disconnected {
                    executor: id,
                    incarnation,
                }),
            );
        }
        if self.rng.chance(700) {
            let delay = self.rng.range(5, 2_000);
            self.after(
                delay,
                Occurrence::Hear(Event::Exited {
                    executor: id,
                    incarnation,
                    code: None,
                }),
            );
        }
        if self.scenario.replace && self.rng.chance(900) {
            let delay = self.rng.range(100, 8_000);
            self.after(delay, Occurrence::Start);
        }
    }

    /// The control stream breaks; perhaps heartbeats and reads with it.
    fn cut(&mut self, id: ExecutorId) {
        let whole = self.rng.chance(600);
        let time = self.rng.range(50, 50_000);
        let Some(machine) = self.machines.get_mut(&id) else {
            return;
        };
        machine.connected = false;
        if whole {
            machine.beats = false;
            machine.serves = false;
        }
        let incarnation = machine.incarnation;
        self.after(
            3,
            Occurrence::Hear(Event::Disconnected {
                executor: id,
                incarnation,
            }),
        );
        self.after(time, Occurrence::Serve(id));
        self.after(time, Occurrence::Reconnect(id));
    }

    fn freeze(&mut self, id: ExecutorId) {
        let time = self.rng.range(100, 60_000);
        if let Some(machine) = self.machines.get_mut(&id) {
            machine.frozen_until = self.now + time;
        }
    }

    /// An output vanishes or rots, or all of them do.
    fn spoil(&mut self, id: ExecutorId) {
        let held: Vec<_> = self
            .machines
            .get(&id)
            .into_iter()
            .flat_map(|m| m.held.iter().copied())
            .collect();
        let Some(output) = self.rng.pick(&held) else { return };
        self.oracle.spent.note_spoil(id);
        let (corrupt, all) = (self.rng.chance(500), self.rng.chance(500));
        let Some(machine) = self.machines.get_mut(&id) else {
            return;
        };
        match (corrupt, all) {
            (true, true) => machine.corrupt.extend(held),
            (true, false) => _ = machine.corrupt.insert(output),
            (false, true) => machine.held.clear(),
            (false, false) => _ = machine.held.remove(&output),
        }
    }

    fn leave(&mut self, id: ExecutorId) {
        let grace = self.rng.range(0, 60_000);
        if self.rng.chance(500) {
            if let Some(machine) = self.machines.get_mut(&id) {
                machine.leaving = true;
            }
            self.report(id, Report::Leaving { grace });
        } else {
            self.after(1, Occurrence::Hear(Event::Drain { executor: id, grace }));
        }
        if self.scenario.replace {
            self.after(500, Occurrence::Start);
        }
    }

    fn stop_serving(&mut self, id: ExecutorId) {
        let time = self.rng.range(100, 40_000);
        if let Some(machine) = self.machines.get_mut(&id) {
            machine.serves = false;
        }
        self.after(time, Occurrence::Serve(id));
    }
}
