//! Scripted runs of the core: one thing happens after the other, and each rule is shown to hold.

mod bench;
mod failures;
mod near;
mod outputs;
mod probes;
mod reconnects;
mod recovery;
mod sharing;
mod transitions;
