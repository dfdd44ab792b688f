//! Right sides that only compute on the outer row: they are computed on the left side itself.
//!
//! ```text
//! DependentJoin Inner              Generate explode(o.items)
//!   Scan o                    →      Scan o
//!   Generate explode(o.items)
//!     Values 1 row
//! ```
//! Sound: such a subquery's rows are made from one outer row alone. Taken for any use that the chain of projections,
//! filters and generators allows: one that may drop or add rows only for lateral joins and EXISTS.

use rsql_expr::{Expr, Field};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::{DependentKind, PlanRef};

use super::Dependent;

#[derive(Default)]
struct Shape {
    filters: bool,
    generators: usize,
    computes: bool,
}

/// The left side with the right side's columns computed on it.
pub(super) fn apply(d: &Dependent, right: &LogicalPlan) -> Option<LogicalPlan> {
    let mut shape = Shape::default();
    look(right, &mut shape)?;
    let plain = !shape.filters && shape.generators == 0;
    let condition = Expr::conjunction(d.condition.iter().cloned());
    match d.kind {
        DependentKind::Inner => Some(attach(right, &d.left, false)?.filter(condition)),
        DependentKind::Single if plain => attach(right, &d.left, false),
        DependentKind::Left if plain && d.condition.is_empty() => attach(right, &d.left, false),
        DependentKind::Left if !shape.filters && shape.generators == 1 && !shape.computes && d.condition.is_empty() => {
            attach(right, &d.left, true)
        }
        DependentKind::Semi if shape.generators == 0 => {
            let ids: Vec<_> = d.left.schema().iter().map(|f| f.id).collect();
            Some(attach(right, &d.left, false)?.filter(condition).project_columns(&ids))
        }
        DependentKind::Mark if plain && d.null_aware => {
            let plan = attach(right, &d.left, false)?;
            let mut exprs = d.left.columns();
            let mut fields: Vec<Field> = d.left.schema().iter().cloned().collect();
            fields.push(Field {
                id: d.mark?,
                name: "mark".into(),
                ty: rsql_expr::SqlType::Boolean,
                nullable: true,
            });
            exprs.push(condition);
            Some(plan.project_to(exprs, fields))
        }
        _ => None,
    }
}

fn look(plan: &LogicalPlan, shape: &mut Shape) -> Option<()> {
    match plan {
        LogicalPlan::Values(n) if n.rows.len() == 1 && n.schema.is_empty() => Some(()),
        LogicalPlan::Projection(n) => {
            shape.computes |= n.exprs.iter().any(|e| !matches!(e, Expr::Column(_)));
            look(&n.input, shape)
        }
        LogicalPlan::Filter(n) => {
            shape.filters = true;
            look(&n.input, shape)
        }
        LogicalPlan::Generate(n) => {
            shape.generators += 1;
            look(&n.input, shape)
        }
        _ => None,
    }
}

fn attach(plan: &LogicalPlan, left: &PlanRef, outer: bool) -> Option<LogicalPlan> {
    Some(match plan {
        LogicalPlan::Values(_) => left.as_ref().clone(),
        LogicalPlan::Projection(n) => {
            let input = attach(&n.input, left, outer)?;
            let mut exprs = left.columns();
            let mut fields: Vec<Field> = left.schema().iter().cloned().collect();
            exprs.extend(n.exprs.iter().cloned());
            // A bare outer column in the select list would stand twice under one id.
            if n.schema.iter().any(|f| left.schema().index_of(f.id).is_some()) {
                return None;
            }
            fields.extend(n.schema.iter().cloned());
            input.project_to(exprs, fields)
        }
        LogicalPlan::Filter(n) => attach(&n.input, left, outer)?.filter(n.predicate.clone()),
        LogicalPlan::Generate(n) => {
            attach(&n.input, left, outer)?.generate(n.func.clone(), n.args.clone(), n.outer || outer, n.outputs.clone())
        }
        _ => return None,
    })
}
