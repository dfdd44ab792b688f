//! Constructors: the one place where a node's output schema is computed.

use std::collections::HashMap;
use std::sync::Arc;

use rsql_common::ids::IdGen;
use rsql_common::{ColumnId, CteId};
use rsql_expr::tree::{WindowCall, WindowFunc};
use rsql_expr::{AggregateCall, Column, Expr, Field, Schema, SortKey, SqlType};

use super::{
    Aggregate, CteRef, DependentJoin, DependentKind, Expand, Filter, Generate, Join, JoinHint, JoinKind, Limit,
    LogicalPlan, PlanRef, Projection, SetOp, SetOpKind, Sort, Union, Values, Window, With,
};

/// True if the column of `schema` with this id may be NULL; unknown ids (outer references) may.
pub fn nullable_in(schema: &Schema) -> impl Fn(ColumnId) -> bool + '_ {
    let map: HashMap<ColumnId, bool> = schema.iter().map(|f| (f.id, f.nullable)).collect();
    move |id| map.get(&id).copied().unwrap_or(true)
}

/// A reference to an output field.
pub fn column(field: &Field) -> Expr {
    Expr::Column(Column {
        id: field.id,
        ty: field.ty.clone(),
    })
}

/// A field for `expr` over `input`: a bare column keeps its id, anything else gets a fresh one.
pub fn field_for(expr: &Expr, name: impl Into<Arc<str>>, input: &Schema, ids: &IdGen) -> Field {
    let id = if let Expr::Column(c) = expr { c.id } else { ids.column() };
    Field {
        id,
        name: name.into(),
        ty: expr.ty(),
        nullable: expr.nullable(&nullable_in(input)),
    }
}

impl LogicalPlan {
    /// One row without columns.
    pub fn one_row() -> Self {
        Self::Values(Values {
            rows: vec![vec![]],
            schema: Schema::default(),
        })
    }

    /// No rows of these columns.
    pub fn empty(schema: Schema) -> Self {
        Self::Values(Values { rows: vec![], schema })
    }

    /// References to all output columns.
    pub fn columns(&self) -> Vec<Expr> {
        self.schema().iter().map(column).collect()
    }

    /// Projection with names; ids as [`field_for`] gives them. The same bare column twice gets a fresh id the second
    /// time, so ids stay unique within a schema.
    pub fn project(self, exprs: Vec<(Expr, Arc<str>)>, ids: &IdGen) -> Self {
        let mut seen = std::collections::HashSet::new();
        let mut fields: Vec<Field> = Vec::with_capacity(exprs.len());
        for (e, name) in &exprs {
            let mut field = field_for(e, Arc::clone(name), self.schema(), ids);
            if !seen.insert(field.id) {
                field.id = ids.column();
            }
            fields.push(field);
        }
        let exprs = exprs.into_iter().map(|(e, _)| e).collect();
        Self::Projection(Projection {
            input: Arc::new(self),
            exprs,
            schema: Schema::new(fields),
        })
    }

    /// Projection to given fields (ids and names); nullability is recomputed.
    pub fn project_to(self, exprs: Vec<Expr>, fields: Vec<Field>) -> Self {
        let nullable = nullable_in(self.schema());
        let fields: Vec<Field> = fields
            .into_iter()
            .zip(&exprs)
            .map(|(f, e)| Field {
                nullable: e.nullable(&nullable),
                ty: e.ty(),
                ..f
            })
            .collect();
        drop(nullable);
        Self::Projection(Projection {
            input: Arc::new(self),
            exprs,
            schema: Schema::new(fields),
        })
    }

    /// Keeps these columns, in this order.
    pub fn project_columns(self, ids: &[ColumnId]) -> Self {
        let fields: Vec<Field> = ids.iter().filter_map(|id| self.schema().field(*id).cloned()).collect();
        let exprs = fields.iter().map(column).collect();
        Self::Projection(Projection {
            input: Arc::new(self),
            exprs,
            schema: Schema::new(fields),
        })
    }

    /// Filter; nothing for TRUE.
    pub fn filter(self, predicate: Expr) -> Self {
        if predicate.is_true() {
            return self;
        }
        Self::Filter(Filter {
            input: Arc::new(self),
            predicate,
        })
    }

