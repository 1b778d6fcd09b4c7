//! An object's types in the kernel.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;

use oxbpf_object::Endian;
use oxbpf_object::btf::{
    Btf, BtfBuilder, DeclTag, Enumerator, FuncLinkage, SectionVar, SupportedKinds, TypeId, TypeTag,
    VarLinkage,
};
use rustix::io::Errno;
use rustix::thread::CapabilitySet;

use crate::error::{Error, ErrorKind, Result};
use crate::sys::{self, LogBuffer};
use crate::{denied, memlock};

/// Bytes of the log that is asked for when the kernel refuses an object's types.
const LOG_SIZE: usize = 64 << 10;

/// The types of an object, loaded. Ids are those of the object.
#[derive(Debug)]
pub(crate) struct ObjectBtf(OwnedFd);

impl ObjectBtf {
    /// Loads an object's types, once for all of its maps and programs. Linux 4.18.
    ///
    /// What this kernel does not know is replaced by what it does, but only after it refused.
    pub(crate) fn load(btf: &Btf, token: Option<BorrowedFd<'_>>) -> Result<Self> {
        let invalid =
            |e| Error::new(ErrorKind::InvalidObject, "preparing its types").with_source(e);
        let settled = || {
            let mut copy = BtfBuilder::copy_of(btf)?;
            copy.settle_externs(btf)?;
            Ok(copy)
        };
        let result = if btf.endian() == Endian::NATIVE && !btf.has_externs() {
            load(btf.raw(), token)
        } else {
            let bytes = settled().and_then(|copy| copy.to_bytes(Endian::NATIVE));
            load(&bytes.map_err(invalid)?, token)
        };
        let refused = match result {
            Ok(fd) => return Ok(Self(fd)),
            Err(errno @ (Errno::PERM | Errno::ACCESS)) => return Err(denied(errno)),
            Err(errno) => errno,
        };
        let mut copy = settled().map_err(invalid)?;
        copy.sanitize(supported_kinds(token));
        let sanitized = copy.to_bytes(Endian::NATIVE).map_err(invalid)?;
        load(&sanitized, token).map(Self).map_err(|_| {
            let mut error = Error::syscall(refused, "loading its types");
            if let Some(line) = log_of(&sanitized, token) {
                error = error.with_reason(line);
            }
            error
        })
    }
}

impl AsFd for ObjectBtf {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn load(bytes: &[u8], token: Option<BorrowedFd<'_>>) -> sys::Result<OwnedFd> {
    memlock::with_memory(|| sys::btf_load(bytes, token, None).result)
}

#[cold]
fn denied(errno: Errno) -> Error {
    let error = Error::syscall(errno, "loading its types");
    match memlock::remedy().or_else(|| denied::remedy(CapabilitySet::BPF)) {
        Some(remedy) => error.with_remedy(remedy),
        None => error,
    }
}

/// The last line that the kernel has to say about these types.
fn log_of(bytes: &[u8], token: Option<BorrowedFd<'_>>) -> Option<String> {
    let mut log = vec![0; LOG_SIZE];
    let buffer = LogBuffer {
        bytes: &mut log,
        level: 1,
    };
    // Only the log is of interest: that it fails is known.
    let _ = sys::btf_load(bytes, token, Some(buffer)).result;
    let text = sys::nul_terminated(&log);
    let line = text.lines().rev().find(|line| !line.trim().is_empty())?;
    Some(line.trim().to_owned())
}

/// What this kernel takes in an object's types: asked once a process, with the smallest object
/// that has it.
pub(crate) fn supported_kinds(token: Option<BorrowedFd<'_>>) -> SupportedKinds {
    static ANSWER: OnceLock<SupportedKinds> = OnceLock::new();
    if let Some(answer) = ANSWER.get() {
        return *answer;
    }
    let mut is_denied = false;
    let known = PROBES
        .iter()
        .filter(|(_, build)| {
            let mut types = BtfBuilder::new();
            let int = types.add_signed("int", 4);
            build(&mut types, int);
            let answer = types
                .to_bytes(Endian::NATIVE)
                .map(|bytes| load(&bytes, token));
            is_denied |= matches!(answer, Ok(Err(Errno::PERM)));
            matches!(answer, Ok(Ok(_)))
        })
        .map(|(kind, _)| *kind)
        .collect();
    match is_denied {
        // That says nothing about the kernel.
        true => known,
        false => *ANSWER.get_or_init(|| known),
    }
}

/// For each ability, types that take it. Each gets an `int` to build upon.
type Probe = (SupportedKinds, fn(&mut BtfBuilder, TypeId));

const PROBES: &[Probe] = &[
    (SupportedKinds::FUNC, |types, int| {
        let proto = types.add_func_proto(int, &[]);
        types.add_func("f", proto, FuncLinkage::STATIC);
    }),
    (SupportedKinds::GLOBAL_FUNC, |types, int| {
        let proto = types.add_func_proto(int, &[]);
        types.add_func("f", proto, FuncLinkage::GLOBAL);
    }),
    (SupportedKinds::DATASEC, |types, int| {
        section(types, ".data", int)
    }),
    (SupportedKinds::QUESTION_MARK_DATASEC, |types, int| {
        section(types, "?.data", int)
    }),
    (SupportedKinds::FLOAT, |types, _| {
        types.add_float("float", 4);
    }),
    (SupportedKinds::DECL_TAG, |types, int| {
        let var = types.add_var("v", int, VarLinkage::STATIC);
        types.add_decl_tag(
            "note",
            DeclTag {
                target: var,
                component: None,
                is_attribute: false,
            },
        );
    }),
    (SupportedKinds::TYPE_TAG, |types, int| {
        let tag = types.add_type_tag(
            "note",
            TypeTag {
                target: int,
                is_attribute: false,
            },
        );
        types.add_ptr(tag);
    }),
    (SupportedKinds::ENUM64, |types, _| {
        let value = Enumerator {
            name: "V",
            value: 1 << 32,
        };
        types.add_enum("e", 8, false, &[value]);
    }),
];

fn section(types: &mut BtfBuilder, name: &str, int: TypeId) {
    let ty = types.add_var("v", int, VarLinkage::STATIC);
    let variable = SectionVar {
        ty,
        offset: 0,
        size: 4,
    };
    types.add_data_section(name, 4, &[variable]);
}

#[cfg(test)]
mod tests {
    use oxbpf_object::btf::Kind;

