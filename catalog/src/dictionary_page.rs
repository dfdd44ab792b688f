//! How many values a dictionary page holds, from its header: the exact number of distinct values of a column chunk.
//!
//! The header is Thrift's compact protocol; only the fields on the way to `dictionary_page_header.num_values` are read, the
//! others are skipped.

/// `num_values` of the dictionary page that starts at the beginning of `bytes`.
pub(crate) fn dictionary_values(bytes: &[u8]) -> Option<u64> {
    const DICTIONARY_PAGE_HEADER: i16 = 7;
    const NUM_VALUES: i16 = 1;
    let mut reader = Compact { bytes, at: 0 };
    reader.enter(DICTIONARY_PAGE_HEADER, STRUCT)?;
    reader.enter(NUM_VALUES, I32)?;
    let n = reader.zigzag()?;
    u64::try_from(n).ok()
}

const I32: u8 = 5;
const BINARY: u8 = 8;
const STRUCT: u8 = 12;

struct Compact<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Compact<'_> {
    /// Goes to the value of a field of the current struct.
    fn enter(&mut self, field: i16, ty: u8) -> Option<()> {
        let mut id = 0;
        loop {
            let (found, found_ty) = self.field(id)?;
            id = found;
            if id == field {
                return (found_ty == ty).then_some(());
            }
            self.skip(found_ty, 0)?;
        }
    }

    /// Id and type of the next field; `None` at the struct's end.
    fn field(&mut self, last: i16) -> Option<(i16, u8)> {
        let head = self.byte()?;
        let ty = head & 0x0f;
        if ty == 0 {
            return None;
        }
        let delta = i16::from(head >> 4);
        let id = if delta == 0 {
            i16::try_from(self.zigzag()?).ok()?
        } else {
            last.checked_add(delta)?
        };
        Some((id, ty))
    }

    fn byte(&mut self) -> Option<u8> {
        let b = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(b)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let b = self.byte()?;
            value |= u64::from(b & 0x7f) << shift;
            if b & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn zigzag(&mut self) -> Option<i64> {
        let v = self.varint()?;
        Some((v >> 1) as i64 ^ -((v & 1) as i64))
    }

    fn skip(&mut self, ty: u8, depth: usize) -> Option<()> {
        match ty {
            1 | 2 => Some(()),
            3 => self.byte().map(|_| ()),
            4..=6 => self.varint().map(|_| ()),
            7 => {
                self.at = self.at.checked_add(8)?;
                Some(())
            }
            BINARY => {
                let n = usize::try_from(self.varint()?).ok()?;
                self.at = self.at.checked_add(n)?;
                Some(())
            }
            STRUCT if depth < 8 => {
                let mut id = 0;
                while let Some((next, ty)) = self.field(id) {
                    id = next;
                    self.skip(ty, depth + 1)?;
                }
                (self.at <= self.bytes.len()).then_some(())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_of_values_is_found_behind_other_fields() {
        // type: 2 (zigzag 4), sizes 100 and 60, then field 7: { num_values: 25, encoding: 0 }.
        let bytes = [0x15, 4, 0x15, 200, 1, 0x15, 120, 0x4c, 0x15, 50, 0x15, 0, 0, 0];
        assert_eq!(dictionary_values(&bytes), Some(25));
        assert_eq!(dictionary_values(&bytes[..8]), None);
        assert_eq!(dictionary_values(&[0]), None);
    }
}
