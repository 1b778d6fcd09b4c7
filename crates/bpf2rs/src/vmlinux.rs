//! `vmlinux.h`: the kernel's own types as one header, made when a source asks for it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use oxbpf_object::btf::{Btf, dump_c};

use crate::{
    error::{Error, ErrorKind, Result},
    scratch::Scratch,
};

/// The types of the kernel that runs here.
const KERNEL_BTF: &str = "/sys/kernel/btf/vmlinux";

/// Writes `vmlinux.h` into the scratch directory and returns the directory it is in.
///
/// # Errors
/// [`ErrorKind::Io`] if the BTF cannot be read, [`ErrorKind::InvalidObject`] if it is none.
pub(crate) fn make(from: Option<&Path>, scratch: &Scratch) -> Result<PathBuf> {
    let path = from.unwrap_or(Path::new(KERNEL_BTF));
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
    let header = dump_c::header(&btf).map_err(invalid)?;
    let _ = &btf;
    let directory = scratch.directory("vmlinux")?;
    let file = directory.join("vmlinux.h");
    fs::write(&file, header).map_err(|e| Error::io("writing", &file, e))?;
    Ok(directory)
}
