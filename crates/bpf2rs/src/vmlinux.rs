//! `vmlinux.h`: the kernel's own types as one header, made when a source asks for it.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use oxbpf_object::btf::{
    Btf, Contents, Type, TypeId,
    dump_c::{self, kfuncs},
};

use crate::{
    error::{Error, ErrorKind, Result},
    limits::MAX_POINTERS,
    scratch::Scratch,
};

/// The types of the kernel that runs here.
const KERNEL_BTF: &str = "/sys/kernel/btf/vmlinux";

/// Writes `vmlinux.h` into the scratch directory and returns the directory it is in. With sources,
/// it has no more than what they need.
///
/// # Errors
/// [`ErrorKind::Io`] if the BTF cannot be read, [`ErrorKind::InvalidObject`] if it is none.
pub(crate) fn make(
    from: Option<&Path>,
    sources: Option<&[String]>,
    scratch: &Scratch,
) -> Result<PathBuf> {
    let header = header(from, sources)?;
    let directory = scratch.directory("vmlinux")?;
    let file = directory.join("vmlinux.h");
    fs::write(&file, header).map_err(|e| Error::io("writing", &file, e))?;
    Ok(directory)
}

/// Where the types come from.
pub(crate) fn source(from: Option<&Path>) -> &Path {
    from.unwrap_or(Path::new(KERNEL_BTF))
}

/// Whether compiling failed for want of a `vmlinux.h`.
pub(crate) fn is_missing(error: &Error) -> bool {
    error.kind() == ErrorKind::Compile && error.diagnostics().contains("'vmlinux.h' file not found")
}

/// The text of such a header.
pub(crate) fn header(from: Option<&Path>, sources: Option<&[String]>) -> Result<String> {
    let path = source(from);
    let bytes = fs::read(path).map_err(|error| {
        let failed = Error::new(
            ErrorKind::Io,
            format!(
                "the source includes `vmlinux.h`, and reading kernel types from `{}` failed",
                path.display()
            ),
        )
        .with_source(error);
        match from {
            Some(_) => failed,
            None => failed.with_remedy(
                "name a BTF file of a kernel that has one with `--vmlinux FILE`, or put a \
                 `vmlinux.h` on the include path",
            ),
        }
    })?;
    let invalid = |error| {
        Error::new(
            ErrorKind::InvalidObject,
            format!("`{}` is no BTF", path.display()),
        )
        .with_source(error)
    };
    let btf = Btf::parse(bytes).map_err(invalid)?;
    match sources {
        Some(sources) => dump_c::header_of(&btf, &needed(&btf, sources)),
        None => dump_c::header(&btf),
    }
    .map_err(invalid)
}

/// What sources need, which have been through the preprocessor: the types and functions that they name, and
/// the types that they get to through pointers that are members they name or that such functions take.
fn needed(btf: &Btf, sources: &[String]) -> Vec<TypeId> {
    let words: HashSet<&str> = sources.iter().flat_map(|text| words(text)).collect();
    let mut needed = Vec::new();
    let mut seen = HashSet::new();
    let mut open: Vec<Type<'_>> = btf
        .types()
        .map(|(_, ty)| ty)
        .filter(|ty| is_named(*ty, &words))
        .collect();
    open.reverse();
    for func in kfuncs(btf).filter(|func| words.contains(func.name())) {
        needed.push(func.id());
        open.extend(signature(btf, func).filter_map(|id| composite(btf, id)));
    }
    while let Some(ty) = open.pop() {
        if !seen.insert(ty.id()) {
            continue;
        }
        let is_alone = !ty.name().is_empty() || matches!(ty.contents(), Contents::Enum(_));
        if is_alone {
            needed.push(ty.id());
        }
        for member in ty.members() {
            let is_used = member.name.is_empty() || words.contains(member.name);
            if let Some(of) = is_used.then(|| composite(btf, member.ty)).flatten() {
                open.push(of);
            }
        }
        if let Contents::Typedef(target) = ty.contents() {
            open.extend(composite(btf, target));
        }
    }
    needed
}

/// Whether a source names a type, or a value of an enumeration.
fn is_named(ty: Type<'_>, words: &HashSet<&str>) -> bool {
    match ty.contents() {
        Contents::Enum(contents) => {
            words.contains(ty.name())
                || contents
                    .enumerators()
                    .any(|enumerator| words.contains(enumerator.name))
        }
        Contents::Struct(_) | Contents::Union(_) | Contents::Typedef(_) => {
            words.contains(ty.name())
        }
        _ => false,
    }
}

/// The types of what a function takes and returns.
fn signature<'a>(btf: &'a Btf, func: Type<'a>) -> impl Iterator<Item = TypeId> + 'a {
    let of_func = func.target().and_then(|id| btf.get(id).ok());
    let prototype = of_func.and_then(|ty| match ty.contents() {
        Contents::FuncProto(prototype) => Some(prototype),
        _ => None,
    });
    prototype.into_iter().flat_map(|prototype| {
        let taken = prototype.params().map(|param| param.ty);
        std::iter::once(prototype.result).chain(taken)
    })
}

/// The structure or union that a member is, holds or points to.
fn composite(btf: &Btf, id: TypeId) -> Option<Type<'_>> {
    let mut at = id;
    for _ in 0..MAX_POINTERS {
        let ty = btf.skip_modifiers_and_typedefs(at).ok()?;
        match ty.contents() {
            Contents::Struct(_) | Contents::Union(_) => return Some(ty),
            Contents::Ptr(target) => at = target,
            Contents::Array(array) => at = array.element,
            _ => return None,
        }
    }
    None
}

/// The words of a C source, string literals and numbers among them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
}
