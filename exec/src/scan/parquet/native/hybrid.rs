//! Runs and bit-packed groups: how dictionary codes, levels and booleans are stored.

use rsql_common::{Error, Result};

/// An unsigned number that codes are unpacked to.
pub(super) trait Code: Copy + Default {
    /// Low bits of a code.
    fn from_u32(v: u32) -> Self;
}

impl Code for u8 {
    fn from_u32(v: u32) -> Self {
        v as u8
    }
}
impl Code for u16 {
    fn from_u32(v: u32) -> Self {
        v as u16
    }
}
impl Code for u32 {
    fn from_u32(v: u32) -> Self {
        v
    }
}

/// Reads values of a fixed bit width.
pub(super) struct HybridDecoder<'a> {
    data: &'a [u8],
    bits: usize,
    run: Run<'a>,
}

enum Run<'a> {
    /// The same value so many times more.
    Repeated { value: u32, left: usize },
    /// Packed values: bytes, next position, number of values.
    Packed { bytes: &'a [u8], at: usize, len: usize },
}

fn damaged() -> Error {
    Error::user("FAILED_READ_FILE.NO_HINT").with_message("a page's runs are damaged")
}

impl<'a> HybridDecoder<'a> {
    pub fn new(data: &'a [u8], bits: usize) -> Result<Self> {
        if bits > 32 {
            return Err(damaged());
        }
        Ok(Self {
            data,
            bits,
            run: Run::Repeated { value: 0, left: 0 },
        })
    }

    /// Loads the next run if the current one is used up.
    fn refill(&mut self) -> Result<()> {
        let used_up = match &self.run {
            Run::Repeated { left, .. } => *left == 0,
            Run::Packed { at, len, .. } => at == len,
        };
        if !used_up {
            return Ok(());
        }
        let mut head = 0u64;
        let mut at = 0;
        loop {
            let b = *self.data.get(at).ok_or_else(damaged)?;
            head |= u64::from(b & 0x7f) << (7 * at);
            at += 1;
            if b & 0x80 == 0 {
                break;
            }
            if at > 4 {
                return Err(damaged());
            }
        }
        let n = (head >> 1) as usize;
        if head & 1 == 1 {
            // The last group may be cut short by some writers.
            let bytes = (n * self.bits).min(self.data.len() - at);
            let len = (bytes * 8).checked_div(self.bits).map_or(n * 8, |fit| fit.min(n * 8));
            self.run = Run::Packed {
                bytes: &self.data[at..at + bytes],
                at: 0,
                len,
            };
            self.data = &self.data[at + bytes..];
            if len == 0 {
                return Err(damaged());
            }
        } else {
            let width = self.bits.div_ceil(8);
            let bytes = self.data.get(at..at + width).ok_or_else(damaged)?;
            let mut value = [0u8; 4];
            value[..width].copy_from_slice(bytes);
            self.run = Run::Repeated {
                value: u32::from_le_bytes(value),
                left: n,
            };
            self.data = &self.data[at + width..];
            if n == 0 {
                return self.refill();
            }
        }
        Ok(())
    }

    /// Passes over `n` values.
    pub fn skip(&mut self, mut n: usize) -> Result<()> {
        while n > 0 {
            self.refill()?;
            let step = match &mut self.run {
                Run::Repeated { left, .. } => {
                    let step = n.min(*left);
                    *left -= step;
                    step
                }
                Run::Packed { at, len, .. } => {
                    let step = n.min(*len - *at);
                    *at += step;
                    step
                }
            };
            n -= step;
        }
        Ok(())
    }

    /// Fills `out`.
    pub fn read<T: Code>(&mut self, out: &mut [T]) -> Result<()> {
        let mut done = 0;
        while done < out.len() {
            self.refill()?;
            let bits = self.bits;
            match &mut self.run {
                Run::Repeated { value, left } => {
                    let n = (out.len() - done).min(*left);
                    out[done..done + n].fill(T::from_u32(*value));
                    *left -= n;
                    done += n;
                }
                Run::Packed { bytes, at, len } => {
                    let n = (out.len() - done).min(*len - *at);
                    unpack(bytes, bits, *at, &mut out[done..done + n]);
                    *at += n;
                    done += n;
                }
            }
        }
        Ok(())
    }

    /// The run at the front, if it is one value for at least `n` more values.
    pub fn repeats(&mut self, n: usize) -> Result<Option<u32>> {
        if n == 0 {
            return Ok(None);
        }
        self.refill()?;
        Ok(match &self.run {
            Run::Repeated { value, left } if *left >= n => Some(*value),
            _ => None,
        })
    }
}

