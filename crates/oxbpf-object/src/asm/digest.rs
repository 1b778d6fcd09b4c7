//! The hash that the kernel knows a program by.

use super::opcode::{class, mode, size};
use super::{Insn, encode, pseudo};
use crate::Endian;

/// What Linux 6.18 and newer compute of a program when it is loaded: the SHA-256 of its instructions, in the byte order of this
/// machine, as they were given to the kernel, but without the descriptors of maps, which differ from load to load. A map can be made
/// for a program of this hash alone, and the program's tag is its first 8 bytes.
///
/// ```
/// use oxbpf_object::asm::{self, R0, R1};
///
/// let of_map = |fd| asm::digest(&asm::program([asm::load_map(R1, fd), asm::mov(R0, 0), asm::exit()]));
/// assert_eq!(of_map(3), of_map(4));
/// ```
#[must_use]
#[doc(alias = "bpf_prog_calc_tag")]
pub fn digest(insns: &[Insn]) -> [u8; 32] {
    let mut stable = insns.to_vec();
    let mut is_second = false;
    for insn in &mut stable {
        let names_map = insn.code == class::LD | mode::IMM | size::DW
            && [pseudo::MAP_FD, pseudo::MAP_VALUE].contains(&insn.src);
        let blank = Insn {
            imm: insn.imm,
            ..Insn::default()
        };
        let of_map = match is_second {
            true => *insn == blank,
            false => names_map,
        };
        if of_map {
            insn.imm = 0;
        }
        is_second = of_map && !is_second;
    }
    sha256(&encode(&stable, Endian::NATIVE))
}

/// The first 32 bits of the fractional parts of the square roots of the first 8 primes (FIPS 180-4, 5.3.3).
const START: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// Those of the cube roots of the first 64 primes (FIPS 180-4, 4.2.2).
const ROUNDS: [u32; 64] = [
    0x428a_2f98,
    0x7137_4491,
    0xb5c0_fbcf,
    0xe9b5_dba5,
    0x3956_c25b,
    0x59f1_11f1,
    0x923f_82a4,
    0xab1c_5ed5,
    0xd807_aa98,
    0x1283_5b01,
    0x2431_85be,
    0x550c_7dc3,
    0x72be_5d74,
    0x80de_b1fe,
    0x9bdc_06a7,
    0xc19b_f174,
    0xe49b_69c1,
    0xefbe_4786,
    0x0fc1_9dc6,
    0x240c_a1cc,
    0x2de9_2c6f,
    0x4a74_84aa,
    0x5cb0_a9dc,
    0x76f9_88da,
    0x983e_5152,
    0xa831_c66d,
    0xb003_27c8,
    0xbf59_7fc7,
    0xc6e0_0bf3,
    0xd5a7_9147,
    0x06ca_6351,
    0x1429_2967,
    0x27b7_0a85,
    0x2e1b_2138,
    0x4d2c_6dfc,
    0x5338_0d13,
    0x650a_7354,
    0x766a_0abb,
    0x81c2_c92e,
    0x9272_2c85,
    0xa2bf_e8a1,
    0xa81a_664b,
    0xc24b_8b70,
    0xc76c_51a3,
    0xd192_e819,
    0xd699_0624,
    0xf40e_3585,
    0x106a_a070,
    0x19a4_c116,
    0x1e37_6c08,
    0x2748_774c,
    0x34b0_bcb5,
    0x391c_0cb3,
    0x4ed8_aa4a,
    0x5b9c_ca4f,
    0x682e_6ff3,
    0x748f_82ee,
    0x78a5_636f,
    0x84c8_7814,
    0x8cc7_0208,
    0x90be_fffa,
    0xa450_6ceb,
    0xbef9_a3f7,
    0xc671_78f2,
];

/// FIPS 180-4, 6.2.
fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut padded = bytes.to_vec();
    let bits = (bytes.len() as u64).wrapping_mul(8);
    padded.push(0x80);
    while padded.len() % 64 != 56 {
        padded.push(0);
    }
    padded.extend(bits.to_be_bytes());
    let mut state = START;
    for block in padded.chunks_exact(64) {
        state = compress(state, block);
    }
    let mut hash = [0; 32];
    for (to, word) in hash.chunks_exact_mut(4).zip(state) {
        to.copy_from_slice(&word.to_be_bytes());
    }
    hash
}

fn compress(state: [u32; 8], block: &[u8]) -> [u32; 8] {
    // Of the words of the schedule, the 16 from that of the present round on.
    let mut window = [0_u32; 16];
    for (word, bytes) in window.iter_mut().zip(block.chunks_exact(4)) {
        *word = bytes
            .iter()
            .fold(0, |word, byte| word << 8 | u32::from(*byte));
    }
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = state;
    for constant in ROUNDS {
        let [word, w1, .., w9, _, _, _, _, w14, _] = window;
        let next = (w14.rotate_right(17) ^ w14.rotate_right(19) ^ w14 >> 10)
            .wrapping_add(w9)
            .wrapping_add(w1.rotate_right(7) ^ w1.rotate_right(18) ^ w1 >> 3)
            .wrapping_add(word);
        window.rotate_left(1);
        if let Some(last) = window.last_mut() {
            *last = next;
        }
        let first = h
            .wrapping_add(e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25))
            .wrapping_add(e & f ^ !e & g)
            .wrapping_add(constant)
            .wrapping_add(word);
        let second = (a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22))
            .wrapping_add(a & b ^ a & c ^ b & c);
        (h, g, f, e) = (g, f, e, d.wrapping_add(first));
        (d, c, b, a) = (c, b, a, first.wrapping_add(second));
    }
    let mut sum = state;
    for (word, more) in sum.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *word = word.wrapping_add(more);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::super::{R0, R1, exit, load_map, load_map_value, mov, program};
    use super::*;

    fn hex(bytes: [u8; 32]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The examples of FIPS 180-4, and a length that takes a block for the padding alone.
    #[test]
    fn hashes_are_those_of_the_standard() {
        for (text, hash) in [
            (
                "",
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            ),
            (
                "abc",
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
            ),
        ] {
            assert_eq!(hex(sha256(text.as_bytes())), hash);
        }
    }

    #[test]
    fn descriptors_do_not_count_but_all_else_does() {
        let of = |insns: [super::super::Op; 3]| digest(&program(insns));
        let map = |fd, value| of([load_map(R1, fd), mov(R0, value), exit()]);
        assert_eq!(map(3, 0), map(4, 0));
        assert_ne!(map(3, 0), map(3, 1));
        let value = |fd, offset| of([load_map_value(R1, fd, offset), mov(R0, 0), exit()]);
        assert_eq!(value(3, 8), value(4, 16));
        assert_ne!(value(3, 8), map(3, 0));
    }
}
