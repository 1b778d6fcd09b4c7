//! Files given on the command line: the objects in them, or what they are instead.

use std::fmt;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use oxbpf_object::CollectionSpec;
use oxbpf_object::elf::embedded;

/// An object in a file.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) path: PathBuf,
    /// Its position in the file, where that holds several.
    pub(crate) position: Option<usize>,
    file: Arc<[u8]>,
    range: std::ops::Range<usize>,
}

/// What a BPF object's ELF header says that it is for.
const EM_BPF: u16 = 247;

/// Opens a file to be read. What a directory or a missing file is comes before what the system calls it.
pub(crate) fn open(path: &Path) -> anyhow::Result<fs::File> {
    let name = path.display();
    if path.is_dir() {
        bail!("`{name}` is a directory, not a file");
    }
    fs::File::open(path).with_context(|| format!("reading `{name}` failed"))
}

/// Reads a file.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = open(path)?.read_to_end(&mut bytes);
    read.with_context(|| format!("reading `{}` failed", path.display()))?;
    Ok(bytes)
}

/// Finds the objects in a file: the file itself, or those inside of a program.
pub(crate) fn objects(path: &Path) -> anyhow::Result<Vec<Object>> {
    let name = path.display();
    let file: Arc<[u8]> = read(path)?.into();
    let machine = match (file.starts_with(b"\x7fELF"), file.get(5), file.get(18..20)) {
        (true, Some(2), Some([high, low])) => Some(u16::from_be_bytes([*high, *low])),
        (true, _, Some([low, high])) => Some(u16::from_le_bytes([*low, *high])),
        _ => None,
    };
    let object = |position, range| Object {
        path: path.to_owned(),
        position,
        file: file.clone(),
        range,
    };
    match machine {
        Some(EM_BPF) => return Ok(vec![object(None, 0..file.len())]),
        Some(_) => {}
        None => bail!("`{name}` is no BPF object: it is {}", describe(&file)),
    }
    let found = embedded(&file);
    let start = file.as_ptr().addr();
    let ranges: Vec<_> = found
        .iter()
        .map(|bytes| {
            let at = bytes.as_ptr().addr() - start;
            at..at + bytes.len()
        })
        .collect();
    if ranges.is_empty() {
        bail!(
            "`{name}` is an ELF file for {}, not for BPF, and has no BPF objects inside",
            machine_name(machine)
        );
    }
    let is_one = ranges.len() == 1;
    let objects = ranges.into_iter().enumerate();
    Ok(objects
        .map(|(position, range)| object((!is_one).then_some(position), range))
        .collect())
}

fn machine_name(machine: Option<u16>) -> String {
    match machine {
        Some(62) => "x86-64".to_owned(),
        Some(183) => "arm64".to_owned(),
        Some(243) => "RISC-V".to_owned(),
        Some(22) => "s390".to_owned(),
        Some(21) => "PowerPC".to_owned(),
        Some(3) => "x86".to_owned(),
        other => format!("machine {}", other.unwrap_or(0)),
    }
}

impl Object {
    /// The bytes of the object.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.file.get(self.range.clone()).unwrap_or_default()
    }

    /// What the object is called: its file's name up to the first dot.
    pub(crate) fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let stem = name.split('.').next().unwrap_or_default().to_owned();
        match self.position {
            Some(position) => format!("{stem}_{position}"),
            None => stem,
        }
    }

    /// Reads the object.
    pub(crate) fn parse(&self) -> anyhow::Result<CollectionSpec> {
        CollectionSpec::parse_named(&self.name(), self.bytes())
            .with_context(|| format!("reading {self} failed"))
    }
}

/// `` `FILE` ``, with the position where it holds several.
impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some(position) => write!(f, "object {position} in `{}`", self.path.display()),
            None => write!(f, "`{}`", self.path.display()),
        }
    }
}

/// What to call each of several objects so that they can be told apart: its name, or its path where others have the same name.
pub(crate) fn labels(objects: &[Object]) -> Vec<String> {
    let names: Vec<String> = objects.iter().map(Object::name).collect();
    let label = |(object, name): (&Object, &String)| {
        let is_alone = names.iter().filter(|other| *other == name).count() == 1;
        match object.path.parent().filter(|_| !is_alone) {
            Some(directory) => directory.join(name).display().to_string(),
            None => name.clone(),
        }
    };
    objects.iter().zip(&names).map(label).collect()
}

/// What these bytes are the start of.
pub(crate) fn describe(bytes: &[u8]) -> String {
    const KNOWN: &[(&[u8], &str)] = &[
        (b"\x7fELF", "an ELF file"),
        (b"\x9f\xeb", "raw BTF"),
        (b"\xeb\x9f", "raw BTF of the other byte order"),
        (b"!<arch>\n", "a static library or a Debian package"),
        (b"\x1f\x8b", "compressed by gzip"),
        (b"\xfd7zXZ\0", "compressed by xz"),
        (b"\x28\xb5\x2f\xfd", "compressed by zstd"),
        (b"BZh", "compressed by bzip2"),
        (b"PK\x03\x04", "a zip archive"),
        (
            b"BC\xc0\xde",
            "LLVM bitcode (leave out -emit-llvm and -flto)",
        ),
        (
            b"\xde\xc0\x17\x0b",
            "LLVM bitcode (leave out -emit-llvm and -flto)",
        ),
        (b"#!", "a script"),
        (b"%PDF", "a PDF document"),
        (b"\x89PNG", "a picture"),
    ];
    if bytes.is_empty() {
        return "empty".to_owned();
    }
    if let Some((_, what)) = KNOWN.iter().find(|(start, _)| bytes.starts_with(start)) {
        return (*what).to_owned();
    }
    if bytes.get(0x202..0x206) == Some(b"HdrS") {
        return "a compressed kernel image".to_owned();
    }
    let start = bytes.get(..512).unwrap_or(bytes);
    let is_text = |text: &str| !text.chars().any(|c| c.is_control() && !c.is_whitespace());
    match std::str::from_utf8(start) {
        Ok(text) if is_text(text) => "text".to_owned(),
        _ => "data of an unknown kind".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{Object, describe, labels};

    #[test]
    fn objects_of_one_name_are_told_apart() {
        let object = |path: &str| Object {
            path: PathBuf::from(path),
            position: None,
            file: [].into(),
            range: 0..0,
        };
        let objects = ["old/a.bpf.o", "new/a.bpf.o", "new/b.o"].map(object);
        assert_eq!(labels(&objects), ["old/a", "new/a", "b"]);
    }

    #[test]
    fn says_what_a_file_is() {
        for (bytes, what) in [
            (&b""[..], "empty"),
            (b"\x7fELF\x02", "an ELF file"),
            (b"#!/bin/sh\n", "a script"),
            (b"int main() {}\n", "text"),
            (b"\x00\x01\x02", "data of an unknown kind"),
            (b"\x1f\x8b\x08", "compressed by gzip"),
        ] {
            assert_eq!(describe(bytes), what);
        }
    }
}
