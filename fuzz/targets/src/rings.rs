//! Memory that is shared with the kernel.

use oxbpf::fuzz::Memory;

thread_local! {
    static MEMORY: Memory = Memory::new().expect("memory for a ring");
}

/// Takes two words off the front of an input.
fn words(input: &[u8]) -> (u64, u64, &[u8]) {
    let mut word = [0; 16];
    let front = input.len().min(16);
    word[..front].copy_from_slice(&input[..front]);
    let number = u128::from_le_bytes(word);
    (number as u64, (number >> 64) as u64, &input[front..])
}

pub(crate) fn ring(input: &[u8]) {
    let (read, distance, data) = words(input);
    // Mostly positions that can be.
    let read = if distance & 1 << 62 == 0 {
        read & !7
    } else {
        read
    };
    let distance = match distance >> 63 {
        0 => distance & 0x1ff8,
        _ => distance,
    };
    let (count, bytes) = MEMORY
        .with(|memory| memory.ring(read, read.wrapping_add(distance), data))
        .expect("mapping");
    assert!(count * 8 + bytes <= 4096, "more than there is room for");
}

pub(crate) fn perf(input: &[u8]) {
    let (written, _, data) = words(input);
    let written = match written >> 63 {
        0 => written & 0x1ff8,
        _ => written,
    };
    let (count, bytes) = MEMORY
        .with(|memory| memory.perf(written, data))
        .expect("mapping");
    assert!(
        count * 16 <= 4096 && bytes <= 4096,
        "more than there is room for"
    );
}
