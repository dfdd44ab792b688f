//! A worker: a process that keeps a number of executors running on its machine.

mod process;
mod supervise;

pub use process::{WorkerConfig, run};
pub use supervise::{OnExit, Supervised, Supervisor};
