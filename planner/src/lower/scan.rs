//! Lowering of scans: filter columns are read behind the output columns and not put out.

use rsql_common::Result;
use rsql_expr::Schema;

use super::binding::Binding;
use crate::estimates::Estimates;
use crate::{PhysicalPlan, logical as l, physical as p};

pub(super) fn scan(n: &l::Scan, e: &Estimates) -> Result<PhysicalPlan> {
    let filter_only = Schema::new(n.filter_columns.iter().map(|(f, _)| f.clone()));
    let binding = Binding::new(&[&n.schema, &filter_only]);
    let columns = n.columns.iter().copied();
    Ok(PhysicalPlan::Scan(p::Scan {
        source: n.source.clone(),
        columns: columns.chain(n.filter_columns.iter().map(|(_, i)| *i)).collect(),
        filters: binding.exprs(&n.filters)?,
        projection: (0..n.schema.len()).collect(),
        consumes: vec![],
        limit: n.limit,
        best_first: None,
        shared: None,
        by_bucket: false,
        estimate: e.rows,
        schema: n.schema.clone(),
    }))
}
