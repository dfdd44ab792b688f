//! Flight SQL's requests: which one is answered by what. Each arm finds the session and makes one call.

use std::pin::Pin;
use std::sync::Arc;

use arrow::datatypes::Schema as ArrowSchema;
use arrow_flight::flight_service_server::FlightService;
use arrow_flight::sql::metadata::{SqlInfoData, XdbcTypeInfoData};
use arrow_flight::sql::server::{FlightSqlService, PeekableFlightDataStream};
use arrow_flight::sql::{
    ActionCancelQueryRequest, ActionCancelQueryResult, ActionClosePreparedStatementRequest,
    ActionCreatePreparedStatementRequest, ActionCreatePreparedStatementResult, CommandGetCatalogs,
    CommandGetCrossReference, CommandGetDbSchemas, CommandGetExportedKeys, CommandGetImportedKeys,
    CommandGetPrimaryKeys, CommandGetSqlInfo, CommandGetTableTypes, CommandGetTables, CommandGetXdbcTypeInfo,
    CommandPreparedStatementQuery, CommandPreparedStatementUpdate, CommandStatementIngest, CommandStatementQuery,
    CommandStatementUpdate, DoPutPreparedStatementResult, ProstMessageExt, SqlInfo, TicketStatementQuery,
};
use arrow_flight::{
    Action, ActionType, CancelStatus, FlightDescriptor, FlightInfo, HandshakeRequest, HandshakeResponse, Ticket,
};
use futures::Stream;
use prost::Message;
use rsql_common::Result;
use tonic::{Request, Response, Status, Streaming};

use super::rows::{self, FlightStream, blocking};
use super::session::ClientSession;
use super::sessions::{self, Key, Sessions};
use super::{actions, info, ingest, keys, metadata, parameters, prepared, sql_info, type_info};
use crate::error::to_status;

type Answer<T> = Result<Response<T>, Status>;
type HandshakeStream = Pin<Box<dyn Stream<Item = Result<HandshakeResponse, Status>> + Send>>;

/// The service. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Service {
    sessions: Arc<Sessions>,
    sql_info: Arc<SqlInfoData>,
    type_info: Arc<XdbcTypeInfoData>,
}

impl Service {
    /// A service over `sessions`.
    pub fn new(sessions: Arc<Sessions>) -> Result<Self> {
        Ok(Self {
            sessions,
            sql_info: Arc::new(sql_info::data()?),
            type_info: Arc::new(type_info::data()?),
        })
    }

    fn locate<T>(&self, request: &Request<T>) -> Result<(Key, Arc<ClientSession>), Status> {
        let connection = super::connection::number_of(request.extensions());
        sessions::identity(request.metadata())
            .and_then(|who| self.sessions.find(&who, connection))
            .map_err(status)
    }

    fn session<T>(&self, request: &Request<T>) -> Result<Arc<ClientSession>, Status> {
        self.locate(request).map(|(_, session)| session)
    }

    /// The answer to a question whose ticket repeats the question.
    fn repeat<C: ProstMessageExt>(
        &self,
        command: &C,
        schema: &ArrowSchema,
        request: Request<FlightDescriptor>,
    ) -> Answer<FlightInfo> {
        self.session(&request)?;
        info::flight_info(Some(schema), &command.as_any(), request.into_inner())
            .map(Response::new)
            .map_err(status)
    }
}

fn status(e: rsql_common::Error) -> Status {
    to_status(&e)
}

fn answer(batch: Result<arrow::array::RecordBatch>) -> Answer<FlightStream> {
    batch.map(|b| Response::new(rows::of_batch(b))).map_err(status)
}

#[tonic::async_trait]
impl FlightSqlService for Service {
    type FlightService = Service;

    async fn do_handshake(&self, request: Request<Streaming<HandshakeRequest>>) -> Answer<HandshakeStream> {
        let who = sessions::identity(request.metadata()).map_err(status)?;
        let all = Arc::clone(&self.sessions);
        let token = blocking(move || all.log_in(&who)).await.map_err(status)?;
        let header = format!("Bearer {token}");
        let reply = HandshakeResponse {
            protocol_version: 0,
            payload: token.into(),
        };
        let stream: HandshakeStream = Box::pin(futures::stream::iter([Ok(reply)]));
        let mut response = Response::new(stream);
        let header = header.parse().map_err(|_| Status::internal("the token is no header"))?;
        response.metadata_mut().insert("authorization", header);
        Ok(response)
    }

