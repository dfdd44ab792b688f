//! Bugs that tests plant, to show that the simulation finds such bugs.
//!
//! Each is what someone could plausibly forget. Outside of tests nothing can plant one and [`State::slipped`] is a constant.

use super::state::State;

/// A planted bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slip {
    /// The success of an attempt that is over already counts.
    LateSuccessWins,
    /// What was said under a former master is believed.
    OldLeaderBelieved,
    /// Errors of the statement are retried.
    UserErrorRetried,
    /// The first I/O failure ends the job.
    NoRetry,
    /// Readers of an indeterminate output are not rolled back when it is made anew.
    NoRollback,
    /// The rows of a second attempt are not compared with the first's.
    NoComparison,
    /// What ran on a lost executor is not started again.
    LostAttemptsForgotten,
    /// The loser of a race is not stopped.
    LoserRuns,
    /// The commit is ordered with one writer still at work.
    EarlyCommit,
    /// Outputs are dropped although a second stage reads them.
    EarlyDrop,
    /// Readers of a lost output go on.
    StaleReaders,
    /// The slot of a killed attempt is not freed.
    SlotLeak,
    /// Of a disk that is gone only what a reader stumbled over is made again.
    OneByOne,
    /// An executor that failed is probed while another one is only cut off, or races.
    EarlyProbe,
    /// The first input that cannot be read ends the job.
    NoRefetch,
    /// A job whose executors are gone does not wait for others.
    NoGrace,
    /// An attempt that is not taken on ends the job.
    NoDetour,
    /// A loss counts once for each task that runs again.
    ResubmitsByTask,
    /// Partial aggregates of a second attempt are not looked at.
    VanishingGroups,
    /// What a write staged is thrown away after its commit.
    AbortAfterCommit,
    /// What a write staged is left where it is when the query fails.
    AbortForgotten,
    /// What an executor was to drop while it was cut off is not told again.
    DropsForgotten,
    /// An executor that comes back is told to kill attempts that won, whose outputs go with them.
    WinnersKilled,
    /// The first executor that dies under a task makes it a poison task.
    FirstDeathPoisons,
    /// A second attempt never stands in for the first.
    RerunsDiffer,
}

impl Slip {
    /// Every slip.
    #[cfg(test)]
    pub(super) const ALL: [Self; 25] = [
        Self::LateSuccessWins,
        Self::OldLeaderBelieved,
        Self::UserErrorRetried,
        Self::NoRetry,
        Self::NoRollback,
        Self::NoComparison,
        Self::LostAttemptsForgotten,
        Self::LoserRuns,
        Self::EarlyCommit,
        Self::EarlyDrop,
        Self::StaleReaders,
        Self::SlotLeak,
        Self::OneByOne,
        Self::EarlyProbe,
        Self::NoRefetch,
        Self::NoGrace,
        Self::NoDetour,
        Self::ResubmitsByTask,
        Self::VanishingGroups,
        Self::AbortAfterCommit,
        Self::AbortForgotten,
        Self::DropsForgotten,
        Self::WinnersKilled,
        Self::FirstDeathPoisons,
        Self::RerunsDiffer,
    ];
}

impl State {
    /// Whether `slip` was planted.
    #[cfg(test)]
    pub(super) fn slipped(&self, slip: Slip) -> bool {
        self.slip == Some(slip)
    }

    /// Whether `slip` was planted: never.
    #[cfg(not(test))]
    pub(super) const fn slipped(&self, _: Slip) -> bool {
        false
    }
}
