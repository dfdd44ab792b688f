//! A TCP proxy on loopback whose connections can be cut both ways for a while, all or those of one process.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::measure::process::local_ports;

/// A running proxy. It lives as long as the process.
#[derive(Debug, Clone)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    cut: AtomicBool,
    taken: AtomicUsize,
    /// A process whose connections are not taken.
    barred: Mutex<Option<u32>>,
    joined: Mutex<Vec<Joined>>,
}

/// A connection that was taken.
#[derive(Debug)]
struct Joined {
    client: TcpStream,
    server: TcpStream,
    /// The client's.
    port: u16,
    /// Directions in which bytes may still flow.
    open: Arc<AtomicUsize>,
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
                if !shared.refuses(&client) {
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

    /// Connections that it ever took.
    pub fn taken(&self) -> usize {
        self.shared.taken.load(Ordering::SeqCst)
    }

    /// Ends all connections and takes no new ones until [`Proxy::mend`]. Says how many there were.
    pub fn cut(&self) -> usize {
        self.shared.cut.store(true, Ordering::SeqCst);
        self.shared.end(|_| true)
    }

    /// The same for the connections of one process.
    pub fn cut_from(&self, pid: u32) -> usize {
        *self.shared.barred.lock() = Some(pid);
        let ports = local_ports(pid);
        self.shared.end(|joined| ports.contains(&joined.port))
    }

    /// Takes connections again.
    pub fn mend(&self) {
        self.shared.cut.store(false, Ordering::SeqCst);
        *self.shared.barred.lock() = None;
    }
}

impl Shared {
    fn refuses(&self, client: &TcpStream) -> bool {
        let barred = *self.barred.lock();
        let port = client.peer_addr().map(|a| a.port());
        self.cut.load(Ordering::SeqCst) || barred.is_some_and(|pid| port.is_ok_and(|p| local_ports(pid).contains(&p)))
    }

    fn end(&self, which: impl Fn(&Joined) -> bool) -> usize {
        let mut joined = self.joined.lock();
        let mut ended = 0;
        joined.retain(|j| {
            if j.open.load(Ordering::SeqCst) == 0 {
                return false;
            }
            if !which(j) {
                return true;
            }
            for stream in [&j.client, &j.server] {
                // It may be closed already.
                _ = stream.shutdown(Shutdown::Both);
            }
            ended += 1;
            false
        });
        ended
    }

    fn join(self: &Arc<Self>, client: TcpStream, target: SocketAddr) -> std::io::Result<()> {
        let port = client.peer_addr()?.port();
        self.taken.fetch_add(1, Ordering::SeqCst);
        let server = TcpStream::connect(target)?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let open = Arc::new(AtomicUsize::new(2));
        {
            let mut joined = self.joined.lock();
            joined.retain(|j| j.open.load(Ordering::SeqCst) > 0);
            joined.push(Joined {
                client: client.try_clone()?,
                server: server.try_clone()?,
                port,
                open: Arc::clone(&open),
            });
        }
        for (from, to) in [(client.try_clone()?, server.try_clone()?), (server, client)] {
            let open = Arc::clone(&open);
            std::thread::spawn(move || {
                copy(from, to);
                open.fetch_sub(1, Ordering::SeqCst);
            });
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

    #[test]
    fn connections_of_one_process_are_cut() {
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let proxy = Proxy::start(server.local_addr().unwrap()).unwrap();
        let mut client = TcpStream::connect(proxy.address()).unwrap();
        let (mut accepted, _) = server.accept().unwrap();
        assert_eq!(proxy.cut_from(1), 0, "another process has none");
        client.write_all(b"x").unwrap();
        let mut byte = [0];
        accepted.read_exact(&mut byte).unwrap();
        assert_eq!(proxy.cut_from(std::process::id()), 1);
        assert_eq!(client.read(&mut byte).unwrap_or(0), 0);
        let mut refused = TcpStream::connect(proxy.address()).unwrap();
        assert_eq!(refused.read(&mut byte).unwrap_or(0), 0);
        proxy.mend();
        let _again = TcpStream::connect(proxy.address()).unwrap();
        server.accept().unwrap();
        assert_eq!(proxy.taken(), 2);
    }
}
