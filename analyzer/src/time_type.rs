//! `spark.sql.timeType.enabled=false`: the TIME type does not exist, wherever it would come from.

use rsql_common::{Error, Result};
use rsql_expr::{Expr, SqlType};
use rsql_planner::LogicalPlan;

use crate::AnalyzerContext;

/// `UNSUPPORTED_TIME_TYPE` for a plan that computes a TIME while the type is off.
pub(crate) fn check(plan: &LogicalPlan, cx: &AnalyzerContext<'_>) -> Result<()> {
    if cx.settings.bool("spark.sql.timeType.enabled") || !computes_time(plan) {
        return Ok(());
    }
    Err(Error::user("UNSUPPORTED_TIME_TYPE"))
}

fn computes_time(plan: &LogicalPlan) -> bool {
    plan.expressions()
        .into_iter()
        .any(|e| e.any(&|e: &Expr| is_time(&e.ty())))
        || plan.schema().iter().any(|f| is_time(&f.ty))
        || plan.children().into_iter().any(|c| computes_time(c))
}

fn is_time(ty: &SqlType) -> bool {
    match ty {
        SqlType::Time(_) => true,
        SqlType::Array(a) => is_time(&a.element),
        SqlType::Map(m) => is_time(&m.key) || is_time(&m.value),
        SqlType::Struct(fields) => fields.iter().any(|f| is_time(&f.ty)),
        _ => false,
    }
}
