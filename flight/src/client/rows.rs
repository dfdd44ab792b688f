//! Rows of a statement that runs on a server.

use std::sync::Arc;

use arrow_flight::FlightData;
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::error::FlightError;
use futures::{StreamExt, TryStreamExt};
use rsql_common::{Error, Result};
use rsql_expr::{Chunk, Schema};

use super::Link;
use crate::error::from_flight;
use crate::types::{self, ResultTraits};

/// A statement's rows as they come. Dropping them early cancels the statement.
pub struct RemoteRows {
    link: Arc<Link>,
    stream: FlightRecordBatchStream,
    /// The batch that came with the schema.
    first: Option<Chunk>,
    schema: Schema,
    traits: ResultTraits,
    sql: Arc<str>,
}

impl RemoteRows {
    /// Reads the columns, and the first batch if there is one.
    pub(super) fn new(link: Arc<Link>, stream: tonic::Streaming<FlightData>, sql: &str) -> Result<Self> {
        let data = stream.map_err(|s| FlightError::Tonic(Box::new(s)));
        let mut stream = FlightRecordBatchStream::new_from_flight_data(data);
        let first = link.runtime.block_on(stream.next()).transpose();
        let first = first.map_err(|e| {
            link.finished();
            from_flight(&e).in_query(sql)
        })?;
        let Some(wire) = stream.schema().cloned() else {
            link.finished();
            return Err(Error::internal("the server sent no columns"));
        };
        let (schema, traits) = types::from_wire(&wire)?;
        let first = first.map(|batch| types::decode_batch(&batch, &schema)).transpose()?;
        Ok(Self {
            link,
            stream,
            first,
            schema,
            traits,
            sql: sql.into(),
        })
    }

    /// Columns; empty for commands without a result.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The statement is a query: an empty result still has a header.
    pub fn is_query(&self) -> bool {
        self.traits.is_query
    }

    /// The session's time zone, by which timestamps are shown.
    pub fn time_zone(&self) -> &str {
        &self.traits.time_zone
    }

    /// The next chunk; waits for it. None after the last one.
    pub fn next_chunk(&mut self) -> Result<Option<Chunk>> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        match self.link.runtime.block_on(self.stream.next()) {
            Some(Ok(batch)) => types::decode_batch(&batch, &self.schema).map(Some),
            Some(Err(e)) => Err(from_flight(&e).in_query(&self.sql)),
            None => Ok(None),
        }
    }
}

impl Drop for RemoteRows {
    fn drop(&mut self) {
        self.link.finished();
    }
}
