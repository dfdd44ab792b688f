//! Where Spark's golden files and function examples are, which suites of several crates compare with.
//!
//! They are no part of this repository; CONTRIBUTING says how they are laid out and where they come from. A suite that does
//! not find them says so and passes.

use std::path::{Path, PathBuf};

/// Names the folder of Spark's files.
const VARIABLE: &str = "RSQL_SPARK_FILES";

/// A file or folder of Spark's: below what the environment variable `RSQL_SPARK_FILES` names, else below `../shared` beside
/// the checkout. Where it is missing, the reason to skip a suite is printed.
pub fn find(name: &str) -> Option<PathBuf> {
    let folder = match std::env::var_os(VARIABLE) {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
    };
    let path = folder.join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!(
        "skipped: {} is missing; {VARIABLE} may name the folder of Spark's files",
        path.display()
    );
    None
}
