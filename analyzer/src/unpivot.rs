//! UNPIVOT: one row for each of several columns.

use std::sync::Arc;

use rsql_ast as ast;
use rsql_ast::relation::Unpivot;
use rsql_common::{Error, Result};
use rsql_expr::coerce::{cast_to, wider_type_without_strings};
use rsql_expr::{Column, Expr, Field, Literal, SqlType};

use crate::collected::Collected;
use crate::env::Env;
use crate::expr::structure::own_name;
use crate::expr::{Allow, Binder};
use crate::scope::{Rel, Scope, ScopeColumn};

/// `rel UNPIVOT (value FOR name IN (columns))`
pub(crate) fn unpivot(rel: Rel, u: &Unpivot, env: Env<'_>) -> Result<Rel> {
    let mut out = Collected::default();
    let mut binder = Binder::new(env, &rel.scope, Allow::rows("UNPIVOT"), &mut out);
    let mut groups: Vec<(Vec<Expr>, String)> = Vec::new();
    for (columns, alias) in &u.columns {
        let (exprs, names) = group(columns, &mut binder)?;
        if exprs.len() != u.values.len() {
            return Err(Error::user("UNPIVOT_VALUE_SIZE_MISMATCH")
                .param("names", u.values.len().to_string())
                .at(u.span));
        }
        let name = alias.as_ref().map_or_else(|| names.join("_"), |a| a.value.clone());
        groups.push((exprs, name));
    }
    let used: Vec<_> = groups
        .iter()
        .flat_map(|(e, _)| e)
        .filter_map(|e| {
            if let Expr::Column(Column { id, .. }) = e {
                Some(*id)
            } else {
                None
            }
        })
        .collect();
    let kept: Vec<ScopeColumn> = rel
        .scope
        .visible()
        .filter(|c| c.id().is_none_or(|id| !used.contains(&id)))
        .cloned()
        .collect();
    let cx = env.resolve_cx("unpivot", u.span);
    let mut types: Vec<SqlType> = Vec::new();
    for i in 0..u.values.len() {
        let column: Vec<Expr> = groups.iter().map(|(e, _)| e[i].clone()).collect();
        let common = column
            .iter()
            .try_fold(SqlType::Void, |ty, e| wider_type_without_strings(&ty, &e.ty(), &cx));
        let Some(ty) = common else {
            let types: Vec<String> = column.iter().map(|e| e.ty().quoted()).collect();
            return Err(Error::user("UNPIVOT_VALUE_DATA_TYPE_MISMATCH")
                .param("types", types.join(", "))
                .at(u.span));
        };
        types.push(ty);
    }
    let fresh = |name: &str, ty: &SqlType| Field {
        id: env.id(),
        name: name.into(),
        ty: ty.clone(),
        nullable: true,
    };
    let mut fields: Vec<Field> = kept
        .iter()
        .map(|c| fresh(&c.name, &c.expr.ty()))
        .chain([fresh(&u.name.value, &SqlType::String)])
        .collect();
    fields.extend(u.values.iter().zip(&types).map(|(n, t)| fresh(&n.value, t)));
    let projections = groups
        .into_iter()
        .map(|(exprs, name)| {
            let mut row: Vec<Expr> = kept.iter().map(|c| c.expr.clone()).collect();
            row.push(Expr::lit(Literal::string(name)));
            row.extend(exprs.into_iter().zip(&types).map(|(e, t)| cast_to(e, t, &cx)));
            row
        })
        .collect();
    let values: Vec<Expr> = fields[kept.len() + 1..]
        .iter()
        .map(rsql_planner::logical::build::column)
        .collect();
    let mut plan = rel.plan.expand(projections, fields);
    if !u.include_nulls {
        let mut present: Vec<Expr> = values.into_iter().map(|e| Expr::IsNotNull(Box::new(e))).collect();
        plan = plan.filter(if present.len() == 1 {
            present.swap_remove(0)
        } else {
            Expr::Or(present)
        });
    }
    let mut scope = Scope::of(&plan, &[]);
    for (c, old) in scope.columns.iter_mut().zip(&kept) {
        c.qualifier = Arc::clone(&old.qualifier);
    }
    Ok(Rel { plan, scope })
}

fn group(columns: &[ast::Expr], binder: &mut Binder<'_>) -> Result<(Vec<Expr>, Vec<String>)> {
    let mut exprs = Vec::new();
    let mut names = Vec::new();
    for c in columns {
        let bound = binder.bind_named(c)?;
        let Some(name) = own_name(c).filter(|_| matches!(bound.expr, Expr::Column(_))) else {
            return Err(Error::user("UNPIVOT_REQUIRES_ATTRIBUTES")
                .param("given", "value")
                .param("empty", "id")
                .param("expressions", format!("\"{}\"", bound.name))
                .at(c.span));
        };
        names.push(name);
        exprs.push(bound.expr);
    }
    Ok((exprs, names))
}
