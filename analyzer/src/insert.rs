//! INSERT: a query's columns become a table's, by position or by name, under the store assignment policy.

use std::sync::Arc;

use rsql_common::{Error, Result, Span, quoted_name};
use rsql_expr::cast::{can_cast, can_store_assign, can_up_cast};
use rsql_expr::coerce::cast_to;
use rsql_expr::tree::{CastExpr, CompareOp, Origin};
use rsql_expr::types::Length;
use rsql_expr::{EvalMode, Expr, Field, Literal, SqlType};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::build::column;

use crate::AnalyzerContext;
use crate::env::Env;

/// Fits `plan` to the columns of `table`: name, type, nullability.
pub(crate) fn fit(
    plan: LogicalPlan,
    table: &str,
    target: &[(String, SqlType, bool)],
    by_name: bool,
    cx: &AnalyzerContext<'_>,
) -> Result<LogicalPlan> {
    let env = Env::root(cx);
    let fields: Vec<Field> = plan.schema().iter().cloned().collect();
    if fields.len() > target.len() || (!by_name && fields.len() < target.len()) {
        let sub = if fields.len() > target.len() {
            "TOO_MANY_DATA_COLUMNS"
        } else {
            "NOT_ENOUGH_DATA_COLUMNS"
        };
        let list = |names: Vec<String>| names.join(", ");
        return Err(Error::user(format!("INSERT_COLUMN_ARITY_MISMATCH.{sub}"))
            .param("tableName", table)
            .param(
                "tableColumns",
                list(target.iter().map(|(n, ..)| quoted_name([n])).collect()),
            )
            .param(
                "dataColumns",
                list(fields.iter().map(|f| quoted_name([&f.name])).collect()),
            ));
    }
    let mut exprs: Vec<(Expr, Arc<str>)> = Vec::with_capacity(target.len());
    let mut used = vec![false; fields.len()];
    for (i, (name, ty, nullable)) in target.iter().enumerate() {
        let at = if by_name {
            fields.iter().position(|f| env.same_name(&f.name, name))
        } else {
            Some(i)
        };
        let Some(field) = at.and_then(|at| {
            used[at] = true;
            fields.get(at)
        }) else {
            if !nullable {
                return Err(incompatible("CANNOT_FIND_DATA", table, name));
            }
            exprs.push((Expr::lit(Literal::null(ty.clone())), name.as_str().into()));
            continue;
        };
        if field.nullable && !nullable && field.ty == SqlType::Void {
            return Err(incompatible("NULLABLE_COLUMN", table, name));
        }
        exprs.push((assign(column(field), ty, table, name, cx)?, name.as_str().into()));
    }
    if by_name && let Some(extra) = used.iter().position(|u| !u) {
        let columns: Vec<String> = vec![quoted_name([&fields[extra].name])];
        return Err(Error::user("INCOMPATIBLE_DATA_FOR_TABLE.EXTRA_COLUMNS")
            .param("tableName", table)
            .param("extraColumns", columns.join(", ")));
    }
    Ok(crate::project::project(plan, exprs, env))
}

fn incompatible(sub: &str, table: &str, column: &str) -> Error {
    Error::user(format!("INCOMPATIBLE_DATA_FOR_TABLE.{sub}"))
        .param("tableName", table)
        .param("colName", quoted_name([column]))
}

fn assign(value: Expr, ty: &SqlType, table: &str, name: &str, cx: &AnalyzerContext<'_>) -> Result<Expr> {
    let from = value.ty();
    let policy = cx
        .settings
        .get("spark.sql.storeAssignmentPolicy")
        .unwrap_or("ANSI")
        .to_ascii_uppercase();
    let stored = ty.without_length();
    let allowed = match policy.as_str() {
        "LEGACY" => can_cast(&from, &stored, false),
        "STRICT" => can_up_cast(&from, &stored),
        _ => can_store_assign(&from, &stored) && !shortens_time(&from, &stored),
    };
    if !allowed {
        return Err(incompatible("CANNOT_SAFELY_CAST", table, name)
            .param("srcType", from.quoted())
            .param("targetType", ty.quoted()));
    }
    let mode = if policy == "LEGACY" {
        EvalMode::Legacy
    } else {
        EvalMode::Ansi
    };
    let value = if from == stored {
        value
    } else {
        Expr::Cast(Box::new(CastExpr {
            expr: value,
            ty: stored,
            mode,
            explicit: false,
            options: Arc::clone(&cx.options),
            origin: Origin(Span::NONE),
        }))
    };
    sized(value, ty, cx)
}

/// Fewer digits of a second would be lost silently.
fn shortens_time(from: &SqlType, to: &SqlType) -> bool {
    matches!((from, to), (SqlType::Time(a), SqlType::Time(b)) if b < a)
}

/// CHAR pads and VARCHAR checks its length: spaces beyond it are cut, anything else is an error.
fn sized(value: Expr, ty: &SqlType, cx: &AnalyzerContext<'_>) -> Result<Expr> {
    let (n, pad) = match ty.length() {
        Some(Length::Char(n)) => (n, true),
        Some(Length::Varchar(n)) => (n, false),
        _ => return Ok(value),
    };
    let stored_ty = ty.without_length();
    let env = Env::root(cx);
    let length = i32::try_from(n).map_err(|_| Error::unsupported("a length beyond 2147483647"))?;
    let call = |name: &str, args: Vec<Expr>| match cx.registry.scalar(name) {
        Some(f) => f.resolve(args, &env.resolve_cx(name, Span::NONE)),
        None => Err(Error::unsupported(format!("function {name}"))),
    };
    let limit = || Expr::lit(Literal::int(length));
    let text = |s: &str| Expr::lit(Literal::string(s));
    let trimmed = call("rtrim", vec![value.clone()])?;
    let too_long = Expr::compare(CompareOp::Gt, call("length", vec![trimmed])?, limit());
    let params = call("map", vec![text("limit"), text(&n.to_string())])?;
    let error = call("raise_condition", vec![text("EXCEED_LIMIT_LENGTH"), params])?;
    let cast = env.resolve_cx("cast", Span::NONE);
    let error = cast_to(error, &stored_ty, &cast);
    let stored = if pad {
        cast_to(call("rpad", vec![value, limit(), text(" ")])?, &stored_ty, &cast)
    } else {
        let beyond = Expr::compare(CompareOp::Gt, call("length", vec![value.clone()])?, limit());
        let cut = call("substring", vec![value.clone(), Expr::lit(Literal::int(1)), limit()])?;
        let cut = cast_to(cut, &stored_ty, &cast);
        Expr::Case {
            branches: vec![(beyond, cut)],
            otherwise: Some(Box::new(value)),
            ty: stored_ty.clone(),
        }
    };
    Ok(Expr::Case {
        branches: vec![(too_long, error)],
        otherwise: Some(Box::new(stored)),
        ty: stored_ty,
    })
}
