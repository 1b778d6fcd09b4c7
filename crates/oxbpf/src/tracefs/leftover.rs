//! Probes in tracefs whose process died without removing them.

use std::fmt;
use std::fs;
use std::os::linux::fs::MetadataExt;
use std::sync::OnceLock;

use rustix::fs::OFlags;
use rustix::io::Errno;

use super::probe_event::{self, KPROBE_EVENTS};
use crate::{Error, Result};

/// What the groups of our events begin with.
const PREFIX: &str = "oxbpf_";

/// A process, told from others that had or will have its number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Owner {
    pid: u32,
    /// In clock ticks since boot.
    start_time: u64,
    /// The inode of the pid namespace that `pid` is a number of.
    pid_namespace: u64,
}

impl Owner {
    /// This process.
    pub(super) fn this() -> Self {
        static NAMESPACE: OnceLock<u64> = OnceLock::new();
        let pid = std::process::id();
        Self {
            pid,
            // Not remembered: a fork has another.
            start_time: start_time(pid).unwrap_or_default(),
            pid_namespace: *NAMESPACE.get_or_init(|| {
                fs::metadata("/proc/self/ns/pid").map_or(0, |namespace| namespace.st_ino())
            }),
        }
    }

    /// Undoes [`Display`](fmt::Display).
    fn parse(group: &str) -> Option<Self> {
        let mut fields = group.strip_prefix(PREFIX)?.split('_');
        let owner = Self {
            pid: fields.next()?.parse().ok()?,
            start_time: fields.next()?.parse().ok()?,
            pid_namespace: fields.next()?.parse().ok()?,
        };
        fields.next().is_none().then_some(owner)
    }

    /// Whether it is certain that this process is no more.
    fn is_gone(&self) -> bool {
        let here = Self::this();
        if self.pid_namespace != here.pid_namespace || self.start_time == 0 {
            return false;
        }
        match start_time(self.pid) {
            Ok(start_time) => start_time != self.start_time,
            // Without /proc nothing is known of anybody.
            Err(_) => here.start_time != 0,
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{PREFIX}{}_{}_{}",
            self.pid, self.start_time, self.pid_namespace
        )
    }
}

/// When process `pid` started, in clock ticks since boot.
fn start_time(pid: u32) -> Result<u64, Errno> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).map_err(|_| Errno::SRCH)?;
    start_time_in(&stat).ok_or(Errno::INVAL)
}

fn start_time_in(stat: &str) -> Option<u64> {
    // The second field is the command in parentheses and may itself hold any; the 22nd is the start time.
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.split(' ').nth(22 - 3)?.parse().ok()
}

/// A probe in tracefs that a process of this library left when it died.
///
/// It costs nothing while nobody uses it, and is in nobody's way.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Leftover {
    name: String,
    pid: u32,
    location: String,
}

impl Leftover {
    /// `GROUP/NAME`, as in the `events` directory of tracefs.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The process that left it.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// What it probes: a function, and an offset into it.
    #[must_use]
    pub fn location(&self) -> &str {
        &self.location
    }

    /// Removes it. One that somebody else removed meanwhile is gone as well.
    ///
    /// # Errors
    ///
    /// Where it is in use: a pinned link may hold it.
    pub fn remove(&self) -> Result<()> {
        let tracefs = super::open()?;
        let list = tracefs.open_file(KPROBE_EVENTS, OFlags::WRONLY | OFlags::APPEND);
        match list.and_then(|list| probe_event::remove(&list, &self.name)) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => {
                let error = Error::syscall(errno, format!("removing probe `{}`", self.name));
                Err(match errno {
                    Errno::BUSY => error.with_reason("it is in use").with_remedy(
                        "remove what holds it first, such as a pinned link or a trace that runs",
                    ),
                    _ => error,
                })
            }
        }
    }
}

