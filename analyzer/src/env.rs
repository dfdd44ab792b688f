//! Where a query stands: the enclosing queries whose columns it may read, the CTEs it sees, the pipe it continues.

use std::cell::RefCell;

use rsql_common::ColumnId;
use rsql_common::Span;
use rsql_common::{Error, Result};
use rsql_expr::function::ResolveCx;
use rsql_expr::tree::Origin;

use crate::AnalyzerContext;
use crate::collected::CollectedAggregate;
use crate::cte::CteFrame;
use crate::hint::RelationHints;
use crate::scope::{Rel, Scope};

/// Surroundings of a query; cheap to copy, refers to what the enclosing queries hold.
#[derive(Clone, Copy)]
pub(crate) struct Env<'e> {
    /// Session facts, catalog, functions.
    pub cx: &'e AnalyzerContext<'e>,
    /// Enclosing queries, innermost first.
    pub outer: Option<&'e Outer<'e>>,
    /// Visible CTEs, innermost first.
    pub ctes: Option<&'e CteFrame<'e>>,
    /// Under the legacy policy, WITHs here give way to those further out: in definitions and subquery expressions.
    pub ctes_yield: bool,
    /// What [`rsql_ast::Relation::PipeInput`] stands for.
    pub pipe: Option<&'e Rel>,
    /// The pipe operator whose list is bound; its aggregates are refused.
    pub pipe_clause: Option<&'static str>,
    /// Database that a permanent view's unqualified names belong to.
    pub view_database: Option<&'e str>,
    /// Views being expanded.
    pub view_depth: usize,
    /// SQL functions being expanded.
    pub function_depth: usize,
    /// Hints that name relations of the FROM that is analyzed.
    pub hints: Option<&'e RelationHints>,
}

/// One enclosing query.
pub(crate) struct Outer<'e> {
    /// Its columns.
    pub scope: &'e Scope,
    /// Further out.
    pub next: Option<&'e Outer<'e>>,
    /// Names of its columns that the subquery read, in order.
    pub names: RefCell<Vec<String>>,
    /// Aggregates over the enclosing query's columns that the subquery asks for; absent where it may not.
    pub aggregates: Option<&'e RefCell<Vec<CollectedAggregate>>>,
    /// Its columns are the parameters of a SQL function, which its whole body may read.
    pub parameters: bool,
}

impl<'e> Outer<'e> {
    /// The enclosing query of this one whose columns may be read too; Spark looks just one query outwards.
    pub fn further(&self, env: &Env<'e>) -> Option<&'e Outer<'e>> {
        self.next.filter(|n| n.parameters || !env.cx.settings.strict())
    }
}

impl<'e> Env<'e> {
    /// The outermost surroundings.
    pub fn root(cx: &'e AnalyzerContext<'e>) -> Self {
        Self {
            cx,
            outer: None,
            ctes: None,
            ctes_yield: false,
            pipe: None,
            pipe_clause: None,
            view_database: None,
            view_depth: 0,
            function_depth: 0,
            hints: None,
        }
    }

    /// The same without sight of enclosing queries.
    pub fn without_outer(self) -> Self {
        Self { outer: None, ..self }
    }

    /// What resolving a call at `span` looks at.
    pub fn resolve_cx<'a>(&'a self, called_as: &'a str, span: Span) -> ResolveCx<'a> {
        ResolveCx {
            called_as,
            options: &self.cx.options,
            mode: self.cx.options.mode(),
            settings: &self.cx.settings,
            registry: &self.cx.registry,
            ids: &self.cx.ids,
            origin: Origin(span),
        }
    }

    /// A fresh column id.
    pub fn id(&self) -> ColumnId {
        self.cx.ids.column()
    }

    /// True if `a` and `b` name the same thing.
    pub fn same_name(&self, a: &str, b: &str) -> bool {
        if self.case_sensitive() {
            a == b
        } else {
            same_ignoring_case(a, b)
        }
    }

    /// `spark.sql.caseSensitive`
    pub fn case_sensitive(&self) -> bool {
        self.cx.settings.bool("spark.sql.caseSensitive")
    }
}

/// Unicode-aware comparison of names.
pub(crate) fn same_ignoring_case(a: &str, b: &str) -> bool {
    if a.is_ascii() && b.is_ascii() {
        a.eq_ignore_ascii_case(b)
    } else {
        a.to_lowercase() == b.to_lowercase()
    }
}

/// Runs `f` with enough stack, however deep the tree is.
pub(crate) fn deep<T>(f: impl FnOnce() -> Result<T>) -> Result<T> {
    stacker::maybe_grow(256 * 1024, 4 * 1024 * 1024, f)
}

/// A condition at a place.
pub(crate) fn user(condition: &'static str, span: Span) -> Error {
    Error::user(condition).at(span)
}

/// The error of strict mode for syntax that Spark does not have.
pub(crate) fn not_sparks(word: &str, span: Span) -> Error {
    Error::user("PARSE_SYNTAX_ERROR")
        .param("error", format!("'{word}'"))
        .param("hint", "")
        .at(span)
}
