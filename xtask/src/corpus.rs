//! BPF objects that others have made: those inside Debian's packages, fetched when asked for and kept in the cache.

use crate::debian::{self, Package};
use crate::kernel::files_below;
use crate::process::{Context, Result, Scratch, cache};
use oxbpf_object::elf::embedded;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Where objects may differ from release to release.
pub(crate) const SUITES: &[&str] = &["bookworm", "trixie", "sid"];

/// How many packages are fetched at a time.
const FETCHERS: usize = 4;

/// Packages with BPF objects in them, and how many of their objects stand for the rest in a sample. Beginnings of names
/// where the name has the library's version in it.
const PACKAGES: &[(&str, usize)] = &[
    ("bpfilter", 2),
    ("bpftop", 1),
    ("ceccomp", 1),
    ("ir-keytable", 3),
    ("libbpf-tools", 18),
    ("libbpftune0", 5),
    ("libknot1", 1),
    ("libsystemd-shared", 4),
    ("libxdp1", 6),
    ("mimic", 1),
    ("network-manager", 1),
    ("nsd", 1),
    ("oar-common", 1),
    ("opensnitch-ebpf-modules", 3),
    ("pcp", 6),
    ("pwru", 2),
    ("qemu-system-x86", 1),
    ("rsched", 1),
    ("rtc-testbench", 2),
    ("suricata", 4),
    ("systemd", 1),
    ("systemd-container", 1),
    ("udev-hid-bpf", 10),
    ("xdp-tests", 3),
    ("xdp-tools", 5),
];

/// The row of `PACKAGES` for a package.
fn row(package: &str) -> Option<&'static (&'static str, usize)> {
    PACKAGES.iter().find(|(name, _)| match *name {
        "libknot1" => package.starts_with("libknot1"),
        name => package == name,
    })
}

/// The directory with the objects of all packages, by suite and package, each object once. With `sample`, that with a
/// choice of them.
pub(crate) fn debian_objects(sample: bool) -> Result<PathBuf> {
    let whole = fetched(|name| row(name).is_some())?;
    let chosen = whole.with_file_name("debian-sample");
    if !sample {
        return Ok(whole);
    }
    let _ = std::fs::remove_dir_all(&chosen);
    let mut seen = HashSet::new();
    for suite in SUITES {
        for (package, count) in packages_in(&whole.join(suite))? {
            let from = whole.join(suite).join(&package);
            let to = chosen.join(suite).join(&package);
            for object in spread(&objects_in(&from)?, count) {
                let bytes = std::fs::read(&object).context(object.display())?;
                if !seen.insert(bytes.clone()) {
                    continue;
                }
                std::fs::create_dir_all(&to).context(to.display())?;
                let name = object.file_name().unwrap_or_default();
                std::fs::write(to.join(name), bytes).context(to.display())?;
            }
        }
    }
    Ok(chosen)
}

/// The objects of some packages: suite, package and file of each.
pub(crate) fn objects_of(packages: &[&str]) -> Result<Vec<(String, String, PathBuf)>> {
    let whole = fetched(|name| packages.contains(&name))?;
    let mut objects = Vec::new();
    for suite in SUITES {
        for package in packages {
            let dir = whole.join(suite).join(package);
            let of = |object| ((*suite).to_owned(), (*package).to_owned(), object);
            objects.extend(objects_in(&dir)?.into_iter().map(of));
        }
    }
    Ok(objects)
}

/// The directory with the objects of all packages that were ever fetched, these among them.
fn fetched(wanted: impl Fn(&str) -> bool) -> Result<PathBuf> {
    let objects = cache()?.join("objects");
    let whole = objects.join("debian");
    let mut missing = Vec::new();
    for suite in SUITES {
        for package in debian::packages(suite, &wanted)? {
            let dir = whole.join(suite).join(&package.name);
            if !dir.join(&package.sha256).exists() {
                missing.push((package, dir));
            }
        }
    }
    fetch(&missing, &objects)?;
    Ok(whole)
}

