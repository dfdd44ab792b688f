//! The header of a data file.

use rsql_common::{OutputId, QueryId, StageId};

const MAGIC: &[u8; 8] = b"RSQLSHD2";

/// Bytes of the header.
pub(crate) const DATA_HEADER: usize = 8 + ID_BYTES + 8 + 4;
pub(super) const ID_BYTES: usize = 20;

/// The header of an output's data file.
pub(crate) fn data_header(id: OutputId, tag: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(DATA_HEADER);
    out.extend_from_slice(MAGIC);
    put_id(&mut out, id);
    out.extend_from_slice(&tag.to_le_bytes());
    let crc = crc32c::crc32c(&out);
    out.extend_from_slice(&crc.to_le_bytes());
    out
}

/// What a header says; none if it is damaged.
pub(crate) fn read_data_header(bytes: &[u8]) -> Option<(OutputId, u64)> {
    let (body, crc) = bytes.get(..DATA_HEADER)?.split_last_chunk::<4>()?;
    if crc32c::crc32c(body) != u32::from_le_bytes(*crc) {
        return None;
    }
    let mut rest = body.strip_prefix(MAGIC)?;
    let id = take_id(&mut rest)?;
    Some((id, take_u64(&mut rest)?))
}

pub(super) fn put_id(out: &mut Vec<u8>, id: OutputId) {
    out.extend_from_slice(&id.query.0.to_le_bytes());
    for n in [id.stage.0, id.map, id.attempt] {
        out.extend_from_slice(&n.to_le_bytes());
    }
}

pub(super) fn take_id(bytes: &mut &[u8]) -> Option<OutputId> {
    Some(OutputId {
        query: QueryId(take_u64(bytes)?),
        stage: StageId(take_u32(bytes)?),
        map: take_u32(bytes)?,
        attempt: take_u32(bytes)?,
    })
}

pub(super) fn take_u64(bytes: &mut &[u8]) -> Option<u64> {
    let (head, rest) = bytes.split_first_chunk::<8>()?;
    *bytes = rest;
    Some(u64::from_le_bytes(*head))
}

pub(super) fn take_u32(bytes: &mut &[u8]) -> Option<u32> {
    let (head, rest) = bytes.split_first_chunk::<4>()?;
    *bytes = rest;
    Some(u32::from_le_bytes(*head))
}
