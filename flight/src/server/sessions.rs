//! All clients' sessions: by the token that a handshake gave, or by the connection of a client that made none.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use parking_lot::Mutex;
use rsql_common::{Error, Result};
use rsql_engine::Session;
use tonic::metadata::MetadataMap;

use super::Limits;
use super::session::ClientSession;
use crate::auth::Credentials;
use crate::error;

const TOKEN_BYTES: usize = 32;
/// Who a client without a name is.
const ANONYMOUS: &str = "anonymous";

/// What a session is found by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// The token of a handshake.
    Token(String),
    /// The connection a client uses without a handshake.
    Connection(u64),
}

/// What a request says of who sent it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    Basic { user: String, password: String },
    Bearer(String),
    None,
}

/// All sessions.
#[derive(Debug)]
pub(crate) struct Sessions {
    root: Session,
    credentials: Option<Credentials>,
    limits: Limits,
    by_key: Mutex<HashMap<Key, Arc<ClientSession>>>,
    connections: AtomicU64,
}

impl Sessions {
    /// None yet; each will be a sibling of `root`. Without credentials everybody may come in.
    pub fn new(root: Session, credentials: Option<Credentials>, limits: Limits) -> Self {
        Self {
            root,
            credentials,
            limits,
            by_key: Mutex::default(),
            connections: AtomicU64::new(0),
        }
    }

    /// A number for a new connection.
    pub fn next_connection(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::Relaxed)
    }

    /// Checks who somebody is and opens a session; gives the token it is found by. Slow for passwords.
    pub fn log_in(&self, identity: &Identity) -> Result<String> {
        let user = match (identity, &self.credentials) {
            (Identity::Basic { user, .. }, None) if !user.is_empty() => user.as_str(),
            (_, None) => ANONYMOUS,
            (Identity::Basic { user, password }, Some(c)) if c.check_password(user, password) => user.as_str(),
            (Identity::Bearer(token), Some(c)) if c.check_token(token) => ANONYMOUS,
            _ => return Err(error::refused("The user, password or token is wrong.")),
        };
        let bytes: [u8; TOKEN_BYTES] = rand::random();
        let token = BASE64_URL_SAFE_NO_PAD.encode(bytes);
        self.open(Key::Token(token.clone()), user)?;
        Ok(token)
    }

    /// The session of a request.
    pub fn find(&self, identity: &Identity, connection: Option<u64>) -> Result<(Key, Arc<ClientSession>)> {
        if let Identity::Bearer(token) = identity {
            let key = Key::Token(token.clone());
            if let Some(session) = self.by_key.lock().get(&key) {
                session.touch();
                return Ok((key, Arc::clone(session)));
            }
        }
        let admitted = match (&self.credentials, identity) {
            (None, Identity::Bearer(_)) => {
                return Err(error::unknown_handle(
                    "SESSION_NOT_FOUND",
                    "The session is closed; connect again.",
                ));
            }
            (None, _) => true,
            (Some(c), Identity::Bearer(token)) => c.check_token(token),
            (Some(_), _) => false,
        };
        if !admitted {
            return Err(error::refused(
                "Log in first: the token is missing, wrong or no longer valid.",
            ));
        }
        let Some(connection) = connection else {
            return Err(Error::internal("a request without a connection"));
        };
        let key = Key::Connection(connection);
        let known = self.by_key.lock().get(&key).cloned();
        let session = match known {
            Some(session) => session,
            None => self.open(key.clone(), ANONYMOUS)?,
        };
        session.touch();
        Ok((key, session))
    }

    fn open(&self, key: Key, user: &str) -> Result<Arc<ClientSession>> {
        let mut sessions = self.by_key.lock();
        if let Some(session) = sessions.get(&key) {
            return Ok(Arc::clone(session));
        }
        if sessions.len() >= self.limits.sessions {
            return Err(Error::exhausted(format!(
                "{} sessions are open, which is the limit",
                sessions.len()
            )));
        }
        let session = Arc::new(ClientSession::new(self.root.sibling(user), &self.limits));
        sessions.insert(key, Arc::clone(&session));
        Ok(session)
    }

    /// Ends a session and all that runs in it.
    pub fn close(&self, key: &Key) {
        let closed = self.by_key.lock().remove(key);
        if let Some(session) = closed {
            session.cancel_all();
        }
    }

    /// Ends sessions that nobody used for long.
    pub fn expire(&self, now: Instant) {
        let limit = self.limits.idle;
        self.by_key.lock().retain(|_, session| !session.is_idle(now, limit));
    }

    /// Ends all sessions.
    pub fn close_all(&self) {
        for (_, session) in self.by_key.lock().drain() {
            session.cancel_all();
        }
    }

    /// Number of open sessions.
    pub fn len(&self) -> usize {
        self.by_key.lock().len()
    }
}

