//! What tests against a real kernel share.

/// Ends a test that this kernel cannot run, and says so where `cargo xtask vmtest` looks for it. The reason is compared
/// with `vmtest/expected.tsv`: it names what is missing, and nothing that differs from run to run.
#[allow(unused_macros)]
macro_rules! skip {
    ($($reason:tt)+) => {{
        let test = std::thread::current();
        println!("SKIP {}: {}", test.name().unwrap_or("test"), format_args!($($reason)+));
        return;
    }};
}

/// Goes on only if something is there that the test needs; else skips it, with the reason.
#[allow(unused_macros)]
macro_rules! require {
    ($needed:expr, $($reason:tt)+) => {
        if !$needed {
            skip!($($reason)+);
        }
    };
}

#[allow(unused_imports)]
pub(crate) use {require, skip};

/// A BPF file system that only the calling thread sees, and that is gone when it ends.
#[allow(dead_code, unsafe_code)]
pub(crate) fn own_bpffs() -> std::path::PathBuf {
    use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};
    use rustix::thread::{UnshareFlags, unshare_unsafe};

    let path = "/sys/fs/bpf";
    // SAFETY: takes only the mounts and the working directory of this thread apart.
    unsafe { unshare_unsafe(UnshareFlags::NEWNS | UnshareFlags::FS) }.unwrap();
    mount_change(
        "/",
        MountPropagationFlags::PRIVATE | MountPropagationFlags::REC,
    )
    .unwrap();
    mount("bpf", path, "bpf", MountFlags::empty(), None).unwrap();
    path.into()
}
