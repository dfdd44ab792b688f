//! What resolving a call may look at.

use std::sync::Arc;

use rsql_common::Settings;
use rsql_common::ids::IdGen;

use super::FunctionRegistry;
use crate::tree::Origin;
use crate::{EvalMode, EvalOptions};

/// Surroundings of a call being resolved.
#[derive(Clone, Copy)]
pub struct ResolveCx<'a> {
    /// Name the user called the function by (an alias keeps its name in messages and columns).
    pub called_as: &'a str,
    /// Frozen session facts.
    pub options: &'a Arc<EvalOptions>,
    /// Error behaviour the call gets (`try_*` functions change it).
    pub mode: EvalMode,
    /// The session's settings.
    pub settings: &'a Settings,
    /// For folding constants and finding sibling functions.
    pub registry: &'a Arc<FunctionRegistry>,
    /// Fresh ids (lambda parameters).
    pub ids: &'a IdGen,
    /// Where the call stands.
    pub origin: Origin,
}

impl<'a> ResolveCx<'a> {
    /// The same surroundings with another error behaviour.
    #[must_use]
    pub fn with_mode(self, mode: EvalMode) -> Self {
        Self { mode, ..self }
    }

    /// Coercion follows ANSI rules.
    pub fn ansi(&self) -> bool {
        self.options.ansi
    }
}
