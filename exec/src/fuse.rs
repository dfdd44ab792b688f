//! Pipelines whose scans are to be read together become one with several branches.
//!
//! It starts when all that any of them waits for is done, and whatever waits for one of them waits for all. The planner gives
//! scans an id in common only where that is no circle; should pipelines have come out otherwise than it thought, each scan
//! reads for itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::pipeline::{PipelineId, Source};
use crate::scheduler::Pipeline;

/// Puts pipelines together.
pub(crate) fn fuse(pipelines: Vec<Pipeline>) -> Vec<Pipeline> {
    let mut groups: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (i, p) in pipelines.iter().enumerate() {
        if let Some(member) = &p.member {
            groups.entry(member.scan.id()).or_default().push(i);
        }
    }
    groups.retain(|_, group| group.len() > 1);
    // The pipeline that takes each one in.
    let mut leader: Vec<usize> = (0..pipelines.len()).collect();
    for group in groups.values() {
        group.iter().for_each(|i| leader[*i] = group[0]);
    }
    if groups.is_empty() || is_circle(&pipelines, &leader) {
        return pipelines;
    }
    let mut position = vec![0; pipelines.len()];
    let mut views: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut fused: Vec<Pipeline> = Vec::with_capacity(pipelines.len());
    for (i, p) in pipelines.into_iter().enumerate() {
        if let Some(member) = p.member.as_ref().filter(|m| groups.contains_key(&m.scan.id())) {
            views.entry(leader[i]).or_default().push(member.view);
        }
        match leader[i] == i {
            true => {
                position[i] = fused.len();
                fused.push(p);
            }
            false => {
                position[i] = position[leader[i]];
                let into = &mut fused[position[i]];
                into.branches.extend(p.branches);
                into.dependencies.extend(p.dependencies);
                into.estimate = into.estimate.max(p.estimate);
            }
        }
    }
    for (i, views) in views {
        let into = &mut fused[position[i]];
        if let Some(member) = &into.member {
            let source = member.scan.source(views);
            // Opens the files now, not while workers wait for their turns; what fails is said when one begins.
            _ = source.parallelism();
            into.source = Arc::new(source);
        }
    }
    let dependencies = fused.iter_mut().flat_map(|p| &mut p.dependencies);
    dependencies.for_each(|d| *d = PipelineId(position[d.0]));
    fused
}

/// Whether some pipeline would wait for itself.
fn is_circle(pipelines: &[Pipeline], leader: &[usize]) -> bool {
    let mut waits_for = vec![0; pipelines.len()];
    let mut dependents = vec![Vec::new(); pipelines.len()];
    for (i, p) in pipelines.iter().enumerate() {
        for d in &p.dependencies {
            waits_for[leader[i]] += 1;
            dependents[leader[d.0]].push(leader[i]);
        }
    }
    let mut ready: Vec<usize> = (0..pipelines.len())
        .filter(|i| leader[*i] == *i && waits_for[*i] == 0)
        .collect();
    let mut left = (0..pipelines.len()).filter(|i| leader[*i] == *i).count();
    while let Some(i) = ready.pop() {
        left -= 1;
        for d in &dependents[i] {
            waits_for[*d] -= 1;
            if waits_for[*d] == 0 {
                ready.push(*d);
            }
        }
    }
    left > 0
}
