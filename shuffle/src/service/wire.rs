//! Messages of the fetch service and their encoding: requests through postcard, chunks as short headers and raw bytes.

use std::marker::PhantomData;

use bytes::{Buf, BufMut, Bytes};
use rsql_common::{FetchReason, OutputId};
use serde::{Deserialize, Serialize};
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

/// Asks for bytes of some partitions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FetchRequest {
    /// Partitions, served in this order.
    pub items: Vec<FetchItem>,
    /// Bytes that the response may hold.
    pub credit: u64,
}

/// A partition of an output, from an offset on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FetchItem {
    /// Output.
    pub output: OutputId,
    /// Its tag.
    pub tag: u64,
    /// Partition.
    pub partition: u32,
    /// Bytes that the reader has.
    pub offset: u64,
}

/// A part of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchChunk {
    /// Position in [`FetchRequest::items`].
    pub item: u32,
    /// Where the bytes begin in the partition.
    pub offset: u64,
    /// Bytes, or why there are none.
    pub body: Result<Bytes, (FetchReason, String)>,
}

/// Parts of a response that travel together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FetchChunks {
    /// In the order of the items.
    pub chunks: Vec<FetchChunk>,
}

/// A message that travels.
pub trait Message: Sized + Send + 'static {
    /// Writes it.
    fn put(self, out: &mut EncodeBuf<'_>) -> Result<(), Status>;
    /// Reads one that fills the buffer.
    fn take(from: &mut DecodeBuf<'_>) -> Result<Self, Status>;
}

impl Message for FetchRequest {
    fn put(self, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        let bytes = postcard::to_allocvec(&self).map_err(|e| Status::internal(e.to_string()))?;
        out.put_slice(&bytes);
        Ok(())
    }

    fn take(from: &mut DecodeBuf<'_>) -> Result<Self, Status> {
        let bytes = from.copy_to_bytes(from.remaining());
        postcard::from_bytes(&bytes).map_err(|e| Status::invalid_argument(e.to_string()))
    }
}

/// Bytes before the headers of the chunks.
const COUNT: usize = 4;
/// Bytes of a chunk's header.
const HEADER: usize = 17;

impl Message for FetchChunks {
    fn put(self, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        let body = |chunk: FetchChunk| match chunk.body {
            Ok(bytes) => (0, chunk.item, chunk.offset, bytes),
            Err((reason, why)) => (code(reason), chunk.item, chunk.offset, why.into()),
        };
        let chunks: Vec<(u8, u32, u64, Bytes)> = self.chunks.into_iter().map(body).collect();
        let bytes: usize = chunks.iter().map(|(.., body)| HEADER + body.len()).sum();
        out.reserve(COUNT + bytes);
        out.put_u32_le(chunks.len() as u32);
        for (kind, item, offset, body) in &chunks {
            out.put_u8(*kind);
            out.put_u32_le(*item);
            out.put_u64_le(*offset);
            out.put_u32_le(body.len() as u32);
        }
        chunks.into_iter().for_each(|(.., body)| out.put(body));
        Ok(())
    }

    fn take(from: &mut DecodeBuf<'_>) -> Result<Self, Status> {
        Self::from_bytes(from.copy_to_bytes(from.remaining()))
    }
}

impl FetchChunks {
    fn from_bytes(mut bytes: Bytes) -> Result<Self, Status> {
        let cut = || Status::invalid_argument("a message of chunks is cut");
        let count = bytes.try_get_u32_le().map_err(|_| cut())? as usize;
        let headers = count.checked_mul(HEADER).filter(|n| *n <= bytes.len());
        let mut headers = bytes.split_to(headers.ok_or_else(cut)?);
        let mut chunks = Vec::with_capacity(count);
        for _ in 0..count {
            let kind = headers.get_u8();
            let (item, offset, len) = (
                headers.get_u32_le(),
                headers.get_u64_le(),
                headers.get_u32_le() as usize,
            );
            if len > bytes.len() {
                return Err(cut());
            }
            let body = bytes.split_to(len);
            let body = match kind {
                0 => Ok(body),
                kind => Err((reason(kind)?, String::from_utf8_lossy(&body).into_owned())),
            };
            chunks.push(FetchChunk { item, offset, body });
        }
        match bytes.is_empty() {
            true => Ok(Self { chunks }),
            false => Err(Status::invalid_argument("a message of chunks is too long")),
        }
    }
}

fn code(reason: FetchReason) -> u8 {
    match reason {
        FetchReason::Unreachable => 1,
        FetchReason::NotFound => 2,
        FetchReason::Corrupt => 3,
    }
}

fn reason(code: u8) -> Result<FetchReason, Status> {
    Ok(match code {
        1 => FetchReason::Unreachable,
        2 => FetchReason::NotFound,
        3 => FetchReason::Corrupt,
        _ => return Err(Status::invalid_argument("a chunk of an unknown kind")),
    })
}

/// Encodes `E` and decodes `D`.
#[derive(Debug)]
pub struct FetchCodec<E, D>(PhantomData<(E, D)>);

impl<E, D> Default for FetchCodec<E, D> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<E: Message, D: Message> Codec for FetchCodec<E, D> {
    type Encode = E;
    type Decode = D;
    type Encoder = FetchCodec<E, ()>;
    type Decoder = FetchCodec<(), D>;

    fn encoder(&mut self) -> Self::Encoder {
        FetchCodec::default()
    }

    fn decoder(&mut self) -> Self::Decoder {
        FetchCodec::default()
    }
}

impl<E: Message> Encoder for FetchCodec<E, ()> {
    type Item = E;
    type Error = Status;

    fn encode(&mut self, item: E, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        item.put(out)
    }
}

impl<D: Message> Decoder for FetchCodec<(), D> {
    type Item = D;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<D>, Status> {
        D::take(from).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_message_of_chunks_is_refused() {
        // Two chunks: one of three bytes, and one that says why there are none.
        let mut message = vec![2, 0, 0, 0];
        for (kind, item, offset, len) in [(0u8, 0u32, 9u64, 3u32), (2, 1, 0, 4)] {
            message.push(kind);
            message.extend_from_slice(&item.to_le_bytes());
            message.extend_from_slice(&offset.to_le_bytes());
            message.extend_from_slice(&len.to_le_bytes());
        }
        message.extend_from_slice(b"abcgone");
        let parsed = |bytes: &[u8]| FetchChunks::from_bytes(Bytes::copy_from_slice(bytes));
        let chunk = |item, offset, body| FetchChunk { item, offset, body };
        let chunks = vec![
            chunk(0, 9, Ok(Bytes::from_static(b"abc"))),
            chunk(1, 0, Err((FetchReason::NotFound, "gone".to_string()))),
        ];
        assert_eq!(parsed(&message).unwrap(), FetchChunks { chunks });
        for len in 0..message.len() {
            assert!(parsed(&message[..len]).is_err(), "cut at {len}");
        }
        assert!(parsed(&[&message[..], b"x"].concat()).is_err());
        let mut unknown = message.clone();
        unknown[COUNT] = 9;
        assert!(parsed(&unknown).is_err());
        assert!(parsed(&[0xff; 64]).is_err(), "more chunks than bytes");
    }
}
