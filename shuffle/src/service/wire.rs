//! Messages of the fetch service and their encoding: requests through postcard, chunks as a short header and raw bytes.

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

const HEADER: usize = 13;

impl Message for FetchChunk {
    fn put(self, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        let (kind, body) = match self.body {
            Ok(bytes) => (0, bytes),
            Err((reason, why)) => (code(reason), why.into()),
        };
        out.reserve(HEADER + body.len());
        out.put_u8(kind);
        out.put_u32_le(self.item);
        out.put_u64_le(self.offset);
        out.put(body);
        Ok(())
    }

    fn take(from: &mut DecodeBuf<'_>) -> Result<Self, Status> {
        if from.remaining() < HEADER {
            return Err(Status::invalid_argument("a chunk without its header"));
        }
        let kind = from.get_u8();
        let (item, offset) = (from.get_u32_le(), from.get_u64_le());
        let bytes = from.copy_to_bytes(from.remaining());
        let body = match kind {
            0 => Ok(bytes),
            kind => Err((reason(kind)?, String::from_utf8_lossy(&bytes).into_owned())),
        };
        Ok(Self { item, offset, body })
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
