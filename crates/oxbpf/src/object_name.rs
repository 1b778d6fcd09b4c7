//! Names as the kernel takes them for maps and programs.

/// `BPF_OBJ_NAME_LEN`, of which the last byte is NUL.
const LEN: usize = 16;

/// The first 15 bytes of a name, with an underscore for every byte but ASCII letters, digits,
/// underscores and dots: the kernel refuses all others. Linux 4.15; dots 5.1.
#[doc(alias = "BPF_OBJ_NAME_LEN")]
pub(crate) fn kernel_name(name: &str) -> [u8; LEN] {
    let mut kernel = [0; LEN];
    for (to, from) in kernel[..LEN - 1].iter_mut().zip(name.bytes()) {
        *to = match from {
            b'.' | b'_' => from,
            _ if from.is_ascii_alphanumeric() => from,
            _ => b'_',
        };
    }
    kernel
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_the_kernel_takes() {
        assert_eq!(&kernel_name("exec_count")[..11], b"exec_count\0");
        assert_eq!(&kernel_name("obj.rodata.7")[..13], b"obj.rodata.7\0");
    }

    #[test]
    fn replaces_what_it_does_not() {
        assert_eq!(&kernel_name("a-b c\0d")[..8], b"a_b_c_d\0");
        // One underscore for each byte of a character.
        assert_eq!(&kernel_name("z\u{e4}hl")[..6], b"z__hl\0");
    }

    #[test]
    fn leaves_room_for_the_nul() {
        assert_eq!(&kernel_name("exec_count_per_process"), b"exec_count_per_\0");
    }
}
