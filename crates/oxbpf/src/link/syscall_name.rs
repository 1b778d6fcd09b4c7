//! What the kernel calls the function behind a system call.
//!
//! `SYSCALL_DEFINE` gives the entry point of `execve` another symbol on each architecture: those with syscall wrappers
//! (`CONFIG_ARCH_HAS_SYSCALL_WRAPPER`) put their own name in front and pass the registers as the only argument.

/// Architecture (as [`std::env::consts::ARCH`] has it), and what stands before a system call's name there.
const WRAPPERS: &[(&str, &[&str])] = &[
    ("x86_64", &["__x64_sys_"]),
    ("x86", &["__ia32_sys_"]),
    ("aarch64", &["__arm64_sys_"]),
    ("s390x", &["__s390x_sys_", "__s390_sys_"]),
    ("riscv64", &["__riscv_sys_"]),
    ("riscv32", &["__riscv_sys_"]),
    ("arm", &[]),
    ("powerpc64", &[]),
    ("powerpc", &[]),
    ("loongarch64", &[]),
    ("mips", &[]),
    ("mips64", &[]),
];

/// What kernels without syscall wrappers put there.
const PLAIN: &[&str] = &["sys_", "__se_sys_"];

/// The symbols of the system call `name` (without any prefix) on `arch`, likeliest first.
pub(crate) fn symbols_of(name: &str, arch: &str) -> Vec<String> {
    let plain = PLAIN.iter().map(|prefix| format!("{prefix}{name}"));
    wrapped(name, arch).chain(plain).collect()
}

/// Those symbols of a system call that only a wrapper has.
pub(crate) fn wrapped(name: &str, arch: &str) -> impl Iterator<Item = String> {
    let of_arch = WRAPPERS.iter().filter(move |(a, _)| *a == arch);
    of_arch
        .flat_map(|(_, prefixes)| *prefixes)
        .map(move |prefix| format!("{prefix}{name}"))
}

/// The bare name of the system call that `function` is the entry point of, on whichever architecture: `execve` for
/// `sys_execve` or `__arm64_sys_execve`. Other names are left as they are, whether they are system calls or not.
///
/// ```
/// use oxbpf::link::system_call;
///
/// assert_eq!(system_call("__x64_sys_execve"), "execve");
/// assert_eq!(system_call("do_exit"), "do_exit");
/// ```
#[must_use]
pub fn system_call(function: &str) -> &str {
    let wrapped = WRAPPERS.iter().flat_map(|(_, prefixes)| *prefixes);
    wrapped
        .chain(&PLAIN[..1])
        .find_map(|prefix| function.strip_prefix(prefix))
        .unwrap_or(function)
}

/// The symbols that `function` may stand for on `arch` besides itself, likeliest first: those of the system call that it
/// names in the way of some architecture (`__arm64_sys_execve`), of none (`sys_execve`), or bare (`execve`).
pub(crate) fn alternatives(function: &str, arch: &str) -> Vec<String> {
    if !function
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b == b'_')
    {
        return Vec::new();
    }
    let mut symbols = symbols_of(system_call(function), arch);
    symbols.retain(|symbol| symbol != function);
    symbols
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_system_call_has_many_spellings() {
        for spelling in [
            "execve",
            "sys_execve",
            "__arm64_sys_execve",
            "__s390_sys_execve",
        ] {
            assert_eq!(
                alternatives(spelling, "x86_64")[0],
                "__x64_sys_execve",
                "{spelling}"
            );
        }
        assert_eq!(
            alternatives("__x64_sys_execve", "aarch64")[0],
            "__arm64_sys_execve"
        );
        assert_eq!(
            alternatives("sys_execve", "s390x"),
            ["__s390x_sys_execve", "__s390_sys_execve", "__se_sys_execve"]
        );
        assert_eq!(alternatives("execve", "riscv64")[0], "__riscv_sys_execve");
        assert_eq!(
            alternatives("__x64_sys_execve", "powerpc64")[0],
            "sys_execve"
        );
    }

    #[test]
    fn never_tries_the_same_name_again() {
        for (arch, _) in WRAPPERS {
            for spelling in ["execve", "sys_execve", "__x64_sys_execve"] {
                assert!(!alternatives(spelling, arch).iter().any(|a| a == spelling));
            }
        }
    }

    #[test]
    fn other_names_stand_for_themselves() {
        assert!(alternatives("tcp_v4_connect.isra.0", "x86_64").is_empty());
        assert!(alternatives("ext4:ext4_sync_file", "x86_64").is_empty());
    }
}
