//! Other ids for the same plan: canonical ones for plan equality, fresh ones for another instance.

use std::collections::HashMap;

use rsql_common::ids::IdGen;
use rsql_common::{ColumnId, CteId};
use rsql_expr::{Expr, Field, Schema};

use super::{LogicalPlan, PlanRef};

/// The plan with ids numbered by first appearance and without names: equal for plans that compute the same in the same
/// way.
pub fn canonical(plan: LogicalPlan) -> LogicalPlan {
    let mut next = 0;
    let mut fresh = move || {
        next += 1;
        next
    };
    let mut renumber = Renumber {
        columns: HashMap::new(),
        ctes: HashMap::new(),
        fresh: &mut fresh,
        keep_free: false,
        drop_names: true,
    };
    renumber.plan(plan)
}

/// The plan with fresh ids for all columns it makes; columns it only reads (outer ones) keep theirs, and so do names.
pub fn with_fresh_ids(plan: LogicalPlan, ids: &IdGen) -> LogicalPlan {
    let mut fresh = || ids.column().0;
    let mut renumber = Renumber {
        columns: HashMap::new(),
        ctes: HashMap::new(),
        fresh: &mut fresh,
        keep_free: true,
        drop_names: false,
    };
    renumber.made(&plan);
    renumber.plan(plan)
}

struct Renumber<'a> {
    columns: HashMap<ColumnId, ColumnId>,
    ctes: HashMap<CteId, CteId>,
    fresh: &'a mut dyn FnMut() -> u32,
    /// Ids without an entry stay.
    keep_free: bool,
    drop_names: bool,
}

impl Renumber<'_> {
    /// Gives fresh ids to everything the plan makes.
    fn made(&mut self, plan: &LogicalPlan) {
        for child in plan.children() {
            self.made(child);
        }
        let filter_columns = match plan {
            LogicalPlan::Scan(n) => n.filter_columns.as_slice(),
            _ => &[],
        };
        for field in plan.schema().iter().chain(filter_columns.iter().map(|(f, _)| f)) {
            if !self.columns.contains_key(&field.id) {
                let id = ColumnId((self.fresh)());
                self.columns.insert(field.id, id);
            }
        }
        let defined: Vec<CteId> = match plan {
            LogicalPlan::With(n) => n.defs.iter().map(|(id, _)| *id).collect(),
            LogicalPlan::RecursiveCte(n) => vec![n.id],
            _ => vec![],
        };
        for id in defined {
            let new = CteId((self.fresh)());
            self.ctes.insert(id, new);
        }
        for e in plan.expressions() {
            self.lambda_params(e);
        }
    }

    fn lambda_params(&mut self, e: &Expr) {
        let mut params = Vec::new();
        e.visit(&mut |e| {
            if let Expr::Lambda(l) = e {
                params.extend(l.params.iter().map(|p| p.id));
            }
        });
        for id in params {
            let new = ColumnId((self.fresh)());
            self.columns.insert(id, new);
        }
    }

    fn column(&mut self, id: ColumnId) -> ColumnId {
        if let Some(new) = self.columns.get(&id) {
            return *new;
        }
        if self.keep_free {
            return id;
        }
        let new = ColumnId((self.fresh)());
        self.columns.insert(id, new);
        new
    }

    fn cte(&mut self, id: CteId) -> CteId {
        if let Some(new) = self.ctes.get(&id) {
            return *new;
        }
        if self.keep_free {
            return id;
        }
        let new = CteId((self.fresh)());
        self.ctes.insert(id, new);
        new
    }

    fn field(&mut self, f: &mut Field) {
        f.id = self.column(f.id);
        if self.drop_names {
            f.name = "".into();
        }
    }

    fn schema(&mut self, s: &mut Schema) {
        let mut fields = s.fields.to_vec();
        fields.iter_mut().for_each(|f| self.field(f));
        *s = Schema::new(fields);
    }

    fn expr(&mut self, e: Expr) -> Expr {
        match e {
            Expr::Column(mut c) => {
                c.id = self.column(c.id);
                Expr::Column(c)
            }
            Expr::Lambda(mut l) => {
                for p in &mut l.params {
                    p.id = self.column(p.id);
                }
                l.body = self.expr(std::mem::take(&mut l.body));
                Expr::Lambda(l)
            }
            other => {
                let Ok(e) = other.try_map_children::<std::convert::Infallible>(&mut |e| Ok(self.expr(e)));
                e
            }
        }
    }

    fn child(&mut self, p: &mut PlanRef) {
        let plan = std::sync::Arc::unwrap_or_clone(std::mem::take(p));
        *p = std::sync::Arc::new(self.plan(plan));
    }

    fn plan(&mut self, mut plan: LogicalPlan) -> LogicalPlan {
        use LogicalPlan as L;
        for child in plan.children_mut() {
            self.child(child);
        }
        match &mut plan {
            L::Values(n) => self.schema(&mut n.schema),
            L::Range(n) => self.schema(&mut n.schema),
            L::Scan(n) => {
                self.schema(&mut n.schema);
                n.filter_columns.iter_mut().for_each(|(f, _)| self.field(f));
                if self.drop_names {
                    n.facts = None;
                }
            }
            L::Projection(n) => self.schema(&mut n.schema),
            L::Aggregate(n) => self.schema(&mut n.schema),
            L::Window(n) => self.schema(&mut n.schema),
            L::Join(n) => self.schema(&mut n.schema),
            L::DependentJoin(n) => self.schema(&mut n.schema),
            L::Union(n) => self.schema(&mut n.schema),
            L::SetOp(n) => self.schema(&mut n.schema),
            L::Generate(n) => {
                n.outputs.iter_mut().for_each(|f| self.field(f));
                self.schema(&mut n.schema);
            }
            L::Expand(n) => self.schema(&mut n.schema),
            L::With(n) => n.defs.iter_mut().for_each(|(id, _)| *id = self.cte(*id)),
            L::CteRef(n) => {
                n.id = self.cte(n.id);
                self.schema(&mut n.schema);
            }
            L::RecursiveCte(n) => {
                n.id = self.cte(n.id);
                self.schema(&mut n.schema);
            }
            L::Filter(_) | L::Sort(_) | L::Limit(_) | L::Sample(_) | L::Repartition(_) | L::Hint(_) => {}
        }
        let Ok(plan) = plan.map_expressions::<std::convert::Infallible>(&mut |e| Ok(self.expr(e)));
        plan
    }
}
