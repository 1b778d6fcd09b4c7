//! Finding out where two accounts of the same thing differ.

use std::collections::BTreeMap;
use std::fmt;

use crate::record::{Code, CreatedMap, LoadedProgram};

/// Things by name, each with its attributes as text.
pub(crate) type Facts = BTreeMap<String, BTreeMap<&'static str, String>>;

/// Where libbpf and oxbpf do not agree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Difference {
    /// The map or program, and what of it.
    pub(crate) subject: String,
    pub(crate) libbpf: String,
    pub(crate) oxbpf: String,
}

impl Difference {
    pub(crate) fn new(
        subject: impl Into<String>,
        libbpf: impl Into<String>,
        oxbpf: impl Into<String>,
    ) -> Difference {
        let one_line = |text: String| text.replace(['\t', '\n', '\r'], " ");
        Difference {
            subject: one_line(subject.into()),
            libbpf: one_line(libbpf.into()),
            oxbpf: one_line(oxbpf.into()),
        }
    }
}

/// As a line of the program's output, which `Difference::parse` reads.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\t{}\t{}", self.subject, self.libbpf, self.oxbpf)
    }
}

impl Difference {
    pub(crate) fn parse(line: &str) -> Option<Difference> {
        let mut fields = line.split('\t');
        let (subject, libbpf, oxbpf) = (fields.next()?, fields.next()?, fields.next()?);
        Some(Difference::new(subject, libbpf, oxbpf))
    }
}

/// Compares what there is and its attributes.
pub(crate) fn facts(libbpf: &Facts, oxbpf: &Facts) -> Vec<Difference> {
    let mut found = Vec::new();
    for (name, theirs) in libbpf {
        match oxbpf.get(name) {
            Some(ours) => found.extend(attributes(name, theirs, ours)),
            None => found.push(Difference::new(name, "is there", "is not there")),
        }
    }
    let more = oxbpf.keys().filter(|name| !libbpf.contains_key(*name));
    found.extend(more.map(|name| Difference::new(name, "is not there", "is there")));
    found
}

fn attributes(
    name: &str,
    libbpf: &BTreeMap<&'static str, String>,
    oxbpf: &BTreeMap<&'static str, String>,
) -> Vec<Difference> {
    let differing = libbpf
        .iter()
        .filter(|(key, value)| oxbpf.get(*key) != Some(value));
    let described = differing.map(|(key, value)| {
        let ours = oxbpf.get(key).map_or("nothing", String::as_str);
        Difference::new(format!("{name}: {key}"), value, ours)
    });
    described.collect()
}

/// Compares maps that both asked the kernel for.
pub(crate) fn created(name: &str, libbpf: &CreatedMap, oxbpf: &CreatedMap) -> Vec<Difference> {
    let subject = format!("created map {name}");
    let mut found = attributes(&subject, &libbpf.attributes, &oxbpf.attributes);
    if libbpf.errno != oxbpf.errno {
        found.push(Difference::new(
            format!("{subject}: the kernel's answer"),
            errno(libbpf.errno),
            errno(oxbpf.errno),
        ));
    }
    found
}

/// Compares programs that both asked the kernel for.
pub(crate) fn loaded(name: &str, libbpf: &LoadedProgram, oxbpf: &LoadedProgram) -> Vec<Difference> {
    let subject = format!("program {name}");
    let mut found = attributes(&subject, &libbpf.attributes, &oxbpf.attributes);
    found.extend(code(&subject, &libbpf.code, &oxbpf.code));
    if libbpf.errno != oxbpf.errno {
        found.push(Difference::new(
            format!("{subject}: verdict"),
            errno(libbpf.errno),
            errno(oxbpf.errno),
        ));
    }
    found
}

/// The first instruction in which they differ.
pub(crate) fn code(subject: &str, libbpf: &Code, oxbpf: &Code) -> Option<Difference> {
    if libbpf.insns.len() != oxbpf.insns.len() {
        return Some(Difference::new(
            format!("{subject}: instructions"),
            libbpf.insns.len().to_string(),
            oxbpf.insns.len().to_string(),
        ));
    }
    let slots = 0..libbpf.insns.len();
    let show = |code: &Code, slot: usize| {
        let insn = code.insns[slot];
        let symbol = code.symbols.get(&slot).map_or("", String::as_str);
        let text = format!(
            "{:02x} dst {} src {} off {} imm {} {symbol}",
            insn.code, insn.dst, insn.src, insn.off, insn.imm
        );
        text.trim_end().to_owned()
    };
    let slot = slots.into_iter().find(|&slot| {
        libbpf.insns[slot] != oxbpf.insns[slot]
            || libbpf.symbols.get(&slot) != oxbpf.symbols.get(&slot)
    })?;
    Some(Difference::new(
        format!("{subject}: instruction {slot}"),
        show(libbpf, slot),
        show(oxbpf, slot),
    ))
}

/// The name of an errno, as far as the kernel's answers to bpf(2) go.
pub(crate) fn errno(number: i32) -> String {
    let name = match number {
        0 => "yes",
        libc::EPERM => "EPERM",
        libc::ENOENT => "ENOENT",
        libc::ESRCH => "ESRCH",
        libc::E2BIG => "E2BIG",
        libc::EBADF => "EBADF",
        libc::EAGAIN => "EAGAIN",
        libc::ENOMEM => "ENOMEM",
        libc::EACCES => "EACCES",
        libc::EFAULT => "EFAULT",
        libc::EBUSY => "EBUSY",
        libc::EEXIST => "EEXIST",
        libc::EINVAL => "EINVAL",
        libc::ENOSPC => "ENOSPC",
        libc::ERANGE => "ERANGE",
        libc::ENOSYS => "ENOSYS",
        libc::EOPNOTSUPP => "EOPNOTSUPP",
        524 => "ENOTSUPP",
        4000 => "LIBBPF_ERRNO__LIBELF",
        4001 => "LIBBPF_ERRNO__FORMAT",
        4003 => "LIBBPF_ERRNO__ENDIAN",
        4004 => "LIBBPF_ERRNO__INTERNAL",
        4005 => "LIBBPF_ERRNO__RELOC",
        other => return format!("errno {other}"),
    };
    name.to_owned()
}
