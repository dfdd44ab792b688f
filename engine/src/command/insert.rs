//! INSERT: a query's rows, fitted to a table's columns, become part files of the table.

use std::path::PathBuf;
use std::sync::Arc;

use rsql_ast::command::{Insert, InsertTarget, NameExpr, Properties};
use rsql_ast::{Expr, ExprKind, Ident, Query};
use rsql_catalog::SourceColumn;
use rsql_catalog::session::TableEntry;
use rsql_common::{Error, Result, quoted_name};
use rsql_exec::write::{self, Cell, FolderCommitter, Overwrite, TableWrite, WriteSpec};
use rsql_expr::{Literal, SqlType};
use rsql_planner::LogicalPlan;

use super::insert_default::fill_defaults;
use super::{bucketed, column, name, relation};
use crate::query::StatementCx;
use crate::result::StatementOutput;
use crate::source;

/// `INSERT INTO | OVERWRITE`
pub(crate) fn run(cx: &StatementCx<'_>, insert: &Insert) -> Result<StatementOutput> {
    match &insert.target {
        InsertTarget::Table(name) => into_table(cx, insert, name)?,
        InsertTarget::Directory { path, format, options } => {
            into_directory(cx, &insert.query, path.as_deref(), format.as_deref(), options)?;
        }
    }
    Ok(StatementOutput::none())
}

fn into_table(cx: &StatementCx<'_>, insert: &Insert, name: &NameExpr) -> Result<()> {
    if insert.replace_where.is_some() {
        return Err(Error::unsupported("INSERT … REPLACE WHERE").at(relation::span(name)));
    }
    let table = relation::expect_table(cx, name, "INSERT")?;
    let shown = relation::table_name(&table);
    let spec = PartitionSpec::resolve(cx, &table, &insert.partition)?;
    spec.check_complete(&table, &insert.partition)?;
    let prefix = spec.prefix_folder(cx, &table)?;
    if insert.if_not_exists
        && spec.values.iter().all(Option::is_some)
        && rsql_storage::local_path(&table.location)?.join(&prefix).exists()
    {
        return Ok(());
    }
    let wanted = wanted_columns(&table, insert, &spec)?;
    let (plan, wanted) = analyze(cx, &table, insert, wanted, &shown)?;
    if insert.overwrite && cx.state.settings.strict() && reads(&plan, &table) {
        return Err(Error::user("UNSUPPORTED_OVERWRITE.TABLE").param("table", shown));
    }
    let n_data = table.columns.len() - table.n_partition_columns;
    let mut cells = Vec::with_capacity(table.columns.len());
    for i in 0..table.columns.len() {
        let fixed = i.checked_sub(n_data).and_then(|p| spec.values.get(p)?.clone());
        cells.push(match (fixed, wanted.iter().position(|w| *w == i)) {
            (Some(value), _) => Cell::Constant(value),
            (None, Some(at)) => Cell::Column(at),
            (None, None) => Cell::Constant(column::default_value(cx, &table, i)?),
        });
    }
    let mode = cx.state.settings.get("spark.sql.sources.partitionOverwriteMode");
    let dynamic = mode.is_some_and(|m| m.eq_ignore_ascii_case("dynamic")) && spec.values.contains(&None);
    let overwrite = match insert.overwrite {
        false => Overwrite::Nothing,
        true if dynamic => Overwrite::Written,
        true => Overwrite::Below(prefix),
    };
    write_plan(cx, spec_of(cx, &table, cells)?, plan, overwrite)
}

/// Writes a query's columns, as they are, into a new table.
pub(super) fn fill(cx: &StatementCx<'_>, table: &TableEntry, plan: LogicalPlan, overwrite: Overwrite) -> Result<()> {
    // Partition columns have moved to the end: columns are found by name.
    let cells = table
        .columns
        .iter()
        .map(|c| {
            let at = plan.schema().iter().position(|f| f.name.eq_ignore_ascii_case(&c.name));
            at.map(Cell::Column)
                .ok_or_else(|| Error::internal(format!("the query has no column {}", c.name)))
        })
        .collect::<Result<Vec<_>>>()?;
    write_plan(cx, spec_of(cx, table, cells)?, plan, overwrite)
}

/// What rows become in a table's folder.
fn spec_of(cx: &StatementCx<'_>, table: &TableEntry, cells: Vec<Cell>) -> Result<WriteSpec> {
    let format = table
        .format
        .ok_or_else(|| Error::unsupported(format!("writing {} files", table.provider)))?;
    Ok(WriteSpec {
        folder: rsql_storage::local_path(&table.location)?,
        staging: PathBuf::new(),
        stem: String::new(),
        format,
        columns: table.columns.clone(),
        n_partition_columns: table.n_partition_columns,
        buckets: bucketed::of(table)?,
        cells,
        options: table.options.clone(),
        eval: Arc::clone(&cx.options),
        sync: cx.state.settings.bool("rsql.write.sync"),
    })
}