/// Values `from..from + out.len()` of a packed run.
fn unpack<T: Code>(bytes: &[u8], bits: usize, from: usize, out: &mut [T]) {
    if bits == 0 {
        out.fill(T::default());
        return;
    }
    let mut buffer = [0u32; 32];
    let block_bytes = 4 * bits;
    let mut block = from / 32;
    let mut inside = from % 32;
    let mut done = 0;
    while done < out.len() {
        if inside == 0 {
            let n = whole_blocks(bytes, bits, block, &mut out[done..]);
            done += n * 32;
            block += n;
            if done == out.len() {
                return;
            }
        }
        let start = block * block_bytes;
        match bytes.get(start..start + block_bytes) {
            Some(b) => unpack_block(b, bits, &mut buffer),
            None => {
                let mut padded = [0u8; 128];
                let rest = bytes.get(start..).unwrap_or(&[]);
                padded[..rest.len()].copy_from_slice(rest);
                unpack_block(&padded[..block_bytes], bits, &mut buffer);
            }
        }
        let n = (32 - inside).min(out.len() - done);
        if n == 32 {
            let target = &mut out[done..done + 32];
            for (o, v) in target.iter_mut().zip(&buffer) {
                *o = T::from_u32(*v);
            }
        } else {
            for (o, v) in out[done..done + n].iter_mut().zip(&buffer[inside..]) {
                *o = T::from_u32(*v);
            }
        }
        done += n;
        block += 1;
        inside = 0;
    }
}

#[cfg(target_arch = "x86_64")]
use super::unpack_avx2::blocks as whole_blocks;

/// No faster way is known here.
#[cfg(not(target_arch = "x86_64"))]
fn whole_blocks<T: Code>(_: &[u8], _: usize, _: usize, _: &mut [T]) -> usize {
    0
}

/// 32 values from `4 * bits` bytes.
fn unpack_block(bytes: &[u8], bits: usize, out: &mut [u32; 32]) {
    macro_rules! dispatch {
        ($($n:literal)*) => {
            match bits {
                $($n => unpack_const::<$n>(bytes, out),)*
                _ => {}
            }
        };
    }
    dispatch!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32);
}

/// The compiler unrolls this for each width.
#[inline(always)]
fn unpack_const<const BITS: usize>(bytes: &[u8], out: &mut [u32; 32]) {
    let mut words = [0u32; 33];
    for (w, b) in words[..BITS].iter_mut().zip(bytes.chunks_exact(4)) {
        *w = u32::from_le_bytes([b[0], b[1], b[2], b[3]]);
    }
    let mask = u32::MAX >> (32 - BITS);
    for (i, o) in out.iter_mut().enumerate() {
        let bit = i * BITS;
        let (word, shift) = (bit / 32, bit % 32);
        let pair = u64::from(words[word]) | u64::from(words[word + 1]) << 32;
        *o = (pair >> shift) as u32 & mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(values: &[u32], bits: usize) -> Vec<u8> {
        let groups = values.len().div_ceil(8);
        let mut out = vec![(groups << 1 | 1) as u8];
        let mut bytes = vec![0u8; groups * bits];
        for (i, v) in values.iter().enumerate() {
            for b in 0..bits {
                if v >> b & 1 == 1 {
                    let at = i * bits + b;
                    bytes[at / 8] |= 1 << (at % 8);
                }
            }
        }
        out.append(&mut bytes);
        out
    }

    #[test]
    fn every_width_with_skips() {
        for bits in 1..=32usize {
            let mask = u32::MAX >> (32 - bits);
            let values: Vec<u32> = (0..104u32).map(|i| i.wrapping_mul(2_654_435_761) & mask).collect();
            let mut data = packed(&values, bits);
            // A run of 50 times the value 1 behind it.
            data.push(50 << 1);
            data.extend(&1u32.to_le_bytes()[..bits.div_ceil(8)]);
            let mut all = values.clone();
            all.extend([1; 50]);
            for (skip, n) in [(0, 154), (5, 60), (33, 1), (100, 20), (110, 44)] {
                let mut d = HybridDecoder::new(&data, bits).unwrap();
                d.skip(skip).unwrap();
                let mut out = vec![0u32; n];
                d.read(&mut out).unwrap();
                assert_eq!(out, &all[skip..skip + n], "{bits} bits, skip {skip}");
            }
            assert!(HybridDecoder::new(&data, bits).unwrap().skip(155).is_err());
        }
    }
}
