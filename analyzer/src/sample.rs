//! TABLESAMPLE.

use std::sync::Arc;

use rsql_ast as ast;
use rsql_ast::relation::{SampleKind, TableSample};
use rsql_common::{Error, Result};
use rsql_expr::SqlType;
use rsql_expr::coerce::cast_to;
use rsql_planner::LogicalPlan;
use rsql_planner::logical::Sample;

use crate::collected::Collected;
use crate::env::Env;
use crate::expr::{Allow, Binder};
use crate::scope::{Rel, Scope};

/// A random part of a relation's rows.
pub(crate) fn sample(rel: Rel, sample: Option<&TableSample>, env: Env<'_>) -> Result<Rel> {
    let Some(sample) = sample else { return Ok(rel) };
    let fraction = match &sample.kind {
        SampleKind::Rows(e) => {
            let rows = number(e, env)?;
            if rows < 0.0 {
                return Err(Error::user("INVALID_LIMIT_LIKE_EXPRESSION.IS_NEGATIVE")
                    .param("name", "limit")
                    .param("v", format!("{rows:.0}"))
                    .at(e.span));
            }
            // Rows counts are small integers; the cast keeps them.
            return Ok(Rel {
                plan: rel.plan.limit(0, Some(rows as u64)),
                scope: rel.scope,
            });
        }
        SampleKind::Percent(e) => number(e, env)? / 100.0,
        SampleKind::Bucket(x, y) if *y > 0 => *x as f64 / *y as f64,
        SampleKind::Bucket(..) => return Err(Error::unsupported("TABLESAMPLE of no buckets")),
        SampleKind::Bytes(e) => {
            return Err(Error::user("_LEGACY_ERROR_TEMP_0015")
                .param("msg", "byteLengthLiteral")
                .at(e.span));
        }
    };
    if !(0.0..=1.0).contains(&fraction) {
        return Err(Error::user("_LEGACY_ERROR_TEMP_0064").param(
            "msg",
            format!("Sampling fraction ({fraction}) must be on interval [0, 1]"),
        ));
    }
    let seed = sample.seed.map_or_else(|| u64::from(env.id().0), i64::cast_unsigned);
    let plan = LogicalPlan::Sample(Sample {
        input: Arc::new(rel.plan),
        lower: 0.0,
        upper: fraction,
        seed,
    });
    Ok(Rel { plan, scope: rel.scope })
}

fn number(e: &ast::Expr, env: Env<'_>) -> Result<f64> {
    let scope = Scope::default();
    let mut out = Collected::default();
    let mut binder = Binder::new(env, &scope, Allow::rows("TABLESAMPLE"), &mut out);
    let expr = binder.expr(e)?;
    let double = cast_to(expr, &SqlType::Double, &env.resolve_cx("cast", e.span));
    match rsql_expr::eval::fold(&double, &env.cx.registry)?.value {
        rsql_expr::Scalar::F64(v) => Ok(v),
        _ => Err(Error::user("INVALID_LIMIT_LIKE_EXPRESSION.IS_NULL")
            .param("name", "limit")
            .at(e.span)),
    }
}