/// Runs a query on whatever the session runs on; its rows are visible when this returns, or nothing is.
fn write_plan(cx: &StatementCx<'_>, spec: WriteSpec, plan: LogicalPlan, overwrite: Overwrite) -> Result<()> {
    let planned = cx.plan_analyzed(bucketed::ordered(plan, &spec)?, Default::default())?;
    let task = cx.task()?;
    let committer = Arc::new(FolderCommitter::begin(spec, overwrite, Arc::clone(&task))?);
    let write = TableWrite {
        spec: Arc::clone(committer.spec()),
        committer: Arc::clone(&committer) as _,
    };
    let outcome = cx.write(&planned, task, write);
    if outcome.is_err() {
        // Not left to the last owner: when a statement has failed nothing of it is there.
        write::Committer::abort(committer.as_ref());
    }
    outcome
}

/// Positions of the table's columns that the query gives, in the query's order.
fn wanted_columns(table: &TableEntry, insert: &Insert, spec: &PartitionSpec) -> Result<Vec<usize>> {
    let n_data = table.columns.len() - table.n_partition_columns;
    let is_fixed = |i: usize| i >= n_data && spec.values.get(i - n_data).is_some_and(Option::is_some);
    if insert.columns.is_empty() {
        return Ok((0..table.columns.len()).filter(|i| !is_fixed(*i)).collect());
    }
    column::check_unique(insert.columns.iter().map(|c| c.value.as_str()))?;
    insert
        .columns
        .iter()
        .map(|c| {
            let at = table.columns.iter().position(|t| t.name.eq_ignore_ascii_case(&c.value));
            match at {
                Some(i) if is_fixed(i) => {
                    Err(Error::user("STATIC_PARTITION_COLUMN_IN_INSERT_COLUMN_LIST")
                        .param("staticName", c.value.clone()))
                }
                Some(i) => Ok(i),
                None => Err(unresolved_column(table, c)),
            }
        })
        .collect()
}

/// `UNRESOLVED_COLUMN` with the table's columns as suggestions.
pub(super) fn unresolved_column(table: &TableEntry, column: &Ident) -> Error {
    let known: Vec<String> = table.columns.iter().take(5).map(|c| quoted_name([&c.name])).collect();
    Error::user("UNRESOLVED_COLUMN.WITH_SUGGESTION")
        .param("objectName", quoted_name([&column.value]))
        .param("proposal", known.join(", "))
        .at(column.span)
}

/// The query's plan, fitted to the wanted columns; BY NAME finds out here which ones the query gives.
fn analyze(
    cx: &StatementCx<'_>,
    table: &TableEntry,
    insert: &Insert,
    wanted: Vec<usize>,
    shown: &str,
) -> Result<(LogicalPlan, Vec<usize>)> {
    let query = fill_defaults(cx, &insert.query, table, &wanted)?;
    let mut plan = cx.analyze(|a| rsql_analyzer::analyze_query(&query, a))?;
    let mut wanted = wanted;
    if insert.by_name {
        let known = |name: &str| wanted.iter().any(|i| table.columns[*i].name.eq_ignore_ascii_case(name));
        let extra: Vec<String> = plan
            .schema()
            .iter()
            .filter(|f| !known(&f.name))
            .map(|f| quoted_name([&f.name]))
            .collect();
        if !extra.is_empty() {
            return Err(Error::user("INCOMPATIBLE_DATA_FOR_TABLE.EXTRA_COLUMNS")
                .param("tableName", shown)
                .param("extraColumns", extra.join(", ")));
        }
        column::check_unique(plan.schema().iter().map(|f| f.name.as_ref()))?;
        let given = |i: usize| {
            let name = &table.columns[i].name;
            plan.schema().iter().any(|f| f.name.eq_ignore_ascii_case(name))
        };
        wanted.retain(|i| given(*i));
    }
    let target: Vec<(String, SqlType, bool)> = wanted
        .iter()
        .map(|i| (table.columns[*i].name.to_string(), table.columns[*i].ty.clone(), true))
        .collect();
    plan = cx.analyze(|a| rsql_analyzer::cast_for_insert(plan, shown, &target, insert.by_name, a))?;
    Ok((plan, wanted))
}

fn reads(plan: &LogicalPlan, table: &TableEntry) -> bool {
    match plan {
        LogicalPlan::Scan(scan) => *scan.source.name == *table.location,
        other => other.children().into_iter().any(|c| reads(c, table)),
    }
}

