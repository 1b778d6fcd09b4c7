//! What this thread may do.

use std::io::Error;

/// `_LINUX_CAPABILITY_VERSION_3`
const VERSION: u32 = 0x2008_0522;

/// `struct __user_cap_header_struct`
#[repr(C)]
struct Header {
    version: u32,
    pid: i32,
}

/// `struct __user_cap_data_struct`: 32 capabilities each.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
struct Capabilities {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// Does something without these capabilities, a bit each, and has them back afterwards.
pub(crate) fn without<T>(lacking: u64, work: impl FnOnce() -> T) -> T {
    let mut has = [Capabilities::default(); 2];
    call(libc::SYS_capget, &mut has);
    let mut less = has;
    less[0].effective &= !(lacking as u32);
    less[1].effective &= !((lacking >> 32) as u32);
    call(libc::SYS_capset, &mut less);
    let result = work();
    call(libc::SYS_capset, &mut has);
    result
}

/// Whether loading a program needs a privilege here at all.
pub(crate) fn are_optional() -> bool {
    let disabled = std::fs::read_to_string("/proc/sys/kernel/unprivileged_bpf_disabled");
    disabled.is_ok_and(|disabled| disabled.trim() == "0")
}

fn call(number: libc::c_long, data: &mut [Capabilities; 2]) {
    let mut header = Header {
        version: VERSION,
        pid: 0,
    };
    // SAFETY: a header and the two structures that belong to its version.
    let result = unsafe { libc::syscall(number, &raw mut header, data.as_mut_ptr()) };
    assert_eq!(result, 0, "capabilities: {}", Error::last_os_error());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_gone_and_back() {
        let effective = || {
            let mut has = [Capabilities::default(); 2];
            call(libc::SYS_capget, &mut has);
            has[1].effective
        };
        let before = effective();
        without(1 << 39, || assert_eq!(effective(), before & !(1 << 7)));
        assert_eq!(effective(), before);
    }
}
