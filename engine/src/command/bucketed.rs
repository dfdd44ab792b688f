//! CLUSTERED BY: what Spark lets pass, and what it asks of the rows that are written.

use std::sync::Arc;

use rsql_ast::Ident;
use rsql_catalog::SourceColumn;
use rsql_catalog::session::TableEntry;
use rsql_common::{Error, Result};
use rsql_exec::write::{BucketSpec, Cell, WriteSpec};
use rsql_expr::{Expr, SortKey, SqlType};
use rsql_planner::LogicalPlan;
use rsql_planner::buckets::bucket_expr;
use rsql_planner::logical::{self, build};

use super::column;
use crate::query::StatementCx;
use crate::source;

/// Names of the bucket columns, of the sort columns, and the number of buckets.
pub(super) type Names = (Vec<String>, Vec<String>, i64);

/// What is wrong with a column.
pub(super) enum Unfit {
    /// The table has none of this name.
    Missing(String),
    /// Buckets cannot be made of it.
    Refused(Error),
}

/// The clause as it is kept.
pub(super) fn spec(cx: &StatementCx<'_>, (columns, sorted, count): &(Vec<Ident>, Vec<Ident>, i64)) -> Result<Names> {
    let most = cx.state.settings.int("spark.sql.sources.bucketing.maxBuckets")?;
    if *count < 1 || *count > most.min(i64::from(i32::MAX)) {
        return Err(Error::user("INVALID_BUCKET_COUNT")
            .param("bucketingMaxBuckets", most.to_string())
            .param("numBuckets", count.to_string()));
    }
    let names = |v: &[Ident]| v.iter().map(|i| i.value.clone()).collect();
    Ok((names(columns), names(sorted), *count))
}

/// Whether a table of these columns, the last `n_partition_columns` of them partition columns, can be bucketed so.
pub(super) fn check(
    clustered: &[String],
    sorted: &[String],
    columns: &[SourceColumn],
    n_partition_columns: usize,
) -> std::result::Result<(), Unfit> {
    let (data, partitions) = columns.split_at(columns.len() - n_partition_columns);
    let is = |name: &str, c: &SourceColumn| c.name.eq_ignore_ascii_case(name);
    let missing = |name: &&String| !columns.iter().any(|c| is(name, c));
    if let Some(name) = clustered.iter().chain(sorted).find(missing) {
        return Err(Unfit::Missing(name.clone()));
    }
    for names in [clustered, sorted] {
        column::check_unique(names.iter().map(String::as_str)).map_err(Unfit::Refused)?;
    }
    let in_partition = |name: &&String| partitions.iter().any(|c| is(name, c));
    let refused = |condition: &'static str, role: &'static str, name: &String| {
        let of: Vec<&str> = partitions.iter().map(|c| c.name.as_ref()).collect();
        let e = Error::user(condition).param(role, name.clone());
        Err(Unfit::Refused(e.param("normalizedPartCols", of.join(", "))))
    };
    if let Some(name) = clustered.iter().find(in_partition) {
        return refused("_LEGACY_ERROR_TEMP_1166", "bucketCol", name);
    }
    if let Some(name) = sorted.iter().find(in_partition) {
        return refused("_LEGACY_ERROR_TEMP_1167", "sortCol", name);
    }
    for c in data {
        if clustered.iter().any(|name| is(name, c)) && c.ty.has_collation() {
            let e = Error::user("INVALID_BUCKET_COLUMN_DATA_TYPE").param("type", c.ty.quoted());
            return Err(Unfit::Refused(e));
        }
        if sorted.iter().any(|name| is(name, c)) && holds_map(&c.ty) {
            let e = Error::user("_LEGACY_ERROR_TEMP_3072");
            return Err(Unfit::Refused(
                e.param("msg", format!("Cannot use {} for sorting column", c.ty)),
            ));
        }
    }
    Ok(())
}

/// Values with maps in them have no order and no hash.
fn holds_map(ty: &SqlType) -> bool {
    match ty {
        SqlType::Map(_) => true,
        SqlType::Array(a) => holds_map(&a.element),
        SqlType::Struct(fields) => fields.iter().any(|f| holds_map(&f.ty)),
        _ => false,
    }
}

/// CLUSTERED BY by positions.
pub(super) fn of(table: &TableEntry) -> Result<Option<BucketSpec>> {
    let Some(buckets) = source::buckets(table, &table.columns)? else {
        return Ok(None);
    };
    let sorted = table.buckets.iter().flat_map(|(_, sorted, _)| sorted);
    Ok(Some(BucketSpec {
        columns: buckets.columns.to_vec(),
        sorted: sorted
            .map(|name| source::position(&table.columns, name))
            .collect::<Result<_>>()?,
        count: buckets.count,
    }))
}

/// The plan whose rows each task gives by partition, bucket and the columns of SORTED BY, if they are to come so.
pub(super) fn ordered(plan: LogicalPlan, spec: &WriteSpec) -> Result<LogicalPlan> {
    let Some(buckets) = spec.buckets.as_ref().filter(|_| spec.in_order()) else {
        return Ok(plan);
    };
    let value = |column: usize| match spec.cells.get(column) {
        Some(Cell::Constant(literal)) => Ok(Expr::Literal(literal.clone())),
        Some(Cell::Column(at)) => {
            let field = plan.schema().fields.get(*at);
            let field = field.ok_or_else(|| Error::internal("a column that the query does not give"))?;
            Ok(build::column(field))
        }
        None => Err(Error::internal("a column that the table does not have")),
    };
    let partitions = spec.columns.len() - spec.n_partition_columns..spec.columns.len();
    let mut exprs = partitions.map(value).collect::<Result<Vec<_>>>()?;
    let keys = buckets.columns.iter().map(|c| value(*c)).collect::<Result<_>>()?;
    exprs.push(bucket_expr(keys, buckets.count));
    for column in &buckets.sorted {
        exprs.push(value(*column)?);
    }
    let ascending = |expr| SortKey {
        expr,
        descending: false,
        nulls_first: true,
    };
    let constant = |e: &Expr| e.as_literal().is_some();
    Ok(LogicalPlan::Sort(logical::Sort {
        keys: exprs.into_iter().filter(|e| !constant(e)).map(ascending).collect(),
        fetch: None,
        global: false,
        input: Arc::new(plan),
    }))
}
