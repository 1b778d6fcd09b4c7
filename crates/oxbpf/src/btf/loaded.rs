//! The types that others brought into the kernel: with a program or a map, or in a module.

use std::os::fd::AsFd;

use oxbpf_object::btf::Btf;
use rustix::thread::CapabilitySet;

use super::kernel::{KernelBtf, is_vmlinux, modules};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{self, ObjectKind};
use crate::{denied, suggest};

/// The types with a number: that of a program ([`ProgramInfo::btf_id`](crate::program::ProgramInfo::btf_id)), of a map
/// ([`MapInfo::btf_id`](crate::map::MapInfo::btf_id)), or as `bpftool btf` lists them. Linux 4.18.
///
/// # Errors
///
/// [`ErrorKind::NotFound`] if there are none, [`ErrorKind::PermissionDenied`] without CAP_SYS_ADMIN.
#[doc(alias = "BPF_BTF_GET_FD_BY_ID")]
pub fn from_id(id: u32) -> Result<Btf> {
    let doing = || format!("reading the types with id {id}");
    let failed = |errno| denied::explain(Error::syscall(errno, doing()), CapabilitySet::SYS_ADMIN);
    let fd = sys::fd_by_id(ObjectKind::Btf, id, 0).map_err(failed)?;
    // Only the kernel and its modules have a name, and only modules' types continue others.
    let name = sys::btf_name(fd.as_fd()).unwrap_or_default();
    if is_vmlinux(&name) {
        return KernelBtf::running().map(|kernel| kernel.types().clone());
    }
    let bytes = sys::btf_bytes(fd.as_fd()).map_err(failed)?;
    let btf = match name.is_empty() {
        true => Btf::parse(bytes),
        false => Btf::parse_split(bytes, KernelBtf::running()?.types()),
    };
    btf.map_err(|e| Error::new(ErrorKind::InvalidObject, doing()).with_source(e))
}

/// The types of a loaded kernel module, which continue the kernel's own. Linux 5.11, with `CONFIG_DEBUG_INFO_BTF_MODULES`.
///
/// # Errors
///
/// [`ErrorKind::NotFound`] if no such module is loaded, or it has no types.
pub fn of_module(name: &str) -> Result<Btf> {
    let kernel = KernelBtf::running()?;
    // The kernel writes `_` for the `-` of a file's name.
    let name = name.replace('-', "_");
    if let Some(module) = modules(&kernel, Some(&name)).next() {
        return Ok(module.btf);
    }
    let error = Error::new(
        ErrorKind::NotFound,
        format!("looking for the types of module `{name}`"),
    )
    .with_reason("no module of that name is loaded, or it has no types");
    let loaded = std::fs::read_to_string("/proc/modules").unwrap_or_default();
    let names = loaded.lines().filter_map(|line| line.split(' ').next());
    Err(
        match suggest::did_you_mean(&suggest::nearest(&name, names)) {
            Some(remedy) => error.with_remedy(remedy),
            None => error,
        },
    )
}
