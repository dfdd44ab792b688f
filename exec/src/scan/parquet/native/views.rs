//! Strings and binaries as views into the pages they came from.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryViewArray, StringViewArray};
use arrow::buffer::{Buffer, NullBuffer, ScalarBuffer};
use rsql_common::{Error, Result};

use super::pages::damaged;
use super::values::{StringPage, Wanted, spread};

/// 16-byte views and the buffers they point into.
///
/// Every view was made from checked bounds, and, if the column is of strings, from checked UTF-8. Nobody else sets one:
/// what is here is appended from pages, copied from other views or moved apart for NULLs.
#[derive(Debug, Clone)]
pub(in crate::scan::parquet) struct Views {
    views: Vec<u128>,
    buffers: Vec<Buffer>,
    /// Strings, not binaries.
    utf8: bool,
}

impl Views {
    pub fn with_capacity(n: usize, utf8: bool) -> Self {
        Self {
            views: Vec::with_capacity(n),
            buffers: Vec::new(),
            utf8,
        }
    }

    pub fn len(&self) -> usize {
        self.views.len()
    }

    /// Appends wanted values of a plain-encoded page, which is kept alive where views point into it.
    pub fn plain(&mut self, page: StringPage, wanted: Wanted<'_>) -> Result<()> {
        let (buffer, start) = page;
        let bytes: &[u8] = &buffer;
        let Some(values) = bytes.get(start..) else {
            return Err(damaged("a page is shorter than its header says"));
        };
        // Where the page happens to be UTF-8, lengths included, so that one check covers it, a string is whole if neither it
        // nor what follows it begins inside a character.
        let page_valid = self.utf8 && std::str::from_utf8(values).is_ok();
        let inside = |b: Option<&u8>| b.is_some_and(|b| b & 0xc0 == 0x80);
        let index = u32::try_from(self.buffers.len()).map_err(|_| too_large())?;
        let mut at = start;
        let mut points = false;
        let mut rows = match wanted {
            Wanted::Rows(rows) => rows.iter(),
            Wanted::Range(..) => [].iter(),
        };
        let mut next = match wanted {
            Wanted::Range(from, _) => from,
            Wanted::Rows(_) => rows.next().map_or(usize::MAX, |r| *r as usize),
        };
        for i in 0..wanted.end() {
            let head = at.checked_add(4).and_then(|from| Some((from, bytes.get(at..from)?)));
            let Some((from, head)) = head else {
                return Err(damaged("a page has fewer strings than its header says"));
            };
            let len = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
            let Some(to) = from.checked_add(len as usize) else {
                return Err(damaged("a string lies outside its page"));
            };
            at = to;
            if i != next {
                continue;
            }
            let Some(text) = bytes.get(from..to) else {
                return Err(damaged("a string lies outside its page"));
            };
            if self.utf8 {
                let whole = page_valid && !inside(text.first()) && !inside(bytes.get(to));
                if !whole && std::str::from_utf8(text).is_err() {
                    return Err(damaged("a string is not valid UTF-8"));
                }
            }
            if len <= 12 {
                let mut view = [0u8; 16];
                view[..4].copy_from_slice(head);
                view[4..4 + text.len()].copy_from_slice(text);
                self.views.push(u128::from_le_bytes(view));
            } else {
                points = true;
                let from = u32::try_from(from).map_err(|_| too_large())?;
                let prefix = u32::from_le_bytes([text[0], text[1], text[2], text[3]]);
                self.views.push(
                    u128::from(len) | u128::from(prefix) << 32 | u128::from(index) << 64 | u128::from(from) << 96,
                );
            }
            next = match wanted {
                Wanted::Range(..) => i + 1,
                Wanted::Rows(_) => rows.next().map_or(usize::MAX, |r| *r as usize),
            };
        }
        if points {
            self.buffers.push(buffer);
        }
        Ok(())
    }

    /// Appends values of another set by position.
    pub fn gather(&mut self, other: &Views, codes: &[u32]) -> Result<()> {
        if self.utf8 && !other.utf8 {
            return Err(damaged("a page's values have another type than the column"));
        }
        if u32::try_from(self.buffers.len() + other.buffers.len()).is_err() {
            return Err(too_large());
        }
        let base = (self.buffers.len() as u128) << 64;
        self.views.extend(codes.iter().map(|c| {
            let view = other.views[*c as usize];
            if view as u32 <= 12 { view } else { view + base }
        }));
        self.buffers.extend(other.buffers.iter().cloned());
        Ok(())
    }

