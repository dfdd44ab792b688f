//! An array of structs of which one field is read is exploded as an array of that field.
//!
//! ```text
//! Projection e.a                  Projection e.a#9
//!   Generate explode(l) AS e  →     Generate explode(array_field(l, 'a')) AS e.a#9
//!     Scan t [l]                      Scan t [l]
//! ```
//! `NestedColumnAliasing` then reads the field alone. Sound: the array of the field has an element for each struct, NULL
//! where the struct is. Not applied where several fields or the struct as a whole are read.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rsql_common::{ColumnId, Result};
use rsql_expr::tree::{CallExpr, Column, Effects, NullRule, Origin};
use rsql_expr::{EvalMode, Expr, Field, Literal, Schema, SqlType};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::Generate;

use crate::OptimizerContext;
use crate::rule::PlanPass;
use crate::struct_uses::{Uses, replace_by_uses};
use crate::walk::{map_children, with_stack};

/// See the module.
pub struct GeneratorNestedColumnAliasing;

impl PlanPass for GeneratorNestedColumnAliasing {
    fn name(&self) -> &'static str {
        "GeneratorNestedColumnAliasing"
    }

    fn run(&self, plan: LogicalPlan, cx: &OptimizerContext) -> Result<LogicalPlan> {
        let mut elements = BTreeMap::new();
        exploded(&plan, &mut elements);
        let columns = elements.keys().copied().collect();
        let choose = |uses: &Uses| {
            let narrow = elements.iter().filter_map(|(id, ty)| {
                let index = uses.only_field(*id)?;
                let SqlType::Struct(fields) = ty else { return None };
                let (ty, new) = (fields.get(index)?.ty.clone(), cx.ids.column());
                Some((*id, (index, Column { id: new, ty })))
            });
            narrow.collect()
        };
        Ok(replace_by_uses(plan, columns, choose, |plan, narrow| {
            replace(plan, narrow, cx)
        }))
    }
}

/// Exploded structs of which one field is read: its position, and the column that takes the struct's place.
type Narrow = HashMap<ColumnId, (usize, Column)>;

/// Columns of structs that come of exploding arrays.
fn exploded(plan: &LogicalPlan, out: &mut BTreeMap<ColumnId, SqlType>) {
    with_stack(|| {
        if let LogicalPlan::Generate(n) = plan
            && matches!(&*n.func, "explode" | "posexplode")
            && let [array] = n.args.as_slice()
            && let SqlType::Array(a) = array.ty()
            && let Some(element) = n.outputs.last().filter(|f| f.ty == a.element)
            && matches!(element.ty, SqlType::Struct(_))
        {
            out.insert(element.id, element.ty.clone());
        }
        plan.children().into_iter().for_each(|c| exploded(c, out));
    });
}

fn replace(plan: LogicalPlan, narrow: &Narrow, cx: &OptimizerContext) -> LogicalPlan {
    with_stack(|| {
        let Ok(plan) = map_children::<std::convert::Infallible>(plan, &mut |c| Ok(replace(c, narrow, cx)));
        let Ok(plan) = plan.map_expressions::<std::convert::Infallible>(&mut |e| Ok(rewrite(e, narrow)));
        match plan {
            LogicalPlan::Generate(n) => generate(n, narrow, cx),
            // Where the struct was handed on, the field is.
            LogicalPlan::Projection(mut n) => {
                let mut fields: Vec<Field> = n.schema.iter().cloned().collect();
                for (e, f) in n.exprs.iter_mut().zip(&mut fields) {
                    if let Expr::Column(c) = e
                        && let Some((_, new)) = narrow.get(&c.id)
                    {
                        (f.id, f.ty, f.nullable) = (new.id, new.ty.clone(), true);
                        *e = Expr::Column(new.clone());
                    }
                }
                n.schema = Schema::new(fields);
                LogicalPlan::Projection(n)
            }
            other => other,
        }
    })
}

fn generate(mut n: Generate, narrow: &Narrow, cx: &OptimizerContext) -> LogicalPlan {
    let element = n.outputs.last().and_then(|f| Some((f.clone(), narrow.get(&f.id)?)));
    if let Some((field, (index, new))) = element
        && let SqlType::Struct(fields) = &field.ty
        && let Some(array) = n.args.pop()
    {
        let name = &fields[*index].name;
        n.outputs.pop();
        n.outputs.push(Field {
            id: new.id,
            name: format!("{}.{name}", field.name).into(),
            ty: new.ty.clone(),
            nullable: true,
        });
        n.args.push(Expr::Call(Box::new(CallExpr {
            func: "array_field".into(),
            ty: SqlType::array(new.ty.clone()),
            args: vec![array, Expr::lit(Literal::string(name.to_string()))],
            mode: EvalMode::Ansi,
            nulls: NullRule::Propagate,
            effects: Effects::PURE,
            options: Arc::clone(&cx.options),
            origin: Origin::default(),
        })));
    }
    let mut plan = LogicalPlan::Generate(n);
    plan.refresh_schema();
    plan
}

/// Accesses to the only field as the column that takes the struct's place.
fn rewrite(e: Expr, narrow: &Narrow) -> Expr {
    if let Expr::Field { expr, .. } = &e
        && let Expr::Column(c) = expr.as_ref()
        && let Some((_, new)) = narrow.get(&c.id)
    {
        return Expr::Column(new.clone());
    }
    let Ok(e) = e.try_map_children::<std::convert::Infallible>(&mut |e| Ok(rewrite(e, narrow)));
    e
}
