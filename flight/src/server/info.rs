//! What a client gets before rows: their columns and a ticket for them.

use arrow::datatypes::Schema as ArrowSchema;
use arrow_flight::sql::{Any, ProstMessageExt, TicketStatementQuery};
use arrow_flight::{FlightDescriptor, FlightEndpoint, FlightInfo, Ticket};
use prost::Message;
use rsql_common::Result;
use rsql_engine::Description;

use super::prepared;
use super::session::{ClientSession, Statement};
use crate::types::to_wire;

/// The info for a statement's text: it is analyzed, and will run when its ticket is read.
pub(crate) fn of_statement(session: &ClientSession, sql: &str, descriptor: FlightDescriptor) -> Result<FlightInfo> {
    let description = session.engine.describe_bound(sql)?;
    let statement = Statement::new(sql.into(), description.is_query, Vec::new());
    with_ticket(session, statement, &description, descriptor)
}

/// The info for a prepared statement with the values it has at present.
pub(crate) fn of_prepared(session: &ClientSession, handle: &[u8], descriptor: FlightDescriptor) -> Result<FlightInfo> {
    let description = std::sync::Arc::clone(&session.prepared(handle)?.description);
    let statement = prepared::statement(session, handle)?;
    with_ticket(session, statement, &description, descriptor)
}

fn with_ticket(
    session: &ClientSession,
    statement: Statement,
    description: &Description,
    descriptor: FlightDescriptor,
) -> Result<FlightInfo> {
    let schema = if description.is_query {
        Some(to_wire(&description.schema, None)?)
    } else {
        None
    };
    let ticket = TicketStatementQuery {
        statement_handle: session.add_statement(statement).to_vec().into(),
    };
    flight_info(schema.as_deref(), &ticket.as_any(), descriptor)
}

/// An info with one endpoint, which is the server that was asked.
pub(crate) fn flight_info(
    schema: Option<&ArrowSchema>,
    ticket: &Any,
    descriptor: FlightDescriptor,
) -> Result<FlightInfo> {
    let endpoint = FlightEndpoint::new().with_ticket(Ticket::new(ticket.encode_to_vec()));
    let info = FlightInfo::new().with_endpoint(endpoint).with_descriptor(descriptor);
    match schema {
        Some(schema) => Ok(info.try_with_schema(schema)?),
        None => Ok(info),
    }
}
