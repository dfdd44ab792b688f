//! Runs a statement on a thread of its own and sends its rows as they come.
//!
//! The thread waits when a few batches are unread, so a slow reader holds back the query; a reader that goes away
//! drops the stream, which cancels the query.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow_flight::FlightData;
use arrow_flight::encode::{FlightDataEncoder, FlightDataEncoderBuilder};
use arrow_flight::error::FlightError;
use futures::{Stream, StreamExt};
use rsql_common::{CancelToken, Error, Result};
use rsql_engine::StatementOptions;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::session::{ClientSession, RunningGuard, Statement};
use crate::error::to_status;
use crate::types::{self, ResultTraits};

/// Batches that may wait for the network.
const QUEUED_BATCHES: usize = 4;

/// What a DoGet answers.
pub(crate) type FlightStream = Pin<Box<dyn Stream<Item = Result<FlightData, Status>> + Send>>;

type BatchSender = mpsc::Sender<Result<RecordBatch, FlightError>>;

/// Starts a statement; errors before the first row come at once.
pub(crate) async fn start(session: Arc<ClientSession>, statement: Arc<Statement>) -> Result<FlightStream> {
    let cancel = statement.begin()?;
    let guard = session.running(&cancel);
    let (batches, receiver) = mpsc::channel(QUEUED_BATCHES);
    let (started, starting) = oneshot::channel();
    tokio::task::spawn_blocking(move || run(&session, &statement, cancel, started, &batches));
    let schema = starting
        .await
        .map_err(|_| Error::internal("the thread of a statement ended"))??;
    let encoder = FlightDataEncoderBuilder::new()
        .with_schema(schema)
        .build(ReceiverStream::new(receiver));
    Ok(Box::pin(Rows { encoder, _guard: guard }))
}

/// One batch as an answer.
pub(crate) fn of_batch(batch: RecordBatch) -> FlightStream {
    let encoder = FlightDataEncoderBuilder::new()
        .with_schema(batch.schema())
        .build(futures::stream::once(async { Ok(batch) }));
    Box::pin(encoder.map(|data| data.map_err(Status::from)))
}

struct Rows {
    encoder: FlightDataEncoder,
    _guard: RunningGuard,
}

impl Stream for Rows {
    type Item = Result<FlightData, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.encoder.poll_next_unpin(cx).map_err(Status::from)
    }
}

fn run(
    session: &ClientSession,
    statement: &Statement,
    cancel: CancelToken,
    started: oneshot::Sender<Result<SchemaRef>>,
    batches: &BatchSender,
) {
    let mut running = match begin(session, statement, cancel) {
        Ok((running, wire)) => {
            // A client that is gone by now is noticed at the first batch.
            _ = started.send(Ok(Arc::clone(&wire)));
            (running, wire)
        }
        Err(e) => {
            _ = started.send(Err(e));
            return;
        }
    };
    let (running, wire) = (&mut running.0, &running.1);
    if let Err(e) = batch_rows(session).and_then(|rows| send(running, wire, rows, batches)) {
        let status = FlightError::Tonic(Box::new(to_status(&e)));
        // Nobody to tell if the client is gone.
        _ = batches.blocking_send(Err(status));
    }
}

fn begin(
    session: &ClientSession,
    statement: &Statement,
    cancel: CancelToken,
) -> Result<(rsql_engine::Running, SchemaRef)> {
    let (positional, named): (Vec<_>, Vec<_>) = statement
        .parameters
        .iter()
        .cloned()
        .partition(|(name, _)| name.is_empty());
    let options = StatementOptions {
        positional: positional.into_iter().map(|(_, value)| value).collect(),
        named,
        cancel,
        progress: statement.progress.clone(),
    };
    let running = session.engine.start(&statement.sql, options)?;
    let traits = ResultTraits {
        is_query: running.is_query(),
        time_zone: session.time_zone(),
    };
    let wire = types::to_wire(running.schema(), Some(&traits))?;
    Ok((running, wire))
}

/// Most rows of a batch that a session's clients get; zero and less set no limit.
fn batch_rows(session: &ClientSession) -> Result<usize> {
    let set = session
        .engine
        .settings()
        .int("spark.sql.execution.arrow.maxRecordsPerBatch")?;
    Ok(usize::try_from(set).ok().filter(|rows| *rows > 0).unwrap_or(usize::MAX))
}

fn send(running: &mut rsql_engine::Running, wire: &SchemaRef, rows: usize, batches: &BatchSender) -> Result<()> {
    let schema = running.schema().clone();
    while let Some(chunk) = running.next_chunk()? {
        let batch = types::encode_chunk(&chunk, &schema, wire)?;
        let mut sent = 0;
        // A batch without rows is sent, too.
        loop {
            let part = batch.slice(sent, rows.min(batch.num_rows() - sent));
            sent += part.num_rows();
            if batches.blocking_send(Ok(part)).is_err() {
                return Ok(());
            }
            if sent >= batch.num_rows() {
                break;
            }
        }
    }
    Ok(())
}

/// Runs a statement to its end, dropping its rows.
pub(crate) async fn finish(session: Arc<ClientSession>, statement: Statement) -> Result<()> {
    let cancel = statement.begin()?;
    let _guard = session.running(&cancel);
    let run = move || {
        let (mut running, _) = begin(&session, &statement, cancel)?;
        while running.next_chunk()?.is_some() {}
        Ok(())
    };
    blocking(run).await
}

/// Does something slow off the async threads.
pub(crate) async fn blocking<T: Send + 'static>(f: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(f)
        .await
        .map_err(|e| Error::internal(format!("a statement's thread ended: {e}")))?
}
