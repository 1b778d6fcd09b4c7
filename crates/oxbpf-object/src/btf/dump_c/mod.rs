//! C declarations of types: one type with all that it needs, or a whole BTF as a header (`vmlinux.h`).
//!
//! The header is for BPF programs: clang, asked for the BTF of what it declares, gives the same types back. Every structure has the
//! layout that its BTF says, with explicit padding where C would place a member elsewhere and `packed` where C would not place it
//! there at all. Types come after what they need, with forward declarations where a pointer is all that is needed. Names that
//! collide, as those of private types of different source files do, get a suffix `___2`, `___3`, ..., which CO-RE ignores.
//!
//! What C cannot express still has its size: a type of bytes stands for an odd number format, an array of bytes for the members of
//! a structure that overlap.

mod declare;
mod hash;
mod layout;
mod names;
mod order;
mod text;

use layout::Layouts;
use names::Names;
use text::Text;

use super::{Btf, Contents, Error, Kind, Type, TypeId};
use crate::limits::{C_TEXT_PER_BTF_BYTE, MIN_C_TEXT_LIMIT};

/// Writes C declarations of types of one BTF, each once and after what it needs.
///
/// After an error, what it has written is incomplete.
///
/// ```
/// use oxbpf_object::btf::dump_c::CDump;
/// use oxbpf_object::btf::{Btf, Error, Kind};
///
/// fn declare_task(vmlinux: &Btf) -> Result<String, Error> {
///     let mut dump = CDump::new(vmlinux);
///     if let Some(task) = vmlinux.find("task_struct", Kind::STRUCT) {
///         dump.define(task)?;
///     }
///     Ok(dump.into_text())
/// }
/// ```
#[derive(Debug)]
pub struct CDump<'a> {
    btf: &'a Btf,
    text: Text,
    /// The text is not made longer than this.
    limit: usize,
    /// By id: what has been done about a type.
    states: Vec<order::State>,
    names: Names<'a>,
    layouts: Layouts<'a>,
    /// The types between a declared name and its base type, of all declarations being written.
    chain: Vec<Type<'a>>,
    /// Whether a structure or union has been defined.
    has_records: bool,
    /// How many bodies and parameter lists the text is inside of.
    depth: usize,
}