    async fn get_flight_info_statement(
        &self,
        query: CommandStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Answer<FlightInfo> {
        let session = self.session(&request)?;
        let descriptor = request.into_inner();
        blocking(move || info::of_statement(&session, &query.query, descriptor))
            .await
            .map(Response::new)
            .map_err(status)
    }

    async fn get_flight_info_prepared_statement(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Answer<FlightInfo> {
        let session = self.session(&request)?;
        info::of_prepared(&session, &query.prepared_statement_handle, request.into_inner())
            .map(Response::new)
            .map_err(status)
    }

    async fn do_get_statement(&self, ticket: TicketStatementQuery, request: Request<Ticket>) -> Answer<FlightStream> {
        let session = self.session(&request)?;
        let statement = session.statement(&ticket.statement_handle).map_err(status)?;
        rows::start(session, statement).await.map(Response::new).map_err(status)
    }

    async fn do_get_prepared_statement(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<Ticket>,
    ) -> Answer<FlightStream> {
        let session = self.session(&request)?;
        let statement = prepared::statement(&session, &query.prepared_statement_handle).map_err(status)?;
        rows::start(session, Arc::new(statement))
            .await
            .map(Response::new)
            .map_err(status)
    }

    async fn do_put_statement_update(
        &self,
        command: CommandStatementUpdate,
        request: Request<PeekableFlightDataStream>,
    ) -> Result<i64, Status> {
        let session = self.session(&request)?;
        prepared::update(session, &command.query).await.map_err(status)
    }

    async fn do_put_statement_ingest(
        &self,
        command: CommandStatementIngest,
        request: Request<PeekableFlightDataStream>,
    ) -> Result<i64, Status> {
        let session = self.session(&request)?;
        let batches = parameters::read_batches(request).await.map_err(status)?;
        blocking(move || ingest::ingest(&session.engine, &command, batches))
            .await
            .map_err(status)
    }

    async fn do_put_prepared_statement_query(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<PeekableFlightDataStream>,
    ) -> Result<DoPutPreparedStatementResult, Status> {
        let session = self.session(&request)?;
        let batches = parameters::read_batches(request).await.map_err(status)?;
        let handle = query.prepared_statement_handle;
        parameters::literals(&batches)
            .and_then(|values| session.bind(&handle, values))
            .map_err(status)?;
        Ok(DoPutPreparedStatementResult {
            prepared_statement_handle: Some(handle),
        })
    }

    async fn do_put_prepared_statement_update(
        &self,
        query: CommandPreparedStatementUpdate,
        request: Request<PeekableFlightDataStream>,
    ) -> Result<i64, Status> {
        let session = self.session(&request)?;
        let batches = parameters::read_batches(request).await.map_err(status)?;
        prepared::update_rows(session, &query.prepared_statement_handle, &batches)
            .await
            .map_err(status)
    }

    async fn do_action_create_prepared_statement(
        &self,
        query: ActionCreatePreparedStatementRequest,
        request: Request<Action>,
    ) -> Result<ActionCreatePreparedStatementResult, Status> {
        let session = self.session(&request)?;
        blocking(move || prepared::create(&session, &query.query))
            .await
            .map_err(status)
    }

    async fn do_action_close_prepared_statement(
        &self,
        query: ActionClosePreparedStatementRequest,
        request: Request<Action>,
    ) -> Result<(), Status> {
        self.session(&request)?.close_prepared(&query.prepared_statement_handle);
        Ok(())
    }

    async fn do_action_cancel_query(
        &self,
        query: ActionCancelQueryRequest,
        request: Request<Action>,
    ) -> Result<ActionCancelQueryResult, Status> {
        let session = self.session(&request)?;
        let info = FlightInfo::decode(query.info).map_err(|e| Status::invalid_argument(e.to_string()))?;
        actions::cancel(&session, &info).map_err(status)?;
        Ok(ActionCancelQueryResult {
            result: CancelStatus::Cancelled as i32,
        })
    }

    async fn do_action_fallback(&self, request: Request<Action>) -> Answer<<Self as FlightService>::DoActionStream> {
        let (key, session) = self.locate(&request)?;
        let all = Arc::clone(&self.sessions);
        let action = request.into_inner();
        let body = blocking(move || actions::run(&all, &key, &session, &action))
            .await
            .map_err(status)?;
        let result = arrow_flight::Result { body: body.into() };
        Ok(Response::new(Box::pin(futures::stream::iter([Ok(result)]))))
    }

    async fn list_custom_actions(&self) -> Option<Vec<Result<ActionType, Status>>> {
        Some(actions::types().into_iter().map(Ok).collect())
    }

    async fn get_flight_info_catalogs(
        &self,
        query: CommandGetCatalogs,
        request: Request<FlightDescriptor>,
    ) -> Answer<FlightInfo> {
        self.repeat(&query, &query.into_builder().schema(), request)
    }

    async fn do_get_catalogs(&self, query: CommandGetCatalogs, request: Request<Ticket>) -> Answer<FlightStream> {
        self.session(&request)?;
        answer(metadata::catalogs(query))
    }

    async fn get_flight_info_schemas(
        &self,
        query: CommandGetDbSchemas,
        request: Request<FlightDescriptor>,
    ) -> Answer<FlightInfo> {
        self.repeat(&query, &query.clone().into_builder().schema(), request)
    }

    async fn do_get_schemas(&self, query: CommandGetDbSchemas, request: Request<Ticket>) -> Answer<FlightStream> {
        answer(metadata::schemas(&self.session(&request)?.engine, query))
    }

    async fn get_flight_info_tables(
        &self,
        query: CommandGetTables,
        request: Request<FlightDescriptor>,
    ) -> Answer<FlightInfo> {
        self.repeat(&query, &query.clone().into_builder().schema(), request)
    }

    async fn do_get_tables(&self, query: CommandGetTables, request: Request<Ticket>) -> Answer<FlightStream> {
        answer(metadata::tables(&self.session(&request)?.engine, query))
    }

    async fn get_flight_info_table_types(
        &self,
        query: CommandGetTableTypes,
        request: Request<FlightDescriptor>,
    ) -> Answer<FlightInfo> {
        self.repeat(&query, &query.into_builder().schema(), request)
    }

    async fn do_get_table_types(&self, query: CommandGetTableTypes, request: Request<Ticket>) -> Answer<FlightStream> {
        self.session(&request)?;
        answer(metadata::table_types(query))
    }

    async fn get_flight_info_sql_info(
        &self,
        query: CommandGetSqlInfo,
        request: Request<FlightDescriptor>,
    ) -> Answer<FlightInfo> {
        self.repeat(&query, &self.sql_info.schema(), request)
    }

    async fn do_get_sql_info(&self, query: CommandGetSqlInfo, request: Request<Ticket>) -> Answer<FlightStream> {
        self.session(&request)?;
        let batch = query.into_builder(&self.sql_info).build();
        answer(batch.map_err(|e| crate::error::from_flight(&e)))
    }

    async fn get_flight_info_xdbc_type_info(
        &self,
        query: CommandGetXdbcTypeInfo,
        request: Request<FlightDescriptor>,
    ) -> Answer<FlightInfo> {
        self.repeat(&query, &self.type_info.schema(), request)
    }

    async fn do_get_xdbc_type_info(
        &self,
        query: CommandGetXdbcTypeInfo,
        request: Request<Ticket>,
    ) -> Answer<FlightStream> {
        self.session(&request)?;
        let batch = query.into_builder(&self.type_info).build();
        answer(batch.map_err(|e| crate::error::from_flight(&e)))
    }

    async fn get_flight_info_primary_keys(
        &self,
        query: CommandGetPrimaryKeys,
        request: Request<FlightDescriptor>,
    ) -> Answer<FlightInfo> {
        self.repeat(&query, &keys::primary().schema(), request)
    }

    async fn do_get_primary_keys(&self, _: CommandGetPrimaryKeys, request: Request<Ticket>) -> Answer<FlightStream> {
        self.session(&request)?;
        answer(Ok(keys::primary()))
    }

    async fn get_flight_info_exported_keys(
        &self,
        query: CommandGetExportedKeys,
        request: Request<FlightDescriptor>,
    ) -> Answer<FlightInfo> {
        self.repeat(&query, &keys::foreign().schema(), request)
    }

    async fn do_get_exported_keys(&self, _: CommandGetExportedKeys, request: Request<Ticket>) -> Answer<FlightStream> {
        self.session(&request)?;
        answer(Ok(keys::foreign()))
    }

    async fn get_flight_info_imported_keys(
        &self,
        query: CommandGetImportedKeys,
        request: Request<FlightDescriptor>,
    ) -> Answer<FlightInfo> {
        self.repeat(&query, &keys::foreign().schema(), request)
    }

    async fn do_get_imported_keys(&self, _: CommandGetImportedKeys, request: Request<Ticket>) -> Answer<FlightStream> {
        self.session(&request)?;
        answer(Ok(keys::foreign()))
    }

    async fn get_flight_info_cross_reference(
        &self,
        query: CommandGetCrossReference,
        request: Request<FlightDescriptor>,
    ) -> Answer<FlightInfo> {
        self.repeat(&query, &keys::foreign().schema(), request)
    }

    async fn do_get_cross_reference(
        &self,
        _: CommandGetCrossReference,
        request: Request<Ticket>,
    ) -> Answer<FlightStream> {
        self.session(&request)?;
        answer(Ok(keys::foreign()))
    }

    async fn register_sql_info(&self, _id: i32, _result: &SqlInfo) {}
}
