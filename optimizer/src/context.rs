//! Surroundings of one statement's optimization.

use std::sync::Arc;

use rsql_common::Settings;
use rsql_common::ids::IdGen;
use rsql_expr::{EvalOptions, FunctionRegistry};

/// What rules may use: no session, no catalog, no clock.
#[derive(Clone)]
pub struct OptimizerContext {
    /// Functions, for folding and for facts about calls.
    pub registry: Arc<FunctionRegistry>,
    /// The session's settings.
    pub settings: Arc<Settings>,
    /// Fresh ids.
    pub ids: Arc<IdGen>,
    /// Frozen session facts.
    pub options: Arc<EvalOptions>,
}
