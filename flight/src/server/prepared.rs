//! Prepared statements: analyzed once to tell their columns, run with each list of values they are given.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema as ArrowSchema};
use arrow_flight::sql::ActionCreatePreparedStatementResult;
use arrow_flight::{IpcMessage, SchemaAsIpc};
use bytes::Bytes;
use rsql_common::{Error, Result};
use rsql_expr::Literal;

use super::parameters;
use super::rows;
use super::session::{ClientSession, Prepared, Statement};
use crate::types::to_wire;

/// The engine does not count the rows that commands change.
const UNKNOWN_COUNT: i64 = -1;

/// Analyzes a statement and keeps it. A command has no columns, by which drivers know it from a query.
pub(crate) fn create(session: &ClientSession, sql: &str) -> Result<ActionCreatePreparedStatementResult> {
    let description = session.engine.describe(sql)?;
    let dataset_schema = ipc(to_wire(&description.schema, None)?.as_ref())?;
    // Types of parameters follow from their values.
    let parameters: Vec<Field> = description
        .parameters
        .iter()
        .map(|name| Field::new(name, DataType::Null, true))
        .collect();
    let parameter_schema = ipc(&ArrowSchema::new(parameters))?;
    let handle = session.add_prepared(Prepared {
        sql: sql.into(),
        description: Arc::new(description),
        rows: Arc::default(),
    });
    Ok(ActionCreatePreparedStatementResult {
        prepared_statement_handle: handle.to_vec().into(),
        dataset_schema,
        parameter_schema,
    })
}

/// A prepared statement with the first row of its values, ready to run.
pub(crate) fn statement(session: &ClientSession, handle: &[u8]) -> Result<Statement> {
    let prepared = session.prepared(handle)?;
    with_values(&prepared, prepared.rows.first().map_or(&[], Vec::as_slice))
}

fn with_values(prepared: &Prepared, values: &[Literal]) -> Result<Statement> {
    let names = &prepared.description.parameters;
    // Parameters inside commands are not all known beforehand: those are positional.
    let named = values.iter().enumerate().map(|(i, value)| {
        let name = names.get(i).cloned().unwrap_or_default();
        (name, value.clone())
    });
    if !values.is_empty() && values.len() < names.len() {
        return Err(Error::usage(format!(
            "The statement takes {} parameters, not {}.",
            names.len(),
            values.len()
        )));
    }
    Ok(Statement::new(
        Arc::clone(&prepared.sql),
        prepared.description.is_query,
        named.collect(),
    ))
}

/// Runs a statement to its end.
pub(crate) async fn update(session: Arc<ClientSession>, sql: &str) -> Result<i64> {
    rows::finish(session, Statement::new(sql.into(), false, Vec::new())).await?;
    Ok(UNKNOWN_COUNT)
}

/// Runs a prepared statement once for each row of values, or once with those it has.
pub(crate) async fn update_rows(session: Arc<ClientSession>, handle: &[u8], batches: &[RecordBatch]) -> Result<i64> {
    let prepared = session.prepared(handle)?;
    let sent = parameters::literals(batches)?;
    let lists = if sent.is_empty() {
        prepared.rows.as_ref().clone()
    } else {
        sent
    };
    if lists.is_empty() {
        rows::finish(session, with_values(&prepared, &[])?).await?;
        return Ok(UNKNOWN_COUNT);
    }
    for values in &lists {
        rows::finish(Arc::clone(&session), with_values(&prepared, values)?).await?;
    }
    Ok(UNKNOWN_COUNT)
}

fn ipc(schema: &ArrowSchema) -> Result<Bytes> {
    let options = arrow::ipc::writer::IpcWriteOptions::default();
    let IpcMessage(bytes) = SchemaAsIpc::new(schema, &options).try_into()?;
    Ok(bytes)
}
