//! The shell's client: blocking calls over a connection to a server.
//!
//! [`Client::start`] asks for a statement's ticket and reads its rows; [`Client::cancel`] may be called from another
//! thread meanwhile. Errors are those of the server, typed.

mod hint;
mod rows;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::sql::{CommandStatementQuery, ProstMessageExt};
use arrow_flight::{Action, CancelFlightInfoRequest, FlightDescriptor, FlightInfo, HandshakeRequest, Ticket};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use parking_lot::Mutex;
use prost::Message;
use rsql_common::{Error, Result, StageProgress};
use tokio::runtime::{Builder, Runtime};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Uri};
use tonic::{Request, Status};

use crate::error::{from_status, unreachable};
use crate::message::{self, Bind, OptionValue, SessionOptionValue, SessionOptions, SetSessionOptionsResult, action};

pub use rows::RemoteRows;

const CONNECT_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);
const MAX_MESSAGE_BYTES: usize = 256 << 20;

/// Who the client says it is.
#[derive(Clone, Default)]
pub enum Login {
    /// Nobody.
    #[default]
    Anonymous,
    /// A user of the server's file.
    Password {
        /// Name.
        user: String,
        /// Password.
        password: String,
    },
    /// The shared token.
    Token(String),
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Login::Anonymous => "Anonymous",
            Login::Password { .. } => "Password",
            Login::Token(_) => "Token",
        })
    }
}

/// Which server, and how.
#[derive(Debug, Clone, Default)]
pub struct ClientConfig {
    /// `HOST:PORT`.
    pub address: String,
    /// Who the client says it is.
    pub login: Login,
    /// Encrypts the connection and trusts this certificate authority (PEM).
    pub tls_ca: Option<PathBuf>,
}

/// A connection with a session of its own.
#[derive(Debug)]
pub struct Client {
    link: Arc<Link>,
}

#[derive(Debug)]
struct Link {
    runtime: Runtime,
    service: FlightServiceClient<Channel>,
    token: Mutex<Option<MetadataValue<Ascii>>>,
    /// Ticket of the statement that runs.
    current: Mutex<Option<FlightInfo>>,
    /// Somebody cancelled before there was a ticket.
    cancelled: AtomicBool,
}

