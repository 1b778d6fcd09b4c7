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

/// Whether nobody else uses this machine, so that its settings may be others for a while: `vmtest/run.sh` says so.
#[allow(dead_code)]
pub(crate) fn may_change_settings() -> bool {
    std::env::var_os("OXBPF_TEST_MACHINE").is_some_and(|is| !is.is_empty())
}

/// Leaves the calling thread, which is the test's own, these capabilities and no others.
#[allow(dead_code)]
pub(crate) fn keep_only(kept: rustix::thread::CapabilitySet) {
    let sets = rustix::thread::CapabilitySets {
        effective: kept,
        permitted: kept,
        inheritable: rustix::thread::CapabilitySet::empty(),
    };
    rustix::thread::set_capabilities(None, sets).unwrap();
}

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

/// Where control groups of version 2 are.
#[allow(dead_code)]
pub(crate) fn cgroups() -> std::path::PathBuf {
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    let mut mounts = mounts.lines().map(|line| line.split(' '));
    let found = mounts.find_map(|mut words| {
        let place = words.nth(1)?;
        (words.next()? == "cgroup2").then(|| place.into())
    });
    found.expect("control groups of version 2")
}

/// The directory of the control group that this process is in.
#[allow(dead_code)]
pub(crate) fn own_cgroup() -> std::path::PathBuf {
    let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap();
    let own = groups.lines().find_map(|line| line.strip_prefix("0::/"));
    cgroups().join(own.unwrap_or_default())
}

/// A process that did something, and now waits to be ended.
#[allow(dead_code)]
pub(crate) struct Forked(rustix::process::Pid);

#[allow(dead_code)]
impl Forked {
    pub(crate) fn pid(&self) -> rustix::process::Pid {
        self.0
    }
}

impl Drop for Forked {
    fn drop(&mut self) {
        let _ = rustix::process::kill_process(self.0, rustix::process::Signal::KILL);
        let _ = rustix::process::waitpid(Some(self.0), rustix::process::WaitOptions::empty());
    }
}

/// Lets a copy of this process do something that does not panic, and returns when it is done.
#[allow(dead_code)]
pub(crate) fn forked(work: impl FnOnce()) -> Forked {
    let (done, tell) = rustix::pipe::pipe().unwrap();
    let child = forked_beside(|| {
        work();
        let _ = rustix::io::write(&tell, b"!");
    });
    let mut byte = [0];
    assert_eq!(rustix::io::read(&done, &mut byte), Ok(1), "the child died");
    child
}

/// Lets a copy of this process do something that does not panic, while this one goes on.
#[allow(dead_code, unsafe_code)]
pub(crate) fn forked_beside(work: impl FnOnce()) -> Forked {
    // SAFETY: of this process, the child uses only what `work` does, and never returns from here.
    match unsafe { libc::fork() } {
        0 => {
            work();
            loop {
                std::thread::sleep(std::time::Duration::from_secs(1));
            }
        }
        child => Forked(rustix::process::Pid::from_raw(child).expect("a child")),
    }
}
