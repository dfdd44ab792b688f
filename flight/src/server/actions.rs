//! Actions beside those of Flight SQL: session options, the end of a session, cancellation, and our own.

use std::sync::Arc;

use arrow_flight::sql::{Any, TicketStatementQuery};
use arrow_flight::{Action, ActionType, CancelFlightInfoRequest, CancelFlightInfoResult, CancelStatus, FlightInfo};
use prost::Message;
use rsql_common::{Error, Result};

use super::options;
use super::session::{ClientSession, Statement};
use super::sessions::{Key, Sessions};
use crate::error;
use crate::message::{self, Bind, CloseSessionResult, SessionOptions, Stages, action};

/// Session is closed.
const CLOSED: i32 = 1;

/// What `ListActions` adds.
pub(crate) fn types() -> Vec<ActionType> {
    [
        (action::SET_OPTIONS, "Sets session options: catalog, schema, settings."),
        (action::GET_OPTIONS, "Lists session options."),
        (action::CLOSE_SESSION, "Ends the session and all that runs in it."),
        (action::CANCEL, "Cancels a statement."),
        (action::BIND, "Gives a named parameter a value."),
        (action::PROGRESS, "Lists the stages of a statement that runs."),
    ]
    .into_iter()
    .map(|(r#type, description)| ActionType {
        r#type: r#type.into(),
        description: description.into(),
    })
    .collect()
}

/// Does an action; gives the body of its result. May be slow.
pub(crate) fn run(sessions: &Sessions, key: &Key, session: &Arc<ClientSession>, asked: &Action) -> Result<Vec<u8>> {
    match asked.r#type.as_str() {
        action::SET_OPTIONS => {
            let asked = decode::<SessionOptions>(&asked.body)?;
            Ok(options::set(&session.engine, &asked).encode_to_vec())
        }
        action::GET_OPTIONS => Ok(options::get(&session.engine).encode_to_vec()),
        action::CLOSE_SESSION => {
            sessions.close(key);
            Ok(CloseSessionResult { status: CLOSED }.encode_to_vec())
        }
        action::CANCEL => {
            let info = decode::<CancelFlightInfoRequest>(&asked.body)?.info;
            cancel(session, &info.unwrap_or_default())?;
            let status = CancelStatus::Cancelled as i32;
            Ok(CancelFlightInfoResult { status }.encode_to_vec())
        }
        action::BIND => {
            let bind: Bind = message::unpack(&asked.body)?;
            session.bind_named(&bind.name, &bind.value);
            Ok(Vec::new())
        }
        action::PROGRESS => {
            let stages: Stages = statement_of(session, &asked.body)?.progress.stages();
            message::pack(&stages)
        }
        other => Err(Error::user("REMOTE.REFUSED").with_message(format!("There is no action {other}."))),
    }
}

/// Cancels the statements an info's tickets stand for.
pub(crate) fn cancel(session: &ClientSession, info: &FlightInfo) -> Result<()> {
    for endpoint in &info.endpoint {
        let ticket = endpoint.ticket.clone().unwrap_or_default();
        statement_of(session, &ticket.ticket)?.cancel();
    }
    Ok(())
}

fn statement_of(session: &ClientSession, ticket: &[u8]) -> Result<Arc<Statement>> {
    let any = decode::<Any>(ticket)?;
    let ticket: Option<TicketStatementQuery> = any.unpack()?;
    match ticket {
        Some(ticket) => session.statement(&ticket.statement_handle),
        None => Err(error::unknown_handle("FORMAT", "The ticket is not one of a statement.")),
    }
}

fn decode<M: Message + Default>(bytes: &[u8]) -> Result<M> {
    M::decode(bytes).map_err(|e| error::unknown_handle("FORMAT", &format!("The message is malformed: {e}.")))
}