    /// Moves the last values apart, see [`spread`].
    pub fn spread(&mut self, base: usize, valid: &[u8]) {
        spread(&mut self.views, base, valid);
    }

    /// As an array of strings or binaries, as the column is.
    #[allow(
        unsafe_code,
        reason = "bounds and UTF-8 were checked as pages were read, a page at a time"
    )]
    pub fn into_array(self, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
        if nulls.as_ref().is_some_and(|n| n.len() != self.views.len()) {
            return Err(damaged("a column has fewer values than rows"));
        }
        let views: ScalarBuffer<u128> = self.views.into();
        Ok(if self.utf8 {
            // SAFETY: `plain` alone makes views, from lengths and offsets within their page, of checked UTF-8; `gather` and
            // `spread` copy them with their buffers (an all-zero view is ""). NULLs are as many.
            Arc::new(unsafe { StringViewArray::new_unchecked(views, self.buffers, nulls) })
        } else {
            // SAFETY: as above; binaries may be any bytes.
            Arc::new(unsafe { BinaryViewArray::new_unchecked(views, self.buffers, nulls) })
        })
    }
}

fn too_large() -> Error {
    damaged("a page of strings is larger than 4 GiB")
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray};

    use super::*;

    fn page(values: &[&[u8]]) -> Vec<u8> {
        values
            .iter()
            .flat_map(|v| [&(v.len() as u32).to_le_bytes()[..], v].concat())
            .collect()
    }

    fn read(bytes: Vec<u8>, wanted: Wanted<'_>, utf8: bool) -> Result<ArrayRef> {
        let mut views = Views::with_capacity(0, utf8);
        views.plain((Buffer::from(bytes), 0), wanted)?;
        views.into_array(None)
    }

    fn texts(array: &ArrayRef) -> Vec<&str> {
        array.as_string_view().iter().flatten().collect()
    }

    #[test]
    fn wanted_strings_are_read() {
        let long = "a string that is longer than twelve bytes";
        let bytes = page(&[b"a", "é".as_bytes(), b"", long.as_bytes()]);
        let all = read(bytes.clone(), Wanted::Range(0, 4), true).unwrap();
        assert_eq!(texts(&all), ["a", "é", "", long]);
        let some = read(bytes, Wanted::Rows(&[1, 3]), true).unwrap();
        assert_eq!(texts(&some), ["é", long]);
    }

    #[test]
    fn lengths_beyond_the_page_are_damage() {
        for bytes in [
            page(&[b"ab", b"c"])[..8].to_vec(),
            [&u32::MAX.to_le_bytes()[..], b"abc"].concat(),
        ] {
            assert!(read(bytes.clone(), Wanted::Range(0, 2), true).is_err());
            assert!(read(bytes, Wanted::Rows(&[1]), false).is_err());
        }
        assert!(read(Vec::new(), Wanted::Range(0, 1), false).is_err());
    }

    #[test]
    fn a_string_does_not_end_inside_a_character() {
        // The first byte of the next length completes the character, so the page as a whole is UTF-8.
        let second = [b'x'; 128];
        let mut bytes = page(&[b"a\xc3", &second]);
        assert!(std::str::from_utf8(&bytes).is_ok());
        assert!(read(bytes.clone(), Wanted::Range(0, 2), true).is_err());
        assert!(read(bytes.clone(), Wanted::Range(0, 2), false).is_ok());
        bytes[5] = b'b';
        assert_eq!(texts(&read(bytes, Wanted::Range(0, 2), true).unwrap())[0], "ab");
    }

    #[test]
    fn binaries_do_not_become_strings() {
        let mut binaries = Views::with_capacity(0, false);
        binaries
            .plain((Buffer::from(page(&[b"\xff"])), 0), Wanted::Range(0, 1))
            .unwrap();
        assert!(Views::with_capacity(0, true).gather(&binaries, &[0]).is_err());
    }

    #[test]
    fn nulls_move_values_apart() {
        let mut views = Views::with_capacity(0, true);
        views
            .plain((Buffer::from(page(&[b"a", b"b"])), 0), Wanted::Range(0, 2))
            .unwrap();
        views.spread(0, &[1, 0, 1]);
        assert!(views.clone().into_array(Some(NullBuffer::new_null(2))).is_err());
        let array = views
            .into_array(Some(NullBuffer::from(vec![true, false, true])))
            .unwrap();
        assert_eq!(array.null_count(), 1);
        assert_eq!(texts(&array), ["a", "b"]);
    }
}