impl<'a> CDump<'a> {
    /// Nothing is declared yet.
    pub fn new(btf: &'a Btf) -> CDump<'a> {
        let count = btf.end().0 as usize;
        CDump {
            btf,
            text: Text::default(),
            limit: btf
                .raw()
                .len()
                .saturating_mul(C_TEXT_PER_BTF_BYTE)
                .max(MIN_C_TEXT_LIMIT),
            states: vec![order::State::default(); count],
            names: Names::new(count),
            layouts: Layouts::new(btf),
            chain: Vec::new(),
            has_records: false,
            depth: 0,
        }
    }

    /// Declares a type and all that it needs to be complete, as far as that has not been done.
    ///
    /// Types that have no name are declared as parts of those that have one. Variables, functions and sections are no types in C;
    /// what they are made from is declared.
    ///
    /// # Errors
    ///
    /// When a type it needs is not there, or contains itself; when it is too deeply nested
    /// ([`MAX_C_NESTING`](crate::limits::MAX_C_NESTING)) or the text gets out of proportion.
    pub fn define(&mut self, id: TypeId) -> Result<(), Error> {
        match self.btf.get(id)?.contents() {
            Contents::DataSection(section) => section
                .variables()
                // Not by this function: a damaged section may name itself as its variable.
                .try_for_each(|variable| self.require(variable.ty, order::Need::Defined)),
            Contents::Var(var) => self.require(var.ty, order::Need::Defined),
            Contents::DeclTag(tag) => self.require(tag.target, order::Need::Defined),
            _ => self.require(id, order::Need::Defined),
        }
    }

    /// Declares all types of the BTF; of split BTF, its own and what they need of the base's.
    ///
    /// # Errors
    ///
    /// As [`define`](CDump::define).
    pub fn define_all(&mut self) -> Result<(), Error> {
        let mut constants = Vec::new();
        for (id, ty) in self.btf.types() {
            if self.is_declared_by_itself(ty) {
                self.require(id, order::Need::Defined)?;
            } else if matches!(ty.kind(), Kind::ENUM | Kind::ENUM64) {
                constants.push(ty);
            }
        }
        constants
            .into_iter()
            .try_for_each(|ty| self.declare_constants(ty))
    }

    /// Declares the functions that the kernel offers to BPF programs (kfuncs), and the types they need.
    ///
    /// # Errors
    ///
    /// As [`define`](CDump::define).
    pub fn declare_kfuncs(&mut self) -> Result<(), Error> {
        let kfuncs: Vec<_> = kfuncs(self.btf).collect();
        self.declare_functions(&kfuncs)
    }

    fn declare_functions(&mut self, kfuncs: &[Type<'a>]) -> Result<(), Error> {
        for func in kfuncs {
            self.require(func.id(), order::Need::Declared)?;
        }
        if kfuncs.is_empty() {
            return Ok(());
        }
        self.text.push(KFUNC_START);
        for &func in kfuncs {
            self.write_kfunc(func)?;
        }
        self.text.push("#endif\n\n");
        Ok(())
    }

    /// A declaration, without a semicolon, of `declarator` as of this type: `const struct task_struct *name[3]`.
    ///
    /// The declarator is a name or, for the type alone, empty. Unlike [`define`](CDump::define) this adds nothing to the text.
    ///
    /// # Errors
    ///
    /// As [`define`](CDump::define).
    pub fn declaration(&mut self, id: TypeId, declarator: &str) -> Result<String, Error> {
        let start = self.text.len();
        let result = self.write_declaration(id, declarator.as_bytes(), 0);
        let declaration = self.text.split_off(start);
        result.map(|()| String::from_utf8_lossy(&declaration).into_owned())
    }

    /// What has been declared so far.
    pub fn text(&self) -> &str {
        self.text.as_str()
    }

    /// What has been declared.
    pub fn into_text(self) -> String {
        self.text.into_string()
    }

    fn check_length(&self) -> Result<(), Error> {
        if self.text.len() > self.limit {
            Err(Error::TooMuchText { limit: self.limit })
        } else {
            Ok(())
        }
    }
}

/// The functions that a kernel offers to BPF programs (kfuncs), as far as its BTF marks them.
pub fn kfuncs(btf: &Btf) -> impl Iterator<Item = Type<'_>> {
    btf.types().filter_map(|(_, ty)| kfunc(btf, ty))
}

/// The function that a type tells to be a kfunc.
fn kfunc<'a>(btf: &'a Btf, ty: Type<'a>) -> Option<Type<'a>> {
    // Nearly all types are none of these, which shows without looking at what they say.
    if ty.kind() != Kind::DECL_TAG {
        return None;
    }
    match ty.contents() {
        Contents::DeclTag(tag) if tag.component.is_none() && ty.is_named("bpf_kfunc") => {
            btf.get(tag.target).ok()
        }
        _ => None,
    }
}

const GUARD_START: &str = "\
#ifndef __VMLINUX_H__
#define __VMLINUX_H__

";

const GUARD_END: &str = "#endif /* __VMLINUX_H__ */\n";

const RELOCATABLE_START: &str = "\
#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
#endif

";

const RELOCATABLE_END: &str = "\
#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute pop
#endif

";

const KFUNC_START: &str = "\
#ifndef BPF_NO_KFUNC_PROTOTYPES
#ifndef __ksym
#define __ksym __attribute__((section(\".ksyms\")))
#endif
#ifndef __weak
#define __weak __attribute__((weak))
#endif

";

/// A header with all types of a BTF: `vmlinux.h`, if it is the kernel's.
///
/// It is what BPF programs and `bpf_helpers.h` expect: guarded by `__VMLINUX_H__`, with all accesses to its structures relocatable
/// (CO-RE) unless `BPF_NO_PRESERVE_ACCESS_INDEX` is defined, and with prototypes of kernel functions, if the BTF marks them,
/// unless `BPF_NO_KFUNC_PROTOTYPES` is.
///
/// # Errors
///
/// As [`CDump::define`].
#[doc(alias = "vmlinux.h")]
pub fn header(btf: &Btf) -> Result<String, Error> {
    let mut dump = CDump::new(btf);
    dump.define_all()?;
    dump.declare_kfuncs()?;
    Ok(wrapped(&dump))
}

/// A header with some types of a BTF and what they need: a `vmlinux.h` for programs that use no others. The rest is as in
/// [`header`]; of the [`kfuncs`], it has prototypes of those that are among the types.
///
/// # Errors
///
/// As [`CDump::define`].
pub fn header_of(btf: &Btf, types: &[TypeId]) -> Result<String, Error> {
    let mut dump = CDump::new(btf);
    for id in types {
        if dump.is_declared_by_itself(btf.get(*id)?) {
            dump.define(*id)?;
        }
    }
    for id in types {
        dump.declare_constants(btf.get(*id)?)?;
    }
    let kfuncs: Vec<_> = kfuncs(btf)
        .filter(|func| types.contains(&func.id()))
        .collect();
    dump.declare_functions(&kfuncs)?;
    Ok(wrapped(&dump))
}

fn wrapped(dump: &CDump<'_>) -> String {
    // Clang warns of an attribute that is for nothing.
    let (start, end) = if dump.has_records {
        (RELOCATABLE_START, RELOCATABLE_END)
    } else {
        ("", "")
    };
    [GUARD_START, start, dump.text(), end, GUARD_END].concat()
}
