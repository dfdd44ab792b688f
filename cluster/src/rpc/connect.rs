//! Connections between the cluster's parts, and errors across them.

use std::time::Duration;

use rsql_common::{Error, ErrorKind, Result};
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Status};

use super::messages::SignRequest;
use super::services::join::join_client::JoinClient;
use crate::security::{Identity, JoinFile, Role, SigningRequest, join_client};

/// A host that does not answer within this is down.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Silence after which a connection is probed, and after which the probe counts as failed.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// Plans and batches of locations are larger than gRPC's 4 MiB.
pub const MESSAGE_LIMIT: usize = 256 << 20;

/// A lazily opened connection to `address` (`host:port`).
pub fn channel(address: &str, tls: ClientTlsConfig) -> Result<Channel> {
    Ok(endpoint(address, tls)?.connect_lazy())
}

fn endpoint(address: &str, tls: ClientTlsConfig) -> Result<Endpoint> {
    let bad = |e: tonic::transport::Error| {
        Error::user("CLUSTER.ADDRESS").with_message(format!("{address} is no address of a cluster's part: {e}."))
    };
    Ok(Endpoint::from_shared(format!("https://{address}"))
        .map_err(bad)?
        .tls_config(tls)
        .map_err(bad)?
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE)
        .keep_alive_while_idle(true)
        .tcp_nodelay(true))
}

/// Asks the master at `address` to sign a fresh key for `role`.
pub async fn join(address: &str, file: &JoinFile, role: Role) -> Result<Identity> {
    let signing = SigningRequest::new()?;
    let mut client = JoinClient::new(channel(address, join_client(file))?);
    let response = client
        .sign(SignRequest {
            secret: file.secret().to_string(),
            role,
            request_pem: signing.pem.clone(),
        })
        .await
        .map_err(from_status)?
        .into_inner();
    Ok(signing.complete(response.certificate_pem, file.authority_pem().to_string()))
}

/// An error as a status, whole.
pub fn to_status(error: &Error) -> Status {
    let code = match error.kind() {
        ErrorKind::User => Code::InvalidArgument,
        ErrorKind::ResourceExhausted => Code::ResourceExhausted,
        ErrorKind::Killed => Code::Cancelled,
        ErrorKind::Io | ErrorKind::FetchFailed | ErrorKind::ExecutorLost => Code::Unavailable,
        ErrorKind::Internal => Code::Internal,
    };
    match postcard::to_stdvec(error) {
        Ok(bytes) => Status::with_details(code, error.message(), bytes.into()),
        Err(_) => Status::new(code, error.message()),
    }
}

/// The error that a status carries, or what the transport's failure means.
pub fn from_status(status: Status) -> Error {
    if let Ok(error) = postcard::from_bytes::<Error>(status.details())
        && !status.details().is_empty()
    {
        return error;
    }
    let kind = match status.code() {
        Code::Unavailable | Code::DeadlineExceeded | Code::Unknown | Code::Aborted => ErrorKind::Io,
        Code::Cancelled => ErrorKind::Killed,
        Code::PermissionDenied | Code::Unauthenticated | Code::InvalidArgument => ErrorKind::User,
        Code::ResourceExhausted => ErrorKind::ResourceExhausted,
        _ => ErrorKind::Internal,
    };
    Error::new(kind, "CLUSTER.RPC").with_message(format!("{}: {}.", status.code(), status.message()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rsql_common::{ExecutorId, FetchFailure, FetchReason, OutputId, QueryId, Span, StageId};

    #[test]
    fn errors_cross_whole() {
        let failure = FetchFailure {
            output: OutputId {
                query: QueryId(1),
                stage: StageId(2),
                map: 3,
                attempt: 4,
            },
            executor: ExecutorId(5),
            reason: FetchReason::Corrupt,
        };
        for error in [
            Error::user("DIVIDE_BY_ZERO").param("config", "x").at(Span::new(3, 4)),
            Error::fetch_failed(failure, "bad block"),
            Error::exhausted("disk"),
            Error::cancelled(),
            Error::internal("bug"),
            Error::io("gone"),
        ] {
            assert_eq!(from_status(to_status(&error)), error);
        }
    }

    #[test]
    fn a_transport_failure_may_be_tried_again() {
        assert_eq!(from_status(Status::unavailable("x")).kind(), ErrorKind::Io);
        assert_eq!(from_status(Status::permission_denied("x")).kind(), ErrorKind::User);
    }
}