impl Client {
    /// Connects and opens a session.
    pub fn connect(config: &ClientConfig) -> Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("rsql-client")
            .enable_all()
            .build()?;
        let scheme = if config.tls_ca.is_some() { "https" } else { "http" };
        let mut endpoint = Endpoint::from_shared(format!("{scheme}://{}", config.address))
            .map_err(|e| unreachable(&config.address, &e, &hint::of(config, &e)))?
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true);
        if config.tls_ca.is_none() && !matches!(config.login, Login::Anonymous) && !is_local(endpoint.uri()) {
            return Err(readable_login(&config.address));
        }
        if let Some(ca) = &config.tls_ca {
            let trusted = Certificate::from_pem(rsql_common::read_bytes(ca)?);
            endpoint = endpoint
                .tls_config(ClientTlsConfig::new().ca_certificate(trusted))
                .map_err(|e| unusable(ca, &e))?;
        }
        let channel = runtime
            .block_on(endpoint.connect())
            .map_err(|e| unreachable(&config.address, &e, &hint::of(config, &e)))?;
        let link = Link {
            runtime,
            service: FlightServiceClient::new(channel).max_decoding_message_size(MAX_MESSAGE_BYTES),
            token: Mutex::default(),
            current: Mutex::default(),
            cancelled: AtomicBool::new(false),
        };
        // A server that speaks something else is noticed only when it is spoken to.
        link.log_in(&config.login).map_err(|e| match e.condition() {
            "REMOTE.UNREACHABLE" | "REMOTE.REFUSED" => {
                let (why, hint) = (e.message(), hint::of(config, &e));
                let why = why.trim_end_matches('.');
                e.with_message(format!("No session at {}: {why}. {hint}", config.address))
            }
            _ => e,
        })?;
        Ok(Self { link: Arc::new(link) })
    }

    /// Starts one statement.
    pub fn start(&self, sql: &str) -> Result<RemoteRows> {
        self.link
            .start(sql)
            .map(|stream| RemoteRows::new(Arc::clone(&self.link), stream, sql))?
    }

    /// Cancels the statement that runs; it ends with `OPERATION_CANCELED`.
    pub fn cancel(&self) -> Result<()> {
        self.link.cancelled.store(true, Ordering::Release);
        let Some(info) = self.link.current.lock().clone() else {
            return Ok(());
        };
        let body = CancelFlightInfoRequest { info: Some(info) }.encode_to_vec();
        self.link.act(action::CANCEL, body).map(|_| ())
    }

    /// Stages of the statement that runs; empty when the server knows none.
    pub fn progress(&self) -> Result<Vec<StageProgress>> {
        let Some(info) = self.link.current.lock().clone() else {
            return Ok(Vec::new());
        };
        let ticket = ticket_of(&info)?;
        message::unpack(&self.link.act(action::PROGRESS, ticket.ticket.to_vec())?)
    }

    /// Sets a setting of the session, or its `catalog` or `schema`.
    pub fn set(&self, key: &str, value: &str) -> Result<()> {
        let value = SessionOptionValue {
            value: Some(OptionValue::Text(value.to_string())),
        };
        let asked = SessionOptions {
            options: [(key.to_string(), value)].into(),
        };
        let answer = self.link.act(action::SET_OPTIONS, asked.encode_to_vec())?;
        let result = SetSessionOptionsResult::decode(answer.as_slice()).map_err(|e| Error::internal(e.to_string()))?;
        let Some(refused) = result.errors.get(key) else {
            return Ok(());
        };
        // Another server's refusal has no reason.
        Err(message::unpack(&refused.why)
            .unwrap_or_else(|_| Error::usage(format!("The server does not take this value for {key}."))))
    }

    /// The session's options that are not at their defaults.
    pub fn options(&self) -> Result<Vec<(String, String)>> {
        let answer = self.link.act(action::GET_OPTIONS, Vec::new())?;
        let options = SessionOptions::decode(answer.as_slice()).map_err(|e| Error::internal(e.to_string()))?;
        let mut all: Vec<(String, String)> = options
            .options
            .into_iter()
            .filter_map(|(key, value)| match value.value {
                Some(OptionValue::Text(text)) => Some((key, text)),
                _ => None,
            })
            .collect();
        all.sort();
        Ok(all)
    }

    /// Gives `:name` of coming statements a value: a literal if the text reads as one, else the text.
    pub fn bind(&self, name: &str, value: &str) -> Result<()> {
        let bind = Bind {
            name: name.to_string(),
            value: value.to_string(),
        };
        self.link.act(action::BIND, message::pack(&bind)?).map(|_| ())
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // A server that does not answer ends the session by itself.
        _ = self.link.act(action::CLOSE_SESSION, Vec::new());
    }
}

