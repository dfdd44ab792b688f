//! The items whose frequency is counted, with Java's hash codes and the bytes of Java's serializers.

use std::num::NonZeroU8;

use rsql_expr::SqlType;

/// What a sketch counts. Numbers of all widths, days, and micro- or nanoseconds are integers; floating-point numbers
/// are their bits with one NaN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    Bits(i64),
    Decimal(i128),
    Text(Box<str>),
}

/// The Java class of a sketch's items; it decides hash codes and bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Boolean,
    Byte,
    Short,
    Int,
    Long,
    Float,
    Double,
    Text,
    /// Precision and scale.
    Decimal(NonZeroU8, i8),
}

impl Kind {
    /// The kind of a column's items; `None` for types that cannot be counted.
    pub(super) fn of(ty: &SqlType) -> Option<Self> {
        Some(match ty {
            SqlType::Boolean => Self::Boolean,
            SqlType::Byte => Self::Byte,
            SqlType::Short => Self::Short,
            SqlType::Int | SqlType::Date => Self::Int,
            SqlType::Long | SqlType::Timestamp | SqlType::TimestampNtz | SqlType::Time(_) => Self::Long,
            SqlType::Float => Self::Float,
            SqlType::Double => Self::Double,
            SqlType::Decimal(p, s) => Self::Decimal(NonZeroU8::new(*p)?, *s),
            ty if ty.is_string() => Self::Text,
            _ => return None,
        })
    }

    /// `hashCode` of an item.
    pub(super) fn hash_code(self, item: &Item) -> i32 {
        match item {
            Item::Text(text) => text.encode_utf16().fold(0i32, |hash, unit| {
                hash.wrapping_mul(31).wrapping_add(i32::from(unit as i16) & 0xffff)
            }),
            Item::Decimal(unscaled) => match self {
                Self::Decimal(_, scale) => super::decimal_hash::of(*unscaled, scale),
                _ => fold(*unscaled as i64),
            },
            Item::Bits(bits) => match self {
                Self::Boolean if *bits != 0 => 1231,
                Self::Boolean => 1237,
                Self::Long | Self::Double => fold(*bits),
                _ => *bits as i32,
            },
        }
    }

    /// Appends the bytes of items, as Java's serializer of the class does.
    pub(super) fn write<'a>(self, items: impl ExactSizeIterator<Item = &'a Item>, out: &mut Vec<u8>) {
        if self == Self::Boolean {
            let start = out.len();
            out.resize(start + items.len().div_ceil(8), 0);
            for (i, item) in items.enumerate() {
                out[start + i / 8] |= u8::from(*item != Item::Bits(0)) << (i % 8);
            }
            return;
        }
        for item in items {
            match item {
                Item::Text(text) => {
                    out.extend((text.len() as u32).to_le_bytes());
                    out.extend(text.as_bytes());
                }
                Item::Decimal(v) => self.write_decimal(*v, out),
                Item::Bits(bits) => self.write_number(*bits, out),
            }
        }
    }

    fn write_decimal(self, v: i128, out: &mut Vec<u8>) {
        match self {
            Self::Decimal(p, _) if p.get() <= 9 => Self::Int.write_number(v as i64, out),
            Self::Decimal(p, _) if p.get() <= 18 => out.extend((v as i64).to_le_bytes()),
            _ => {
                // As few bytes as the sign leaves.
                let bits = 128 - if v < 0 { v.leading_ones() } else { v.leading_zeros() } + 1;
                let bytes = v.to_be_bytes();
                let shortest = &bytes[16 - bits.div_ceil(8) as usize..];
                out.extend((shortest.len() as u32).to_le_bytes());
                out.extend(shortest);
            }
        }
    }

    /// Small numbers are stored with a byte for their class.
    fn write_number(self, v: i64, out: &mut Vec<u8>) {
        match self {
            Self::Byte => out.extend([BYTE, v as u8]),
            Self::Short => {
                out.push(SHORT);
                out.extend((v as i16).to_le_bytes());
            }
            Self::Int => {
                out.push(INT);
                out.extend((v as i32).to_le_bytes());
            }
            Self::Float => {
                out.push(FLOAT);
                out.extend((v as i32).to_le_bytes());
            }
            _ => out.extend(v.to_le_bytes()),
        }
    }

    /// Reads `n` items; `None` if the bytes are not theirs.
    pub(super) fn read(self, mut bytes: &[u8], n: usize) -> Option<Vec<Item>> {
        if self == Self::Boolean {
            let packed = bytes.get(..n.div_ceil(8))?;
            return Some(
                (0..n)
                    .map(|i| Item::Bits(i64::from(packed[i / 8] >> (i % 8) & 1)))
                    .collect(),
            );
        }
        // An item takes a byte at least.
        let mut items = Vec::with_capacity(n.min(bytes.len()));
        for _ in 0..n {
            items.push(self.read_one(&mut bytes)?);
        }
        Some(items)
    }

    fn read_one(self, bytes: &mut &[u8]) -> Option<Item> {
        Some(match self {
            Self::Text => {
                let n = u32::from_le_bytes(take(bytes)?) as usize;
                let (text, rest) = bytes.split_at_checked(n)?;
                *bytes = rest;
                Item::Text(std::str::from_utf8(text).ok()?.into())
            }
            Self::Decimal(p, _) if p.get() <= 9 => Item::Decimal(number(bytes, INT)?.into()),
            Self::Decimal(p, _) if p.get() <= 18 => Item::Decimal(i64::from_le_bytes(take(bytes)?).into()),
            Self::Decimal(..) => {
                let n = u32::from_le_bytes(take(bytes)?) as usize;
                let (value, rest) = bytes.split_at_checked(n).filter(|_| (1..=16).contains(&n))?;
                *bytes = rest;
                let sign = if value[0] & 0x80 == 0 { 0 } else { -1 };
                Item::Decimal(value.iter().fold(sign, |v, b| v << 8 | i128::from(*b)))
            }
            Self::Byte => Item::Bits(number(bytes, BYTE)?.into()),
            Self::Short => Item::Bits(number(bytes, SHORT)?.into()),
            Self::Int => Item::Bits(number(bytes, INT)?.into()),
            Self::Float => Item::Bits(number(bytes, FLOAT)?.into()),
            Self::Boolean | Self::Long | Self::Double => Item::Bits(i64::from_le_bytes(take(bytes)?)),
        })
    }
}

const BYTE: u8 = 2;
const SHORT: u8 = 3;
const FLOAT: u8 = 6;
const INT: u8 = 9;

/// A number after its class byte.
fn number(bytes: &mut &[u8], class: u8) -> Option<i32> {
    let [found] = take::<1>(bytes)?;
    if found != class {
        return None;
    }
    Some(match class {
        BYTE => i8::from_le_bytes(take(bytes)?).into(),
        SHORT => i16::from_le_bytes(take(bytes)?).into(),
        _ => i32::from_le_bytes(take(bytes)?),
    })
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*first)
}

/// `Long.hashCode`
pub(super) fn fold(v: i64) -> i32 {
    (v ^ (v as u64 >> 32) as i64) as i32
}
