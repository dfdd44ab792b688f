//! The general way (Neumann and Kemper): the right side is evaluated for the set of the outer columns' values.
//!
//! ```text
//! DependentJoin Semi         With l: L, d: Aggregate [o.k] [] over l
//!   L                   →      Join LeftSemi filter (o.k <=> d1.k)
//!   R(o.k)                       CteRef l
//!                                R over CteRef d as d1
//! ```
//! The set is pushed down the right side, each operator computing for all its values at once: groups and partitions get
//! its columns, joins pair equal ones, a global aggregate gets its row for values without input from a left join. Where a
//! subtree reads no outer column, it is joined with the set. Sound for every operator; used where nothing cheaper applies.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use rsql_common::{ColumnId, CteId, Error, Result};
use rsql_expr::tree::CompareOp;
use rsql_expr::{Column, Expr, Field, Literal, Schema, SqlType};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::build::column;
use rsql_planner::logical::{Aggregate, CteRef, Join, JoinKind, Limit, PlanRef, Union, Values};

use super::Dependent;
use super::connect::{join as connect, null_safe};
use super::pull_up::{first_rows, of_no_rows};
use crate::OptimizerContext;

/// Values of the outer columns.
pub(super) struct Domain<'a> {
    id: CteId,
    pub schema: Schema,
    outer: BTreeSet<ColumnId>,
    /// Recursions around the place, whose working tables carry the values.
    pub working: RefCell<BTreeSet<CteId>>,
    pub cx: &'a OptimizerContext,
}

/// A plan evaluated for a domain, and the columns that hold the outer ones' values in it.
pub(super) struct Evaluated {
    pub plan: LogicalPlan,
    pub map: HashMap<ColumnId, Field>,
}

pub(super) fn apply(
    d: &Dependent,
    right: &LogicalPlan,
    outer: &BTreeSet<ColumnId>,
    cx: &OptimizerContext,
) -> Result<LogicalPlan> {
    let (left_id, domain_id) = (cx.ids.cte(), cx.ids.cte());
    let left_schema = d.left.schema().clone();
    // The left side is read twice: as itself under its own ids, and for the domain.
    let copy = LogicalPlan::cte_ref(left_id, &left_schema, &cx.ids);
    let positions = left_schema.iter().zip(copy.schema().clone().fields.to_vec());
    let columns: Vec<ColumnId> = positions
        .filter(|(f, _)| outer.contains(&f.id))
        .map(|(_, c)| c.id)
        .collect();
    let definition = copy.project_columns(&columns).distinct();
    let domain = Domain {
        id: domain_id,
        schema: Schema::new(left_schema.iter().filter(|f| outer.contains(&f.id)).cloned()),
        outer: outer.clone(),
        working: RefCell::default(),
        cx,
    };
    let evaluated = domain.push(right)?;
    let correlation: Vec<Expr> = domain
        .schema
        .iter()
        .filter_map(|f| Some(null_safe(column(f), column(evaluated.map.get(&f.id)?))))
        .collect();
    let dependent = Dependent {
        left: Arc::new(LogicalPlan::CteRef(CteRef {
            id: left_id,
            schema: left_schema,
        })),
        kind: d.kind,
        condition: d.condition.clone(),
        null_aware: d.null_aware,
        mark: d.mark,
        hint: d.hint,
    };
    // One row for each value of the domain, if the right side gives one row.
    let at_most_one = crate::predicate::gives_one_row(right);
    let joined = connect(&dependent, evaluated.plan, correlation, at_most_one, false);
    Ok(joined.with(vec![(left_id, d.left.clone()), (domain_id, Arc::new(definition))]))
}

