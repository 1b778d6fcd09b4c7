//! Numbers that look random, and are the same each time.

/// SplitMix64.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The sequence that belongs to a text and a number.
    #[must_use]
    pub fn new(text: &str, number: u64) -> Self {
        // FNV-1a.
        let seed = text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(seed ^ number.wrapping_mul(0x2545_f491_4f6c_dd1d))
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`; 0 if that is 0.
    pub fn below(&mut self, limit: usize) -> usize {
        ((u128::from(self.number()) * limit as u128) >> 64) as usize
    }

    /// Whether something happens that does so once in `n` times.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// One of some things, if there are any.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len()))
    }

    /// A number of the kind that goes wrong: small, huge, near a power of two.
    pub fn nasty(&mut self) -> u64 {
        match self.below(8) {
            0 => self.below(4) as u64,
            1 => self.below(256) as u64,
            2 => self.below(1 << 16) as u64,
            3 => u64::MAX >> self.below(64),
            4 => 1 << self.below(64),
            5 => (1u64 << self.below(64)).wrapping_sub(1 + self.below(8) as u64),
            6 => 8 * self.below(64) as u64,
            _ => self.number(),
        }
    }
}
