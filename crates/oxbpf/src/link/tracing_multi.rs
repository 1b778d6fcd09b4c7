//! A program at many functions that BTF describes, by one link.

use std::fmt;
use std::os::fd::{AsFd, OwnedFd};

use oxbpf_object::btf::{Btf, Contents, Kind, Type, TypeId};
use oxbpf_object::kernel::AttachType;
use rustix::io::Errno;

use super::{AttachPoint, Link, ProgramOf, many, permission};
use crate::btf::KernelBtf;
use crate::program::{Program, TracingKind};
use crate::suggest::{did_you_mean, nearest};
use crate::sys::{self, LinkExtra};
use crate::{Error, ErrorKind, Result, btf, glob, tracefs};

/// How many arguments a function may have that a trampoline can be put to (`MAX_BPF_FUNC_ARGS`).
const MAX_ARGUMENTS: usize = 12;

/// The most bytes that an argument may have.
const MAX_ARGUMENT: u64 = 16;

/// A program at the entries or exits of many functions, or at both, through trampolines (`fentry.multi`, `fexit.multi`,
/// `fsession.multi`).
///
/// Since Linux 7.2. Needs BTF of the kernel, and CAP_PERFMON. Patterns need root, for the list of functions in tracefs.
///
/// ```no_run
/// # fn main() -> oxbpf::Result<()> {
/// # let program: oxbpf::Program = unimplemented!();
/// use oxbpf::TracingMulti;
///
/// let link = TracingMulti::pattern(None, "vfs_*").attach(&program)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[doc(alias = "BPF_LINK_TYPE_TRACING_MULTI")]
pub struct TracingMulti {
    module: Option<String>,
    functions: Functions,
    cookies: Vec<u64>,
}

#[derive(Clone, Debug)]
enum Functions {
    Pattern(String),
    Names(Vec<String>),
}

impl TracingMulti {
    /// All functions of the kernel, or of `module`, that can be traced and whose names match `glob`, in which `*` stands for any
    /// characters and `?` for one. The program must have been loaded for the same module.
    pub fn pattern(module: Option<&str>, glob: impl Into<String>) -> Self {
        Self {
            module: module.map(str::to_owned),
            functions: Functions::Pattern(glob.into()),
            cookies: Vec::new(),
        }
    }

    /// The functions of these names.
    pub fn functions(
        module: Option<&str>,
        names: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        Self {
            module: module.map(str::to_owned),
            functions: Functions::Names(names.into_iter().map(Into::into).collect()),
            cookies: Vec::new(),
        }
    }

    /// A number for each of the functions, in their order, that the program gets from `bpf_get_attach_cookie`. Not with a
    /// pattern, whose functions have no order.
    #[must_use]
    pub fn cookies(mut self, cookies: impl IntoIterator<Item = u64>) -> Self {
        self.cookies = cookies.into_iter().collect();
        self
    }

    /// Attaches `program` to all of the functions, or to none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if a function is not among the kernel's types, with the nearest names, or nothing matches;
    /// [`ErrorKind::InvalidInput`] if there are not as many cookies as functions, or one cannot have a trampoline;
    /// [`ErrorKind::WrongKind`] if the program was not loaded for this;
    /// [`ErrorKind::PermissionDenied`], with what stands in the way.
    #[doc(alias = "bpf_program__attach_tracing_multi")]
    pub fn attach(&self, program: &impl ProgramOf<TracingKind>) -> Result<Link> {
        let program = program.program()?;
        let what = format!("`{}` {self}", program.name());
        Link::made(what, self.try_attach(program))
    }

    fn try_attach(&self, program: &Program) -> Result<OwnedFd> {
        let attach_type = match program.attach_info().attach_type {
            Some(
                known @ (AttachType::TRACE_FENTRY_MULTI
                | AttachType::TRACE_FEXIT_MULTI
                | AttachType::TRACE_FSESSION_MULTI),
            ) => known,
            _ => {
                return Err(Error::new(ErrorKind::WrongKind, "looking at the program")
                    .with_reason("it was not loaded for many functions")
                    .with_remedy("put it into SEC(\"fentry.multi\") or one of its kin"));
            }
        };
        let kernel = KernelBtf::running()?;
        let ids = match self.module.as_deref() {
            Some(module) if !btf::is_vmlinux(module) => {
                let found = btf::modules(&kernel, Some(module)).next();
                let found = found.ok_or_else(|| {
                    Error::new(ErrorKind::NotFound, "looking at the functions")
                        .with_reason(format!("no module `{module}` with types is loaded"))
                })?;
                self.ids(&found.btf)?
            }
            _ => self.ids(kernel.types())?,
        };
        many::check(ids.len(), self.cookies.len())?;
        let extra = LinkExtra::TracingMulti {
            ids: &ids,
            cookies: &self.cookies,
        };
        sys::link_create(program.as_fd(), 0, attach_type.0, 0, extra).map_err(refused)
    }

