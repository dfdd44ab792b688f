//! The one place that decides which role may call which method. What is not listed is denied.

use std::task::{Context, Poll};

use tonic::body::Body;
use tonic::codegen::http::{Request, Response};
use tonic::transport::server::{TcpConnectInfo, TlsConnectInfo};
use tower::{Layer, Service};

use crate::security::Role;

/// Who may call a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Allowed {
    /// Who has no certificate yet; the method itself checks the join secret.
    Joining,
    /// Whose certificate names one of these roles.
    Roles(&'static [Role]),
}

/// Every method of the cluster.
const METHODS: &[(&str, Allowed)] = &[
    ("/rsql.cluster.Join/Sign", Allowed::Joining),
    ("/rsql.cluster.Control/Attach", Allowed::Roles(&[Role::Executor])),
    ("/rsql.cluster.Control/Plan", Allowed::Roles(&[Role::Executor])),
    ("/rsql.cluster.Liveness/Heartbeat", Allowed::Roles(&[Role::Executor])),
    ("/rsql.Shuffle/Fetch", Allowed::Roles(&[Role::Executor, Role::Master])),
    ("/rsql.cluster.Workers/Register", Allowed::Roles(&[Role::Worker])),
    ("/rsql.cluster.Workers/Exited", Allowed::Roles(&[Role::Worker])),
];

fn is_allowed(path: &str, role: Option<Role>) -> bool {
    match METHODS.iter().find(|(method, _)| *method == path) {
        Some((_, Allowed::Joining)) => true,
        Some((_, Allowed::Roles(roles))) => role.is_some_and(|r| roles.contains(&r)),
        None => false,
    }
}

/// Puts the check in front of every service of a server.
#[derive(Debug, Clone, Copy, Default)]
pub struct AccessLayer;

/// A service behind the check.
#[derive(Debug, Clone)]
pub struct Access<S>(S);

impl<S> Layer<S> for AccessLayer {
    type Service = Access<S>;

    fn layer(&self, inner: S) -> Access<S> {
        Access(inner)
    }
}

impl<S, B> Service<Request<B>> for Access<S>
where
    S: Service<Request<B>, Response = Response<Body>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let certificates = request
            .extensions()
            .get::<TlsConnectInfo<TcpConnectInfo>>()
            .and_then(|info| info.peer_certs());
        let role = certificates
            .as_ref()
            .and_then(|chain| chain.first())
            .and_then(|leaf| Role::of_certificate(leaf));
        if is_allowed(request.uri().path(), role) {
            return Box::pin(self.0.call(request));
        }
        tracing::warn!(path = request.uri().path(), ?role, "call denied");
        let denied = tonic::Status::permission_denied("this role may not call this method").into_http();
        Box::pin(std::future::ready(Ok(denied)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_method_has_its_roles_and_the_unknown_is_denied() {
        let roles = [None, Some(Role::Master), Some(Role::Worker), Some(Role::Executor)];
        for (path, allowed) in METHODS {
            for role in roles {
                let fine = match allowed {
                    Allowed::Joining => true,
                    Allowed::Roles(of) => role.is_some_and(|r| of.contains(&r)),
                };
                assert_eq!(is_allowed(path, role), fine, "{path} {role:?}");
            }
        }
        for role in roles {
            assert!(!is_allowed("/rsql.cluster.Control/Forgotten", role));
            assert!(!is_allowed("/", role));
        }
    }

    #[test]
    fn no_generated_method_is_forgotten() {
        let generated = [
            include_str!(concat!(env!("OUT_DIR"), "/rsql.cluster.Join.rs")),
            include_str!(concat!(env!("OUT_DIR"), "/rsql.cluster.Control.rs")),
            include_str!(concat!(env!("OUT_DIR"), "/rsql.cluster.Liveness.rs")),
            include_str!(concat!(env!("OUT_DIR"), "/rsql.cluster.Workers.rs")),
        ];
        let mut found = 0;
        for text in generated {
            for quoted in text.split('"').filter(|t| t.starts_with("/rsql.cluster.")) {
                assert!(METHODS.iter().any(|(m, _)| *m == quoted), "{quoted} is not listed");
                found += 1;
            }
        }
        // Each is named by the client and by the server; the fetch service is generated elsewhere.
        assert!(found >= METHODS.len() - 1);
    }
}
