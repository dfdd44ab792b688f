//! The serving end: reads files and never sends more than it was asked for.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rsql_common::{Error, Result};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Server, ServerTlsConfig};
use tonic::{Request, Response, Status};

use super::generated::shuffle_server::{Shuffle, ShuffleServer};
use super::{CHUNK_BYTES, FetchChunk, FetchRequest, is_loopback};
use crate::read::{Fault, ReadFailure, open_partition};
use crate::store::ShuffleStore;

/// No response is larger, whatever credit was given.
const MOST_CREDIT: u64 = 64 << 20;

/// Serves the outputs of a store.
#[derive(Debug, Clone)]
pub struct FetchService {
    store: Arc<ShuffleStore>,
}

impl FetchService {
    /// A tonic service over `store`, for a server of the caller's making.
    pub fn service(store: Arc<ShuffleStore>) -> ShuffleServer<Self> {
        ShuffleServer::new(Self { store })
    }
}

/// What the thread that reads files hands to the connection.
#[derive(Debug)]
enum Sent {
    Chunk(FetchChunk),
    /// This process cannot read its files now; the outputs may be as good as ever. The reader asks again, as it does when the
    /// connection breaks.
    Failed(String),
    /// The response is whole: all that was asked for, or all that the credit allows.
    Done,
}

/// A response. One that ends before it is whole, since its server is about to stop, ends with an error: a reader would
/// take the bytes it lacks for a damaged file.
#[derive(Debug)]
pub struct FetchStream {
    sent: Option<mpsc::Receiver<Sent>>,
}

impl Stream for FetchStream {
    type Item = std::result::Result<FetchChunk, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(sent) = &mut self.sent else {
            return Poll::Ready(None);
        };
        let item = match ready!(sent.poll_recv(cx)) {
            Some(Sent::Chunk(chunk)) => return Poll::Ready(Some(Ok(chunk))),
            Some(Sent::Failed(why)) => Some(Err(Status::unavailable(why))),
            Some(Sent::Done) => None,
            None => Some(Err(Status::unavailable("the server stops"))),
        };
        self.sent = None;
        Poll::Ready(item)
    }
}

#[tonic::async_trait]
impl Shuffle for FetchService {
    type FetchStream = FetchStream;

    async fn fetch(&self, request: Request<FetchRequest>) -> std::result::Result<Response<Self::FetchStream>, Status> {
        let (send, receive) = mpsc::channel(2);
        let dir: PathBuf = self.store.dir().to_path_buf();
        let request = request.into_inner();
        tokio::task::spawn_blocking(move || {
            serve_request(&dir, &request, &send);
            // Nobody may listen any more.
            _ = send.blocking_send(Sent::Done);
        });
        Ok(Response::new(FetchStream { sent: Some(receive) }))
    }
}

/// Sends what a request asks for; ends early when nobody listens any more.
fn serve_request(dir: &std::path::Path, request: &FetchRequest, send: &mpsc::Sender<Sent>) {
    let mut credit = request.credit.min(MOST_CREDIT);
    for (i, item) in request.items.iter().enumerate() {
        if credit == 0 {
            return;
        }
        let chunk = |offset, body| FetchChunk {
            item: i as u32,
            offset,
            body,
        };
        let failed = |f: ReadFailure| match f.fault {
            Fault::Output(reason) => Sent::Chunk(chunk(item.offset, Err((reason, f.why)))),
            Fault::Opener => Sent::Failed(f.why),
        };
        let open = match open_partition(dir, item.output, item.tag, item.partition) {
            Ok(open) => open,
            Err(f) => {
                if send.blocking_send(failed(f)).is_err() {
                    return;
                }
                continue;
            }
        };
        let mut offset = item.offset;
        while credit > 0 && offset < open.figures.bytes {
            let message = match open.read(offset, CHUNK_BYTES.min(credit as usize)) {
                Ok(bytes) => {
                    let at = offset;
                    offset += bytes.len() as u64;
                    credit -= bytes.len() as u64;
                    Sent::Chunk(chunk(at, Ok(bytes)))
                }
                Err(f) => {
                    offset = open.figures.bytes;
                    failed(f)
                }
            };
            if send.blocking_send(message).is_err() {
                return;
            }
        }
    }
}

/// Serves a store on a listener until `shutdown` is done. Without TLS the listener must be a loopback one.
pub async fn serve(
    listener: TcpListener,
    tls: Option<ServerTlsConfig>,
    store: Arc<ShuffleStore>,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<()> {
    let io = |e: &dyn std::error::Error| Error::io(format!("fetch service: {e}"));
    let address: SocketAddr = listener.local_addr().map_err(|e| io(&e))?;
    let mut server = Server::builder();
    match tls {
        Some(tls) => server = server.tls_config(tls).map_err(|e| io(&e))?,
        None if is_loopback(&address.ip().to_string()) => {}
        None => return Err(Error::internal(format!("the fetch service at {address} has no TLS"))),
    }
    server
        .add_service(FetchService::service(store))
        // The server's own setting holds for listeners it opens itself.
        .serve_with_incoming_shutdown(TcpIncoming::from(listener).with_nodelay(Some(true)), shutdown)
        .await
        .map_err(|e| io(&e))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(messages: Vec<Sent>) -> Option<std::result::Result<FetchChunk, Status>> {
        let (send, receive) = mpsc::channel(messages.len() + 1);
        messages.into_iter().for_each(|m| send.try_send(m).unwrap());
        drop(send);
        let mut stream = FetchStream { sent: Some(receive) };
        let mut cx = Context::from_waker(std::task::Waker::noop());
        match Pin::new(&mut stream).poll_next(&mut cx) {
            Poll::Ready(item) => item,
            Poll::Pending => panic!("it waits"),
        }
    }

    #[test]
    fn only_a_whole_response_ends_well() {
        assert!(ends(vec![Sent::Done]).is_none());
        assert!(ends(vec![]).unwrap().is_err());
        let failed = ends(vec![Sent::Failed("no descriptors".to_string())]);
        assert_eq!(failed.unwrap().unwrap_err().code(), tonic::Code::Unavailable);
    }
}
