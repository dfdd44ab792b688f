//! Page headers: the small part of Thrift's compact protocol that they need.

use rsql_common::{Error, Result};

/// What a page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PageKind {
    Dictionary,
    Data,
    DataV2 {
        def_bytes: usize,
        rep_bytes: usize,
        compressed: bool,
    },
    /// Index pages and what is to come; skipped.
    Other,
}

/// A parsed header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PageHeader {
    pub kind: PageKind,
    pub values: usize,
    pub encoding: i32,
    /// Encoding of definition levels (version 1 pages).
    pub def_encoding: i32,
    pub uncompressed: usize,
    pub compressed: usize,
    /// Bytes of the header itself.
    pub length: usize,
}

/// Encodings by their number in the format.
pub(super) mod encoding {
    pub const PLAIN: i32 = 0;
    pub const PLAIN_DICTIONARY: i32 = 2;
    pub const RLE: i32 = 3;
    pub const RLE_DICTIONARY: i32 = 8;
}

impl PageHeader {
    /// Reads the header at the start of `bytes`.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut r = Reader { bytes, at: 0 };
        let mut header = PageHeader {
            kind: PageKind::Other,
            values: 0,
            encoding: -1,
            def_encoding: encoding::RLE,
            uncompressed: 0,
            compressed: 0,
            length: 0,
        };
        let mut page_type = -1;
        let mut last = 0;
        while let Some((id, ty)) = r.field(&mut last)? {
            match (id, ty) {
                (1, _) => page_type = r.int()?,
                (2, _) => header.uncompressed = r.size()?,
                (3, _) => header.compressed = r.size()?,
                (5, STRUCT) => r.data(&mut header)?,
                (7, STRUCT) => r.data(&mut header)?,
                (8, STRUCT) => r.data_v2(&mut header)?,
                (_, ty) => r.skip(ty, 0)?,
            }
        }
        header.kind = match (page_type, header.kind) {
            (0, _) => PageKind::Data,
            (2, _) => PageKind::Dictionary,
            (3, kind @ PageKind::DataV2 { .. }) => kind,
            _ => PageKind::Other,
        };
        header.length = r.at;
        Ok(header)
    }

    /// The values are codes into the dictionary.
    pub fn is_dictionary_encoded(&self) -> bool {
        matches!(self.encoding, encoding::PLAIN_DICTIONARY | encoding::RLE_DICTIONARY)
    }
}

const STRUCT: u8 = 12;

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

fn cut_short() -> Error {
    Error::user("FAILED_READ_FILE.NO_HINT").with_message("a page header is damaged")
}

impl Reader<'_> {
    fn byte(&mut self) -> Result<u8> {
        let b = *self.bytes.get(self.at).ok_or_else(cut_short)?;
        self.at += 1;
        Ok(b)
    }

    fn varint(&mut self) -> Result<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let b = self.byte()?;
            value |= u64::from(b & 0x7f) << shift;
            if b & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(cut_short())
    }

    fn int(&mut self) -> Result<i32> {
        let v = self.varint()?;
        i32::try_from((v >> 1) as i64 ^ -((v & 1) as i64)).map_err(|_| cut_short())
    }

    fn size(&mut self) -> Result<usize> {
        usize::try_from(self.int()?).map_err(|_| cut_short())
    }

    /// The next field's id and type; none at the end of the struct.
    fn field(&mut self, last: &mut i32) -> Result<Option<(i32, u8)>> {
        let b = self.byte()?;
        if b == 0 {
            return Ok(None);
        }
        *last = match b >> 4 {
            0 => self.int()?,
            delta => *last + i32::from(delta),
        };
        Ok(Some((*last, b & 0x0f)))
    }

    fn data(&mut self, header: &mut PageHeader) -> Result<()> {
        let mut last = 0;
        while let Some((id, ty)) = self.field(&mut last)? {
            match id {
                1 => header.values = self.size()?,
                2 => header.encoding = self.int()?,
                3 if ty == 5 => header.def_encoding = self.int()?,
                _ => self.skip(ty, 0)?,
            }
        }
        Ok(())
    }

    fn data_v2(&mut self, header: &mut PageHeader) -> Result<()> {
        let (mut def_bytes, mut rep_bytes, mut compressed) = (0, 0, true);
        let mut last = 0;
        while let Some((id, ty)) = self.field(&mut last)? {
            match id {
                1 => header.values = self.size()?,
                4 => header.encoding = self.int()?,
                5 => def_bytes = self.size()?,
                6 => rep_bytes = self.size()?,
                7 => compressed = ty == 1,
                _ => self.skip(ty, 0)?,
            }
        }
        header.kind = PageKind::DataV2 {
            def_bytes,
            rep_bytes,
            compressed,
        };
        Ok(())
    }

    fn skip(&mut self, ty: u8, depth: usize) -> Result<()> {
        if depth > 16 {
            return Err(cut_short());
        }
        match ty {
            1 | 2 => {}
            3 => self.at += 1,
            4..=6 => _ = self.varint()?,
            7 => self.at += 8,
            8 => {
                let n = usize::try_from(self.varint()?).map_err(|_| cut_short())?;
                self.at = self.at.checked_add(n).ok_or_else(cut_short)?;
            }
            9 | 10 => {
                let b = self.byte()?;
                let n = if b >> 4 == 15 {
                    self.varint()?
                } else {
                    u64::from(b >> 4)
                };
                for _ in 0..n {
                    match b & 0x0f {
                        1 | 2 => _ = self.byte()?,
                        ty => self.skip(ty, depth + 1)?,
                    }
                }
            }
            STRUCT => {
                let mut last = 0;
                while let Some((_, ty)) = self.field(&mut last)? {
                    self.skip(ty, depth + 1)?;
                }
            }
            _ => return Err(cut_short()),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_headers_are_errors() {
        for bytes in [&[][..], &[0x15], &[0xff; 40], &[0x15, 0x04, 0x15]] {
            assert!(PageHeader::parse(bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn reads_a_data_page() {
        // type 0, sizes 20 and 10, data page header { 5 values, PLAIN, RLE, RLE }
        let bytes = [
            0x15, 0, 0x15, 40, 0x15, 20, 0x2c, 0x15, 10, 0x15, 0, 0x15, 6, 0x15, 6, 0, 0,
        ];
        let h = PageHeader::parse(&bytes).unwrap();
        assert_eq!((h.kind, h.values, h.encoding), (PageKind::Data, 5, 0));
        assert_eq!((h.uncompressed, h.compressed, h.length), (20, 10, bytes.len()));
    }
}
