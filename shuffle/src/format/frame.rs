//! Frames around blocks: `[len][crc32c][payload]`.

use bytes::{Buf, Bytes, BytesMut};

/// Bytes before a payload.
pub(crate) const FRAME_HEADER: usize = 8;

/// Fills in the header that a frame begins with, once its payload stands behind it. Gives the checksum.
pub(crate) fn seal_frame(frame: &mut [u8]) -> u32 {
    let Some((header, payload)) = frame.split_first_chunk_mut::<FRAME_HEADER>() else {
        return 0;
    };
    let crc = crc32c::crc32c(payload);
    header[..4].copy_from_slice(&(payload.len() as u32).to_le_bytes());
    header[4..].copy_from_slice(&crc.to_le_bytes());
    crc
}

/// The payload and checksum of a complete frame; none if they do not match.
pub(crate) fn open_frame(frame: &Bytes) -> Option<(Bytes, u32)> {
    let (len, crc) = frame_header(frame)?;
    let payload = frame.slice(FRAME_HEADER..);
    (payload.len() == len && crc32c::crc32c(&payload) == crc).then_some((payload, crc))
}

fn frame_header(bytes: &[u8]) -> Option<(usize, u32)> {
    let mut head = bytes.get(..FRAME_HEADER)?;
    let len = head.get_u32_le() as usize;
    Some((len, head.get_u32_le()))
}

/// Cuts a stream of bytes into frames.
#[derive(Debug, Default)]
pub(crate) struct FrameReader {
    pending: BytesMut,
}

impl FrameReader {
    /// Takes the next bytes and gives the frames that are complete with them.
    pub(crate) fn push(&mut self, mut bytes: Bytes, frames: &mut Vec<Bytes>) {
        if self.pending.is_empty() {
            while let Some(size) = frame_size(&bytes).filter(|s| *s <= bytes.len()) {
                frames.push(bytes.split_to(size));
            }
            self.pending.extend_from_slice(&bytes);
            return;
        }
        self.pending.extend_from_slice(&bytes);
        while let Some(size) = frame_size(&self.pending).filter(|s| *s <= self.pending.len()) {
            frames.push(self.pending.split_to(size).freeze());
        }
    }

    /// Bytes of a frame that is not complete.
    pub(crate) fn pending(&self) -> usize {
        self.pending.len()
    }
}

/// Bytes of the frame that begins here.
fn frame_size(bytes: &[u8]) -> Option<usize> {
    frame_header(bytes).map(|(len, _)| FRAME_HEADER + len)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![0; FRAME_HEADER];
        frame.extend_from_slice(payload);
        assert_eq!(seal_frame(&mut frame), crc32c::crc32c(payload));
        frame
    }

    #[test]
    fn frames_are_cut_at_any_chunking() {
        let payloads: Vec<Vec<u8>> = (0..20usize).map(|i| vec![i as u8; i * 7]).collect();
        let stream: Vec<u8> = payloads.iter().flat_map(|p| framed(p)).collect();
        for step in [1, 2, 7, 8, 9, 64, 5000] {
            let mut reader = FrameReader::default();
            let mut frames = Vec::new();
            for piece in stream.chunks(step) {
                reader.push(Bytes::copy_from_slice(piece), &mut frames);
            }
            let read: Vec<Vec<u8>> = frames.iter().map(|f| open_frame(f).unwrap().0.to_vec()).collect();
            assert_eq!(read, payloads);
            assert_eq!(reader.pending(), 0);
        }
    }

    #[test]
    fn flipped_bits_are_seen() {
        let frame = framed(b"some payload");
        for bit in 0..frame.len() * 8 {
            let mut damaged = frame.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(open_frame(&damaged.into()), None, "bit {bit}");
        }
    }
}
