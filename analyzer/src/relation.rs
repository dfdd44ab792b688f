//! FROM: tables, views, CTEs, subqueries and what wraps them.

use std::sync::Arc;

use rsql_ast::relation::{JoinKind as Written, TableAlias};
use rsql_ast::{Ident, ObjectName, Relation};
use rsql_common::{Error, Result, Span, quoted_name};
use rsql_expr::types::Length;
use rsql_expr::{Field, Schema};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::Scan;

use crate::ResolvedRelation;
use crate::env::{Env, Outer, deep};
use crate::scope::{Rel, Scope, ScopeColumn};

/// FROM's relations, joined by commas.
pub(crate) fn from_clause(from: &[Relation], env: Env<'_>) -> Result<Rel> {
    let Some((first, rest)) = from.split_first() else {
        return Ok(Rel {
            plan: LogicalPlan::one_row(),
            scope: Scope::default(),
        });
    };
    let mut rel = analyze(first, env)?;
    for next in rest {
        rel = crate::join::join(
            rel,
            next,
            Written::Comma,
            &rsql_ast::relation::JoinCondition::None,
            false,
            Span::NONE,
            env,
        )?;
    }
    Ok(rel)
}

/// One relation, with the hints on its name.
pub(crate) fn analyze(relation: &Relation, env: Env<'_>) -> Result<Rel> {
    let Some(hints) = env.hints else {
        return without_hints(relation, env);
    };
    let below = Env {
        hints: env.hints.filter(|_| !crate::hint::hides(relation)),
        ..env
    };
    Ok(hints.on(without_hints(relation, below)?, relation, env))
}

fn without_hints(relation: &Relation, env: Env<'_>) -> Result<Rel> {
    deep(|| match relation {
        Relation::Table {
            name,
            alias,
            sample,
            identifier,
            time_travel,
            ..
        } => {
            if time_travel.is_some() {
                return Err(Error::user("UNSUPPORTED_FEATURE.TIME_TRAVEL")
                    .param("relationId", quoted_name(name.parts()))
                    .at(name.span()));
            }
            let rel = match identifier {
                Some(e) => named(&ObjectName(crate::expr::parameter::identifier_parts(e, &env)?), env)?,
                None => named(name, env)?,
            };
            let rel = crate::sample::sample(rel, sample.as_ref(), env)?;
            aliased(rel, alias)
        }
        Relation::Subquery {
            query, alias, sample, ..
        } => {
            let inside = Env {
                ctes_yield: false,
                ..env
            };
            let rel = Rel::new(crate::query::analyze(query, inside)?, &[]);
            let rel = crate::sample::sample(rel, sample.as_ref(), env)?;
            aliased(rel, alias)
        }
        Relation::Values { rows, alias, span } => {
            crate::values::named_columns(rows, alias.columns.len(), *span)?;
            aliased(crate::values::analyze(rows, *span, env)?, alias)
        }
        Relation::Function { call, alias, span, .. } => {
            let rel = crate::table_function::analyze(call, *span, env)?;
            let width = rel.scope.columns.len();
            let written = alias.columns.len();
            if written > 0 && written != width {
                return Err(Error::user("NUM_TABLE_VALUE_ALIASES_MISMATCH")
                    .param("funcName", quoted_name([call.name.to_string()]))
                    .param("aliasesNum", written.to_string())
                    .param("outColsNum", width.to_string())
                    .at(*span));
            }
            aliased(rel, alias)
        }
        Relation::Join(join) => {
            let left = analyze(&join.left, env)?;
            crate::join::join(
                left,
                &join.right,
                join.kind,
                &join.condition,
                join.lateral,
                join.span,
                env,
            )
        }
        Relation::Nested {
            relation,
            alias,
            sample,
        } => {
            let rel = crate::sample::sample(analyze(relation, env)?, sample.as_ref(), env)?;
            aliased(rel, alias)
        }
        Relation::Pivot(pivot) => {
            let rel = crate::pivot::pivot(analyze(&pivot.input, env)?, pivot, env)?;
            aliased(rel, &pivot.alias)
        }
        Relation::Unpivot(unpivot) => {
            let rel = crate::unpivot::unpivot(analyze(&unpivot.input, env)?, unpivot, env)?;
            aliased(rel, &unpivot.alias)
        }
        Relation::PipeInput => match env.pipe {
            Some(rel) => Ok(rel.clone()),
            None => Err(Error::internal("pipe input outside of a pipe")),
        },
    })
}

