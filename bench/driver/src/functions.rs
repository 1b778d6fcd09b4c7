//! The functions of the kernel that programs are attached to.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::Result;

const TRACEABLE: &str = "/sys/kernel/tracing/available_filter_functions";

/// Parts of the kernel that nothing here uses while it is measured.
const QUIET: &[&str] = &["ext4_", "tcp_", "inet_", "ip6_", "nfs_", "udp_"];

/// Whether this kernel has kprobes.
pub fn can_be_probed() -> bool {
    Path::new("/sys/bus/event_source/devices/kprobe").exists()
}

/// A file of so many names, each of a function that can be traced and that no other has.
pub fn list(directory: &Path, count: usize) -> Result<PathBuf> {
    let symbols = std::fs::read_to_string("/proc/kallsyms")?;
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for name in symbols
        .lines()
        .filter_map(|line| line.split_whitespace().nth(2))
    {
        *times.entry(name).or_default() += 1;
    }
    let traceable = std::fs::read_to_string(TRACEABLE)?;
    let names: Vec<&str> = traceable
        .lines()
        .filter(|name| QUIET.iter().any(|prefix| name.starts_with(prefix)))
        .filter(|name| !name.contains(['.', ' ']) && times.get(name) == Some(&1))
        .take(count)
        .collect();
    if names.len() < count {
        return Err(format!("{} functions, not {count}", names.len()).into());
    }
    let path = directory.join(format!("functions-{count}"));
    std::fs::write(&path, names.join("\n"))?;
    Ok(path)
}
