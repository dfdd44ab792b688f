//! Tasks that read a source by bucket: each has all rows of its buckets instead of a share of all rows.

use std::borrow::Cow;
use std::ops::Range;

use rsql_catalog::FileSource;
use rsql_catalog::buckets::bucket_of;
use rsql_planner::buckets::buckets_of_task;
use rsql_planner::physical::Scan;

use crate::pipeline::TaskContext;

/// What a task reads of a source.
pub(super) struct Part<'a> {
    /// The files that the task has something of.
    pub source: Cow<'a, FileSource>,
    by_bucket: bool,
}

impl<'a> Part<'a> {
    /// The task's part of a scan.
    pub(super) fn of(node: &Scan, source: &'a FileSource, cx: &TaskContext) -> Self {
        let buckets = node.by_bucket.then(|| source.sound_buckets()).flatten();
        let (Some(buckets), Some(site)) = (buckets, &cx.site) else {
            return Self {
                source: Cow::Borrowed(source),
                by_bucket: false,
            };
        };
        let wanted = buckets_of_task(buckets.count, site.tasks, site.index);
        let of_task = source
            .files
            .iter()
            .filter(|f| bucket_of(&f.path).is_some_and(|b| wanted.contains(&b)));
        Self {
            source: Cow::Owned(FileSource {
                files: of_task.cloned().collect(),
                ..source.clone()
            }),
            by_bucket: true,
        }
    }

    /// Which of `total` things in a row of the part's files the task has.
    pub(super) fn share(&self, total: u64, cx: &TaskContext) -> Range<u64> {
        if self.by_bucket { 0..total } else { cx.share(total) }
    }
}
