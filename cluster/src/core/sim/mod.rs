//! Simulation: the core in a hostile world, driven by a seed.
//!
//! A seed stands for jobs, executors and everything that goes wrong. After each step the invariants are checked, at the end
//! that every job came to an end, that answers are of one mind, and that nothing is left behind. A seed that fails is printed;
//! `RSQL_SIM_SEED=<seed> cargo test -p rsql-cluster replay -- --nocapture` runs it again and prints what happened.
//! `RSQL_SIM_SCHEDULES=<n>` changes the number of seeds, `RSQL_SIM_FIRST=<seed>` where they start.

mod faults;
mod invariants;
mod machine;
mod oracle;
mod orders;
mod replan;
mod rng;
mod scenario;
mod spent;
mod tests;
mod world;