/// Values of `PARTITION (…)`, one a partition column; none where the query gives it.
#[derive(Debug)]
pub(super) struct PartitionSpec {
    pub values: Vec<Option<Literal>>,
}

impl PartitionSpec {
    /// Finds the named partition columns and evaluates their values.
    pub(super) fn resolve(cx: &StatementCx<'_>, table: &TableEntry, written: &[(Ident, Option<Expr>)]) -> Result<Self> {
        let at = table.columns.len() - table.n_partition_columns;
        let columns = &table.columns[at..];
        let mut values = vec![None; columns.len()];
        let unknown: Vec<String> = written
            .iter()
            .filter(|(key, _)| !columns.iter().any(|c| c.name.eq_ignore_ascii_case(&key.value)))
            .map(|(key, _)| quoted_name([&key.value]))
            .collect();
        if !unknown.is_empty() {
            return Err(Error::user("PARTITIONS_NOT_FOUND")
                .param("partitionList", unknown.join(", "))
                .param("tableName", relation::table_name(table)));
        }
        for (key, value) in written {
            let Some(i) = columns.iter().position(|c| c.name.eq_ignore_ascii_case(&key.value)) else {
                continue;
            };
            let Some(expr) = value else { continue };
            values[i] = Some(match expr.kind {
                ExprKind::Default => column::default_value(cx, table, at + i)?,
                _ => column::fit(cx, name::constant(cx, expr)?, &columns[i].ty)?,
            });
        }
        Ok(Self { values })
    }

    /// INSERT names all partition columns or none, and fixed ones first.
    fn check_complete(&self, table: &TableEntry, written: &[(Ident, Option<Expr>)]) -> Result<()> {
        if written.is_empty() {
            return Ok(());
        }
        let at = table.columns.len() - table.n_partition_columns;
        let names: Vec<&str> = table.columns[at..].iter().map(|c| c.name.as_ref()).collect();
        if written.len() != names.len() {
            let given: Vec<&str> = written.iter().map(|(k, _)| k.value.as_str()).collect();
            return Err(Error::user("_LEGACY_ERROR_TEMP_1169")
                .param("tableName", relation::table_name(table))
                .param("normalizedPartSpec", given.join(","))
                .param("partColNames", names.join(",")));
        }
        let first_dynamic = self.values.iter().position(Option::is_none).unwrap_or(names.len());
        if self.values[first_dynamic..].iter().any(Option::is_some) {
            return Err(Error::user("_LEGACY_ERROR_TEMP_1147").param("partColumns", format!("[{}]", names.join(","))));
        }
        Ok(())
    }

    /// The folder of the leading fixed values, relative to the table's.
    pub(super) fn prefix_folder(&self, cx: &StatementCx<'_>, table: &TableEntry) -> Result<PathBuf> {
        let at = table.columns.len() - table.n_partition_columns;
        let fixed: Vec<Literal> = self.values.iter().map_while(Clone::clone).collect();
        write::folder_of(&table.columns[at..], &fixed, &cx.options)
    }
}

fn into_directory(
    cx: &StatementCx<'_>,
    query: &Query,
    path: Option<&str>,
    format: Option<&str>,
    options: &Properties,
) -> Result<()> {
    let option = || {
        options
            .iter()
            .find(|(k, _)| k.eq_ignore_ascii_case("path"))
            .map(|(_, v)| v.as_str())
    };
    let path = path
        .or_else(option)
        .ok_or_else(|| Error::unsupported("INSERT OVERWRITE DIRECTORY without a path"))?;
    let format = format.unwrap_or("parquet");
    let format =
        source::format_of(format).ok_or_else(|| Error::user("DATA_SOURCE_NOT_FOUND").param("provider", format))?;
    let plan = cx.analyze(|a| rsql_analyzer::analyze_query(query, a))?;
    column::check_unique(plan.schema().iter().map(|f| f.name.as_ref()))?;
    let columns: Vec<SourceColumn> = plan
        .schema()
        .iter()
        .map(|f| SourceColumn {
            name: Arc::clone(&f.name),
            ty: f.ty.clone(),
            nullable: true,
        })
        .collect();
    let cells: Vec<Cell> = (0..columns.len()).map(Cell::Column).collect();
    let spec = WriteSpec {
        folder: rsql_storage::local_path(path)?,
        staging: PathBuf::new(),
        stem: String::new(),
        format,
        columns,
        n_partition_columns: 0,
        buckets: None,
        cells,
        options: options.clone(),
        eval: Arc::clone(&cx.options),
        sync: cx.state.settings.bool("rsql.write.sync"),
    };
    write_plan(cx, spec, plan, Overwrite::Below(PathBuf::new()))
}
