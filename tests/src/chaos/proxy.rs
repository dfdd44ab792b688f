//! A TCP proxy on loopback whose connections can be cut both ways for a while.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;

/// A running proxy. It lives as long as the process.
#[derive(Debug, Clone)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    cut: AtomicBool,
    dropped: AtomicUsize,
    streams: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    /// Starts one in front of `target`.
    pub fn start(target: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let proxy = Self {
            address: listener.local_addr()?,
            shared: Arc::default(),
        };
        let shared = Arc::clone(&proxy.shared);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if !shared.cut.load(Ordering::SeqCst) {
                    // A peer that went away in between is the client's to notice.
                    _ = shared.join(client, target);
                }
            }
        });
        Ok(proxy)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends all connections and takes no new ones until [`Proxy::mend`]. Says how many there were.
    pub fn cut(&self) -> usize {
        self.shared.cut.store(true, Ordering::SeqCst);
        let streams = std::mem::take(&mut *self.shared.streams.lock());
        for stream in &streams {
            // It may be closed already.
            _ = stream.shutdown(Shutdown::Both);
        }
        self.shared.dropped.fetch_add(streams.len(), Ordering::SeqCst);
        streams.len() / 2
    }

    /// Takes connections again.
    pub fn mend(&self) {
        self.shared.cut.store(false, Ordering::SeqCst);
    }
}

impl Shared {
    fn join(self: &Arc<Self>, client: TcpStream, target: SocketAddr) -> std::io::Result<()> {
        let server = TcpStream::connect(target)?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let mut streams = self.streams.lock();
        streams.push(client.try_clone()?);
        streams.push(server.try_clone()?);
        drop(streams);
        for (from, to) in [(client.try_clone()?, server.try_clone()?), (server, client)] {
            std::thread::spawn(move || copy(from, to));
        }
        Ok(())
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(n) = from.read(&mut buffer) {
        if n == 0 || to.write_all(&buffer[..n]).is_err() {
            break;
        }
    }
    _ = to.shutdown(Shutdown::Write);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_what_runs_and_refuses_what_comes() {
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let proxy = Proxy::start(server.local_addr().unwrap()).unwrap();
        let mut client = TcpStream::connect(proxy.address()).unwrap();
        let (mut accepted, _) = server.accept().unwrap();
        client.write_all(b"x").unwrap();
        let mut byte = [0];
        accepted.read_exact(&mut byte).unwrap();
        assert_eq!(&byte, b"x");

        assert_eq!(proxy.cut(), 1);
        assert_eq!(client.read(&mut byte).unwrap_or(0), 0, "the client sees the end");
        let mut refused = TcpStream::connect(proxy.address()).unwrap();
        assert_eq!(refused.read(&mut byte).unwrap_or(0), 0);

        proxy.mend();
        let mut again = TcpStream::connect(proxy.address()).unwrap();
        let (mut accepted, _) = server.accept().unwrap();
        again.write_all(b"y").unwrap();
        accepted.read_exact(&mut byte).unwrap();
        assert_eq!(&byte, b"y");
    }
}