impl Link {
    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(token) = self.token.lock().clone() {
            request.metadata_mut().insert("authorization", token);
        }
        request
    }

    fn wait<T>(&self, call: impl Future<Output = Result<T, Status>>) -> Result<T> {
        self.runtime.block_on(call).map_err(|s| from_status(&s))
    }

    fn log_in(&self, login: &Login) -> Result<()> {
        let header = match login {
            Login::Anonymous => None,
            Login::Password { user, password } => Some(format!(
                "Basic {}",
                BASE64_STANDARD.encode(format!("{user}:{password}"))
            )),
            Login::Token(token) => Some(format!("Bearer {token}")),
        };
        *self.token.lock() = header.map(|h| header_value(&h)).transpose()?;
        let hello = self.request(futures::stream::iter([HandshakeRequest::default()]));
        let mut service = self.service.clone();
        let reply = self.wait(async move {
            let mut replies = service.handshake(hello).await?.into_inner();
            replies.message().await
        })?;
        let token = reply.map(|r| r.payload).unwrap_or_default();
        let token = String::from_utf8(token.to_vec()).map_err(|_| Error::internal("the token is not text"))?;
        *self.token.lock() = Some(header_value(&format!("Bearer {token}"))?);
        Ok(())
    }

    fn start(&self, sql: &str) -> Result<tonic::Streaming<arrow_flight::FlightData>> {
        self.cancelled.store(false, Ordering::Release);
        let command = CommandStatementQuery {
            query: sql.to_string(),
            transaction_id: None,
        };
        let descriptor = FlightDescriptor::new_cmd(command.as_any().encode_to_vec());
        let mut service = self.service.clone();
        let asked = self.request(descriptor);
        let info = self.wait(async { service.get_flight_info(asked).await })?.into_inner();
        let ticket = self.request(ticket_of(&info)?);
        *self.current.lock() = Some(info);
        if self.cancelled.load(Ordering::Acquire) {
            self.finished();
            return Err(Error::cancelled());
        }
        let stream = self.wait(async { service.do_get(ticket).await });
        if stream.is_err() {
            self.finished();
        }
        Ok(stream?.into_inner())
    }

    fn finished(&self) {
        *self.current.lock() = None;
    }

    /// Does an action; gives the body of its only result.
    fn act(&self, kind: &str, body: Vec<u8>) -> Result<Vec<u8>> {
        let action = self.request(Action {
            r#type: kind.to_string(),
            body: body.into(),
        });
        let mut service = self.service.clone();
        let result = self.wait(async move {
            let mut results = service.do_action(action).await?.into_inner();
            results.message().await
        })?;
        Ok(result.map(|r| r.body.to_vec()).unwrap_or_default())
    }
}

/// Whether what is sent there stays on this machine.
fn is_local(server: &Uri) -> bool {
    let host = server.host().unwrap_or_default();
    let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.to_canonical().is_loopback())
}

fn readable_login(address: &str) -> Error {
    Error::usage(format!(
        "Without encryption everybody on the way to {address} could read the password or token, so it is not sent. Name the \
         certificate authority of the server with --tls-ca, or connect to a loopback address that a tunnel leads there from."
    ))
}

fn unusable(ca: &Path, e: &dyn std::error::Error) -> Error {
    Error::usage(format!(
        "The certificate of --tls-ca, {}, cannot be used, which has to be PEM: {}.",
        ca.display(),
        crate::chain(e)
    ))
}

fn ticket_of(info: &FlightInfo) -> Result<Ticket> {
    let first = info.endpoint.first().and_then(|e| e.ticket.clone());
    first.ok_or_else(|| Error::internal("the server gave no ticket"))
}

fn header_value(text: &str) -> Result<MetadataValue<Ascii>> {
    text.parse()
        .map_err(|_| crate::error::refused("A token or password has characters that a header cannot hold."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_gets_a_login_in_the_clear() {
        let login = || Login::Token("t".into());
        // Nothing answers at any of them: what counts is whether it is tried.
        for (address, tried) in [
            ("127.0.0.1:1", true),
            ("localhost:1", true),
            ("[::1]:1", true),
            ("db.invalid:1", false),
            ("192.0.2.1:1", false),
            ("localhost.db.invalid:1", false),
            ("127.0.0.1:1@192.0.2.1:1", false),
        ] {
            let e = Client::connect(&ClientConfig {
                address: address.into(),
                login: login(),
                tls_ca: None,
            })
            .unwrap_err();
            assert_eq!(e.is_usage(), !tried, "{address}: {e}");
            assert!(tried || e.to_string().contains("--tls-ca"), "{e}");
        }
        let anonymous = ClientConfig {
            address: "db.invalid:1".into(),
            ..ClientConfig::default()
        };
        assert!(
            !Client::connect(&anonymous).unwrap_err().is_usage(),
            "nothing is given away"
        );
    }
}
