//! The Mersenne Twister MT19937, seeded and read as Apache Commons Math does, so that `shuffle` with a seed gives
//! Spark's order. Reference: Matsumoto and Nishimura, 1998.

const N: usize = 624;
const M: usize = 397;

/// A stream of random numbers.
pub(super) struct MersenneTwister {
    state: [u32; N],
    next: usize,
}

impl MersenneTwister {
    /// A stream for a seed.
    pub(super) fn new(seed: i64) -> Self {
        let key = [(seed as u64 >> 32) as u32, seed as u32];
        let mut state = [0_u32; N];
        state[0] = 19_650_218;
        for i in 1..N {
            let mixed = state[i - 1] ^ (state[i - 1] >> 30);
            state[i] = 1_812_433_253_u32.wrapping_mul(mixed).wrapping_add(i as u32);
        }
        let mut i = 1;
        let advance = |state: &mut [u32; N], i: &mut usize| {
            *i += 1;
            if *i >= N {
                state[0] = state[N - 1];
                *i = 1;
            }
        };
        for k in 0..N {
            let j = k % key.len();
            let mixed = (state[i - 1] ^ (state[i - 1] >> 30)).wrapping_mul(1_664_525);
            state[i] = (state[i] ^ mixed).wrapping_add(key[j]).wrapping_add(j as u32);
            advance(&mut state, &mut i);
        }
        for _ in 1..N {
            let mixed = (state[i - 1] ^ (state[i - 1] >> 30)).wrapping_mul(1_566_083_941);
            state[i] = (state[i] ^ mixed).wrapping_sub(i as u32);
            advance(&mut state, &mut i);
        }
        state[0] = 0x8000_0000;
        Self { state, next: N }
    }

    /// 31 random bits.
    fn bits(&mut self) -> u32 {
        if self.next >= N {
            for k in 0..N {
                let y = (self.state[k] & 0x8000_0000) | (self.state[(k + 1) % N] & 0x7fff_ffff);
                let twist = if y & 1 == 1 { 0x9908_b0df } else { 0 };
                self.state[k] = self.state[(k + M) % N] ^ (y >> 1) ^ twist;
            }
            self.next = 0;
        }
        let mut y = self.state[self.next];
        self.next += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^= y >> 18;
        y >> 1
    }

    /// A number below `bound`, which must not be 0.
    pub(super) fn below(&mut self, bound: u32) -> u32 {
        if bound.is_power_of_two() {
            return ((u64::from(bound) * u64::from(self.bits())) >> 31) as u32;
        }
        loop {
            let bits = self.bits();
            let value = bits % bound;
            // The last, incomplete run of `bound` numbers would favour small ones.
            if bits - value + (bound - 1) < 1 << 31 {
                return value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_commons_math() {
        // Inside-out shuffle of 1 to 10, as Spark's `shuffle(sequence(1, 10), 5)` does it.
        let mut random = MersenneTwister::new(5);
        let mut order = vec![0; 10];
        for i in 0..10_usize {
            let j = random.below(i as u32 + 1) as usize;
            order[i] = order[j];
            order[j] = i + 1;
        }
        assert_eq!(order, [6, 1, 8, 2, 3, 5, 7, 9, 10, 4]);
    }
}
