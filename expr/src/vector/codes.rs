//! Dictionary codes in the narrowest width that holds them.

use arrow::buffer::ScalarBuffer;

/// One code a row.
#[derive(Debug, Clone)]
pub enum Codes {
    /// Dictionaries of up to 256 values.
    U8(ScalarBuffer<u8>),
    /// Dictionaries of up to 65,536 values.
    U16(ScalarBuffer<u16>),
    /// Larger dictionaries.
    U32(ScalarBuffer<u32>),
}

/// Runs `$body` with `$slice` bound to the codes as a slice of their own width.
#[macro_export]
macro_rules! with_codes {
    ($codes:expr, $slice:ident => $body:expr) => {
        match $codes {
            $crate::Codes::U8(b) => {
                let $slice: &[u8] = b;
                $body
            }
            $crate::Codes::U16(b) => {
                let $slice: &[u16] = b;
                $body
            }
            $crate::Codes::U32(b) => {
                let $slice: &[u32] = b;
                $body
            }
        }
    };
}

impl Codes {
    /// Rows.
    pub fn len(&self) -> usize {
        with_codes!(self, c => c.len())
    }

    /// True without rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of one code.
    pub fn width(&self) -> usize {
        match self {
            Codes::U8(_) => 1,
            Codes::U16(_) => 2,
            Codes::U32(_) => 4,
        }
    }

    /// The code of a row.
    pub fn get(&self, row: usize) -> usize {
        match self {
            Codes::U8(b) => usize::from(b[row]),
            Codes::U16(b) => usize::from(b[row]),
            Codes::U32(b) => b[row] as usize,
        }
    }

    /// Codes of `rows`.
    #[must_use]
    pub fn take(&self, rows: &[u32]) -> Codes {
        match self {
            Codes::U8(b) => Codes::U8(rows.iter().map(|r| b[*r as usize]).collect()),
            Codes::U16(b) => Codes::U16(rows.iter().map(|r| b[*r as usize]).collect()),
            Codes::U32(b) => Codes::U32(rows.iter().map(|r| b[*r as usize]).collect()),
        }
    }

    /// Rows `offset..offset + len`, without copying.
    #[must_use]
    pub fn slice(&self, offset: usize, len: usize) -> Codes {
        match self {
            Codes::U8(b) => Codes::U8(b.slice(offset, len)),
            Codes::U16(b) => Codes::U16(b.slice(offset, len)),
            Codes::U32(b) => Codes::U32(b.slice(offset, len)),
        }
    }

    /// All codes, widened.
    pub fn to_u32(&self) -> ScalarBuffer<u32> {
        match self {
            Codes::U8(b) => b.iter().map(|c| u32::from(*c)).collect(),
            Codes::U16(b) => b.iter().map(|c| u32::from(*c)).collect(),
            Codes::U32(b) => b.clone(),
        }
    }
}

impl From<Vec<u8>> for Codes {
    fn from(v: Vec<u8>) -> Self {
        Codes::U8(v.into())
    }
}
impl From<Vec<u16>> for Codes {
    fn from(v: Vec<u16>) -> Self {
        Codes::U16(v.into())
    }
}
impl From<Vec<u32>> for Codes {
    fn from(v: Vec<u32>) -> Self {
        Codes::U32(v.into())
    }
}
