//! Two inputs in one: the length of the first, then both.

/// The two. Any bytes are two inputs.
#[must_use]
pub fn split(input: &[u8]) -> (&[u8], &[u8]) {
    let Some((len, rest)) = input.split_first_chunk() else {
        return (input, &[]);
    };
    let len = u32::from_le_bytes(*len) as usize;
    rest.split_at(len.min(rest.len()))
}

/// Packs two into one.
#[must_use]
pub fn join(first: &[u8], second: &[u8]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(4 + first.len() + second.len());
    joined.extend((first.len() as u32).to_le_bytes());
    joined.extend(first);
    joined.extend(second);
    joined
}
