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

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use rsql_catalog::{FileFormat, NestedColumn, ScanSource, SourceColumn, SourceKind};
use rsql_common::{ColumnId, Result};
use rsql_expr::types::StructField;
use rsql_expr::{Column, Expr, Field, Schema, SqlType};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::Scan;

use crate::OptimizerContext;
use crate::rule::PlanPass;
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
        if columns.is_empty() {
            return Ok(plan);
        }
        let uses = Uses::of(&plan, columns.into_iter());
        let aliases = uses.aliases(cx);
        if aliases.is_empty() {
            return Ok(plan);
        }
        Ok(replace(plan, &aliases))
    }
}

/// Positions of the fields on the way down into a struct.
type Path = Vec<usize>;

/// What the plan reads of struct columns.
pub(super) struct Uses {
    /// Fields read, by column of a scan.
    fields: BTreeMap<ColumnId, BTreeMap<Path, SqlType>>,
    /// Columns that somebody reads as they are.
    whole: BTreeSet<ColumnId>,
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

/// Fields of a struct, or of an array's structs.
fn fields_of(ty: &SqlType) -> Option<&[StructField]> {
    match ty {
        SqlType::Struct(fields) => Some(fields),
        SqlType::Array(a) => match &a.element {
            SqlType::Struct(fields) => Some(fields),
            _ => None,
        },
        _ => None,
    }
}

/// The array and the field of `array_field(array, 'name')`.
fn array_field(e: &Expr) -> Option<(&Expr, usize)> {
    let Expr::Call(call) = e else { return None };
    let ("array_field", [array, name]) = (&*call.func, call.args.as_slice()) else {
        return None;
    };
    let (ty, name) = (array.ty(), name.as_literal()?.value.as_str()?);
    let mut named = fields_of(&ty)?.iter().enumerate().filter(|(_, f)| *f.name == *name);
    match (named.next(), named.next()) {
        (Some((index, _)), None) => Some((array, index)),
        _ => None,
    }
}

/// The column and the path that a chain of field accesses reads.
fn chain(e: &Expr) -> Option<(&Column, Path)> {
    match e {
        Expr::Column(c) => Some((c, Path::new())),
        Expr::Field { expr, index, .. } => {
            let (column, mut path) = chain(expr)?;
            path.push(*index);
            Some((column, path))
        }
        Expr::Call(_) => {
            let (array, index) = array_field(e)?;
            let (column, mut path) = chain(array)?;
            path.push(index);
            Some((column, path))
        }
        _ => None,
    }
}

impl Uses {
    /// What `plan` reads of these columns.
    pub(super) fn of(plan: &LogicalPlan, columns: impl Iterator<Item = ColumnId>) -> Self {
        let mut uses = Self {
            fields: columns.map(|id| (id, BTreeMap::new())).collect(),
            whole: BTreeSet::new(),
        };
        uses.whole_columns(plan.schema());
        uses.of_plan(plan);
        uses
    }

    /// The only field that is read of a column, if nothing else is.
    pub(super) fn only_field(&self, column: ColumnId) -> Option<usize> {
        let mut first = self.fields.get(&column)?.keys().filter_map(|path| path.first());
        let only = *first.next()?;
        (!self.whole.contains(&column) && first.all(|index| *index == only)).then_some(only)
    }

    fn whole_columns(&mut self, schema: &Schema) {
        self.whole.extend(schema.iter().map(|f| f.id));
    }

    fn of_plan(&mut self, plan: &LogicalPlan) {
        use LogicalPlan as L;
        with_stack(|| {
            match plan {
                // A column that keeps its id is only handed on.
                L::Projection(n) => {
                    let exprs = n.exprs.iter().zip(n.schema.iter());
                    let computed = exprs.filter(|(e, f)| !matches!(e, Expr::Column(c) if c.id == f.id));
                    computed.for_each(|(e, _)| self.of_expr(e));
                }
                other => other.expressions().into_iter().for_each(|e| self.of_expr(e)),
            }
            // These match their inputs' columns by position.
            match plan {
                L::Union(_) | L::SetOp(_) | L::RecursiveCte(_) => {
                    plan.children().into_iter().for_each(|c| self.whole_columns(c.schema()));
                }
                L::With(n) => n.defs.iter().for_each(|(_, d)| self.whole_columns(d.schema())),
                _ => {}
            }
            plan.children().into_iter().for_each(|c| self.of_plan(c));
        });
    }

    fn of_expr(&mut self, e: &Expr) {
        match chain(e) {
            Some((column, path)) if path.is_empty() => _ = self.whole.insert(column.id),
            Some((column, path)) => {
                if let Some(paths) = self.fields.get_mut(&column.id) {
                    paths.insert(path, e.ty());
                }
            }
            None => e.children().into_iter().for_each(|c| self.of_expr(c)),
        }
    }

    /// A column for each field that is read, unless a struct around it is read too.
    fn aliases(&self, cx: &OptimizerContext) -> Aliases {
        let partly = self.fields.iter().filter(|(id, _)| !self.whole.contains(id));
        partly
            .map(|(id, paths)| {
                let within = |p: &Path| (1..p.len()).any(|n| paths.contains_key(&p[..n]));
                let new = |(path, ty): (&Path, &SqlType)| {
                    let (id, ty) = (cx.ids.column(), ty.clone());
                    (path.clone(), Column { id, ty })
                };
                let outermost = paths.iter().filter(|(p, _)| !within(p));
                (*id, outermost.map(new).collect::<Vec<_>>())
            })
            .filter(|(_, columns)| !columns.is_empty())
            .collect()
    }
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
