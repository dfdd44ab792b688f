//! GROUP BY: what rows are grouped by, and how the select list reads the groups.

use std::collections::BTreeSet;
use std::sync::Arc;

use rsql_ast as ast;
use rsql_ast::ExprKind;
use rsql_ast::query::GroupBy;
use rsql_common::{ColumnId, Error, Result, Span};
use rsql_expr::{Expr, Field, Literal, Scalar, Schema, SqlType};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::build::{column, field_for};

use crate::collected::{Collected, CollectedGenerator, CollectedSubquery, plant};
use crate::env::Env;
use crate::expr::{Allow, Binder};
use crate::rewrite::GroupRewrite;
use crate::scope::{Scope, ScopeColumn};
use crate::select_list::Output;

/// Bound GROUP BY.
#[derive(Debug, Default)]
pub(crate) struct Grouping {
    /// Distinct keys.
    pub keys: Vec<(Expr, Arc<str>)>,
    /// Grouping sets as positions in `keys`; absent without grouping analytics.
    pub sets: Option<Vec<Vec<usize>>>,
    /// What keys read.
    pub subqueries: Vec<CollectedSubquery>,
    /// A GROUP BY was written.
    pub written: bool,
    /// Where it stands.
    pub span: Span,
}

/// Binds single items and remembers the distinct keys.
struct KeyBinder<'k> {
    scope: &'k Scope,
    outputs: &'k [Output],
    names: Scope,
    aggregates: Vec<ColumnId>,
    windows: Vec<ColumnId>,
    collected: Collected,
    generators: Vec<CollectedGenerator>,
    env: Env<'k>,
    grouping: Grouping,
}

impl Grouping {
    /// Binds GROUP BY; nothing for a global aggregate.
    pub fn bind(
        group_by: Option<&GroupBy>,
        scope: &Scope,
        outputs: &[Output],
        out: &mut Collected,
        late: &mut Vec<CollectedSubquery>,
        env: Env<'_>,
    ) -> Result<Grouping> {
        let Some(group_by) = group_by else {
            return Ok(Grouping::default());
        };
        let aliases = env.cx.settings.bool("spark.sql.groupByAliases");
        let names = Scope {
            time_window: None,
            columns: outputs
                .iter()
                .enumerate()
                .filter(|(i, o)| aliases && !outputs[..*i].iter().any(|p| env.same_name(&p.name, &o.name)))
                .filter(|(_, o)| generator_of(&o.expr, &out.generators).is_none())
                .map(|(_, o)| ScopeColumn {
                    qualifier: [].into(),
                    name: Arc::clone(&o.name),
                    expr: o.expr.clone(),
                    qualified_only: false,
                })
                .collect(),
        };
        let mut binder = KeyBinder {
            scope,
            outputs,
            names,
            aggregates: out.aggregates.iter().map(|a| a.id).collect(),
            windows: out.windows.iter().map(|w| w.id).collect(),
            collected: Collected {
                subqueries: std::mem::take(late),
                ..Collected::default()
            },
            generators: std::mem::take(&mut out.generators),
            env,
            grouping: Grouping {
                written: true,
                span: group_by.span,
                ..Grouping::default()
            },
        };
        if group_by.all {
            let all = ast::Ident::new("all");
            let column = scope.columns.iter().any(|c| env.same_name(&c.name, "all"));
            if column {
                binder.key(&ast::Expr::new(ExprKind::Column(vec![all]), group_by.span))?;
            } else {
                binder.every_plain_output()?;
            }
        } else {
            let sets = crate::grouping_sets::bind(&group_by.items, &mut |e| binder.key(e))?;
            binder.grouping.sets = sets;
        }
        let KeyBinder {
            collected,
            mut grouping,
            generators,
            ..
        } = binder;
        out.generators = generators;
        // What a key reads is computed below the aggregate, the rest of the list's subqueries above it.
        let read: BTreeSet<ColumnId> = grouping.keys.iter().flat_map(|(e, _)| e.columns()).collect();
        let (below, above) = collected.subqueries.into_iter().partition(|s| read.contains(&s.id));
        grouping.subqueries = below;
        *late = above;
        Ok(grouping)
    }