    use super::*;

    /// Types of every kind, as clang leaves them but for the places of variables, which come from the object file.
    fn every_kind() -> (Btf, BtfBuilder) {
        let bytes: &[u8] = include_bytes!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../oxbpf-object/tests/fixtures/btf/kinds.el.btf"
        ));
        let btf = Btf::parse(bytes).unwrap();
        let mut copy = BtfBuilder::copy_of(&btf).unwrap();
        for (id, section) in btf.types().filter(|(_, ty)| ty.kind() == Kind::DATASEC) {
            let mut end = 0;
            let mut variables = Vec::new();
            for variable in section.variables() {
                variables.push(SectionVar {
                    offset: end,
                    ..variable
                });
                end += variable.size.next_multiple_of(8);
            }
            copy.set_data_section(id, end, &variables).unwrap();
        }
        (btf, copy)
    }

    #[test]
    fn every_kind_of_type_loads() {
        let (_, placed) = every_kind();
        ObjectBtf::load(&placed.build().unwrap(), None).unwrap();
    }

    /// What stands for each kind on kernels that do not know it is taken by those that do, too.
    #[test]
    fn what_stands_for_unknown_kinds_loads() {
        let (btf, mut settled) = every_kind();
        settled.settle_externs(&btf).unwrap();
        let known = supported_kinds(None);
        for missing in SupportedKinds::all().iter() {
            let mut older = settled.clone();
            older.sanitize(known - missing);
            let bytes = older.to_bytes(Endian::NATIVE).unwrap();
            load(&bytes, None)
                .unwrap_or_else(|errno| panic!("{missing:?}: {errno}: {:?}", log_of(&bytes, None)));
        }
        let mut oldest = settled;
        oldest.sanitize(SupportedKinds::empty());
        load(&oldest.to_bytes(Endian::NATIVE).unwrap(), None).unwrap();
    }

    /// A kernel that knows 64-bit enumerations knows all that came before them.
    #[test]
    fn kinds_are_known_in_the_order_that_they_came() {
        let known = supported_kinds(None);
        let by_age: Vec<_> = SupportedKinds::all()
            .iter()
            .filter(|kind| *kind != SupportedKinds::LAYOUT)
            .collect();
        let first_unknown = by_age
            .iter()
            .position(|kind| !known.contains(*kind))
            .unwrap_or(by_age.len());
        for kind in &by_age[first_unknown..] {
            assert!(
                !known.contains(*kind),
                "{kind:?} but not {:?}: {known:?}",
                by_age[first_unknown]
            );
        }
    }
}
