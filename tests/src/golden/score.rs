//! Counts verdicts.

use std::collections::BTreeSet;
use std::fmt;

use super::Verdict;

/// Figures over some verdicts.
#[derive(Debug, Default, Clone)]
pub struct Score {
    /// Statements that give rows.
    pub rows: usize,
    /// Rows equal.
    pub rows_equal: usize,
    /// Rows and schema equal.
    pub equal: usize,
    /// Ran, but gave other rows.
    pub different: usize,
    /// Statements without rows.
    pub no_rows: usize,
    /// Of those, ran.
    pub ran: usize,
    /// Statements that Spark refuses.
    pub errors: usize,
    /// Of those, refused with the same condition.
    pub same_condition: usize,
    /// Of those, answered.
    pub accepted: usize,
    /// Statements of any kind refused as unsupported.
    pub unsupported: usize,
    /// Distinct conditions given as Spark gives them.
    pub conditions: BTreeSet<String>,
}

impl Score {
    /// Adds a verdict.
    pub fn add(&mut self, v: &Verdict) {
        match v.kind {
            "rows" => self.rows += 1,
            "no_rows" => self.no_rows += 1,
            _ => self.errors += 1,
        }
        match v.outcome {
            "equal" => {
                self.rows_equal += 1;
                self.equal += 1;
            }
            "rows_equal" => self.rows_equal += 1,
            "different" => self.different += 1,
            "ran" => self.ran += 1,
            "same_condition" => {
                self.same_condition += 1;
                self.conditions.extend(v.expected_condition.clone());
            }
            "accepted" => self.accepted += 1,
            "unsupported" => self.unsupported += 1,
            _ => {}
        }
    }
}

fn percent(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 * 100.0 / whole as f64
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "rows {}/{} ({:.1} %), and schema {} ({:.1} %), silently different {} ({:.1} %), no rows ran {}/{} ({:.1} %), \
             same condition {}/{} ({:.1} %) over {} conditions, accepted {}, unsupported {}",
            self.rows_equal,
            self.rows,
            percent(self.rows_equal, self.rows),
            self.equal,
            percent(self.equal, self.rows),
            self.different,
            percent(self.different, self.rows),
            self.ran,
            self.no_rows,
            percent(self.ran, self.no_rows),
            self.same_condition,
            self.errors,
            percent(self.same_condition, self.errors),
            self.conditions.len(),
            self.accepted,
            self.unsupported,
        )
    }
}
