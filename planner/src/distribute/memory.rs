//! Rows in this process's memory as literals, which travel.

use rsql_catalog::SourceKind;
use rsql_common::Result;
use rsql_common::ids::IdGen;
use rsql_expr::eval::scalar_at;
use rsql_expr::{Expr, Field, Literal, Schema, Slot};

use crate::PhysicalPlan;
use crate::physical::{Filter, Projection, Scan, Values};

/// More values than this stay where they are; a cluster then cannot read them.
const MOST_VALUES: usize = 1 << 20;

/// The scan as literal rows with its filters and projection above, if it reads a few rows of this process's memory.
pub(super) fn to_values(scan: Scan, ids: &IdGen) -> Result<PhysicalPlan> {
    let SourceKind::Memory(batches) = &scan.source.kind else {
        return Ok(PhysicalPlan::Scan(scan));
    };
    let n_rows: usize = batches.iter().map(|b| b.num_rows()).sum();
    if n_rows.saturating_mul(scan.columns.len().max(1)) > MOST_VALUES {
        return Ok(PhysicalPlan::Scan(scan));
    }
    let schema = Schema::new(scan.columns.iter().enumerate().map(|(i, column)| {
        let source = &scan.source.columns[*column];
        let output = scan.projection.iter().position(|p| *p == i);
        Field {
            id: output.map_or_else(|| ids.column(), |o| scan.schema.fields[o].id),
            name: source.name.clone(),
            ty: source.ty.clone(),
            nullable: source.nullable,
        }
    }));
    let mut rows = Vec::with_capacity(n_rows);
    for batch in batches.iter() {
        for row in 0..batch.num_rows() {
            let values = scan.columns.iter().zip(schema.iter()).map(|(column, f)| {
                Ok(Literal {
                    value: scalar_at(batch.column(*column).as_ref(), row, &f.ty)?,
                    ty: f.ty.clone(),
                })
            });
            rows.push(values.collect::<Result<_>>()?);
        }
    }
    let mut plan = PhysicalPlan::Values(Values { rows, schema });
    if !scan.filters.is_empty() {
        plan = PhysicalPlan::Filter(Filter {
            input: Box::new(plan),
            predicate: Expr::conjunction(scan.filters),
        });
    }
    let exprs = scan.projection.iter().zip(scan.schema.iter()).map(|(index, f)| {
        Expr::Slot(Slot {
            index: *index,
            ty: f.ty.clone(),
        })
    });
    Ok(PhysicalPlan::Projection(Projection {
        input: Box::new(plan),
        exprs: exprs.collect(),
        schema: scan.schema,
    }))
}
