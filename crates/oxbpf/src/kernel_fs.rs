//! The kernel's own file systems, wherever they are mounted.
//!
//! Where one is not mounted, it is mounted for this process alone, without a place in the tree of files (`fsopen`,
//! `fsmount`, Linux 5.2): nobody else sees it and it goes with the last descriptor.

use crate::limits::MAX_KERNEL_FILE;
use std::collections::BTreeSet;
use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::{Errno, retry_on_intr};

/// A kind of file system, and where it usually is.
#[derive(Debug)]
pub(crate) struct Kind {
    name: &'static str,
    /// As `include/uapi/linux/magic.h` has it.
    magic: u64,
    places: &'static [&'static str],
    /// Directories of other file systems that are this one: where the other one is mounted, and its name there.
    within: Option<(&'static str, &'static str)>,
}

pub(crate) const TRACEFS: Kind = Kind {
    name: "tracefs",
    magic: 0x7472_6163,
    places: &["/sys/kernel/tracing", "/sys/kernel/debug/tracing"],
    within: Some(("debugfs", "tracing")),
};

pub(crate) const DEBUGFS: Kind = Kind {
    name: "debugfs",
    magic: 0x6462_6720,
    places: &["/sys/kernel/debug"],
    within: None,
};

/// One of these file systems, open.
#[derive(Debug)]
pub(crate) struct KernelFs {
    root: OwnedFd,
}

impl KernelFs {
    /// Finds the file system, or mounts it for this process.
    pub(crate) fn open(kind: &Kind) -> rustix::io::Result<Self> {
        let root = kind
            .places
            .iter()
            .map(PathBuf::from)
            .chain(std::iter::once_with(|| mounted(kind)).flatten())
            .find_map(|place| open_root(&place, kind.magic));
        let root = root.map_or_else(|| mount_unseen(kind.name), Ok)?;
        Ok(Self { root })
    }

    /// Opens a file by its path in the file system.
    pub(crate) fn open_file(&self, path: &str, flags: OFlags) -> rustix::io::Result<OwnedFd> {
        let flags = flags | OFlags::CLOEXEC;
        retry_on_intr(|| rustix::fs::openat(&self.root, path, flags, Mode::empty()))
    }

    /// The text of a file.
    pub(crate) fn read(&self, path: &str) -> rustix::io::Result<String> {
        let file = self.open_file(path, OFlags::RDONLY)?;
        let mut text = Vec::new();
        let mut chunk = [0; 64 << 10];
        loop {
            match rustix::io::read(&file, &mut chunk) {
                Ok(0) => break,
                Ok(_) if text.len() >= MAX_KERNEL_FILE => return Err(Errno::FBIG),
                Ok(read) => text.extend_from_slice(&chunk[..read]),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
            }
        }
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// The names in a directory.
    pub(crate) fn list(&self, path: &str) -> rustix::io::Result<BTreeSet<String>> {
        let directory = self.open_file(path, OFlags::RDONLY | OFlags::DIRECTORY)?;
        let mut names = BTreeSet::new();
        for entry in rustix::fs::Dir::new(directory)? {
            if let Ok(name) = entry?.file_name().to_str() {
                if !name.starts_with('.') {
                    names.insert(name.to_owned());
                }
            }
        }
        Ok(names)
    }
}

fn open_root(place: &Path, magic: u64) -> Option<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = retry_on_intr(|| rustix::fs::open(place, flags, Mode::empty())).ok()?;
    let found = rustix::fs::fstatfs(&root).ok()?.f_type;
    (found as u64 == magic).then_some(root)
}

fn mount_unseen(name: &str) -> rustix::io::Result<OwnedFd> {
    use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags};
    use rustix::mount::{fsconfig_create, fsmount, fsopen};

    let context = fsopen(name, FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_create(context.as_fd())?;
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID
        | MountAttrFlags::MOUNT_ATTR_NODEV
        | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes)
}

fn mounted(kind: &Kind) -> Vec<PathBuf> {
    let table = fs::read("/proc/thread-self/mountinfo").unwrap_or_default();
    places_in(&table, kind)
}

/// Where the file system is according to the table of mounts.
fn places_in(mountinfo: &[u8], kind: &Kind) -> Vec<PathBuf> {
    let lines = mountinfo.split(|b| *b == b'\n');
    lines
        .filter_map(|line| {
            // `36 35 0:12 / /sys/kernel/tracing rw,nosuid shared:7 - tracefs tracefs rw`
            let mut fields = line.split(|b| *b == b' ');
            let place = unescape(fields.nth(4)?);
            let place = PathBuf::from(std::ffi::OsStr::from_bytes(&place));
            let name = fields.skip_while(|field| *field != b"-").nth(1)?;
            match kind.within {
                _ if name == kind.name.as_bytes() => Some(place),
                Some((outer, inner)) if name == outer.as_bytes() => Some(place.join(inner)),
                _ => None,
            }
        })
        .collect()
}

/// Undoes the octal escapes of the table of mounts: `\040` is a space.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..3).filter(|_| *first == b'\\');
        let octal = digits.and_then(|d| u8::from_str_radix(std::str::from_utf8(d).ok()?, 8).ok());
        plain.push(octal.unwrap_or(*first));
        rest = if octal.is_some() { &after[3..] } else { after };
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_file_systems_in_the_table_of_mounts() {
        let table = br"21 1 0:20 / /sys rw,nosuid shared:7 - sysfs sysfs rw
30 21 0:12 / /odd\040place rw shared:9 master:2 - tracefs tracefs rw
31 21 0:7 / /debug rw - debugfs none rw
short line
";
        assert_eq!(
            places_in(table, &TRACEFS),
            [PathBuf::from("/odd place"), PathBuf::from("/debug/tracing")]
        );
        assert_eq!(places_in(table, &DEBUGFS), [PathBuf::from("/debug")]);
    }

    #[test]
    fn undoes_octal_escapes_and_nothing_else() {
        assert_eq!(unescape(br"a\040b\134c"), br"a b\c");
        assert_eq!(unescape(br"\9\04"), br"\9\04");
    }

    #[test]
    fn a_place_of_another_kind_is_none() {
        assert!(open_root(Path::new("/proc"), TRACEFS.magic).is_none());
        assert!(open_root(Path::new("/no/such/place"), TRACEFS.magic).is_none());
    }
}