    /// The BTF ids of the functions.
    fn ids(&self, btf: &Btf) -> Result<Vec<u32>> {
        match &self.functions {
            Functions::Names(names) => names
                .iter()
                .map(|name| match btf.find(name, Kind::FUNC) {
                    Some(id) => Ok(id.0),
                    None => Err(not_found(btf, name)),
                })
                .collect(),
            Functions::Pattern(pattern) => {
                many::check_pattern(&self.cookies)?;
                match matching(btf, pattern)? {
                    ids if ids.is_empty() => {
                        Err(many::nothing_matches(pattern, "that can be traced"))
                    }
                    ids => Ok(ids),
                }
            }
        }
    }
}

/// The functions that match, that a trampoline can be put to, and that no other has the name of.
fn matching(btf: &Btf, pattern: &str) -> Result<Vec<u32>> {
    let traceable = tracefs::traceable_functions()?;
    let duplicates = traceable.duplicates();
    let names: std::collections::HashSet<&str> = traceable
        .iter()
        .map(|function| function.name)
        .filter(|name| glob::matches(pattern, name) && duplicates.binary_search(name).is_err())
        .collect();
    let ids = btf.types().filter(|(_, ty)| {
        ty.kind() == Kind::FUNC && names.contains(ty.name()) && can_have_a_trampoline(btf, *ty)
    });
    Ok(ids.map(|(id, _)| id.0).collect())
}

/// Whether a trampoline can pass the arguments and the result of a function on.
fn can_have_a_trampoline(btf: &Btf, function: Type<'_>) -> bool {
    let prototype = match function.contents() {
        Contents::Func(func) => btf.get(func.proto).ok(),
        _ => None,
    };
    let Some(prototype) = prototype else {
        return false;
    };
    let Contents::FuncProto(prototype) = prototype.contents() else {
        return false;
    };
    let is_composite = |id: TypeId| {
        let ty = btf.skip_modifiers_and_typedefs(id);
        ty.is_ok_and(|ty| matches!(ty.kind(), Kind::STRUCT | Kind::UNION))
    };
    let fits = |id: TypeId| {
        id != TypeId::VOID
            && btf
                .size_of(id)
                .is_ok_and(|size| (1..=MAX_ARGUMENT).contains(&size))
    };
    let params = prototype.params();
    !is_composite(prototype.result)
        && params.clone().count() <= MAX_ARGUMENTS
        && params.map(|param| param.ty).all(fits)
}

fn not_found(btf: &Btf, name: &str) -> Error {
    let functions = btf.types().filter(|(_, ty)| ty.kind() == Kind::FUNC);
    let near = nearest(name, functions.map(|(_, ty)| ty.name()));
    let error = Error::new(ErrorKind::NotFound, "looking at the functions").with_reason(format!(
        "the kernel's types have no function `{}`",
        name.escape_debug()
    ));
    match did_you_mean(&near) {
        Some(question) => error.with_remedy(question),
        None => error,
    }
}

#[cold]
fn refused(errno: Errno) -> Error {
    let error = Error::syscall(errno, "linking it");
    match errno {
        Errno::PERM | Errno::ACCESS => permission::explain_bpf(error),
        Errno::INVAL | Errno::NOENT | Errno::OPNOTSUPP => error
            .with_kind(ErrorKind::InvalidInput)
            .with_reason("one of the functions cannot have a trampoline, or is named twice"),
        _ => error,
    }
}

impl AttachPoint for TracingMulti {
    type Kind = TracingKind;

    fn attach(&self, program: &impl ProgramOf<TracingKind>) -> Result<Link> {
        self.attach(program)
    }
}

impl fmt::Display for TracingMulti {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.functions {
            Functions::Pattern(pattern) => write!(f, "at `{}`", pattern.escape_debug())?,
            Functions::Names(names) => write!(f, "at {} functions", names.len())?,
        }
        match &self.module {
            Some(module) => write!(f, " of module `{}`", module.escape_debug()),
            None => Ok(()),
        }
    }
}
