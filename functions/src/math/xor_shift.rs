//! Spark's random numbers: a xor-shift generator whose seed is scrambled by MurmurHash3.

/// The generator behind `rand(seed)` and its like.
#[derive(Debug, Clone)]
pub(crate) struct XorShift {
    seed: i64,
    gaussian: Option<f64>,
}

impl XorShift {
    pub(crate) fn new(seed: i64) -> Self {
        let bytes = seed.to_be_bytes();
        let low = murmur3(&bytes, 0x3c07_4a61);
        let high = murmur3(&bytes, low);
        Self {
            seed: i64::from(high as i32) << 32 | i64::from(low),
            gaussian: None,
        }
    }

    /// The next `bits` bits.
    pub(crate) fn next(&mut self, bits: u32) -> i32 {
        let mut s = self.seed ^ (self.seed << 21);
        s ^= (s as u64 >> 35) as i64;
        s ^= s << 4;
        self.seed = s;
        (s & ((1i64 << bits) - 1)) as i32
    }

    /// Uniform in [0, 1).
    pub(crate) fn next_double(&mut self) -> f64 {
        let high = i64::from(self.next(26)) << 27;
        let low = i64::from(self.next(27));
        (high + low) as f64 * (-53f64).exp2()
    }

    /// Normally distributed, by the polar method.
    pub(crate) fn next_gaussian(&mut self) -> f64 {
        if let Some(g) = self.gaussian.take() {
            return g;
        }
        loop {
            let a = 2.0 * self.next_double() - 1.0;
            let b = 2.0 * self.next_double() - 1.0;
            let s = a * a + b * b;
            if s < 1.0 && s != 0.0 {
                let factor = (-2.0 * s.ln() / s).sqrt();
                self.gaussian = Some(b * factor);
                return a * factor;
            }
        }
    }
}

/// MurmurHash3, 32 bits.
fn murmur3(bytes: &[u8], seed: u32) -> u32 {
    let mix = |k: u32| k.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593);
    let (words, rest) = bytes.as_chunks::<4>();
    let mut h = words.iter().fold(seed, |h, w| {
        (h ^ mix(u32::from_le_bytes(*w)))
            .rotate_left(13)
            .wrapping_mul(5)
            .wrapping_add(0xe654_6b64)
    });
    if !rest.is_empty() {
        let mut last = [0; 4];
        last[..rest.len()].copy_from_slice(rest);
        h ^= mix(u32::from_le_bytes(last));
    }
    h ^= bytes.len() as u32;
    h ^= h >> 16;
    h = h.wrapping_mul(0x85eb_ca6b);
    h ^= h >> 13;
    h = h.wrapping_mul(0xc2b2_ae35);
    h ^ (h >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sparks_sequence() {
        assert_eq!(XorShift::new(0).next_double(), 0.7604953758285915);
        assert_eq!(XorShift::new(0).next_gaussian(), 1.6034991609278433);
    }
}