/// The probes that processes of this library left in tracefs when they died: killed, or crashed.
///
/// Those of processes in other pid namespaces are not among them, since from here nobody can tell whether
/// these processes live.
///
/// # Errors
///
/// Where tracefs cannot be opened or read.
///
/// # Examples
///
/// ```no_run
/// # fn main() -> oxbpf::Result<()> {
/// for leftover in oxbpf::tracefs::leftovers()? {
///     println!("{} of process {}", leftover.location(), leftover.pid());
///     leftover.remove()?;
/// }
/// # Ok(())
/// # }
/// ```
pub fn leftovers() -> Result<Vec<Leftover>> {
    let list = match super::open()?.read(KPROBE_EVENTS) {
        Ok(list) => list,
        // A kernel without kprobes.
        Err(Errno::NOENT) => return Ok(Vec::new()),
        Err(errno) => {
            return Err(Error::syscall(
                errno,
                format!("reading `{KPROBE_EVENTS}` of tracefs"),
            ));
        }
    };
    let ours = list.lines().filter_map(parse);
    Ok(ours
        .filter(|(owner, _)| owner.is_gone())
        .map(|(_, leftover)| leftover)
        .collect())
}

/// Understands a line such as `r16:oxbpf_12_345_67/r_12_8_9 do_exit+4 arg=...` if it is of an event of ours.
fn parse(line: &str) -> Option<(Owner, Leftover)> {
    let (head, rest) = line.split_once(' ')?;
    let (_, name) = head.split_once(':')?;
    let (group, _) = name.split_once('/')?;
    let owner = Owner::parse(group)?;
    let leftover = Leftover {
        name: name.to_owned(),
        pid: owner.pid,
        location: rest.split(' ').next()?.to_owned(),
    };
    Some((owner, leftover))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_known_by_its_name() {
        let this = Owner::this();
        assert_ne!(this.start_time, 0);
        assert_ne!(this.pid_namespace, 0);
        assert_eq!(Owner::parse(&this.to_string()), Some(this));
        for other in [
            "kprobes",
            "oxbpf_",
            "oxbpf_1_2",
            "oxbpf_1_2_3_4",
            "oxbpf_1_x_3",
        ] {
            assert_eq!(Owner::parse(other), None, "{other}");
        }
    }

    #[test]
    fn who_lives_is_told_from_who_is_gone() {
        let this = Owner::this();
        assert!(!this.is_gone());
        let earlier = Owner {
            start_time: this.start_time - 1,
            ..this
        };
        assert!(earlier.is_gone(), "its number was given out again");
        let nobody = Owner {
            pid: u32::MAX,
            ..this
        };
        assert!(nobody.is_gone());
        let elsewhere = Owner {
            pid_namespace: this.pid_namespace + 1,
            ..nobody
        };
        assert!(!elsewhere.is_gone(), "nothing is known of other namespaces");
    }

    #[test]
    fn finds_the_start_time_behind_any_command() {
        let fields: Vec<String> = (3..=30).map(|n| n.to_string()).collect();
        for command in ["cat", "a b", "x) y (z)"] {
            let stat = format!("7 ({command}) {}", fields.join(" "));
            assert_eq!(start_time_in(&stat), Some(22), "{command}");
        }
        assert_eq!(start_time_in(""), None);
        assert_eq!(start_time_in("7 (cat) R 1"), None);
    }

    #[test]
    fn reads_the_list_of_probes() {
        let (owner, leftover) = parse("r16:oxbpf_12_345_67/r_12_8_9 ext4:do_sync+4 a=%ax").unwrap();
        assert_eq!(owner.start_time, 345);
        assert_eq!(leftover.name(), "oxbpf_12_345_67/r_12_8_9");
        assert_eq!(leftover.pid(), 12);
        assert_eq!(leftover.location(), "ext4:do_sync+4");
        assert_eq!(parse("p:kprobes/mine do_exit"), None);
        assert_eq!(parse(""), None);
    }
}