/// Who a request's `authorization` header names.
pub(crate) fn identity(metadata: &MetadataMap) -> Result<Identity> {
    let Some(header) = metadata.get("authorization") else {
        return Ok(Identity::None);
    };
    let malformed = || error::refused("The authorization header is malformed.");
    let text = header.to_str().map_err(|_| malformed())?;
    let (scheme, value) = text.split_once(' ').ok_or_else(malformed)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Ok(Identity::Bearer(value.trim().to_string()));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(malformed());
    }
    let bytes = BASE64_STANDARD.decode(value.trim()).map_err(|_| malformed())?;
    let pair = String::from_utf8(bytes).map_err(|_| malformed())?;
    let (user, password) = pair.split_once(':').ok_or_else(malformed)?;
    Ok(Identity::Basic {
        user: user.to_string(),
        password: password.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn sessions(credentials: Option<Credentials>, limits: Limits) -> Sessions {
        Sessions::new(Session::new().unwrap(), credentials, limits)
    }

    #[test]
    fn a_token_opens_one_session_only() {
        let all = sessions(None, Limits::default());
        let one = all.log_in(&Identity::None).unwrap();
        let two = all.log_in(&Identity::None).unwrap();
        assert_ne!(one, two);
        let (key, a) = all.find(&Identity::Bearer(one.clone()), None).unwrap();
        let (_, b) = all.find(&Identity::Bearer(two), None).unwrap();
        assert!(!Arc::ptr_eq(&a, &b));
        all.close(&key);
        let e = all.find(&Identity::Bearer(one), Some(1)).unwrap_err();
        assert_eq!(e.condition(), "INVALID_HANDLE.SESSION_NOT_FOUND");
    }

    #[test]
    fn with_credentials_nobody_comes_in_without() {
        let credentials = Credentials::default().with_token("0123456789abcdef").unwrap();
        let all = sessions(Some(credentials), Limits::default());
        for wrong in [
            Identity::None,
            Identity::Bearer("x".into()),
            Identity::Basic {
                user: "a".into(),
                password: "b".into(),
            },
        ] {
            assert_eq!(all.log_in(&wrong).unwrap_err().condition(), "REMOTE.UNAUTHENTICATED");
            assert_eq!(
                all.find(&wrong, Some(1)).unwrap_err().condition(),
                "REMOTE.UNAUTHENTICATED"
            );
        }
        let right = Identity::Bearer("0123456789abcdef".into());
        let (_, a) = all.find(&right, Some(1)).unwrap();
        let (_, again) = all.find(&right, Some(1)).unwrap();
        let (_, other) = all.find(&right, Some(2)).unwrap();
        assert!(Arc::ptr_eq(&a, &again) && !Arc::ptr_eq(&a, &other));
    }

    #[test]
    fn sessions_are_capped_and_expire_when_idle() {
        let limits = Limits {
            sessions: 2,
            idle: Duration::from_secs(60),
            ..Limits::default()
        };
        let all = sessions(None, limits);
        let one = all.log_in(&Identity::None).unwrap();
        all.log_in(&Identity::None).unwrap();
        assert_eq!(
            all.log_in(&Identity::None).unwrap_err().condition(),
            "RESOURCE_EXHAUSTED"
        );
        let (_, session) = all.find(&Identity::Bearer(one), None).unwrap();
        let guard = session.running(&rsql_common::CancelToken::default());
        all.expire(Instant::now() + Duration::from_secs(61));
        assert_eq!(all.len(), 1);
        drop(guard);
        all.expire(Instant::now() + Duration::from_secs(61));
        assert_eq!(all.len(), 0);
    }

    #[test]
    fn headers_are_read() {
        let mut m = MetadataMap::new();
        assert_eq!(identity(&m).unwrap(), Identity::None);
        m.insert("authorization", "Basic YTpiOmM=".parse().unwrap());
        let expected = Identity::Basic {
            user: "a".into(),
            password: "b:c".into(),
        };
        assert_eq!(identity(&m).unwrap(), expected);
        m.insert("authorization", "Digest x".parse().unwrap());
        assert!(identity(&m).is_err());
    }
}
