//! Of a struct column only the fields that are read are: each becomes a column of the scan.
//!
//! ```text
//! Projection s.a              Projection s.a#9
//!   Filter (s.b > 1)     →      Filter (s.b#10 > 1)
//!     Scan t [s]                  Scan t [s, s.a#9, s.b#10]
//! ```
//! `ColumnPruning` then leaves the struct out. Sound: a field of a NULL struct is NULL, and the scan gives NULL there; where
//! an outer join makes the struct NULL it makes the fields' columns NULL. A field of an array's structs is the array of
//! their fields. Not applied to structs that some operator reads as a whole (a group, a comparison, a UNION, a generator, a
//! result), to fields behind maps, nor to sources other than Parquet files.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use rsql_catalog::{FileFormat, NestedColumn, ScanSource, SourceColumn, SourceKind};
use rsql_common::{ColumnId, Result};
use rsql_expr::{Column, Expr, Field, Schema, SqlType};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::Scan;

use crate::OptimizerContext;
use crate::rule::PlanPass;
use crate::struct_uses::{Path, Uses, chain, fields_of, replace_by_uses};
use crate::walk::{map_children, with_stack};

/// See the module.
pub struct NestedColumnAliasing;

impl PlanPass for NestedColumnAliasing {
    fn name(&self) -> &'static str {
        "NestedColumnAliasing"
    }

    fn run(&self, plan: LogicalPlan, cx: &OptimizerContext) -> Result<LogicalPlan> {
        let mut columns = BTreeSet::new();
        structs(&plan, &mut columns);
        Ok(replace_by_uses(plan, columns, |uses| aliases(uses, cx), replace))
    }
}

/// New columns by struct column and path.
type Aliases = HashMap<ColumnId, Vec<(Path, Column)>>;

/// Struct columns of scans whose fields can be read by themselves.
fn structs(plan: &LogicalPlan, out: &mut BTreeSet<ColumnId>) {
    with_stack(|| {
        if let LogicalPlan::Scan(scan) = plan
            && matches!(&scan.source.kind, SourceKind::Files(f) if f.format == FileFormat::Parquet)
        {
            let columns = scan.schema.iter().zip(&scan.columns);
            let plain = columns.filter(|(f, i)| fields_of(&f.ty).is_some() && **i < scan.source.columns.len());
            out.extend(plain.map(|(f, _)| f.id));
        }
        plan.children().into_iter().for_each(|c| structs(c, out));
    });
}

/// A column for each field that is read, unless a struct around it is read too.
fn aliases(uses: &Uses, cx: &OptimizerContext) -> Aliases {
    let new = |(path, ty): (&Path, &SqlType)| {
        let (id, ty) = (cx.ids.column(), ty.clone());
        (path.clone(), Column { id, ty })
    };
    let columns = uses
        .outermost()
        .map(|(id, fields)| (id, fields.into_iter().map(new).collect::<Vec<_>>()));
    columns.filter(|(_, columns)| !columns.is_empty()).collect()
}

fn replace(plan: LogicalPlan, aliases: &Aliases) -> LogicalPlan {
    with_stack(|| {
        let Ok(plan) = map_children::<std::convert::Infallible>(plan, &mut |c| Ok(replace(c, aliases)));
        let plan = match plan {
            LogicalPlan::Scan(scan) => LogicalPlan::Scan(extend(scan, aliases)),
            LogicalPlan::Projection(mut n) => {
                let mut fields: Vec<Field> = Vec::new();
                for f in n
                    .exprs
                    .iter()
                    .filter_map(|e| if let Expr::Column(c) = e { Some(c.id) } else { None })
                {
                    fields.extend(columns(f, aliases, n.input.schema()));
                }
                n.exprs.extend(fields.iter().map(rsql_planner::logical::build::column));
                n.schema = Schema::new(n.schema.iter().cloned().chain(fields));
                LogicalPlan::Projection(n)
            }
            other => other,
        };
        let Ok(plan) = plan.map_expressions::<std::convert::Infallible>(&mut |e| Ok(rewrite(e, aliases)));
        plan
    })
}

/// The new columns of a struct column, as `schema` has them.
fn columns<'a>(id: ColumnId, aliases: &'a Aliases, schema: &'a Schema) -> impl Iterator<Item = Field> + 'a {
    let new = aliases.get(&id).into_iter().flatten();
    new.filter_map(|(_, c)| schema.fields.get(schema.index_of(c.id)?).cloned())
}

/// The scan with the new columns behind its others.
fn extend(mut scan: Scan, aliases: &Aliases) -> Scan {
    let roots: Vec<(Field, usize)> = scan.schema.iter().cloned().zip(scan.columns.iter().copied()).collect();
    let mut source = ScanSource::clone(&scan.source);
    let mut nested = source.nested.to_vec();
    let mut fields = Vec::new();
    for (field, root) in roots {
        for (path, Column { id, ty }) in aliases.get(&field.id).into_iter().flatten() {
            let Some(names) = names(&field.ty, path) else { continue };
            let name = names.iter().fold(field.name.to_string(), |all, n| format!("{all}.{n}"));
            scan.columns.push(source.columns.len() + nested.len());
            fields.push(Field {
                id: *id,
                name: name.as_str().into(),
                ty: ty.clone(),
                nullable: true,
            });
            nested.push(NestedColumn {
                root,
                path: names.into(),
                column: SourceColumn {
                    name: name.into(),
                    ty: ty.clone(),
                    nullable: true,
                },
            });
        }
    }
    if !fields.is_empty() {
        source.nested = nested.into();
        scan.source = Arc::new(source);
        scan.schema = Schema::new(scan.schema.iter().cloned().chain(fields));
    }
    scan
}

/// Names on the way down.
fn names(ty: &SqlType, path: &[usize]) -> Option<Vec<Arc<str>>> {
    let (mut ty, mut names) = (ty, Vec::with_capacity(path.len()));
    for index in path {
        let field = fields_of(ty)?.get(*index)?;
        names.push(Arc::clone(&field.name));
        ty = &field.ty;
    }
    Some(names)
}

/// Field accesses as columns.
fn rewrite(e: Expr, aliases: &Aliases) -> Expr {
    if matches!(e, Expr::Field { .. } | Expr::Call(_))
        && let Some((column, path)) = chain(&e)
        && let Some((_, new)) = aliases.get(&column.id).into_iter().flatten().find(|(p, _)| *p == path)
    {
        return Expr::Column(new.clone());
    }
    let Ok(e) = e.try_map_children::<std::convert::Infallible>(&mut |e| Ok(rewrite(e, aliases)));
    e
}