    /// The aggregate over `input`, and how expressions over `input` read it.
    pub fn plan(
        self,
        plan: LogicalPlan,
        input: &Schema,
        out: &mut Collected,
        env: Env<'_>,
    ) -> Result<(LogicalPlan, GroupRewrite)> {
        let plan = plant(plan, self.subqueries.clone());
        let groupings = std::mem::take(&mut out.groupings);
        let aggregates: Vec<_> = out
            .aggregates
            .iter()
            .map(|a| (a.call.clone(), a.id, Arc::clone(&a.name)))
            .collect();
        let written = self.written;
        // The grand total alone is a global aggregate: one row, even without input.
        let grand_total = grand_total_row(env)
            && self.keys.is_empty()
            && self.sets.as_ref().is_some_and(|s| s.len() == 1 && s[0].is_empty());
        let Some(sets) = self.sets.filter(|_| !grand_total) else {
            if let Some(g) = groupings.first().filter(|_| !grand_total) {
                return Err(Error::user("UNSUPPORTED_GROUPING_EXPRESSION").at(g.span));
            }
            let groups: Vec<(Expr, Field)> = self
                .keys
                .iter()
                .map(|(e, name)| (e.clone(), key_field(e, Arc::clone(name), &plan, env)))
                .collect();
            let map = groups.iter().map(|(e, f)| (e.clone(), column(f))).collect();
            let zero = |single: bool| match single {
                true => Expr::lit(Literal::new(Scalar::I8(0), SqlType::Byte)),
                false => Expr::lit(Literal::long(0)),
            };
            if let Some(g) = groupings.iter().find(|g| !g.args.is_empty()) {
                let condition = if g.single {
                    "GROUPING_COLUMN_MISMATCH"
                } else {
                    "GROUPING_ID_COLUMN_MISMATCH"
                };
                return Err(Error::user(condition).at(g.span));
            }
            let computed = groupings.iter().map(|g| (g.id, zero(g.single))).collect();
            let rewrite = GroupRewrite::new(map, computed, input, written && !grand_total);
            return Ok((plan.aggregate(groups, aggregates), rewrite));
        };
        let calls = crate::grouping_sets::Calls {
            aggregates,
            over_keys: std::mem::take(&mut out.sort_aggregates),
            groupings,
        };
        crate::grouping_sets::plan(plan, &self.keys, &sets, calls, input, env)
    }
}

/// The grand total of an empty input is one row, unless the setting asks for none.
fn grand_total_row(env: Env<'_>) -> bool {
    env.cx
        .settings
        .bool("spark.sql.analyzer.lowerEmptyGroupingSetToGlobalAggregate.enabled")
}

/// The output column of a key. A column keeps its id unless it belongs to an enclosing query.
pub(crate) fn key_field(e: &Expr, name: Arc<str>, plan: &LogicalPlan, env: Env<'_>) -> Field {
    let mut field = field_for(e, name, plan.schema(), &env.cx.ids);
    if matches!(e, Expr::Column(c) if plan.schema().field(c.id).is_none()) {
        field.id = env.id();
    }
    field
}