/// A table, view, CTE or path by name.
pub(crate) fn named(name: &ObjectName, env: Env<'_>) -> Result<Rel> {
    if let [single] = name.0.as_slice()
        && let Some(frame) = crate::cte::find(env, single)
    {
        let plan = LogicalPlan::cte_ref(frame.id, &frame.schema, &env.cx.ids);
        for (old, new) in frame.schema.iter().zip(plan.schema().iter()) {
            env.cx.char_columns.inherit(old.id, new.id);
        }
        let scope = Scope::with_doubles(&plan, &[single.value.as_str().into()], &frame.doubles);
        return Ok(Rel { plan, scope });
    }
    let parts: Vec<String> = name.parts().map(str::to_string).collect();
    let resolver = env.cx.resolver;
    let mut found = None;
    if let ([single], Some(database)) = (parts.as_slice(), env.view_database) {
        found = resolver.relation(&[database.to_string(), single.clone()])?;
    }
    if found.is_none() {
        found = resolver.relation(&parts).map_err(|e| e.at(name.span()))?;
    }
    if let (None, [format, path]) = (&found, parts.as_slice()) {
        found = resolver.path(format, path).map_err(|e| e.at(name.span()))?;
    }
    match found {
        Some(ResolvedRelation::Table { name, source, facts }) => {
            let fields: Vec<Field> = source
                .columns
                .iter()
                .map(|c| Field {
                    id: env.id(),
                    name: Arc::clone(&c.name),
                    ty: c.ty.without_length(),
                    nullable: c.nullable,
                })
                .collect();
            for (field, column) in fields.iter().zip(source.columns.iter()) {
                if let Some(Length::Char(n)) = column.ty.length() {
                    env.cx.char_columns.add(field.id, n);
                }
            }
            let plan = LogicalPlan::Scan(Scan {
                columns: (0..fields.len()).collect(),
                schema: Schema::new(fields),
                source,
                filters: Vec::new(),
                filter_columns: Vec::new(),
                limit: None,
                facts,
            });
            let qualifier: Vec<Arc<str>> = name.iter().map(|n| n.as_str().into()).collect();
            Ok(Rel::new(plan, &qualifier))
        }
        Some(ResolvedRelation::View(view)) => crate::view::expand(&view, name.span(), env),
        None => Err(nested_namespace(&parts)
            .unwrap_or_else(|| Error::user("TABLE_OR_VIEW_NOT_FOUND").param("relationName", quoted_name(&parts)))
            .at(name.span())),
    }
}

/// The error for a name that puts a database into another one, as no catalog here has them.
pub(crate) fn nested_namespace(parts: &[String]) -> Option<Error> {
    let (_, namespace) = parts.split_last()?;
    let inside = match namespace {
        [catalog, rest @ ..] if catalog.eq_ignore_ascii_case("spark_catalog") => rest,
        [catalog, ..] if catalog.eq_ignore_ascii_case("system") => return None,
        all => all,
    };
    (inside.len() > 1).then(|| {
        Error::user("REQUIRES_SINGLE_PART_NAMESPACE")
            .param("sessionCatalog", "spark_catalog")
            .param("namespace", quoted_name(namespace))
    })
}

/// The relation under another name, its columns too if said.
pub(crate) fn aliased(rel: Rel, alias: &TableAlias) -> Result<Rel> {
    let Some(name) = &alias.name else {
        return if alias.columns.is_empty() {
            Ok(rel)
        } else {
            renamed(rel, &alias.columns)
        };
    };
    let qualifier: Arc<[Arc<str>]> = [Arc::<str>::from(name.value.as_str())].into();
    let columns = rel
        .scope
        .columns
        .into_iter()
        .filter(|c| !c.qualified_only)
        .map(|c| ScopeColumn {
            qualifier: Arc::clone(&qualifier),
            ..c
        })
        .collect();
    let rel = Rel {
        plan: rel.plan,
        scope: Scope::over(columns),
    };
    if alias.columns.is_empty() {
        Ok(rel)
    } else {
        renamed(rel, &alias.columns)
    }
}

fn renamed(mut rel: Rel, names: &[Ident]) -> Result<Rel> {
    rel.scope.columns.retain(|c| !c.qualified_only);
    if names.len() != rel.scope.columns.len() {
        let span = names.iter().fold(Span::NONE, |s, n| s.to(n.span));
        return Err(Error::user("ASSIGNMENT_ARITY_MISMATCH")
            .param("numExpr", names.len().to_string())
            .param("numTarget", rel.scope.columns.len().to_string())
            .at(span));
    }
    for (c, n) in rel.scope.columns.iter_mut().zip(names) {
        c.name = n.value.as_str().into();
    }
    Ok(rel)
}

/// The surroundings of a lateral relation right of `left`.
pub(crate) fn beside<'e>(left: &'e Scope, env: Env<'e>) -> Outer<'e> {
    Outer {
        scope: left,
        next: env.outer,
        names: Default::default(),
        aggregates: None,
        parameters: false,
    }
}