impl Domain<'_> {
    /// The values under fresh ids.
    fn instance(&self) -> Evaluated {
        let plan = LogicalPlan::cte_ref(self.id, &self.schema, &self.cx.ids);
        let map = self
            .schema
            .iter()
            .map(|f| f.id)
            .zip(plan.schema().iter().cloned())
            .collect();
        Evaluated { plan, map }
    }

    fn is_correlated(&self, plan: &LogicalPlan) -> bool {
        let working = self.working.borrow();
        plan.free_columns().iter().any(|c| self.outer.contains(c))
            || !working.is_empty() && super::recursion::reads(plan, &working)
    }

    pub fn columns(&self, e: &Evaluated) -> Vec<Field> {
        self.schema.iter().filter_map(|f| e.map.get(&f.id).cloned()).collect()
    }

    pub fn push(&self, plan: &LogicalPlan) -> Result<Evaluated> {
        crate::walk::with_stack(|| self.push_node(plan))
    }

    fn push_node(&self, plan: &LogicalPlan) -> Result<Evaluated> {
        if !self.is_correlated(plan) {
            let own = self.instance();
            let plan = LogicalPlan::join(own.plan, plan.clone(), JoinKind::Inner, vec![], None);
            return Ok(Evaluated { plan, map: own.map });
        }
        match plan {
            LogicalPlan::Filter(n) => {
                let e = self.push(&n.input)?;
                let predicate = replace(&n.predicate, &e.map);
                Ok(Evaluated {
                    plan: e.plan.filter(predicate),
                    map: e.map,
                })
            }
            LogicalPlan::Projection(n) => {
                let e = self.push(&n.input)?;
                let mut exprs: Vec<Expr> = n.exprs.iter().map(|x| replace(x, &e.map)).collect();
                let mut fields: Vec<Field> = n.schema.iter().cloned().collect();
                for f in self.columns(&e) {
                    exprs.push(column(&f));
                    fields.push(f);
                }
                Ok(Evaluated {
                    plan: e.plan.project_to(exprs, fields),
                    map: e.map,
                })
            }
            LogicalPlan::Aggregate(n) => self.aggregate(n),
            LogicalPlan::Window(n) => {
                let e = self.push(&n.input)?;
                let whole = replace_all(plan, &e.map)?;
                let LogicalPlan::Window(w) = whole else {
                    return Err(unexpected(plan));
                };
                let keys = self.columns(&e).iter().map(column).collect::<Vec<_>>();
                let new = n.schema.iter().skip(n.input.schema().len());
                let calls = w.calls.into_iter().zip(new).map(|(c, f)| (c, f.id, f.name.clone()));
                let partition = w.partition_by.into_iter().chain(keys).collect();
                Ok(Evaluated {
                    plan: e.plan.window(partition, w.order_by, calls.collect()),
                    map: e.map,
                })
            }
            LogicalPlan::Sort(n) if n.fetch.is_none() => self.push(&n.input),
            LogicalPlan::Limit(n) => self.limit(n),
            LogicalPlan::Join(n) => self.join(n),
            LogicalPlan::Union(n) => self.union(n),
            LogicalPlan::Values(n) => self.values(n),
            LogicalPlan::Generate(n) => {
                let e = self.push(&n.input)?;
                let args = n.args.iter().map(|x| replace(x, &e.map)).collect();
                Ok(Evaluated {
                    plan: e.plan.generate(n.func.clone(), args, n.outer, n.outputs.clone()),
                    map: e.map,
                })
            }
            LogicalPlan::Expand(n) => {
                let e = self.push(&n.input)?;
                let kept = self.columns(&e);
                let more = || kept.iter().map(column);
                let projections = n
                    .projections
                    .iter()
                    .map(|p| p.iter().map(|x| replace(x, &e.map)).chain(more()).collect())
                    .collect();
                let fields = n.schema.iter().cloned().chain(kept.iter().cloned()).collect();
                Ok(Evaluated {
                    plan: e.plan.expand(projections, fields),
                    map: e.map,
                })
            }
            LogicalPlan::With(n) => {
                let e = self.push(&n.body)?;
                Ok(Evaluated {
                    plan: e.plan.with(n.defs.clone()),
                    map: e.map,
                })
            }
            LogicalPlan::RecursiveCte(n) => self.recursive_cte(n),
            LogicalPlan::CteRef(n) => Ok(self.working_table(n)),
            LogicalPlan::Repartition(n) => self.push(&n.input),
            LogicalPlan::Sample(n) => {
                let e = self.push(&n.input)?;
                let sample = rsql_planner::logical::Sample {
                    input: Arc::new(e.plan),
                    ..n.clone()
                };
                Ok(Evaluated {
                    plan: LogicalPlan::Sample(sample),
                    map: e.map,
                })
            }
            other => Err(Error::unsupported(format!(
                "a correlated {} in a subquery",
                other.name()
            ))),
        }
    }

    fn aggregate(&self, n: &Aggregate) -> Result<Evaluated> {
        let e = self.push(&n.input)?;
        let whole = LogicalPlan::Aggregate(n.clone());
        let LogicalPlan::Aggregate(a) = replace_all(&whole, &e.map)? else {
            return Err(unexpected(&whole));
        };
        let keys = self.columns(&e);
        let mut groups: Vec<(Expr, Field)> = a.groups.into_iter().zip(n.schema.iter().cloned()).collect();
        groups.extend(keys.iter().map(|f| (column(f), f.clone())));
        let fields = n.schema.iter().skip(n.groups.len());
        let calls: Vec<_> = a
            .aggregates
            .into_iter()
            .zip(fields)
            .map(|(c, f)| (c, f.id, f.name.clone()))
            .collect();
        if !n.groups.is_empty() {
            return Ok(Evaluated {
                plan: e.plan.aggregate(groups, calls),
                map: e.map,
            });
        }
        self.global_aggregate(e, groups, calls)
    }

    /// One row for each value of the domain, whether there was input for it or not.
    fn global_aggregate(
        &self,
        e: Evaluated,
        groups: Vec<(Expr, Field)>,
        calls: Vec<(rsql_expr::AggregateCall, ColumnId, Arc<str>)>,
    ) -> Result<Evaluated> {
        let cx = self.cx;
        let mut inner_calls = Vec::new();
        let mut outputs: Vec<(Expr, Field)> = Vec::new();
        let marker = Field {
            id: cx.ids.column(),
            name: "matched".into(),
            ty: SqlType::Boolean,
            nullable: false,
        };
        for (call, id, name) in calls {
            let inner = cx.ids.column();
            let ty = call.ty.clone();
            let empty = of_no_rows(&call, cx).unwrap_or_else(|| Literal::null(ty.clone()));
            let value = Expr::Column(Column {
                id: inner,
                ty: ty.clone(),
            });
            let filled = if empty.value.is_null() {
                value
            } else {
                Expr::Case {
                    branches: vec![(Expr::IsNull(Box::new(column(&marker))), Expr::lit(empty))],
                    otherwise: Some(Box::new(value)),
                    ty: ty.clone(),
                }
            };
            outputs.push((
                filled,
                Field {
                    id,
                    name: name.clone(),
                    ty,
                    nullable: true,
                },
            ));
            inner_calls.push((call, inner, name));
        }
        let grouped = e.plan.aggregate(groups, inner_calls);
        let mut exprs = grouped.columns();
        let mut fields: Vec<Field> = grouped.schema().iter().cloned().collect();
        exprs.push(Expr::lit(Literal::bool(true)));
        fields.push(marker);
        let right = grouped.project_to(exprs, fields);
        let all = self.instance();
        let pairs = self.same_values(&all.map, &e.map);
        let joined = LogicalPlan::join(all.plan, right, JoinKind::Left, vec![], Some(pairs));
        for f in self.schema.iter().filter_map(|f| all.map.get(&f.id)) {
            outputs.push((column(f), f.clone()));
        }
        let (exprs, fields) = outputs.into_iter().unzip();
        Ok(Evaluated {
            plan: joined.project_to(exprs, fields),
            map: all.map,
        })
    }

    pub fn same_values(&self, a: &HashMap<ColumnId, Field>, b: &HashMap<ColumnId, Field>) -> Expr {
        Expr::conjunction(
            self.schema
                .iter()
                .filter_map(|f| Some(null_safe(column(a.get(&f.id)?), column(b.get(&f.id)?)))),
        )
    }

    fn limit(&self, n: &Limit) -> Result<Evaluated> {
        if let LogicalPlan::Projection(p) = n.input.as_ref() {
            let mut swapped = p.clone();
            swapped.input = Arc::new(p.input.as_ref().clone().limit(n.skip, n.fetch));
            return self.push(&LogicalPlan::Projection(swapped));
        }
        let (input, order) = match n.input.as_ref() {
            LogicalPlan::Sort(s) if s.fetch.is_none() => (&s.input, s.keys.clone()),
            _ => (&n.input, vec![]),
        };
        let e = self.push(input)?;
        let order = order
            .into_iter()
            .map(|k| rsql_expr::SortKey {
                expr: replace(&k.expr, &e.map),
                ..k
            })
            .collect();
        let partition = self.columns(&e).iter().map(column).collect();
        Ok(Evaluated {
            plan: first_rows(e.plan, partition, order, n.skip, n.fetch, self.cx),
            map: e.map,
        })
    }

    fn join(&self, n: &Join) -> Result<Evaluated> {
        use JoinKind as K;
        let right_correlated = self.is_correlated(&n.right);
        let left_correlated = self.is_correlated(&n.left);
        // A side that keeps its unmatched rows needs them for each value of the domain.
        let left_alone = !right_correlated && !matches!(n.kind, K::Right | K::Full);
        let right_alone = !left_correlated && matches!(n.kind, K::Inner | K::Right);
        let (left, right, map, pairs): (LogicalPlan, LogicalPlan, HashMap<ColumnId, Field>, Option<Expr>) =
            if left_alone {
                let e = self.push(&n.left)?;
                (e.plan, n.right.as_ref().clone(), e.map, None)
            } else if right_alone {
                let e = self.push(&n.right)?;
                (n.left.as_ref().clone(), e.plan, e.map, None)
            } else {
                let (l, r) = (self.push(&n.left)?, self.push(&n.right)?);
                let pairs = self.same_values(&l.map, &r.map);
                match n.kind {
                    K::Right => (l.plan, r.plan, r.map, Some(pairs)),
                    K::Full => return Ok(self.full_join(n, l, r)),
                    _ => (l.plan, r.plan, l.map, Some(pairs)),
                }
            };
        let own = n.filter.as_ref().map(|f| replace(f, &map));
        let mut on: Vec<(Expr, Expr)> = n.on.iter().map(|(l, r)| (replace(l, &map), replace(r, &map))).collect();
        let mut filter: Vec<Expr> = own.into_iter().collect();
        // NOT IN asks about rows of one value: as a condition, since a join's own NOT IN has one key.
        let as_condition = n.null_aware && pairs.is_some();
        if as_condition {
            if n.kind != K::LeftAnti {
                return Err(Error::unsupported(
                    "NOT IN as a value inside a subquery that is correlated twice",
                ));
            }
            filter.extend(on.drain(..).map(|(l, r)| not_false(l, r)));
        }
        filter.extend(pairs);
        let joined = Join {
            left: Arc::new(left),
            right: Arc::new(right),
            on,
            filter: (!filter.is_empty()).then(|| Expr::conjunction(filter)),
            null_aware: n.null_aware && !as_condition,
            ..n.clone()
        };
        let mut plan = LogicalPlan::Join(joined);
        plan.refresh_schema();
        Ok(Evaluated { plan, map })
    }

    fn union(&self, n: &Union) -> Result<Evaluated> {
        let mut inputs: Vec<PlanRef> = Vec::new();
        for input in &n.inputs {
            let e = self.push(input)?;
            let ids: Vec<ColumnId> = input
                .schema()
                .iter()
                .map(|f| f.id)
                .chain(self.columns(&e).iter().map(|f| f.id))
                .collect();
            inputs.push(Arc::new(e.plan.project_columns(&ids)));
        }
        let mut map = HashMap::new();
        let mut fields: Vec<Field> = n.schema.iter().cloned().collect();
        for f in self.schema.iter() {
            let field = Field {
                id: self.cx.ids.column(),
                ..f.clone()
            };
            map.insert(f.id, field.clone());
            fields.push(field);
        }
        let plan = LogicalPlan::Union(Union {
            inputs,
            schema: Schema::new(fields),
        });
        Ok(Evaluated { plan, map })
    }

    /// Rows that read outer columns: each as a projection.
    fn values(&self, n: &Values) -> Result<Evaluated> {
        let fields: Vec<Field> = n.schema.iter().cloned().collect();
        let fresh = |fields: &[Field]| -> Vec<Field> {
            let new = |f: &Field| Field {
                id: self.cx.ids.column(),
                ..f.clone()
            };
            fields.iter().map(new).collect()
        };
        let rows = n.rows.iter().map(|row| {
            let fields = if n.rows.len() == 1 {
                fields.clone()
            } else {
                fresh(&fields)
            };
            Arc::new(LogicalPlan::one_row().project_to(row.clone(), fields))
        });
        let mut rows: Vec<PlanRef> = rows.collect();
        if rows.len() == 1 {
            return self.push(&rows.remove(0));
        }
        self.union(&Union {
            inputs: rows,
            schema: n.schema.clone(),
        })
    }
}

/// `l = r`, or either is NULL: where NOT IN does not hold.
fn not_false(l: Expr, r: Expr) -> Expr {
    let null = |e: &Expr| Expr::IsNull(Box::new(e.clone()));
    Expr::Or(vec![null(&l), null(&r), Expr::compare(CompareOp::Eq, l, r)])
}

pub(super) fn replace(e: &Expr, map: &HashMap<ColumnId, Field>) -> Expr {
    e.clone().replace_columns(&|c| map.get(&c.id).map(column))
}

/// The node with outer columns replaced in its own expressions.
fn replace_all(plan: &LogicalPlan, map: &HashMap<ColumnId, Field>) -> Result<LogicalPlan> {
    plan.clone().map_expressions(&mut |e| Ok(replace(&e, map)))
}

fn unexpected(plan: &LogicalPlan) -> Error {
    Error::internal(format!("{} changed its kind", plan.name()))
}