impl KeyBinder<'_> {
    /// Binds one key: an ordinal, an expression, or an alias; gives its position among the distinct keys.
    fn key(&mut self, e: &ast::Expr) -> Result<usize> {
        let ordinals = self.env.cx.settings.bool("spark.sql.groupByOrdinal");
        if let (true, Some(n)) = (ordinals, crate::order::ordinal(e)) {
            let at = usize::try_from(n)
                .ok()
                .and_then(|n| n.checked_sub(1))
                .filter(|i| *i < self.outputs.len());
            let Some(at) = at else {
                return Err(Error::user("GROUP_BY_POS_OUT_OF_RANGE")
                    .param("index", n.to_string())
                    .param("size", self.outputs.len().to_string())
                    .at(e.span));
            };
            let output = &self.outputs[at];
            if output.starred {
                return Err(Error::user("STAR_GROUP_BY_POS").at(e.span));
            }
            if self.reads(&output.expr, &self.aggregates) {
                return Err(Error::user("GROUP_BY_POS_AGGREGATE")
                    .param("index", n.to_string())
                    .param("aggExpr", output.text.clone())
                    .at(e.span));
            }
            if self.reads(&output.expr, &self.windows) {
                return Err(Error::user("UNSUPPORTED_EXPR_FOR_OPERATOR")
                    .param("invalidExprSqls", format!("\"{}\"", output.text))
                    .at(e.span));
            }
            let (expr, name) = (output.expr.clone(), Arc::clone(&output.name));
            if let Some(keys) = self.generator_keys(&expr) {
                return keys;
            }
            return Ok(self.add(expr, name));
        }
        let mut binder = Binder::new(self.env, self.scope, Allow::rows("GROUP BY"), &mut self.collected)
            .with_aliases(&self.names, false);
        let bound = binder.bind_named(e)?;
        if self.reads(&bound.expr, &self.aggregates) {
            return Err(Error::user("GROUP_BY_AGGREGATE")
                .param("sqlExpr", bound.name)
                .at(e.span));
        }
        if self.reads(&bound.expr, &self.windows) {
            return Err(Error::user("WINDOW_FUNCTION_NOT_ALLOWED_IN_CLAUSE")
                .param("clauseName", "GROUP BY")
                .at(e.span));
        }
        let name = crate::expr::structure::own_name(e).unwrap_or(bound.name);
        Ok(self.add(bound.expr, name.into()))
    }

    /// Grouping by a generator's column groups by what the generator reads.
    fn generator_keys(&mut self, e: &Expr) -> Option<Result<usize>> {
        let args = generator_of(e, &self.generators)?.args.clone();
        let mut at = None;
        for arg in args {
            if !arg.is_foldable() && !self.reads(&arg, &self.aggregates) {
                at = Some(self.add(arg, "generator input".into()));
            }
        }
        let none = Error::user("GROUP_BY_AGGREGATE").param("sqlExpr", "a generator's column");
        Some(at.ok_or(none))
    }

    fn reads(&self, e: &Expr, ids: &[ColumnId]) -> bool {
        e.any(&|e| matches!(e, Expr::Column(c) if ids.contains(&c.id)))
    }

    fn add(&mut self, e: Expr, name: Arc<str>) -> usize {
        let keys = &mut self.grouping.keys;
        if let Some(at) = keys.iter().position(|(k, _)| crate::canonical::same_key(k, &e)) {
            return at;
        }
        keys.push((e, name));
        keys.len() - 1
    }

    /// GROUP BY ALL: every output that holds no aggregate.
    fn every_plain_output(&mut self) -> Result<()> {
        let (plain, mixed): (Vec<&Output>, Vec<&Output>) = self
            .outputs
            .iter()
            .partition(|o| !self.reads(&o.expr, &self.aggregates));
        for o in plain {
            if generator_of(&o.expr, &self.generators).is_some() {
                // A generator over aggregates alone adds no key.
                _ = self.generator_keys(&o.expr);
            } else if !self.reads(&o.expr, &self.windows) {
                self.add(o.expr.clone(), Arc::clone(&o.name));
            }
        }
        let input: BTreeSet<ColumnId> = self.scope.columns.iter().filter_map(ScopeColumn::id).collect();
        for o in mixed {
            let covered = uncovered(&o.expr, &self.grouping.keys, &input);
            if covered {
                return Err(Error::user("UNRESOLVED_ALL_IN_GROUP_BY").at(self.grouping.span));
            }
        }
        Ok(())
    }
}

/// The generator whose column `e` is.
fn generator_of<'g>(e: &Expr, generators: &'g [CollectedGenerator]) -> Option<&'g CollectedGenerator> {
    let Expr::Column(c) = e else { return None };
    generators.iter().find(|g| g.outputs.iter().any(|f| f.id == c.id))
}

/// True if the expression reads an input column outside of the keys.
fn uncovered(e: &Expr, keys: &[(Expr, Arc<str>)], input: &BTreeSet<ColumnId>) -> bool {
    if keys.iter().any(|(k, _)| k == e) {
        return false;
    }
    match e {
        Expr::Column(c) => input.contains(&c.id),
        _ => e.children().into_iter().any(|c| uncovered(c, keys, input)),
    }
}
