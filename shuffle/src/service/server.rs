//! The serving end: reads files and never sends more than it was asked for.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use rsql_common::{Error, Result};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Server, ServerTlsConfig};
use tonic::{Request, Response, Status};

use super::generated::shuffle_server::{Shuffle, ShuffleServer};
use super::{CHUNK_BYTES, FetchChunk, FetchRequest, is_loopback};
use crate::read::{ReadFailure, open_partition};
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

type Chunk = std::result::Result<FetchChunk, Status>;

#[tonic::async_trait]
impl Shuffle for FetchService {
    type FetchStream = ReceiverStream<Chunk>;

    async fn fetch(&self, request: Request<FetchRequest>) -> std::result::Result<Response<Self::FetchStream>, Status> {
        let (send, receive) = mpsc::channel(2);
        let dir: PathBuf = self.store.dir().to_path_buf();
        let request = request.into_inner();
        tokio::task::spawn_blocking(move || serve_request(&dir, &request, &send));
        Ok(Response::new(ReceiverStream::new(receive)))
    }
}

/// Sends what a request asks for; ends early when nobody listens any more.
fn serve_request(dir: &std::path::Path, request: &FetchRequest, send: &mpsc::Sender<Chunk>) {
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
        let failed = |f: ReadFailure| chunk(item.offset, Err((f.reason, f.why)));
        let open = match open_partition(dir, item.output, item.tag, item.partition) {
            Ok(open) => open,
            Err(f) => {
                if send.blocking_send(Ok(failed(f))).is_err() {
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
                    chunk(at, Ok(bytes))
                }
                Err(f) => {
                    offset = open.figures.bytes;
                    failed(f)
                }
            };
            if send.blocking_send(Ok(message)).is_err() {
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
