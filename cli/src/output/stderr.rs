//! Standard error for what is told beside results. That nobody reads it is no reason to fail.

use std::fmt::Display;
use std::io::Write;

/// Writes a line.
pub(crate) fn line(text: impl Display) {
    // There is nobody left to tell.
    _ = writeln!(std::io::stderr(), "{text}");
}
