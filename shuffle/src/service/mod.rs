//! The fetch service: partitions of outputs over the network.
//!
//! A reader asks for some partitions, each from an offset on, and says how many bytes it has room for; the response holds
//! at most so many, in chunks of at most 1 MiB, and ends. Small partitions travel together: a message has many chunks. Nothing is ever sent that its receiver has not reserved, so no
//! stream can hold up another. A reader that lost its connection asks again from where it was.

mod budget;
mod client;
mod fetch;
mod server;
mod wire;

/// What `tonic` makes of the service's description in `build.rs`.
#[allow(missing_docs, clippy::all, reason = "generated")]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/rsql.Shuffle.rs"));
}

pub(crate) use budget::Held;
pub use client::{FetchClient, FetchOptions};
pub(crate) use fetch::start_fetching;
pub use generated::shuffle_server::ShuffleServer;
pub use server::{FetchService, serve};
pub use wire::{FetchChunk, FetchChunks, FetchCodec, FetchItem, FetchRequest};

/// Bytes of the largest chunk.
pub(crate) const CHUNK_BYTES: usize = 1 << 20;

/// Without TLS only this machine is talked to.
fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests;
