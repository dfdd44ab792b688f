//! What names stand for at one place of a query: the columns of FROM with the tables they belong to.

use std::sync::Arc;

use rsql_ast::Ident;
use rsql_common::{ColumnId, Result, quoted_name};
use rsql_expr::{Column, Expr, Field};
use rsql_planner::LogicalPlan;

use crate::env::{Env, user};
use crate::time_window::TimeWindow;

/// A named column. Usually a plan column; for aliases any expression over them.
#[derive(Debug, Clone)]
pub(crate) struct ScopeColumn {
    /// Catalog, database, table, as far as known; just the alias for aliased relations.
    pub qualifier: Arc<[Arc<str>]>,
    /// Name.
    pub name: Arc<str>,
    /// What it stands for.
    pub expr: Expr,
    /// Only `t.a` finds it: the other side's key of a USING join.
    pub qualified_only: bool,
}

/// Columns in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    /// The columns.
    pub columns: Vec<ScopeColumn>,
    /// A time window the query groups by; found by its name, not part of `*`.
    pub time_window: Option<Arc<TimeWindow>>,
}

/// A relation: a plan and how its columns are called.
#[derive(Debug, Clone)]
pub(crate) struct Rel {
    /// Plan.
    pub plan: LogicalPlan,
    /// Names.
    pub scope: Scope,
}

/// A column found by name, and the parts of the name behind it.
pub(crate) struct Found<'s, 'n> {
    /// The column.
    pub column: &'s ScopeColumn,
    /// Part of the name that named the column.
    pub name: &'n Ident,
    /// Field names behind it.
    pub fields: &'n [Ident],
}

impl ScopeColumn {
    /// A plan's column.
    pub fn of(field: &Field, qualifier: &Arc<[Arc<str>]>) -> Self {
        Self {
            qualifier: Arc::clone(qualifier),
            name: Arc::clone(&field.name),
            expr: rsql_planner::logical::build::column(field),
            qualified_only: false,
        }
    }

    /// The id, if it stands for a plan's column.
    pub fn id(&self) -> Option<ColumnId> {
        if let Expr::Column(Column { id, .. }) = &self.expr {
            Some(*id)
        } else {
            None
        }
    }

    /// `t.a` in backquotes, for messages.
    pub fn quoted(&self) -> String {
        quoted_name(self.qualifier.iter().chain([&self.name]))
    }

    fn has_qualifier(&self, parts: &[Ident], env: &Env<'_>) -> bool {
        let Some(skip) = self.qualifier.len().checked_sub(parts.len()) else {
            return false;
        };
        self.qualifier[skip..]
            .iter()
            .zip(parts)
            .all(|(q, p)| env.same_name(q, &p.value))
    }
}

impl Scope {
    /// Just these columns.
    pub fn over(columns: Vec<ScopeColumn>) -> Self {
        Self {
            columns,
            time_window: None,
        }
    }

    /// All columns of `plan` under one qualifier.
    pub fn of(plan: &LogicalPlan, qualifier: &[Arc<str>]) -> Self {
        Self::with_doubles(plan, qualifier, &doubles(plan))
    }

    /// The same where column `i` is known to equal column `first[i]`.
    pub fn with_doubles(plan: &LogicalPlan, qualifier: &[Arc<str>], first: &[usize]) -> Self {
        let qualifier: Arc<[Arc<str>]> = qualifier.into();
        let fields = &plan.schema().fields;
        let mut scope = Self {
            time_window: None,

            columns: fields.iter().map(|f| ScopeColumn::of(f, &qualifier)).collect(),
        };
        for (i, first) in first.iter().enumerate() {
            if *first != i {
                scope.columns[i].expr = scope.columns[*first].expr.clone();
            }
        }
        scope
    }

    /// Columns that `*` gives.
    pub fn visible(&self) -> impl Iterator<Item = &ScopeColumn> {
        self.columns.iter().filter(|c| !c.qualified_only)
    }

    /// True if the column stands for one of these.
    pub fn holds(&self, id: ColumnId) -> bool {
        self.columns
            .iter()
            .any(|c| c.expr.any(&|e| matches!(e, Expr::Column(c) if c.id == id)))
    }

    /// The column a dotted name means, if any: with as long a qualifier as fits, else as a bare name with fields
    /// behind it.
    pub fn find<'s, 'n>(&'s self, parts: &'n [Ident], env: &Env<'_>) -> Result<Option<Found<'s, 'n>>> {
        for q in (0..parts.len().min(4)).rev() {
            let (qualifier, rest) = parts.split_at(q);
            let [name, fields @ ..] = rest else { continue };
            let window = self.time_window.iter().map(|w| &w.column);
            let mut hits = self.columns.iter().chain(window).filter(|c| {
                env.same_name(&c.name, &name.value) && (q > 0 || !c.qualified_only) && c.has_qualifier(qualifier, env)
            });
            let Some(column) = hits.next() else { continue };
            if let Some(second) = hits.find(|c| c.expr != column.expr) {
                let mut names: Vec<String> = std::iter::once(column)
                    .chain([second])
                    .chain(hits.filter(|c| c.expr != column.expr && c.expr != second.expr))
                    .map(ScopeColumn::quoted)
                    .collect();
                names.sort();
                let span = parts.iter().fold(rsql_common::Span::NONE, |s, i| s.to(i.span));
                return Err(user("AMBIGUOUS_REFERENCE", span)
                    .param("name", quoted_name(parts.iter().map(|p| &p.value)))
                    .param("referenceNames", format!("[{}]", names.join(", "))));
            }
            return Ok(Some(Found { column, name, fields }));
        }
        Ok(None)
    }

    /// Columns of the table or alias `qualifier`; hidden ones too, which come first.
    pub fn of_table(&self, qualifier: &[Ident], env: &Env<'_>) -> Vec<&ScopeColumn> {
        let mut columns: Vec<&ScopeColumn> = self
            .columns
            .iter()
            .filter(|c| c.has_qualifier(qualifier, env))
            .collect();
        columns.sort_by_key(|c| !c.qualified_only);
        columns
    }
}

/// For each column of a plan the first one that is the same input column.
pub(crate) fn doubles(plan: &LogicalPlan) -> Vec<usize> {
    let LogicalPlan::Projection(p) = plan else {
        return (0..plan.schema().len()).collect();
    };
    let same = |i: usize| {
        let bare = matches!(p.exprs[i], Expr::Column(_));
        (0..i).find(|j| bare && p.exprs[*j] == p.exprs[i]).unwrap_or(i)
    };
    (0..p.exprs.len()).map(same).collect()
}

impl Rel {
    /// The plan with exactly the visible columns, under their names.
    pub fn output(self, env: Env<'_>) -> LogicalPlan {
        let schema = self.plan.schema();
        let same = self.scope.columns.len() == schema.len()
            && self
                .scope
                .columns
                .iter()
                .zip(schema.iter())
                .all(|(c, f)| !c.qualified_only && c.id() == Some(f.id) && c.name == f.name);
        if same {
            return self.plan;
        }
        let exprs = self
            .scope
            .visible()
            .map(|c| (c.expr.clone(), Arc::clone(&c.name)))
            .collect();
        crate::project::project(self.plan, exprs, env)
    }

    /// A plan whose columns are known under one qualifier.
    pub fn new(plan: LogicalPlan, qualifier: &[Arc<str>]) -> Self {
        let scope = Scope::of(&plan, qualifier);
        Self { plan, scope }
    }
}
