//! What drivers ask of the catalog: catalogs, schemas, tables, table types.

use arrow::array::RecordBatch;
use arrow_flight::error::FlightError;
use arrow_flight::sql::{CommandGetCatalogs, CommandGetDbSchemas, CommandGetTableTypes, CommandGetTables};
use rsql_common::Result;
use rsql_engine::Session;
use rsql_engine::listing::{RelationKind, SPARK_CATALOG};

use crate::error::from_flight;
use crate::types::to_wire;

/// The catalogs.
pub(crate) fn catalogs(command: CommandGetCatalogs) -> Result<RecordBatch> {
    let mut builder = command.into_builder();
    builder.append(SPARK_CATALOG);
    built(builder.build())
}

/// The databases.
pub(crate) fn schemas(session: &Session, command: CommandGetDbSchemas) -> Result<RecordBatch> {
    let mut builder = command.into_builder();
    for name in session.database_names() {
        builder.append(SPARK_CATALOG, name);
    }
    built(builder.build())
}

/// Tables and views, with their columns if that is asked.
pub(crate) fn tables(session: &Session, command: CommandGetTables) -> Result<RecordBatch> {
    let mut builder = command.into_builder();
    for relation in session.relations() {
        let columns = to_wire(&relation.schema, None)?;
        builder
            .append(
                SPARK_CATALOG,
                &relation.database,
                &relation.name,
                relation.kind.name(),
                &columns,
            )
            .map_err(|e| from_flight(&e))?;
    }
    built(builder.build())
}

/// The kinds of relation.
pub(crate) fn table_types(command: CommandGetTableTypes) -> Result<RecordBatch> {
    let mut builder = command.into_builder();
    for kind in RelationKind::ALL {
        builder.append(kind.name());
    }
    built(builder.build())
}

fn built(batch: Result<RecordBatch, FlightError>) -> Result<RecordBatch> {
    batch.map_err(|e| from_flight(&e))
}
