//! The serving end: reads files and never sends more than it was asked for.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rsql_common::{Error, FetchReason, Result};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Server, ServerTlsConfig};
use tonic::{Request, Response, Status};

use super::generated::shuffle_server::{Shuffle, ShuffleServer};
use super::{CHUNK_BYTES, FetchChunk, FetchChunks, FetchRequest, is_loopback};
use crate::read::{Fault, ReadFailure};
use crate::store::ShuffleStore;

/// No response is larger, whatever credit was given.
const MOST_CREDIT: u64 = 64 << 20;
/// What a chunk takes of a message besides its bytes, about.
const CHUNK_HEADER: usize = 16;
/// A message is sent after so long even if it is not full: who waits for it would give up.
const PATIENCE: Duration = Duration::from_millis(50);

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
    Chunks(FetchChunks),
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
    type Item = std::result::Result<FetchChunks, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(sent) = &mut self.sent else {
            return Poll::Ready(None);
        };
        let item = match ready!(sent.poll_recv(cx)) {
            Some(Sent::Chunks(chunks)) => return Poll::Ready(Some(Ok(chunks))),
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
        let store = Arc::clone(&self.store);
        let request = request.into_inner();
        tokio::task::spawn_blocking(move || {
            serve_request(&store, &request, &send);
            // Nobody may listen any more.
            _ = send.blocking_send(Sent::Done);
        });
        Ok(Response::new(FetchStream { sent: Some(receive) }))
    }
}

/// Sends what a request asks for; ends early when nobody listens any more.
fn serve_request(store: &ShuffleStore, request: &FetchRequest, send: &mpsc::Sender<Sent>) {
    let mut response = Gathered::new(send);
    // Whoever does not listen any more needs no word about it.
    _ = gather(store, request, &mut response).and_then(|()| response.send());
}

/// Nobody listens any more.
struct Unheard;

fn gather(
    store: &ShuffleStore,
    request: &FetchRequest,
    response: &mut Gathered<'_>,
) -> std::result::Result<(), Unheard> {
    let mut credit = request.credit.min(MOST_CREDIT);
    for (i, item) in (0..).zip(&request.items) {
        if credit == 0 {
            return Ok(());
        }
        let opened = store
            .opened()
            .partition(store.dir(), item.output, item.tag, item.partition);
        let open = match opened {
            Ok(open) => open,
            Err(f) => {
                response.failed(i, item.offset, f)?;
                continue;
            }
        };
        let mut offset = item.offset;
        while credit > 0 && offset < open.figures.bytes {
            match open.read(offset, response.room().min(credit as usize)) {
                Ok(bytes) => {
                    let len = bytes.len() as u64;
                    response.add(i, offset, Ok(bytes))?;
                    offset += len;
                    credit -= len;
                }
                Err(f) => {
                    response.failed(i, offset, f)?;
                    break;
                }
            }
        }
    }
    Ok(())
}

/// Chunks that are sent together.
struct Gathered<'a> {
    send: &'a mpsc::Sender<Sent>,
    chunks: Vec<FetchChunk>,
    bytes: usize,
    /// When the last message was sent.
    sent: Instant,
}

impl<'a> Gathered<'a> {
    fn new(send: &'a mpsc::Sender<Sent>) -> Self {
        Self {
            send,
            chunks: Vec::new(),
            bytes: 0,
            sent: Instant::now(),
        }
    }

    /// Bytes that the next chunk may have: never none, since full messages are sent.
    fn room(&self) -> usize {
        CHUNK_BYTES - self.bytes
    }

    fn add(
        &mut self,
        item: u32,
        offset: u64,
        body: std::result::Result<Bytes, (FetchReason, String)>,
    ) -> std::result::Result<(), Unheard> {
        // Headers count as well, or no number of empty chunks would fill a message.
        self.bytes += CHUNK_HEADER + body.as_ref().map_or(0, Bytes::len);
        self.chunks.push(FetchChunk { item, offset, body });
        match self.bytes >= CHUNK_BYTES || self.sent.elapsed() >= PATIENCE {
            true => self.send(),
            false => Ok(()),
        }
    }

    /// Why there are no more bytes of an item.
    fn failed(&mut self, item: u32, offset: u64, failure: ReadFailure) -> std::result::Result<(), Unheard> {
        match failure.fault {
            Fault::Output(reason) => self.add(item, offset, Err((reason, failure.why))),
            Fault::Opener => {
                self.send()?;
                self.say(Sent::Failed(failure.why))
            }
        }
    }

    fn send(&mut self) -> std::result::Result<(), Unheard> {
        self.bytes = 0;
        self.sent = Instant::now();
        match std::mem::take(&mut self.chunks) {
            chunks if chunks.is_empty() => Ok(()),
            chunks => self.say(Sent::Chunks(FetchChunks { chunks })),
        }
    }

    fn say(&self, message: Sent) -> std::result::Result<(), Unheard> {
        self.send.blocking_send(message).map_err(|_| Unheard)
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

    fn ends(messages: Vec<Sent>) -> Option<std::result::Result<FetchChunks, Status>> {
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
