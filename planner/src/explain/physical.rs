//! The physical plan's text; slots print as the input columns they stand for.

use std::fmt::Write as _;

use rsql_expr::{Expr, Schema};

use super::{list, replace_numbers, rows};
use crate::PhysicalPlan;
use crate::physical::{AggregateMode, HashFunction, Partitioning};

/// One line a node, children indented below.
pub fn explain_physical(plan: &PhysicalPlan) -> String {
    explain_physical_with(plan, &|_| None)
}

/// The same with notes, in brackets behind the nodes; `note` gets a node's pre-order position.
pub fn explain_physical_with(plan: &PhysicalPlan, note: &dyn Fn(usize) -> Option<String>) -> String {
    let mut writer = Writer {
        note,
        next: 0,
        out: String::new(),
    };
    writer.node(plan, 0);
    writer.out
}

struct Writer<'a> {
    note: &'a dyn Fn(usize) -> Option<String>,
    /// Position of the next node.
    next: usize,
    out: String,
}

impl Writer<'_> {
    fn node(&mut self, plan: &PhysicalPlan, depth: usize) {
        let input = input_schema(plan);
        let line = replace_numbers(&describe(plan), '$', &|slot| input.fields.get(slot).map(name_of));
        _ = write!(self.out, "{:indent$}{}", "", line.trim_end(), indent = depth * 2);
        if let Some(note) = (self.note)(self.next) {
            _ = write!(self.out, " [{note}]");
        }
        self.out.push('\n');
        self.next += 1;
        for child in plan.children() {
            self.node(child, depth + 1);
        }
    }
}

/// Stands for columns that only a scan's filters read.
const NO_ID: rsql_common::ColumnId = rsql_common::ColumnId(u32::MAX);

pub(super) fn name_of(f: &rsql_expr::Field) -> String {
    if f.id == NO_ID {
        return f.name.to_string();
    }
    format!("{}{}", f.name, f.id)
}

/// The columns that a node's slots stand for.
fn input_schema(plan: &PhysicalPlan) -> Schema {
    match plan {
        PhysicalPlan::Scan(s) => Schema::new(s.columns.iter().enumerate().map(|(i, source)| {
            let output = s
                .projection
                .iter()
                .position(|p| *p == i)
                .and_then(|p| s.schema.fields.get(p));
            let column = s.source.column(*source);
            output.cloned().unwrap_or_else(|| rsql_expr::Field {
                id: NO_ID,
                name: column.map_or_else(|| "?".into(), |c| c.name.clone()),
                ty: column.map_or(rsql_expr::SqlType::Void, |c| c.ty.clone()),
                nullable: true,
            })
        })),
        _ => plan
            .children()
            .into_iter()
            .fold(Schema::default(), |all, child| all.join(child.schema())),
    }
}

fn outputs(schema: &Schema) -> String {
    list(schema.iter().map(name_of))
}

