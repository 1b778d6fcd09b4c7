//! Making inputs of other inputs.
//!
//! A mutator that knows the format changes what readers decide by, and leaves the rest whole, so that what it makes
//! gets past the first check.

pub mod btf;
pub mod elf;
pub mod pair;
mod random;
pub mod text;

pub use random::Random;

/// Changes an input in place, if only a little.
pub type Mutator = fn(&mut Vec<u8>, &mut Random);

/// Makes the mutant of this number out of the seeds: always the same one.
pub fn mutant(name: &str, number: u64, seeds: &[Vec<u8>], mutate: Mutator, mutant: &mut Vec<u8>) {
    let mut random = Random::new(name, number);
    mutant.clear();
    if let Some(seed) = random.pick(seeds) {
        mutant.extend_from_slice(seed);
    }
    mutate(mutant, &mut random);
    while !random.one_in(3) {
        mutate(mutant, &mut random);
    }
}

/// How long inputs may get.
const MAX_LEN: usize = 1 << 16;

/// Changes some bytes, whatever they are.
pub fn bytes(input: &mut Vec<u8>, random: &mut Random) {
    if input.is_empty() {
        input.push(random.number() as u8);
    }
    let at = random.below(input.len());
    match random.below(8) {
        0 => input[at] ^= 1 << random.below(8),
        1 => input[at] = random.nasty() as u8,
        2 => {
            input[at] = input[at]
                .wrapping_add(random.below(9) as u8)
                .wrapping_sub(4)
        }
        3 => put(input, at & !3, &(random.nasty() as u32).to_le_bytes()),
        4 => put(input, at & !7, &random.nasty().to_le_bytes()),
        5 => copy_within(input, random),
        6 => input.truncate(at),
        _ if input.len() < MAX_LEN => {
            let len = random.below(16);
            let from = random.below(input.len().saturating_sub(len));
            let part: Vec<u8> = input[from..].iter().copied().take(len).collect();
            input.splice(at..at, part);
        }
        _ => {}
    }
}

/// Overwrites a part with another one.
fn copy_within(input: &mut [u8], random: &mut Random) {
    let align = [!0, !3, !7][random.below(3)];
    let len = random.below(32.min(input.len() + 1));
    let from = random.below(input.len() - len + 1) & align;
    let to = random.below(input.len() - len + 1) & align;
    input.copy_within(from..from + len, to);
}

/// Overwrites what is at an offset, as far as there is something.
fn put(input: &mut [u8], at: usize, value: &[u8]) {
    for (old, new) in input.iter_mut().skip(at).zip(value) {
        *old = *new;
    }
}

/// Changes one of two inputs that are packed into one.
pub fn one_of_pair(input: &mut Vec<u8>, random: &mut Random, one: Mutator, other: Mutator) {
    let (first, second) = pair::split(input);
    let (mut first, mut second) = (first.to_vec(), second.to_vec());
    match random.below(16) {
        0 => std::mem::swap(&mut first, &mut second),
        1 => second.clone_from(&first),
        n if n % 2 == 0 => one(&mut first, random),
        _ => other(&mut second, random),
    }
    *input = pair::join(&first, &second);
}

/// Changes a word of four bytes, in either byte order.
pub fn words(input: &mut Vec<u8>, random: &mut Random) {
    let count = input.len() / 4;
    if count == 0 || random.one_in(16) {
        return bytes(input, random);
    }
    let at = 4 * random.below(count);
    let value = random.nasty() as u32;
    let old = input[at..at + 4].to_vec();
    match random.below(4) {
        0 => put(input, at, &value.to_be_bytes()),
        1 => put(input, at, &value.to_le_bytes()),
        2 => put(input, at, &[old[0].wrapping_add(value as u8)]),
        _ => put(input, at + 3, &[old[3].wrapping_add(value as u8)]),
    }
}