/// Fetches packages, several at a time, and takes the objects out of each into its directory.
fn fetch(missing: &[(Package, PathBuf)], objects: &Path) -> Result<()> {
    let next = AtomicUsize::new(0);
    let work = || -> std::result::Result<(), String> {
        while let Some((package, dir)) = missing.get(next.fetch_add(1, Ordering::Relaxed)) {
            fetch_one(package, dir, objects).map_err(|error| error.to_string())?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..FETCHERS).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            thread
                .join()
                .map_err(|_| "a thread that fetches panicked")??;
        }
        Ok(())
    })
}

fn fetch_one(package: &Package, dir: &Path, objects: &Path) -> Result<()> {
    let scratch = Scratch::new(objects)?;
    let unpacked = scratch.0.join("unpacked");
    package.unpack(&unpacked)?;
    let ready = scratch.0.join("ready");
    std::fs::create_dir_all(&ready).context(ready.display())?;
    extract(&unpacked, &ready)?;
    // Where it is found again: its objects are as good as the package.
    std::fs::write(ready.join(&package.sha256), "").context(ready.display())?;
    let _ = std::fs::remove_dir_all(dir);
    std::fs::create_dir_all(dir.parent().unwrap_or(dir)).context(dir.display())?;
    std::fs::rename(&ready, dir).context(dir.display())
}

/// The packages of a suite that are there, with the number of objects for a sample.
fn packages_in(suite: &Path) -> Result<Vec<(String, usize)>> {
    let mut packages = Vec::new();
    for entry in std::fs::read_dir(suite).context(suite.display())? {
        let name = entry.context(suite.display())?.file_name();
        let name = name.to_string_lossy().into_owned();
        if let Some((_, count)) = row(&name) {
            packages.push((name, *count));
        }
    }
    packages.sort();
    Ok(packages)
}

/// The objects of a package, in the order of their names.
fn objects_in(package: &Path) -> Result<Vec<PathBuf>> {
    let mut objects = files_below(package)?;
    objects.retain(|file| file.extension().is_some_and(|end| end == "o"));
    objects.sort();
    Ok(objects)
}

/// So many of them, at equal distances.
fn spread(all: &[PathBuf], count: usize) -> Vec<PathBuf> {
    let step = all.len().div_ceil(count.max(1)).max(1);
    all.iter().step_by(step).cloned().collect()
}

/// Puts every object found in the files of a package into a directory, named after the file. Files often hold the same
/// object (for two names of a tool); one of them is enough.
fn extract(unpacked: &Path, into: &Path) -> Result<()> {
    let mut files = files_below(unpacked)?;
    files.sort();
    let mut seen = HashSet::new();
    for file in files {
        let bytes = std::fs::read(&file).context(file.display())?;
        let stem = file.file_name().unwrap_or_default().to_string_lossy();
        let stem = stem.split(".o").next().unwrap_or_default().to_owned();
        for (number, object) in embedded(&bytes).into_iter().enumerate() {
            if !seen.insert(object.to_vec()) {
                continue;
            }
            let mut name = match number {
                0 => format!("{stem}.o"),
                number => format!("{stem}-{number}.o"),
            };
            // The same name in another directory.
            while into.join(&name).exists() {
                name = format!("other-{name}");
            }
            std::fs::write(into.join(&name), object).context(name)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_spread_over_all() {
        let all: Vec<PathBuf> = (0..10).map(|n| n.to_string().into()).collect();
        let names = |count| -> Vec<String> {
            let chosen = spread(&all, count);
            chosen
                .iter()
                .map(|path| path.display().to_string())
                .collect()
        };
        assert_eq!(names(3), ["0", "4", "8"]);
        assert_eq!(names(1), ["0"]);
        assert_eq!(names(20).len(), 10);
        assert!(spread(&[], 3).is_empty());
    }

    #[test]
    fn a_package_is_not_the_beginning_of_another() {
        assert!(row("systemd").is_some() && row("systemd-sysv").is_none());
        assert_eq!(row("libknot16"), row("libknot13"));
    }
}