fn describe(plan: &PhysicalPlan) -> String {
    use PhysicalPlan as P;
    let name = plan.name();
    match plan {
        P::Values(n) => format!("{name} {} rows [{}]", n.rows.len(), outputs(&n.schema)),
        P::Range(n) => format!("{name} {}..{} by {} [{}]", n.start, n.end, n.step, outputs(&n.schema)),
        P::Scan(n) => {
            let mut s = format!(
                "{name} {} [{}] ~{} rows",
                n.source.name,
                outputs(&n.schema),
                rows(n.estimate)
            );
            if !n.filters.is_empty() {
                _ = write!(s, " filters: {}", list(&n.filters));
            }
            if !n.consumes.is_empty() {
                let items = n.consumes.iter().map(|(id, slot)| format!("{id} on ${slot}"));
                _ = write!(s, " runtime filters: {}", list(items));
            }
            if let Some((read, of)) = n.buckets_read() {
                _ = write!(s, " buckets {read} of {of}");
            }
            if let Some(limit) = n.limit {
                _ = write!(s, " limit: {limit}");
            }
            if let Some(id) = n.shared {
                _ = write!(s, " with {id}");
            }
            s
        }
        P::Projection(n) => {
            let items = n.exprs.iter().zip(n.schema.iter()).map(|(e, f)| match e {
                Expr::Slot(s) if n.input.schema().fields.get(s.index).is_some_and(|i| i.id == f.id) => e.to_string(),
                _ => format!("{e} AS {}", name_of(f)),
            });
            format!("{name} {}", list(items))
        }
        P::Filter(n) => format!("{name} {}", n.predicate),
        P::HashAggregate(n) => format!(
            "{name}{} [{}] [{}] ~{} groups",
            mode(n.mode),
            list(&n.groups),
            list(&n.aggregates),
            rows(n.estimate)
        ),
        P::Window(n) => format!(
            "{name} [{}] partition by [{}] order by [{}]",
            list(&n.calls),
            list(&n.partition_by),
            list(&n.order_by)
        ),
        P::WindowGroupLimit(n) => format!(
            "{name} {} partition by [{}] order by [{}]",
            n.limit,
            list(&n.partition_by),
            list(&n.order_by)
        ),
        P::Sort(n) => {
            let fetch = n.fetch.map(|k| format!(" fetch {k}")).unwrap_or_default();
            let publishes = n.publishes.map(|id| format!(" publishes: {id}")).unwrap_or_default();
            let local = if n.global { "" } else { " within partitions" };
            format!("{name} {}{fetch}{local}{publishes}", list(&n.keys))
        }
        P::Limit(n) => {
            let fetch = n.fetch.map_or_else(|| "all".to_string(), |k| k.to_string());
            format!("{name} {fetch} skip {}", n.skip)
        }
        P::HashJoin(n) => {
            let (left, right) = (n.left.schema(), n.right.schema());
            let named = |e: &Expr, s: &Schema| replace_numbers(&e.to_string(), '$', &|i| s.fields.get(i).map(name_of));
            let keys = n.keys.iter().map(|(l, r, null_safe)| {
                let op = if *null_safe { "<=>" } else { "=" };
                format!("{} {op} {}", named(l, left), named(r, right))
            });
            let mut s = format!(
                "{name} {:?} build {:?} ~{} rows",
                n.kind,
                n.build,
                rows(n.build_estimate)
            );
            if n.null_aware {
                s.push_str(" null-aware");
            }
            _ = write!(s, " on {}", list(keys));
            if let Some(f) = &n.filter {
                _ = write!(s, " filter {f}");
            }
            if !n.publishes.is_empty() {
                let items = n.publishes.iter().map(|(id, key)| format!("{id} of key {key}"));
                _ = write!(s, " publishes: {}", list(items));
            }
            _ = write!(s, "{}", n.hint);
            s
        }
        P::NestedLoopJoin(n) => {
            let aware = if n.null_aware { " null-aware" } else { "" };
            let filter = n.filter.as_ref().map(|f| format!(" filter {f}")).unwrap_or_default();
            format!("{name} {:?}{aware}{filter}{}", n.kind, n.hint)
        }
        P::Union(n) => format!("{name} [{}]", outputs(&n.schema)),
        P::Generate(n) => {
            let outer = if n.outer { "outer " } else { "" };
            format!("{name} {outer}{}({})", n.func, list(&n.args))
        }
        P::Expand(n) => format!(
            "{name} {}",
            list(n.projections.iter().map(|p| format!("[{}]", list(p))))
        ),
        P::With(n) => format!("{name} {}", list(n.defs.iter().map(|(id, _)| id))),
        P::CteScan(n) => format!("{name} {} [{}]", n.id, outputs(&n.schema)),
        P::RecursiveCte(n) => format!(
            "{name} {}{}",
            n.id,
            n.fetch.map(|k| format!(" fetch {k}")).unwrap_or_default()
        ),
        P::Sample(n) => format!("{name} {}..{} seed {}", n.lower, n.upper, n.seed),
        P::Exchange(n) => {
            let tasks = n.tasks.map(|t| format!(" for at most {t} tasks")).unwrap_or_default();
            let how = partitioning(&n.partitioning);
            format!("{name} {how}{tasks} ~{} rows", rows(n.estimate))
        }
        P::StageInput(n) => format!("{name} {} [{}] ~{} rows", n.stage, outputs(&n.schema), rows(n.estimate)),
    }
}

pub(super) fn partitioning(p: &Partitioning) -> String {
    // What the user repartitions by gets its number when the plan is distributed.
    let number = |n: &usize| {
        if *n == 0 {
            String::new()
        } else {
            format!(" {n} partitions")
        }
    };
    match p {
        Partitioning::Hash {
            keys,
            partitions,
            function,
        } => {
            let of_buckets = match function {
                HashFunction::Partition => "",
                HashFunction::Bucket => "bucket ",
            };
            format!("{of_buckets}hash [{}]{}", list(keys), number(partitions))
        }
        Partitioning::Range { keys, partitions } => format!("range [{}]{}", list(keys), number(partitions)),
        Partitioning::RoundRobin { partitions } => format!("round-robin{}", number(partitions)),
        Partitioning::Single => "single".into(),
        Partitioning::Broadcast => "broadcast".into(),
        Partitioning::AsProduced => "as produced".into(),
    }
}

fn mode(mode: AggregateMode) -> &'static str {
    match mode {
        AggregateMode::Single => "",
        AggregateMode::Partial => " partial",
        AggregateMode::Final => " final",
    }
}
