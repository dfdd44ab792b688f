//! What all tasks of a stage have in common, sent once to each executor and named by the hash of its bytes.

use std::collections::VecDeque;
use std::sync::Arc;

use rsql_common::{Error, Result, Settings};
use rsql_exec::write::WriteSpec;
use rsql_planner::stages::Stage;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::rpc::connect::MESSAGE_LIMIT;
use crate::rpc::messages::PlanHash;

/// Plans that an executor keeps; more than a query has stages, so that none is fetched twice.
const CACHED: usize = 256;
/// Bytes of a message around a plan, at most.
const ENVELOPE: usize = 1024;

/// A stage's plan with the settings it runs under.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StagePlan {
    /// The stage.
    pub stage: Stage,
    /// What the statement's session had set.
    pub settings: Vec<(String, String)>,
    /// Its tasks write files of a table instead of shuffle outputs.
    pub write: Option<WriteSpec>,
    /// Its tasks count what each node does, and say it with their success.
    pub metered: bool,
}

impl StagePlan {
    /// The plan's bytes and their name.
    pub fn encode(&self) -> Result<(PlanHash, Vec<u8>)> {
        let bytes =
            postcard::to_stdvec(self).map_err(|e| Error::internal(format!("a stage cannot be encoded: {e}")))?;
        check_size(bytes.len())?;
        Ok((PlanHash(Sha256::digest(&bytes).into()), bytes))
    }

    /// Reads a plan, checking that it is the one that `hash` names.
    pub fn decode(hash: PlanHash, bytes: &[u8]) -> Result<Self> {
        if hash.0 != <[u8; 32]>::from(Sha256::digest(bytes)) {
            return Err(Error::io("a stage's plan does not match its hash"));
        }
        postcard::from_bytes(bytes).map_err(|e| Error::internal(format!("a stage cannot be decoded: {e}")))
    }

    /// The settings, on top of an executor's own.
    pub fn settings(&self, own: &[(&str, String)]) -> Result<Settings> {
        let mut settings = Settings::default();
        for (key, value) in &self.settings {
            settings = settings.with(key, value)?;
        }
        for (key, value) in own {
            settings = settings.with(key, value)?;
        }
        Ok(settings)
    }
}

/// Refuses what no executor could fetch, before it is tried.
fn check_size(bytes: usize) -> Result<()> {
    if bytes < MESSAGE_LIMIT - ENVELOPE {
        return Ok(());
    }
    Err(Error::exhausted(format!(
        "a stage's plan has {bytes} bytes, more than the {MESSAGE_LIMIT} that an executor takes; tables in memory are sent with \
         it, so write large ones to files"
    )))
}

/// The plans an executor used last.
#[derive(Debug, Default)]
pub struct PlanCache(VecDeque<(PlanHash, Arc<StagePlan>)>);

impl PlanCache {
    /// A plan that is there.
    pub fn get(&mut self, hash: PlanHash) -> Option<Arc<StagePlan>> {
        let at = self.0.iter().position(|(h, _)| *h == hash)?;
        let entry = self.0.remove(at)?;
        let plan = Arc::clone(&entry.1);
        self.0.push_back(entry);
        Some(plan)
    }

    /// Keeps a plan, forgetting the one that was used least lately.
    pub fn put(&mut self, hash: PlanHash, plan: Arc<StagePlan>) {
        if self.0.len() == CACHED {
            self.0.pop_front();
        }
        self.0.push_back((hash, plan));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_that_no_message_holds_is_refused_with_a_reason() {
        check_size(MESSAGE_LIMIT / 2).unwrap();
        let e = check_size(MESSAGE_LIMIT).unwrap_err();
        assert_eq!(e.condition(), "RESOURCE_EXHAUSTED");
        assert!(e.to_string().contains("write large ones to files"), "{e}");
    }
}
