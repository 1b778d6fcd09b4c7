//! A hash for names, of which a header has a hundred thousand.
//!
//! The standard one takes a tenth of the time that the whole header takes. This one is seeded as that is, so that nobody can choose
//! names that collide, and folds products, so that every bit of a name counts in every bit of its hash.

use std::hash::{BuildHasher, Hasher, RandomState};

/// Odd, and with no pattern in its bits: the fraction of the golden ratio.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// The seed of one table.
#[derive(Debug, Clone)]
pub(super) struct NameHash {
    seed: u64,
}

impl Default for NameHash {
    fn default() -> NameHash {
        NameHash {
            seed: RandomState::new().hash_one(FACTOR),
        }
    }
}

impl BuildHasher for NameHash {
    type Hasher = NameHasher;

    fn build_hasher(&self) -> NameHasher {
        NameHasher {
            seed: self.seed,
            hash: self.seed,
        }
    }
}

#[derive(Debug)]
pub(super) struct NameHasher {
    seed: u64,
    hash: u64,
}

impl NameHasher {
    fn add(&mut self, word: u64) {
        let product = u128::from(self.hash ^ word).wrapping_mul(u128::from(self.seed | 1));
        self.hash = (product as u64) ^ ((product >> 64) as u64) ^ FACTOR;
    }
}

impl Hasher for NameHasher {
    fn write(&mut self, bytes: &[u8]) {
        let words = bytes.chunks_exact(8);
        let rest = words.remainder();
        for word in words {
            self.add(word.try_into().map_or(0, u64::from_le_bytes));
        }
        let rest = rest
            .iter()
            .rev()
            .fold(0, |word, byte| word << 8 | u64::from(*byte));
        self.add(rest ^ (bytes.len() as u64) << 56);
    }

    // The length of a slice, which is in what `write` does with it.
    fn write_usize(&mut self, _: usize) {}

    fn write_u32(&mut self, number: u32) {
        self.add(number.into());
    }

    fn finish(&self) -> u64 {
        self.hash
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_that_are_nearly_the_same_spread_over_all_buckets() {
        let hash = NameHash::default();
        let names: Vec<String> = (0..4096).map(|n| format!("__u{n:04}_field")).collect();
        for shift in [0, 7, 20, 52] {
            let buckets: HashSet<u64> = names
                .iter()
                .map(|name| (hash.hash_one(name.as_bytes()) >> shift) & 4095)
                .collect();
            // As many as chance would have: 63 of 100.
            assert!(buckets.len() > 2300, "{} of 4096 at {shift}", buckets.len());
        }
        let ends: HashSet<u64> = ["", "\0", "\0\0", "a", "a\0", "aaaaaaaa", "aaaaaaaa\0"]
            .map(|name| hash.hash_one(name.as_bytes()))
            .into();
        assert_eq!(ends.len(), 7);
        assert_ne!(
            hash.hash_one(b"name".as_slice()),
            NameHash::default().hash_one(b"name".as_slice())
        );
    }
}
