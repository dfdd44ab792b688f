//! Outcomes counted by kind of fault and by how outputs were read.

use std::collections::BTreeMap;
use std::fmt;

use super::trial::{Ending, Outcome};

/// Counts by fault and by the way of reads.
#[derive(Debug, Clone, Default)]
pub struct Table {
    rows: BTreeMap<(String, &'static str), Counts>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    fired: usize,
    missed: usize,
    right: usize,
    wrong: usize,
    failed: usize,
    hung: usize,
    slowest: u64,
}

impl Table {
    /// Counts an outcome; one whose fault did not fire counts only as missed, unless it ended badly.
    pub fn add(&mut self, outcome: &Outcome) {
        let counts = self.rows.entry((outcome.fault.clone(), reads(outcome))).or_default();
        if outcome.fired.is_none() && outcome.ending == Ending::Right {
            counts.missed += 1;
            return;
        }
        counts.fired += usize::from(outcome.fired.is_some());
        counts.slowest = counts.slowest.max(outcome.millis);
        *match &outcome.ending {
            Ending::Right => &mut counts.right,
            Ending::Wrong(_) => &mut counts.wrong,
            Ending::Failed(_) => &mut counts.failed,
            Ending::Hung => &mut counts.hung,
        } += 1;
    }

    /// Runs whose fault fired.
    pub fn fired(&self) -> usize {
        self.rows.values().map(|c| c.fired).sum()
    }

    /// Runs that did not end with the right answer.
    pub fn bad(&self) -> usize {
        self.rows.values().map(|c| c.wrong + c.failed + c.hung).sum()
    }
}

/// The way of a run's reads in words.
pub fn reads(outcome: &Outcome) -> &'static str {
    if outcome.local_reads { "from files" } else { "fetched" }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<10} {:<10} {:>6} {:>6} {:>6} {:>7} {:>5} {:>11} {:>11}",
            "fault", "reads", "fired", "right", "wrong", "failed", "hung", "slowest ms", "(not fired)"
        )?;
        let mut all = Counts::default();
        for ((name, reads), c) in &self.rows {
            write_row(f, name, reads, c)?;
            all.fired += c.fired;
            all.missed += c.missed;
            all.right += c.right;
            all.wrong += c.wrong;
            all.failed += c.failed;
            all.hung += c.hung;
            all.slowest = all.slowest.max(c.slowest);
        }
        write_row(f, "all", "", &all)
    }
}

fn write_row(f: &mut fmt::Formatter<'_>, name: &str, reads: &str, c: &Counts) -> fmt::Result {
    writeln!(
        f,
        "{name:<10} {reads:<10} {:>6} {:>6} {:>6} {:>7} {:>5} {:>11} {:>11}",
        c.fired, c.right, c.wrong, c.failed, c.hung, c.slowest, c.missed
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_of_reading_stand_apart() {
        let mut table = Table::default();
        table.add(&outcome(true, Ending::Right));
        let mut fetched = outcome(true, Ending::Hung);
        fetched.local_reads = false;
        table.add(&fetched);
        let text = table.to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].starts_with("kill       fetched         1      0"), "{text}");
        assert!(lines[2].starts_with("kill       from files      1      1"), "{text}");
        let before = r#"{"query":1,"fault":"cut","seed":1,"fired":null,"ending":"Right","millis":1}"#;
        assert!(serde_json::from_str::<Outcome>(before).unwrap().local_reads);
    }

    fn outcome(fired: bool, ending: Ending) -> Outcome {
        Outcome {
            query: 1,
            fault: "kill".into(),
            seed: 1,
            local_reads: true,
            fired: fired.then(|| "x".into()),
            ending,
            millis: 5,
        }
    }

    #[test]
    fn what_did_not_fire_does_not_count_as_survived() {
        let mut table = Table::default();
        table.add(&outcome(true, Ending::Right));
        table.add(&outcome(false, Ending::Right));
        table.add(&outcome(false, Ending::Hung));
        table.add(&outcome(true, Ending::Wrong("1 row for 2".into())));
        assert_eq!((table.fired(), table.bad()), (2, 2));
    }
}
