//! Buckets in plans: the hash that names a row's bucket, and which buckets a task reads.

use std::ops::Range;
use std::sync::Arc;

use rsql_catalog::{Buckets, SourceKind};
use rsql_expr::tree::{ArithExpr, ArithOp, CallExpr, Effects, NullRule};
use rsql_expr::{EvalMode, EvalOptions, Expr, Literal, Scalar, SqlType};

use crate::PhysicalPlan;
use crate::physical::Scan;

/// The bucket of a row with these keys: `pmod(hash(keys), buckets)`, as Spark computes it.
pub fn bucket_expr(keys: Vec<Expr>, buckets: u32) -> Expr {
    let hash = Expr::Call(Box::new(CallExpr {
        func: Arc::from("hash"),
        args: keys,
        ty: SqlType::Int,
        mode: EvalMode::Legacy,
        nulls: NullRule::Never,
        effects: Effects::PURE,
        options: Arc::new(EvalOptions::default()),
        origin: Default::default(),
    }));
    let count = Literal {
        value: Scalar::I32(i32::try_from(buckets).unwrap_or(i32::MAX)),
        ty: SqlType::Int,
    };
    Expr::Arith(Box::new(ArithExpr {
        op: ArithOp::Pmod,
        left: hash,
        right: Expr::Literal(count),
        ty: SqlType::Int,
        mode: EvalMode::Legacy,
        origin: Default::default(),
    }))
}

/// The buckets that task `task` of `tasks` reads: its share of them in order, or the one of its number where there are
/// tasks enough. The same for all bucketed scans of a stage, so that equal buckets meet; and for a stage that reads
/// partitions by number, so that these meet buckets of their number.
pub fn buckets_of_task(buckets: u32, tasks: usize, task: usize) -> Range<u32> {
    let at = |i: usize| match tasks {
        0 | 1 => buckets * u32::from(i > 0),
        t if t >= buckets as usize => (i as u64).min(u64::from(buckets)) as u32,
        t => (u64::from(buckets) * i as u64 / t as u64) as u32,
    };
    at(task)..at(task + 1)
}

/// Whether some scan reads as many buckets as there are partitions: rows of one number may be meant to meet.
pub(crate) fn reads_buckets(plan: &PhysicalPlan, partitions: usize) -> bool {
    match plan {
        PhysicalPlan::Scan(n) => n.by_buckets().is_some_and(|b| b.count as usize == partitions),
        other => other.children().into_iter().any(|c| reads_buckets(c, partitions)),
    }
}

impl Scan {
    /// The buckets by which tasks read, if they do.
    pub(crate) fn by_buckets(&self) -> Option<&Buckets> {
        self.declared_buckets().filter(|_| self.by_bucket)
    }

    /// Whether tasks may read by bucket.
    pub(crate) fn may_read_by_bucket(&self) -> bool {
        matches!(&self.source.kind, SourceKind::Files(files) if files.sound_buckets().is_some())
    }

    /// How many buckets of how many are read, where that is worth a word: tasks read by bucket, or some are left out.
    pub(crate) fn buckets_read(&self) -> Option<(usize, u32)> {
        let buckets = self.declared_buckets()?;
        (self.by_bucket || buckets.kept.is_some()).then(|| (buckets.n_kept(), buckets.count))
    }

    fn declared_buckets(&self) -> Option<&Buckets> {
        match &self.source.kind {
            SourceKind::Files(files) => files.buckets.as_ref(),
            SourceKind::Memory(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_share_out_all_buckets() {
        for (buckets, tasks) in [(4, 1), (4, 3), (4, 4), (4, 7), (100, 7), (1, 3)] {
            let all: Vec<u32> = (0..tasks).flat_map(|t| buckets_of_task(buckets, tasks, t)).collect();
            assert_eq!(all, (0..buckets).collect::<Vec<_>>(), "{buckets} over {tasks}");
        }
        assert_eq!(buckets_of_task(4, 7, 2), 2..3);
        assert!(buckets_of_task(4, 7, 5).is_empty());
    }
}
