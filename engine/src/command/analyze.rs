//! EXPLAIN ANALYZE: what each node of a plan did.
//!
//! ```text
//! Scan lineitem … [rows: 1139264, bytes: 36.5 MB, time: 85.113 ms, scan: 1 of 3 row groups and 2 of 40 page ranges
//!   pruned (1068576 rows), 420 rows filtered, …, read 12.1 MB, decompressed 30.0 MB]
//! ```
//!
//! Times are of all workers together; memory is the most that was reserved at one time.

use std::fmt::Write as _;
use std::sync::Arc;

use rsql_common::Result;
use rsql_exec::metrics::{NodeMetrics, PlanMetrics, ScanMetrics};
use rsql_exec::pipeline::Flow;

use crate::query::{PlannedQuery, StatementCx};

/// Runs the plan and writes behind each node what it did.
pub(super) fn analyze(cx: &StatementCx<'_>, planned: &PlannedQuery) -> Result<String> {
    let mut task = cx.new_task()?;
    let metrics = Arc::new(PlanMetrics::default());
    task.metrics = Some(Arc::clone(&metrics));
    let start = std::time::Instant::now();
    let mut stream = cx.start(planned, Arc::new(task))?;
    rsql_exec::runner::for_each_chunk(stream.as_mut(), &mut |_| Ok(Flow::Continue))?;
    drop(stream);
    let elapsed = start.elapsed();
    let nodes = metrics.nodes();
    let mut out = String::from("== Analyzed Physical Plan ==\n");
    let note = |node: usize| nodes.get(node).map(node_text);
    out.push_str(&rsql_planner::explain_physical_with(&planned.physical, &note));
    for (what, time) in [
        ("analysis", planned.analysis),
        ("optimization", planned.optimization),
        ("lowering", planned.lowering),
        ("execution", elapsed),
    ] {
        _ = writeln!(out, "{what}: {:.3} ms", time.as_secs_f64() * 1000.0);
    }
    Ok(out)
}

fn node_text(node: &NodeMetrics) -> String {
    let millis = node.nanos.get() as f64 / 1e6;
    let mut out = format!(
        "rows: {}, bytes: {}, time: {millis:.3} ms",
        node.rows.get(),
        size(node.bytes.get())
    );
    if node.memory.peak() > 0 {
        _ = write!(out, ", memory: {}", size(node.memory.peak() as u64));
    }
    if node.spilled.get() > 0 {
        _ = write!(out, ", spilled: {}", size(node.spilled.get()));
    }
    if node.scan.groups.get() > 0 {
        _ = write!(out, ", scan: {}", scan_text(&node.scan));
    }
    out
}

fn scan_text(scan: &ScanMetrics) -> String {
    let mut out = format!(
        "{} of {} row groups and {} of {} page ranges pruned ({} rows)",
        scan.groups_pruned.get(),
        scan.groups.get(),
        scan.ranges_pruned.get(),
        scan.ranges.get(),
        scan.rows_pruned.get()
    );
    for (rows, by) in [
        (&scan.rows_filtered, "filtered"),
        (&scan.rows_by_runtime, "dropped by runtime filters"),
    ] {
        if rows.get() > 0 {
            _ = write!(out, ", {} rows {by}", rows.get());
        }
    }
    if scan.files_pruned.get() > 0 {
        let (pruned, files) = (scan.files_pruned.get(), scan.files.get());
        _ = write!(out, ", {pruned} of {files} files pruned by runtime filters");
    }
    _ = write!(
        out,
        ", read {}, decompressed {}",
        size(scan.bytes_read.get()),
        size(scan.bytes_decompressed.get())
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
        let node = NodeMetrics::default();
        node.rows.add(3);
        assert_eq!(node_text(&node), "rows: 3, bytes: 0 B, time: 0.000 ms");
        node.memory.rise(2_000);
        node.spilled.add(10);
        node.scan.groups.add(2);
        node.scan.groups_pruned.add(1);
        let text = node_text(&node);
        assert!(
            text.contains("memory: 2.0 kB, spilled: 10 B, scan: 1 of 2 row groups"),
            "{text}"
        );
        assert!(!text.contains("filtered"), "{text}");
    }
}
