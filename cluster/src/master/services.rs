//! The master's RPC services: each call becomes mail for the scheduler.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rsql_common::Error;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status, Streaming};

use super::inbox::{Inbox, Mail};
use crate::rpc::connect::to_status;
use crate::rpc::messages::{
    Acknowledged, ExecutorExit, ExecutorMessage, FromExecutor, Heartbeat, HeartbeatReply, PlanRequest, PlanResponse,
    SignRequest, SignResponse, ToExecutor, WorkerRegistration, WorkerWelcome, protocol,
};
use crate::rpc::services::{control, join, liveness, workers};
use crate::security::{Authority, JoinFile, Role};

/// Signs certificates.
pub(super) struct JoinService {
    pub file: JoinFile,
    pub authority: Authority,
}

#[tonic::async_trait]
impl join::join_server::Join for JoinService {
    async fn sign(&self, request: Request<SignRequest>) -> Result<Response<SignResponse>, Status> {
        let request = request.into_inner();
        if !self.file.admits(&request.secret) {
            tracing::warn!(role = ?request.role, "a join with a wrong secret was refused");
            return Err(Status::unauthenticated("the join secret is wrong"));
        }
        if request.role == Role::Master {
            return Err(Status::permission_denied("nobody joins as a master"));
        }
        let certificate_pem = self
            .authority
            .sign(&request.request_pem, request.role)
            .map_err(|e| to_status(&e))?;
        Ok(Response::new(SignResponse { certificate_pem }))
    }
}

/// Control streams, heartbeats and workers.
#[derive(Clone)]
pub(super) struct ClusterService {
    inbox: Inbox,
    cluster: u128,
    connections: Arc<AtomicU64>,
}

impl ClusterService {
    pub fn new(inbox: Inbox, cluster: u128) -> Self {
        Self {
            inbox,
            cluster,
            connections: Arc::default(),
        }
    }

    fn put(&self, mail: Mail) -> Result<(), Status> {
        self.inbox.send(mail).map_err(|e| to_status(&e))
    }
}

#[tonic::async_trait]
impl control::control_server::Control for ClusterService {
    type AttachStream = Pin<Box<dyn Stream<Item = Result<ToExecutor, Status>> + Send>>;

    async fn attach(&self, request: Request<Streaming<FromExecutor>>) -> Result<Response<Self::AttachStream>, Status> {
        let mut from = request.into_inner();
        let first = from
            .message()
            .await?
            .ok_or_else(|| Status::invalid_argument("the stream is empty"))?;
        let ExecutorMessage::Register(registration) = first.body else {
            return Err(Status::invalid_argument("the first message registers the executor"));
        };
        let incarnation = first.incarnation;
        let connection = self.connections.fetch_add(1, Ordering::Relaxed);
        let (to, messages) = mpsc::unbounded_channel();
        self.put(Mail::Connected {
            incarnation,
            connection,
            registration: Box::new(registration),
            to,
        })?;
        let inbox = self.inbox.clone();
        tokio::task::spawn(async move {
            loop {
                match from.message().await {
                    // An executor speaks for itself only.
                    Ok(Some(message)) if message.incarnation == incarnation => {
                        if inbox.send(Mail::Said(Box::new(message))).is_err() {
                            return;
                        }
                    }
                    Ok(Some(_)) | Ok(None) | Err(_) => break,
                }
            }
            // The master stops: nobody keeps a list of executors any more.
            _ = inbox.send(Mail::Disconnected {
                incarnation,
                connection,
            });
        });
        Ok(Response::new(Box::pin(UnboundedReceiverStream::new(messages).map(Ok))))
    }

    async fn plan(&self, request: Request<PlanRequest>) -> Result<Response<PlanResponse>, Status> {
        let (bytes, plan) = oneshot::channel();
        self.put(Mail::Plan {
            hash: request.into_inner().hash,
            bytes,
        })?;
        let bytes = plan.await.map_err(|_| Status::unavailable("the master stops"))?;
        Ok(Response::new(PlanResponse { bytes }))
    }
}

#[tonic::async_trait]
impl liveness::liveness_server::Liveness for ClusterService {
    async fn heartbeat(&self, request: Request<Heartbeat>) -> Result<Response<HeartbeatReply>, Status> {
        let beat = request.into_inner();
        let (known, answer) = oneshot::channel();
        self.put(Mail::Heartbeat {
            incarnation: beat.incarnation,
            memory_used: beat.memory_used,
            running: beat.running,
            known,
        })?;
        let known = answer.await.map_err(|_| Status::unavailable("the master stops"))?;
        Ok(Response::new(HeartbeatReply { known }))
    }
}

#[tonic::async_trait]
impl workers::workers_server::Workers for ClusterService {
    async fn register(&self, request: Request<WorkerRegistration>) -> Result<Response<WorkerWelcome>, Status> {
        let registration = request.into_inner();
        if registration.protocol != protocol() {
            return Err(to_status(&Error::user("CLUSTER.PROTOCOL").with_message(
                "The worker was built from other sources than the master; both must be of one build.",
            )));
        }
        self.put(Mail::Worker(registration))?;
        Ok(Response::new(WorkerWelcome { cluster: self.cluster }))
    }

    async fn exited(&self, request: Request<ExecutorExit>) -> Result<Response<Acknowledged>, Status> {
        let exit = request.into_inner();
        self.put(Mail::Exited {
            incarnation: exit.incarnation,
            code: exit.code,
            reason: exit.reason,
        })?;
        Ok(Response::new(Acknowledged))
    }
}
