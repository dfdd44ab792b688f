//! Messages of the Flight protocol that the Arrow crate does not define (session options), and the actions of our own.

#![allow(missing_docs, reason = "field names are the protocol's")]

use std::collections::HashMap;

use rsql_common::{Error, Result, StageProgress};
use serde::{Deserialize, Serialize};

/// Action types.
pub(crate) mod action {
    pub const SET_OPTIONS: &str = "SetSessionOptions";
    pub const GET_OPTIONS: &str = "GetSessionOptions";
    pub const CLOSE_SESSION: &str = "CloseSession";
    pub const CANCEL: &str = "CancelFlightInfo";
    /// Ours: gives a value to `:name` of the session's coming statements.
    pub const BIND: &str = "rsql.BindParameter";
    /// Ours: the stages of a statement that runs.
    pub const PROGRESS: &str = "rsql.GetProgress";
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct StringList {
    #[prost(string, repeated, tag = "1")]
    pub values: Vec<String>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum OptionValue {
    #[prost(string, tag = "1")]
    Text(String),
    #[prost(bool, tag = "2")]
    Flag(bool),
    #[prost(sfixed64, tag = "3")]
    Integer(i64),
    #[prost(double, tag = "4")]
    Double(f64),
    #[prost(message, tag = "5")]
    List(StringList),
}

/// A value, or none to unset the option.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SessionOptionValue {
    #[prost(oneof = "OptionValue", tags = "1, 2, 3, 4, 5")]
    pub value: Option<OptionValue>,
}

/// Request of `SetSessionOptions`, result of `GetSessionOptions`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SessionOptions {
    #[prost(map = "string, message", tag = "1")]
    pub options: HashMap<String, SessionOptionValue>,
}

/// 1 for a bad name, 2 for a bad value, 3 for another error.
///
/// The protocol has no place for why; other clients skip the field that ours finds it in.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct OptionError {
    #[prost(int32, tag = "1")]
    pub value: i32,
    /// The error, packed.
    #[prost(bytes = "vec", tag = "1000")]
    pub why: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SetSessionOptionsResult {
    #[prost(map = "string, message", tag = "1")]
    pub errors: HashMap<String, OptionError>,
}

/// 1 when the session is closed.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CloseSessionResult {
    #[prost(int32, tag = "1")]
    pub status: i32,
}

/// Body of [`action::BIND`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Bind {
    pub name: String,
    /// Read as a literal if it is one, else as text.
    pub value: String,
}

/// Answer to [`action::PROGRESS`].
pub(crate) type Stages = Vec<StageProgress>;

/// A message of our own actions as bytes.
pub(crate) fn pack<T: Serialize>(message: &T) -> Result<Vec<u8>> {
    postcard::to_stdvec(message).map_err(|e| Error::internal(e.to_string()))
}

/// A message of our own actions.
pub(crate) fn unpack<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T> {
    postcard::from_bytes(bytes)
        .map_err(|e| Error::user("REMOTE.REFUSED").with_message(format!("Malformed message: {e}.")))
}