    /// Aggregate with fields for groups (by [`field_for`] unless given) and aggregates.
    pub fn aggregate(self, groups: Vec<(Expr, Field)>, aggregates: Vec<(AggregateCall, ColumnId, Arc<str>)>) -> Self {
        let nullable = nullable_in(self.schema());
        let global = groups.is_empty();
        let mut fields = Vec::new();
        for (e, f) in &groups {
            fields.push(Field {
                nullable: e.nullable(&nullable),
                ty: e.ty(),
                ..f.clone()
            });
        }
        for (call, id, name) in &aggregates {
            let never_null = &*call.func == "count";
            let nullable = !never_null && (call.nullable || global || call.filter.is_some());
            fields.push(Field {
                id: *id,
                name: Arc::clone(name),
                ty: call.ty.clone(),
                nullable,
            });
        }
        drop(nullable);
        Self::Aggregate(Aggregate {
            input: Arc::new(self),
            groups: groups.into_iter().map(|(e, _)| e).collect(),
            aggregates: aggregates.into_iter().map(|(c, ..)| c).collect(),
            schema: Schema::new(fields),
        })
    }

    /// DISTINCT: groups by all columns, which keep their ids.
    pub fn distinct(self) -> Self {
        let groups: Vec<(Expr, Field)> = self.schema().iter().map(|f| (column(f), f.clone())).collect();
        self.aggregate(groups, vec![])
    }

    /// Window functions over one partitioning and order; output is the input's columns and one a call.
    pub fn window(
        self,
        partition_by: Vec<Expr>,
        order_by: Vec<SortKey>,
        calls: Vec<(WindowCall, ColumnId, Arc<str>)>,
    ) -> Self {
        let new = calls.iter().map(|(call, id, name)| {
            let nullable = match &call.func {
                WindowFunc::Window { nullable, .. } => *nullable,
                WindowFunc::Aggregate(a) => &*a.func != "count",
            };
            Field {
                id: *id,
                name: Arc::clone(name),
                ty: call.ty().clone(),
                nullable,
            }
        });
        let schema = Schema::new(self.schema().iter().cloned().chain(new));
        let calls = calls.into_iter().map(|(c, ..)| c).collect();
        Self::Window(Window {
            input: Arc::new(self),
            partition_by,
            order_by,
            calls,
            group_limit: None,
            schema,
        })
    }

    /// Sort.
    pub fn sort(self, keys: Vec<SortKey>) -> Self {
        if keys.is_empty() {
            return self;
        }
        Self::Sort(Sort {
            input: Arc::new(self),
            keys,
            fetch: None,
            global: true,
        })
    }

    /// LIMIT and OFFSET.
    pub fn limit(self, skip: u64, fetch: Option<u64>) -> Self {
        if skip == 0 && fetch.is_none() {
            return self;
        }
        Self::Limit(Limit {
            input: Arc::new(self),
            skip,
            fetch,
        })
    }

    /// Join of any kind but [`JoinKind::LeftMark`].
    pub fn join(
        left: impl Into<PlanRef>,
        right: impl Into<PlanRef>,
        kind: JoinKind,
        on: Vec<(Expr, Expr)>,
        filter: Option<Expr>,
    ) -> Self {
        let (left, right) = (left.into(), right.into());
        let schema = join_schema(left.schema(), right.schema(), kind, None);
        Self::Join(Join {
            left,
            right,
            kind,
            on,
            filter,
            null_aware: false,
            schema,
            hint: JoinHint::default(),
        })
    }

    /// The same with a hint, if it is a join.
    #[must_use]
    pub fn with_join_hint(mut self, hint: JoinHint) -> Self {
        if let Self::Join(n) = &mut self {
            n.hint = hint;
        }
        self
    }

    /// Mark join; `mark` is the BOOLEAN column it adds.
    pub fn mark_join(
        left: impl Into<PlanRef>,
        right: impl Into<PlanRef>,
        on: Vec<(Expr, Expr)>,
        filter: Option<Expr>,
        null_aware: bool,
        mark: ColumnId,
    ) -> Self {
        let (left, right) = (left.into(), right.into());
        let schema = join_schema(left.schema(), right.schema(), JoinKind::LeftMark, Some(mark));
        Self::Join(Join {
            left,
            right,
            kind: JoinKind::LeftMark,
            on,
            filter,
            null_aware,
            schema,
            hint: JoinHint::default(),
        })
    }

