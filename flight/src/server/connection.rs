//! Connections with a number, so that a client that makes no handshake still has a session of its own, which ends with
//! the connection.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_stream::Stream;
use tonic::Extensions;
use tonic::transport::server::{Connected, TlsConnectInfo};

use super::sessions::{Key, Sessions};

/// A connection's number; dropped with the last request of the connection.
#[derive(Debug)]
struct Number {
    number: u64,
    sessions: Arc<Sessions>,
}

impl Drop for Number {
    fn drop(&mut self) {
        self.sessions.close(&Key::Connection(self.number));
    }
}

/// What requests know of their connection.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionInfo(Arc<Number>);

/// A TCP connection with a number.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    info: ConnectionInfo,
}

/// The number of a request's connection.
pub(crate) fn number_of(extensions: &Extensions) -> Option<u64> {
    let plain = extensions.get::<ConnectionInfo>();
    let tls = extensions.get::<TlsConnectInfo<ConnectionInfo>>().map(|i| i.get_ref());
    plain.or(tls).map(|info| info.0.number)
}

/// The connections that come in.
pub(crate) fn incoming(listener: TcpListener, sessions: Arc<Sessions>) -> impl Stream<Item = io::Result<Connection>> {
    futures::stream::unfold(listener, move |listener| {
        let sessions = Arc::clone(&sessions);
        async move {
            let accepted = listener.accept().await.map(|(stream, _)| {
                // Small answers should not wait for more; a connection without the option works too.
                _ = stream.set_nodelay(true);
                let number = sessions.next_connection();
                Connection {
                    stream,
                    info: ConnectionInfo(Arc::new(Number { number, sessions })),
                }
            });
            Some((accepted, listener))
        }
    })
}

impl Connected for Connection {
    type ConnectInfo = ConnectionInfo;

    fn connect_info(&self) -> ConnectionInfo {
        self.info.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
