//! Checks that a plan is whole: every column read is made below with the type it is read with, ids are unique within a
//! node's output, join keys and set operands have equal types, CTE references find their definition.

use std::collections::HashMap;

use rsql_common::{ColumnId, CteId, Error, Result};
use rsql_expr::{Expr, Schema, SqlType};

use super::LogicalPlan;

/// The first thing wrong with the plan, as an internal error.
pub fn verify(plan: &LogicalPlan) -> Result<()> {
    Verifier {
        ctes: HashMap::new(),
        outer: Vec::new(),
    }
    .node(plan)
}

struct Verifier {
    /// Types of the definitions in sight.
    ctes: HashMap<CteId, Vec<SqlType>>,
    /// Left sides of the dependent joins around.
    outer: Vec<Schema>,
}

fn wrong<T>(plan: &LogicalPlan, what: String) -> Result<T> {
    Err(Error::internal(format!("{}: {what}", plan.name())))
}

fn types(schema: &Schema) -> Vec<SqlType> {
    schema.iter().map(|f| f.ty.clone()).collect()
}

fn same(a: &[SqlType], b: &[SqlType]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same_type(b))
}

impl Verifier {
    fn node(&mut self, plan: &LogicalPlan) -> Result<()> {
        self.children(plan)?;
        let mut inputs: Vec<&Schema> = plan.children().into_iter().map(|c| c.schema()).collect();
        let filter_columns;
        if let LogicalPlan::Scan(n) = plan {
            filter_columns = Schema::new(n.filter_columns.iter().map(|(f, _)| f.clone()));
            inputs.extend([&n.schema, &filter_columns]);
        }
        let find = |id: ColumnId| {
            inputs
                .iter()
                .chain(&self.outer.iter().collect::<Vec<_>>())
                .find_map(|s| s.field(id))
                .cloned()
        };
        for e in plan.expressions() {
            self.expression(plan, e, &find)?;
        }
        self.output(plan)
    }

    fn children(&mut self, plan: &LogicalPlan) -> Result<()> {
        match plan {
            LogicalPlan::With(n) => {
                for (id, def) in &n.defs {
                    self.node(def)?;
                    self.ctes.insert(*id, types(def.schema()));
                }
                self.node(&n.body)
            }
            LogicalPlan::RecursiveCte(n) => {
                self.node(&n.anchor)?;
                self.ctes.insert(n.id, types(n.anchor.schema()));
                self.node(&n.recursive)
            }
            LogicalPlan::DependentJoin(n) => {
                self.node(&n.left)?;
                self.outer.push(n.left.schema().clone());
                self.node(&n.right)?;
                self.outer.pop();
                Ok(())
            }
            _ => plan.children().into_iter().try_for_each(|c| self.node(c)),
        }
    }

    fn expression(
        &self,
        plan: &LogicalPlan,
        e: &Expr,
        find: &dyn Fn(ColumnId) -> Option<rsql_expr::Field>,
    ) -> Result<()> {
        let mut params = Vec::new();
        let mut read = Vec::new();
        e.visit(&mut |e| match e {
            Expr::Lambda(l) => params.extend(l.params.iter().map(|p| p.id)),
            Expr::Column(c) => read.push(c),
            _ => {}
        });
        for c in read.into_iter().filter(|c| !params.contains(&c.id)) {
            match find(c.id) {
                None => return wrong(plan, format!("{} in {e} is not made below", c.id)),
                Some(f) if !f.ty.same_type(&c.ty) => {
                    return wrong(plan, format!("{} is read as {} but is {}", c.id, c.ty, f.ty));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    fn output(&self, plan: &LogicalPlan) -> Result<()> {
        let mut seen = std::collections::HashSet::new();
        if let Some(f) = plan.schema().iter().find(|f| !seen.insert(f.id)) {
            return wrong(plan, format!("{} stands twice in its output", f.id));
        }
        let width = |wanted: usize| {
            if plan.schema().len() == wanted {
                Ok(())
            } else {
                wrong(plan, format!("has {} columns instead of {wanted}", plan.schema().len()))
            }
        };
        match plan {
            LogicalPlan::Projection(n) => {
                width(n.exprs.len())?;
                let expected: Vec<SqlType> = n.exprs.iter().map(Expr::ty).collect();
                if !same(&types(&n.schema), &expected) {
                    return wrong(plan, "types of output and expressions differ".into());
                }
            }
            LogicalPlan::Aggregate(n) => width(n.groups.len() + n.aggregates.len())?,
            LogicalPlan::Window(n) => width(n.input.schema().len() + n.calls.len())?,
            LogicalPlan::Scan(n) => width(n.columns.len())?,
            LogicalPlan::Expand(n) => n.projections.iter().try_for_each(|p| width(p.len()))?,
            LogicalPlan::Join(n) => {
                for (l, r) in &n.on {
                    if !l.ty().same_type(&r.ty()) {
                        return wrong(plan, format!("key {l} is {} but {r} is {}", l.ty(), r.ty()));
                    }
                    if l.columns().iter().any(|c| n.left.schema().index_of(*c).is_none())
                        || r.columns().iter().any(|c| n.right.schema().index_of(*c).is_none())
                    {
                        return wrong(plan, format!("key {l} = {r} has its sides exchanged"));
                    }
                }
            }
            LogicalPlan::Union(n) if n.inputs.iter().any(|i| !same(&types(i.schema()), &types(&n.schema))) => {
                return wrong(plan, "inputs differ in type".into());
            }
            LogicalPlan::SetOp(n) if !same(&types(n.left.schema()), &types(n.right.schema())) => {
                return wrong(plan, "inputs differ in type".into());
            }
            LogicalPlan::CteRef(n) => match self.ctes.get(&n.id) {
                None => return wrong(plan, format!("{} is not defined", n.id)),
                Some(def) if !same(def, &types(&n.schema)) => {
                    return wrong(plan, format!("columns of {} differ from its definition", n.id));
                }
                Some(_) => {}
            },
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rsql_common::ids::IdGen;
    use rsql_expr::{CompareOp, Field, Literal};

    use super::*;
    use crate::logical::build::column;
    use crate::logical::canonical::{canonical, with_fresh_ids};

    fn field(id: u32) -> Field {
        Field {
            id: ColumnId(id),
            name: "a".into(),
            ty: SqlType::Int,
            nullable: true,
        }
    }

    fn filtered(made: u32, read: u32) -> LogicalPlan {
        let predicate = Expr::compare(CompareOp::Gt, column(&field(read)), Expr::lit(Literal::int(5)));
        LogicalPlan::empty(Schema::new([field(made)])).filter(predicate)
    }

    #[test]
    fn columns_must_be_made_below() {
        assert!(verify(&filtered(1, 1)).is_ok());
        assert!(verify(&filtered(1, 2)).is_err());
    }

    #[test]
    fn plans_are_equal_but_for_ids() {
        assert_eq!(canonical(filtered(1, 1)), canonical(filtered(7, 7)));
        let ids = IdGen::default();
        _ = ids.column();
        let fresh = with_fresh_ids(filtered(0, 0), &ids);
        assert_ne!(fresh, filtered(0, 0));
        assert_eq!(canonical(fresh), canonical(filtered(0, 0)));
    }
}
