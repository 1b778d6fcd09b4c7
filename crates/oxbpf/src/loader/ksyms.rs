//! Finding the kernel's symbols, variables and functions (`__ksym`).

use oxbpf_object::btf::{Btf, Kind, TypeId};
use oxbpf_object::core_reloc::{essential_name, types_are_compatible};
use oxbpf_object::spec::{ExternKind, ExternSpec};

use super::externs::{Externs, Resolved, Unresolved};
use super::kernel::Kernel;
use crate::error::ErrorKind;
use crate::kallsyms;
use crate::limits::MAX_KFUNC_MODULES;
use crate::suggest::{self, Nearest};

type Answer = Result<Resolved, Unresolved>;

/// Settles all `symbols` that are not of the kernel's configuration.
pub(super) fn resolve<'s>(
    kernel: &Kernel<'_>,
    local: Option<&Btf>,
    symbols: impl Iterator<Item = (usize, &'s ExternSpec)>,
    externs: &mut Externs,
) {
    let mut typeless = Vec::new();
    for (position, symbol) in symbols {
        let answer = match symbol.kind {
            ExternKind::KsymTypeless => {
                typeless.push((position, symbol));
                continue;
            }
            ExternKind::KsymVariable => variable(kernel, local, symbol),
            ExternKind::KsymFunction => function(kernel, local, symbol, externs),
            ExternKind::Unresolvable(why) => Err(Unresolved::new(ErrorKind::InvalidObject, why)),
            _ => continue,
        };
        externs.settle(position, answer);
    }
    if typeless.is_empty() {
        return;
    }
    // One pass for all of them: the file is long.
    let names = typeless.iter().map(|(_, symbol)| symbol.name.as_str());
    let found = kallsyms::find(names).map_err(Unresolved::from);
    for (position, symbol) in typeless {
        let answer = match &found {
            Ok(symbols) => address(symbols, symbol),
            Err(_) if symbol.weak => Ok(Resolved::Missing),
            Err(why) => Err(why.clone()),
        };
        externs.settle(position, answer);
    }
}

fn address(symbols: &kallsyms::Symbols, symbol: &ExternSpec) -> Answer {
    match symbols.address(&symbol.name) {
        Ok(Some(address)) => Ok(Resolved::Address(address)),
        Ok(None) if symbol.weak => Ok(Resolved::Missing),
        Ok(None) => Err(absent("symbol", &symbol.name, None)),
        // What the kernel hides is as good as absent.
        Err(e) if e.kind() == ErrorKind::PermissionDenied && symbol.weak => Ok(Resolved::Missing),
        Err(e) => Err(e.into()),
    }
}

/// A variable with a type: in the kernel's types, since 5.10 those per CPU, and those that `CONFIG_DEBUG_INFO_BTF` of
/// later kernels adds.
fn variable(kernel: &Kernel<'_>, local: Option<&Btf>, symbol: &ExternSpec) -> Answer {
    let found = match kernel.find(&symbol.name, Kind::VAR) {
        Ok(found) => found,
        Err(_) if symbol.weak => return Ok(Resolved::Missing),
        Err(e) => return Err(e.into()),
    };
    let Some((ty, module)) = found else {
        return match symbol.weak {
            true => Ok(Resolved::Missing),
            false => Err(absent("variable", &symbol.name, Some((kernel, Kind::VAR)))),
        };
    };
    let target = ty.target().unwrap_or_default();
    if !fits(local, symbol.ty, ty.btf(), target) {
        return Err(Unresolved::new(
            ErrorKind::Relocation,
            "its type is another one on this kernel",
        )
        .remedy("declare it as `vmlinux.h` of this kernel does"));
    }
    Ok(Resolved::Typed {
        btf_id: ty.id().0,
        module,
    })
}

/// A function. Whether programs may call it, the verifier decides.
fn function(
    kernel: &Kernel<'_>,
    local: Option<&Btf>,
    symbol: &ExternSpec,
    externs: &mut Externs,
) -> Answer {
    // Several declarations may be of one function: `f___v2` is `f`, as it is on some kernels.
    let name = essential_name(&symbol.name);
    let found = match kernel.find(name, Kind::FUNC) {
        Ok(found) => found,
        Err(_) if symbol.weak => return Ok(Resolved::Missing),
        Err(e) => return Err(e.into()),
    };
    let Some((ty, module)) = found else {
        return match symbol.weak {
            true => Ok(Resolved::Missing),
            false => Err(absent("function", name, Some((kernel, Kind::FUNC)))),
        };
    };
    let declared = local
        .and_then(|local| local.get(symbol.ty).ok())
        .and_then(|func| func.target())
        .unwrap_or_default();
    if !fits(local, declared, ty.btf(), ty.target().unwrap_or_default()) {
        return match symbol.weak {
            true => Ok(Resolved::Missing),
            false => Err(Unresolved::new(
                ErrorKind::Relocation,
                format!("on this kernel `{name}` takes or returns other types than it is declared with"),
            )
            .remedy(
                "declare it as `vmlinux.h` of this kernel does; to run on kernels of both kinds, declare both \
                 `__weak` with a flavour (`___v2`) and ask `bpf_ksym_exists`",
            )),
        };
    }
    if let Some(module) = module {
        if externs.number_module(module) > MAX_KFUNC_MODULES {
            return Err(Unresolved::new(
                ErrorKind::LimitExceeded,
                format!("kernel functions of more than {MAX_KFUNC_MODULES} modules are called"),
            ));
        }
    }
    Ok(Resolved::Typed {
        btf_id: ty.id().0,
        module,
    })
}

/// Whether something of one type may be declared as of another, `const` and its like aside.
fn fits(local: Option<&Btf>, declared: TypeId, target: &Btf, found: TypeId) -> bool {
    let compare = || {
        let local = local?;
        let declared = local.skip_modifiers_and_typedefs(declared).ok()?;
        let found = target.skip_modifiers_and_typedefs(found).ok()?;
        types_are_compatible(local, declared.id(), target, found.id()).ok()
    };
    // Types that cannot be followed to their end are not the same.
    compare().unwrap_or(false)
}

/// There is none of that name. `among` says where there might be similar ones.
#[cold]
fn absent(what: &str, name: &str, among: Option<(&Kernel<'_>, Kind)>) -> Unresolved {
    let place = match among {
        Some(_) => " in its types",
        None => "",
    };
    let unresolved = Unresolved::new(
        ErrorKind::NotFound,
        format!("this kernel has no {what} `{name}`{place}"),
    );
    let mut nearest = Nearest::to(name);
    if let Some((kernel, kind)) = among {
        for (_, ty) in kernel.running().iter().flat_map(|btf| btf.types().types()) {
            if ty.kind() == kind {
                nearest.offer(ty.name());
            }
        }
    }
    match suggest::did_you_mean(&nearest.names()) {
        Some(remedy) => unresolved.remedy(remedy),
        None => unresolved.remedy("declare it `__weak` if the program can do without"),
    }
}
