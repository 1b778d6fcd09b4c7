//! The archive format of an initramfs ("newc", Documentation/driver-api/early-userspace/buffer-format.rst). Archives can
//! follow one another in one file.

use std::collections::BTreeSet;
use std::io::{Result, Write};

/// Writes an archive.
#[derive(Debug)]
pub(crate) struct Archive<W> {
    out: W,
    inode: u32,
    known: BTreeSet<String>,
}

impl<W: Write> Archive<W> {
    pub(crate) fn new(out: W) -> Archive<W> {
        Archive {
            out,
            inode: 0,
            known: BTreeSet::new(),
        }
    }

    /// Adds a file at an absolute path, with the directories above it; the first of several wins.
    pub(crate) fn file(&mut self, path: &str, executable: bool, contents: &[u8]) -> Result<()> {
        let mode = 0o100644 | if executable { 0o111 } else { 0 };
        self.entry(path, mode, contents)
    }

    /// Adds a directory at an absolute path, with those above it.
    pub(crate) fn dir(&mut self, path: &str) -> Result<()> {
        self.entry(path, 0o040755, b"")
    }

    fn entry(&mut self, path: &str, mode: u32, contents: &[u8]) -> Result<()> {
        let path = path.trim_matches('/');
        if path.is_empty() || !self.known.insert(path.to_owned()) {
            return Ok(());
        }
        if let Some((parent, _)) = path.rsplit_once('/') {
            self.dir(parent)?;
        }
        self.write(path, mode, contents)
    }

    fn write(&mut self, path: &str, mode: u32, contents: &[u8]) -> Result<()> {
        self.inode += 1;
        let (name_size, file_size) = (path.len() + 1, contents.len());
        let links = if mode & 0o040000 == 0 { 1 } else { 2 };
        let [owner, group, time, device, checksum] = [0; 5];
        let header = [
            self.inode,
            mode,
            owner,
            group,
            links,
            time,
            size(file_size)?,
            device,
            device,
            device,
            device,
        ];
        let header = header.into_iter().chain([size(name_size)?, checksum]);
        let header: String = header.map(|field| format!("{field:08x}")).collect();
        self.out
            .write_all(format!("070701{header}{path}\0").as_bytes())?;
        self.pad(110 + name_size)?;
        self.out.write_all(contents)?;
        self.pad(file_size)
    }

    fn pad(&mut self, written: usize) -> Result<()> {
        self.out.write_all(&[0; 3][..written.wrapping_neg() % 4])
    }

    /// Writes the end mark.
    pub(crate) fn finish(mut self) -> Result<W> {
        self.write("TRAILER!!!", 0, b"")?;
        Ok(self.out)
    }
}

fn size(bytes: usize) -> Result<u32> {
    u32::try_from(bytes).map_err(std::io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::Archive;
    use crate::process::filter;
    use std::process::Command;

    #[test]
    fn cpio_reads_what_we_write() {
        let mut archive = Archive::new(Vec::new());
        archive.file("/a/b/tool", true, b"12345").unwrap();
        archive
            .file("/a/b/tool", true, b"later ones do not count")
            .unwrap();
        archive.file("/a/data", false, b"").unwrap();
        archive.dir("/empty").unwrap();
        let bytes = archive.finish().unwrap();
        assert_eq!(bytes.len() % 4, 0, "the next archive starts aligned");
        let list = ["-tv", "--quiet", "--numeric-uid-gid"];
        let listing = filter(Command::new("cpio").args(list), &bytes)
            .expect("cargo xtask setup installs cpio");
        let listing = String::from_utf8(listing).unwrap();
        let columns = |line: &str| {
            let words: Vec<&str> = line.split_whitespace().collect();
            format!("{} {} {}", words[0], words[4], words[words.len() - 1])
        };
        let listing: Vec<String> = listing.lines().map(columns).collect();
        let expected = [
            "drwxr-xr-x 0 a",
            "drwxr-xr-x 0 a/b",
            "-rwxr-xr-x 5 a/b/tool",
            "-rw-r--r-- 0 a/data",
            "drwxr-xr-x 0 empty",
        ];
        assert_eq!(listing, expected);
    }
}
