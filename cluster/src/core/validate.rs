//! What a set of stages must be like before the scheduler runs it.

use std::collections::{BTreeMap, BTreeSet};

use rsql_common::{Error, StageId};

use super::spec::StageSpec;

/// Checks that stages are named once, that what they read exists, and that none reads itself in the end.
pub(super) fn check_stages(stages: &[StageSpec]) -> Result<(), Error> {
    let by_id: BTreeMap<StageId, &StageSpec> = stages.iter().map(|s| (s.id, s)).collect();
    if stages.is_empty() {
        return Err(Error::internal("a distributed plan has no stages"));
    }
    if by_id.len() != stages.len() {
        return Err(Error::internal("two stages of a distributed plan have one id"));
    }
    for stage in stages {
        for read in stage.tasks.iter().flat_map(|t| &t.reads) {
            let maps = by_id.get(&read.stage).map_or(0, |s| s.tasks.len());
            if read.maps.end as usize > maps {
                return Err(Error::internal(format!(
                    "{} reads {} map outputs of {}, which has {maps}",
                    stage.id, read.maps.end, read.stage
                )));
            }
        }
        if let Some(sampling) = stage.bounds_of
            && !by_id.contains_key(&sampling)
        {
            return Err(Error::internal(format!(
                "{} needs bounds of {sampling}, which is not there",
                stage.id
            )));
        }
    }
    let mut done = BTreeSet::new();
    while done.len() < by_id.len() {
        let before = done.len();
        for stage in by_id.values() {
            let reads = stage.tasks.iter().flat_map(|t| &t.reads).map(|r| r.stage);
            if reads.chain(stage.bounds_of).all(|id| done.contains(&id)) {
                done.insert(stage.id);
            }
        }
        if done.len() == before {
            return Err(Error::internal(
                "the stages of a distributed plan read each other in a circle",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::spec::{Read, TaskSpec};
    use rsql_planner::physical::Rerun;

    fn stage(id: u32, reads: &[(u32, u32)]) -> StageSpec {
        let reads = reads.iter().map(|(stage, maps)| Read {
            stage: StageId(*stage),
            partition: 0,
            maps: 0..*maps,
        });
        StageSpec {
            id: StageId(id),
            name: String::new(),
            tasks: vec![TaskSpec {
                reads: reads.collect(),
                ..TaskSpec::default()
            }],
            rerun: Rerun::Equal,
            bounds_of: None,
            replan: false,
        }
    }

    #[test]
    fn plans_that_cannot_run_are_refused() {
        assert!(check_stages(&[stage(0, &[]), stage(1, &[(0, 1)])]).is_ok());
        let bad: [(&[StageSpec], &str); 5] = [
            (&[], "no stages"),
            (&[stage(0, &[]), stage(0, &[])], "one id"),
            (&[stage(0, &[]), stage(1, &[(0, 2)])], "reads 2 map outputs"),
            (&[stage(0, &[(1, 1)]), stage(1, &[(0, 1)])], "circle"),
            (
                &[StageSpec {
                    bounds_of: Some(StageId(7)),
                    ..stage(0, &[])
                }],
                "needs bounds",
            ),
        ];
        for (stages, message) in bad {
            let error = check_stages(stages).unwrap_err();
            assert!(error.message().contains(message), "{error}");
        }
    }
}
