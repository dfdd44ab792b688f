//! Figures as people read them.

use std::fmt::Write as _;
use std::time::Duration;

use rsql_exec::metrics::{NodeFigures, ScanFigures, StageRun};

/// What a stage did, without its nodes.
pub(super) fn stage(stage: &StageRun) -> String {
    let mut out = format!("tasks: {}", stage.tasks);
    if stage.attempts > stage.tasks {
        _ = write!(out, " in {} attempts", stage.attempts);
    }
    _ = write!(
        out,
        ", rows: {}, bytes: {}, time: {}, longest task: {}",
        stage.rows,
        size(stage.bytes),
        millis(stage.time),
        millis(stage.longest)
    );
    out
}

/// What a node did.
pub(super) fn node(node: &NodeFigures) -> String {
    let mut out = format!(
        "rows: {}, bytes: {}, time: {}",
        node.rows,
        size(node.bytes),
        millis(Duration::from_nanos(node.nanos))
    );
    if node.memory > 0 {
        _ = write!(out, ", memory: {}", size(node.memory));
    }
    if node.spilled > 0 {
        _ = write!(out, ", spilled: {}", size(node.spilled));
    }
    if node.scan.groups > 0 {
        _ = write!(out, ", scan: {}", scan(&node.scan));
    }
    out
}

/// A time in milliseconds.
pub(super) fn millis(time: Duration) -> String {
    format!("{:.3} ms", time.as_secs_f64() * 1000.0)
}

fn scan(scan: &ScanFigures) -> String {
    let mut out = format!(
        "{} of {} row groups and {} of {} page ranges pruned ({} rows)",
        scan.groups_pruned, scan.groups, scan.ranges_pruned, scan.ranges, scan.rows_pruned
    );
    for (rows, by) in [
        (scan.rows_filtered, "filtered"),
        (scan.rows_by_runtime, "dropped by runtime filters"),
    ] {
        if rows > 0 {
            _ = write!(out, ", {rows} rows {by}");
        }
    }
    if scan.files_pruned > 0 {
        let (pruned, files) = (scan.files_pruned, scan.files);
        _ = write!(out, ", {pruned} of {files} files pruned by runtime filters");
    }
    _ = write!(
        out,
        ", read {}, decompressed {}",
        size(scan.bytes_read),
        size(scan.bytes_decompressed)
    );
    out
}

/// Bytes as people read them.
fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if value < 1000.0 {
            return match unit {
                "B" => format!("{bytes} B"),
                _ => format!("{value:.1} {unit}"),
            };
        }
        value /= 1000.0;
    }
    format!("{value:.1} TB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        assert_eq!(size(0), "0 B");
        assert_eq!(size(999), "999 B");
        assert_eq!(size(1_500), "1.5 kB");
        assert_eq!(size(36_500_000), "36.5 MB");
        assert_eq!(size(2_000_000_000_000), "2.0 TB");
    }

    #[test]
    fn what_did_not_happen_is_left_out() {
        let mut figures = NodeFigures {
            rows: 3,
            ..NodeFigures::default()
        };
        assert_eq!(node(&figures), "rows: 3, bytes: 0 B, time: 0.000 ms");
        figures.memory = 2_000;
        figures.spilled = 10;
        figures.scan.groups = 2;
        figures.scan.groups_pruned = 1;
        let text = node(&figures);
        assert!(
            text.contains("memory: 2.0 kB, spilled: 10 B, scan: 1 of 2 row groups"),
            "{text}"
        );
        assert!(!text.contains("filtered"), "{text}");
    }

    #[test]
    fn attempts_are_told_where_there_were_more_than_tasks() {
        let mut run = StageRun {
            tasks: 3,
            attempts: 3,
            rows: 12,
            bytes: 3_400,
            time: Duration::from_millis(12),
            longest: Duration::from_millis(5),
            nodes: Vec::new(),
        };
        let rest = "rows: 12, bytes: 3.4 kB, time: 12.000 ms, longest task: 5.000 ms";
        assert_eq!(stage(&run), format!("tasks: 3, {rest}"));
        run.attempts = 4;
        assert_eq!(stage(&run), format!("tasks: 3 in 4 attempts, {rest}"));
    }
}
