//! The engine's error over gRPC, typed on both ends.
//!
//! A `Status` has a code and a message for every client; the whole [`Error`] travels in its details as one entry of a
//! `google.rpc.Status`, where gRPC libraries expect such things, and our client finds it there.

use arrow_flight::error::FlightError;
use prost::Message;
use rsql_common::{Error, ErrorKind};
use tonic::{Code, Status};

/// Type of the entry that holds the error in postcard's format.
const TYPE_URL: &str = "type.googleapis.com/rsql.Error";
/// Trailers are limited to some kilobytes: longer errors lose their SQL text, then the end of their message.
const MAX_DETAILS: usize = 6 * 1024;
const MAX_MESSAGE: usize = 2 * 1024;

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<arrow_flight::sql::Any>,
}

/// The error as a status.
pub(crate) fn to_status(error: &Error) -> Status {
    let code = code(error);
    let message = shorten(error.to_string(), MAX_MESSAGE);
    let details = RpcStatus {
        code: code as i32,
        message: message.clone(),
        details: vec![arrow_flight::sql::Any {
            type_url: TYPE_URL.into(),
            value: encode(error).into(),
        }],
    };
    Status::with_details(code, message, details.encode_to_vec().into())
}

/// The error a status carries; one of ours made from code and message when another server sent it.
pub(crate) fn from_status(status: &Status) -> Error {
    decode(status.details()).unwrap_or_else(|| match status.code() {
        Code::Unauthenticated | Code::PermissionDenied => refused(status.message()),
        Code::Cancelled => Error::cancelled(),
        Code::ResourceExhausted => Error::exhausted(status.message()),
        Code::Unavailable | Code::Unknown => lost(status),
        // Made here of a broken connection, not sent by anybody.
        Code::Internal if std::error::Error::source(status).is_some() => lost(status),
        Code::InvalidArgument | Code::NotFound | Code::AlreadyExists | Code::Unimplemented => {
            Error::user("REMOTE.REFUSED").with_message(status.message())
        }
        _ => Error::internal(status.message()),
    })
}

/// The error inside a Flight error.
pub(crate) fn from_flight(error: &FlightError) -> Error {
    match error {
        FlightError::Tonic(status) => from_status(status),
        other => Error::from_any(other),
    }
}

/// The other side cannot be reached in the first place.
pub(crate) fn unreachable(address: &str, why: &dyn std::error::Error, hint: &str) -> Error {
    let why = crate::chain(why);
    Error::new(ErrorKind::Io, "REMOTE.UNREACHABLE")
        .with_message(format!("The server {address} cannot be reached: {why}. {hint}"))
}

/// The other side cannot be reached any more.
fn lost(status: &Status) -> Error {
    // Its own text lists the code and the causes as they are in memory.
    let why = crate::with_causes(status.message().to_string(), status);
    Error::new(ErrorKind::Io, "REMOTE.UNREACHABLE").with_message(format!("The server cannot be reached: {why}."))
}

/// Who the client says it is does not suffice.
pub(crate) fn refused(message: &str) -> Error {
    Error::user("REMOTE.UNAUTHENTICATED").with_message(message)
}

/// A session, ticket or prepared statement that is not (or no longer) there; `what` is the sub-condition.
pub(crate) fn unknown_handle(what: &str, message: &str) -> Error {
    Error::user(format!("INVALID_HANDLE.{what}")).with_message(message)
}

fn code(error: &Error) -> Code {
    match error.condition() {
        "REMOTE.UNAUTHENTICATED" => return Code::Unauthenticated,
        handle if handle.starts_with("INVALID_HANDLE") => return Code::NotFound,
        _ => {}
    }
    match error.kind() {
        ErrorKind::User => Code::InvalidArgument,
        ErrorKind::ResourceExhausted => Code::ResourceExhausted,
        ErrorKind::Io | ErrorKind::FetchFailed | ErrorKind::ExecutorLost => Code::Unavailable,
        ErrorKind::Killed => Code::Cancelled,
        ErrorKind::Internal => Code::Internal,
    }
}

fn encode(error: &Error) -> Vec<u8> {
    // An error that cannot be encoded still has its message in the status.
    let whole = postcard::to_stdvec(error).unwrap_or_default();
    if whole.len() <= MAX_DETAILS {
        return whole;
    }
    postcard::to_stdvec(&without_text(error)).unwrap_or_default()
}

/// The error without its SQL text, which the client has, and without the end of a very long message.
fn without_text(error: &Error) -> Error {
    let short = Error::new(error.kind(), error.condition().to_string())
        .with_message(shorten(error.message(), MAX_MESSAGE))
        .at(error.span().unwrap_or_default());
    error
        .params()
        .filter(|(_, v)| v.len() < 256)
        .take(8)
        .fold(short, |e, (k, v)| e.param(k.to_string(), v))
}

fn decode(details: &[u8]) -> Option<Error> {
    let status = RpcStatus::decode(details).ok()?;
    let ours = status.details.iter().find(|d| d.type_url == TYPE_URL)?;
    postcard::from_bytes(&ours.value).ok()
}

fn shorten(mut text: String, limit: usize) -> String {
    if text.len() > limit {
        let mut end = limit;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use rsql_common::Span;

    #[test]
    fn every_kind_arrives_as_it_was() {
        for kind in [
            ErrorKind::User,
            ErrorKind::ResourceExhausted,
            ErrorKind::Io,
            ErrorKind::FetchFailed,
            ErrorKind::Killed,
            ErrorKind::ExecutorLost,
            ErrorKind::Internal,
        ] {
            let e = Error::new(kind, "DIVIDE_BY_ZERO")
                .param("config", "x")
                .at(Span::new(7, 9))
                .in_query("SELECT 1/0");
            assert_eq!(from_status(&to_status(&e)), e);
        }
    }

    #[test]
    fn long_errors_keep_condition_and_place() {
        let e = Error::user("DIVIDE_BY_ZERO")
            .with_message("é".repeat(9000))
            .at(Span::new(7, 9))
            .in_query(&"x".repeat(100_000));
        let status = to_status(&e);
        assert!(status.details().len() < 8192 && status.message().len() < 4096);
        let back = from_status(&status);
        assert_eq!(
            (back.condition(), back.span()),
            ("DIVIDE_BY_ZERO", Some(Span::new(7, 9)))
        );
    }

    #[test]
    fn other_servers_errors_have_a_kind() {
        let e = from_status(&Status::unavailable("connection refused"));
        assert_eq!((e.kind(), e.condition()), (ErrorKind::Io, "REMOTE.UNREACHABLE"));
        assert_eq!(from_status(&Status::cancelled("")).kind(), ErrorKind::Killed);
        let e = from_status(&Status::unauthenticated("No."));
        assert_eq!(e.condition(), "REMOTE.UNAUTHENTICATED");
        assert_eq!(to_status(&e).code(), Code::Unauthenticated);
    }
}