    /// Dependent join; `mark` is the column that [`DependentKind::Mark`] adds.
    pub fn dependent_join(
        left: impl Into<PlanRef>,
        right: impl Into<PlanRef>,
        kind: DependentKind,
        condition: Option<Expr>,
        null_aware: bool,
        mark: Option<ColumnId>,
    ) -> Self {
        let (left, right) = (left.into(), right.into());
        let as_join = match kind {
            DependentKind::Single => JoinKind::LeftSingle,
            DependentKind::Mark => JoinKind::LeftMark,
            DependentKind::Semi => JoinKind::LeftSemi,
            DependentKind::Anti => JoinKind::LeftAnti,
            DependentKind::Inner => JoinKind::Inner,
            DependentKind::Left => JoinKind::Left,
        };
        let schema = join_schema(left.schema(), right.schema(), as_join, mark);
        Self::DependentJoin(DependentJoin {
            left,
            right,
            kind,
            condition,
            null_aware,
            schema,
            hint: JoinHint::default(),
        })
    }

    /// UNION ALL; output columns get fresh ids and the first input's names.
    pub fn union(inputs: Vec<PlanRef>, ids: &IdGen) -> Self {
        let schema = fresh_schema(&inputs, ids);
        Self::Union(Union { inputs, schema })
    }

    /// INTERSECT or EXCEPT; output columns get fresh ids and the left input's names.
    pub fn set_op(kind: SetOpKind, all: bool, left: PlanRef, right: PlanRef, ids: &IdGen) -> Self {
        let schema = fresh_schema(std::slice::from_ref(&left), ids);
        Self::SetOp(SetOp {
            kind,
            all,
            left,
            right,
            schema,
        })
    }

    /// Generator; `outputs` are the generated columns.
    pub fn generate(self, func: Arc<str>, args: Vec<Expr>, outer: bool, outputs: Vec<Field>) -> Self {
        let outputs: Vec<Field> = outputs
            .into_iter()
            .map(|f| Field {
                nullable: f.nullable || outer,
                ..f
            })
            .collect();
        let schema = Schema::new(self.schema().iter().chain(&outputs).cloned());
        Self::Generate(Generate {
            input: Arc::new(self),
            func,
            args,
            outer,
            outputs,
            schema,
        })
    }

    /// Each row once per projection, to given fields.
    pub fn expand(self, projections: Vec<Vec<Expr>>, fields: Vec<Field>) -> Self {
        let nullable = nullable_in(self.schema());
        let fields: Vec<Field> = fields
            .into_iter()
            .enumerate()
            .map(|(i, f)| Field {
                nullable: projections
                    .iter()
                    .any(|p| p.get(i).is_none_or(|e| e.nullable(&nullable))),
                ..f
            })
            .collect();
        drop(nullable);
        Self::Expand(Expand {
            input: Arc::new(self),
            projections,
            schema: Schema::new(fields),
        })
    }

    /// Named shared plans.
    pub fn with(self, defs: Vec<(CteId, PlanRef)>) -> Self {
        if defs.is_empty() {
            self
        } else {
            Self::With(With {
                defs,
                body: Arc::new(self),
            })
        }
    }

    /// A reference with fresh ids to a definition of this schema.
    pub fn cte_ref(id: CteId, definition: &Schema, ids: &IdGen) -> Self {
        let schema = Schema::new(definition.iter().map(|f| Field {
            id: ids.column(),
            ..f.clone()
        }));
        Self::CteRef(CteRef { id, schema })
    }
}

/// Output of a join.
pub fn join_schema(left: &Schema, right: &Schema, kind: JoinKind, mark: Option<ColumnId>) -> Schema {
    match kind {
        JoinKind::Inner => left.join(right),
        JoinKind::Left | JoinKind::LeftSingle => left.join(&right.all_nullable()),
        JoinKind::Right => left.all_nullable().join(right),
        JoinKind::Full => left.all_nullable().join(&right.all_nullable()),
        JoinKind::LeftSemi | JoinKind::LeftAnti => left.clone(),
        JoinKind::LeftMark => {
            let mark = mark.map(|id| Field {
                id,
                name: "mark".into(),
                ty: SqlType::Boolean,
                nullable: true,
            });
            Schema::new(left.iter().cloned().chain(mark))
        }
    }
}

fn fresh_schema(inputs: &[PlanRef], ids: &IdGen) -> Schema {
    let Some(first) = inputs.first() else {
        return Schema::default();
    };
    Schema::new(first.schema().iter().enumerate().map(|(i, f)| {
        Field {
            id: ids.column(),
            name: Arc::clone(&f.name),
            ty: f.ty.clone(),
            nullable: inputs
                .iter()
                .any(|p| p.schema().fields.get(i).is_none_or(|f| f.nullable)),
        }
    }))
}
