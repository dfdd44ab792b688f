//! Spark's golden files: reading them, setting their scene, running and scoring them.

mod file;
mod run;
mod scene;
mod score;

pub use file::{Case, Expected, GoldenFile, read_folder};
pub use run::{Verdict, run_file};
pub use scene::Scene;
pub use score::Score;
