//! A directory of our own for what clang reads and writes, gone when done.

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use crate::error::{Error, Result};

/// A fresh temporary directory, removed on drop.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

/// How many names are tried: another process of our id may have left its directory behind.
const ATTEMPTS: u32 = 1000;

impl Scratch {
    pub(crate) fn new() -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let parent = std::env::temp_dir();
        // Symbolic links resolved: clang's paths and ours are compared.
        let parent = parent.canonicalize().unwrap_or(parent);
        for _ in 0..ATTEMPTS {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = parent.join(format!("bpf2rs-{}-{number}", process::id()));
            match fs::DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(Error::io("creating", &path, error)),
            }
        }
        let error = io::Error::from(io::ErrorKind::AlreadyExists);
        Err(Error::io("making a directory in", &parent, error))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// A directory of this name inside.
    pub(crate) fn directory(&self, name: &str) -> Result<PathBuf> {
        let path = self.0.join(name);
        fs::create_dir_all(&path).map_err(|e| Error::io("creating", &path, e))?;
        Ok(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Nobody to tell, and the system empties its temporary directory in time.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn only_its_user_may_enter() {
        let scratch = Scratch::new().unwrap();
        let mode = fs::metadata(scratch.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        let path = scratch.path().to_owned();
        drop(scratch);
        assert!(!path.exists());
    }

    #[test]
    fn names_that_somebody_took_are_left_alone() {
        let first = Scratch::new().unwrap();
        let (start, number) = first.path().to_str().unwrap().rsplit_once('-').unwrap();
        let number: u32 = number.parse().unwrap();
        let theirs = first.directory("theirs").unwrap();
        let links = (1..=8).map(|n| PathBuf::from(format!("{start}-{}", number + n)));
        // Other tests may have some of them.
        let links: Vec<_> = links
            .filter(|link| symlink(&theirs, link).is_ok())
            .collect();
        let second = Scratch::new().unwrap();
        assert!(!links.contains(&second.path().to_owned()));
        assert!(!second.path().is_symlink());
        second.directory("ours").unwrap();
        assert_eq!(fs::read_dir(&theirs).unwrap().count(), 0);
        for link in links {
            fs::remove_file(link).unwrap();
        }
    }
}
