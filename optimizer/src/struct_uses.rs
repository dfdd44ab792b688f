//! What a plan reads of struct columns: which fields, and which columns as a whole.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rsql_common::ColumnId;
use rsql_expr::types::StructField;
use rsql_expr::{Column, Expr, Schema, SqlType};
use rsql_planner::LogicalPlan;

use crate::walk::with_stack;

/// Puts something else in place of struct columns of which only fields are read: `choose` says for which of `columns`, by
/// what the plan reads of them, and `replace` does it. A plan without any stays as it is.
pub(crate) fn replace_by_uses<R>(
    plan: LogicalPlan,
    columns: BTreeSet<ColumnId>,
    choose: impl FnOnce(&Uses) -> HashMap<ColumnId, R>,
    replace: impl FnOnce(LogicalPlan, &HashMap<ColumnId, R>) -> LogicalPlan,
) -> LogicalPlan {
    if columns.is_empty() {
        return plan;
    }
    let chosen = choose(&Uses::of(&plan, columns));
    if chosen.is_empty() {
        return plan;
    }
    replace(plan, &chosen)
}

/// Positions of the fields on the way down into a struct.
pub(crate) type Path = Vec<usize>;

/// What the plan reads of struct columns.
pub(crate) struct Uses {
    /// Fields read, by column of a scan.
    fields: BTreeMap<ColumnId, BTreeMap<Path, SqlType>>,
    /// Columns that somebody reads as they are.
    whole: BTreeSet<ColumnId>,
}

impl Uses {
    /// What `plan` reads of these columns.
    fn of(plan: &LogicalPlan, columns: BTreeSet<ColumnId>) -> Self {
        let mut uses = Self {
            fields: columns.into_iter().map(|id| (id, BTreeMap::new())).collect(),
            whole: BTreeSet::new(),
        };
        uses.whole_columns(plan.schema());
        uses.of_plan(plan);
        uses
    }

    /// The only field that is read of a column, if nothing else is.
    pub(crate) fn only_field(&self, column: ColumnId) -> Option<usize> {
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

    /// Fields read of each column that nobody reads as a whole; of those within one another the outermost.
    pub(crate) fn outermost(&self) -> impl Iterator<Item = (ColumnId, Vec<(&Path, &SqlType)>)> {
        let partly = self.fields.iter().filter(|(id, _)| !self.whole.contains(id));
        partly.map(|(id, paths)| {
            let within = |p: &Path| (1..p.len()).any(|n| paths.contains_key(&p[..n]));
            (*id, paths.iter().filter(|(p, _)| !within(p)).collect())
        })
    }
}

/// Fields of a struct, or of an array's structs.
pub(crate) fn fields_of(ty: &SqlType) -> Option<&[StructField]> {
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
pub(crate) fn chain(e: &Expr) -> Option<(&Column, Path)> {
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
