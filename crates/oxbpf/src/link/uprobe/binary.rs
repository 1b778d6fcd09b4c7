//! The program or library that a probe is in: which file it is, and where in it the functions begin.

use std::env;
use std::ffi::CString;
use std::fs;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use oxbpf_object::executable::{Executable, NoFunction};
use rustix::io::Errno;

use crate::limits::MAX_EXECUTABLE;
use crate::suggest::{did_you_mean, nearest};
use crate::{Error, ErrorKind, Result};

/// Where libraries lie that are named without a directory, after what `LD_LIBRARY_PATH` has.
const LIBRARIES: &[&str] = &["/usr/lib64", "/usr/lib", "/lib64", "/lib"];

/// Where Debian and its kin have those of one architecture, below the others.
const MULTIARCH: &str = if cfg!(target_arch = "x86_64") {
    "x86_64-linux-gnu"
} else if cfg!(target_arch = "aarch64") {
    "aarch64-linux-gnu"
} else if cfg!(target_arch = "s390x") {
    "s390x-linux-gnu"
} else if cfg!(target_arch = "riscv64") {
    "riscv64-linux-gnu"
} else {
    "."
};

/// Where programs lie that are named without a directory, after what `PATH` has.
const PROGRAMS: &[&str] = &["/usr/bin", "/usr/sbin"];

/// A file that was found and read.
#[derive(Debug)]
pub(super) struct Binary {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Binary {
    /// Reads it.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let bytes = read(path, MAX_EXECUTABLE)?;
        Ok(Self {
            path: path.to_owned(),
            bytes,
        })
    }

    pub(super) fn executable(&self) -> Result<Executable<'_>> {
        Executable::parse(&self.bytes).map_err(|error| {
            Error::new(ErrorKind::InvalidInput, "looking for its functions")
                .with_reason(format!("`{}`: {error}", self.path.display()))
        })
    }
}

/// Reads a file that has an end.
fn read(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let doing = || format!("reading `{}`", path.display());
    let failed = |error| {
        let errno = Errno::from_io_error(&error).unwrap_or(Errno::IO);
        Error::syscall(errno, doing())
    };
    let refused =
        |reason: String| Err(Error::new(ErrorKind::InvalidInput, doing()).with_reason(reason));
    // Devices and pipes may wait, or go on, for ever.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return refused("it is no regular file".to_owned());
    }
    let file = fs::File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let mut bytes = Vec::new();
    if length <= limit {
        let limit = limit.saturating_add(1);
        file.take(limit).read_to_end(&mut bytes).map_err(failed)?;
    }
    match length.max(bytes.len() as u64) > limit {
        true => refused(format!("it has more than {limit} bytes")),
        false => Ok(bytes),
    }
}

/// The path of a file that may be named as programs and libraries are.
pub(super) fn find(name: &Path) -> Result<PathBuf> {
    if name.as_os_str().as_bytes().contains(&b'/') {
        return Ok(name.to_owned());
    }
    let text = name.to_string_lossy();
    let is_library = text.ends_with(".so") || text.contains(".so.");
    let (variable, places) = match is_library {
        true => ("LD_LIBRARY_PATH", LIBRARIES),
        false => ("PATH", PROGRAMS),
    };
    let set = env::var_os(variable).unwrap_or_default();
    let usual = places
        .iter()
        .flat_map(|place| [Path::new(place).join(MULTIARCH), PathBuf::from(place)]);
    env::split_paths(&set)
        .filter(|place| place.is_absolute())
        .chain(usual)
        .map(|place| place.join(name))
        .find(|path| path.is_file())
        .ok_or_else(|| {
            let what = if is_library { "library" } else { "program" };
            Error::new(ErrorKind::NotFound, format!("looking for {what} `{text}`"))
                .with_reason(format!(
                    "it is neither in {variable} nor where such files usually lie"
                ))
                .with_remedy("name it with its directory")
        })
}

/// The path as the kernel takes it.
pub(super) fn c_path(path: &Path) -> Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| {
        Error::new(ErrorKind::InvalidInput, "looking at the path")
            .with_reason("no path has a NUL byte in it")
    })
}

/// Where in the file a function begins.
pub(super) fn offset_of(executable: &Executable<'_>, name: &str) -> Result<u64> {
    let doing = || format!("looking for function `{}`", name.escape_debug());
    match executable.function(name) {
        Ok(function) => Ok(function.offset),
        Err(NoFunction::Ambiguous(places)) => {
            let places: Vec<String> = places.iter().map(|place| format!("{place:#x}")).collect();
            Err(Error::new(ErrorKind::InvalidInput, doing())
                .with_reason(format!(
                    "there are several of this name, at bytes {} of the file",
                    places.join(" and ")
                ))
                .with_remedy("say which is meant by where in the file it is"))
        }
        Err(_) if executable.functions().is_empty() => {
            Err(Error::new(ErrorKind::NotFound, doing())
                .with_reason("the file names no functions: it is stripped, and exports none")
                .with_remedy("say where in the file it is"))
        }
        Err(_) => {
            let functions = executable.functions().iter();
            let near = nearest(name, functions.map(|function| function.name));
            let error = Error::new(ErrorKind::NotFound, doing())
                .with_reason("the file names no such function");
            Err(match did_you_mean(&near) {
                Some(question) => error.with_remedy(question),
                None => error,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_without_a_directory_are_looked_for() {
        assert!(find(Path::new("sh")).unwrap().is_absolute());
        assert!(find(Path::new("libc.so.6")).unwrap().is_absolute());
        assert_eq!(find(Path::new("./sh")).unwrap(), Path::new("./sh"));
        let error = find(Path::new("libno-such.so")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains("LD_LIBRARY_PATH"), "{error}");
    }

    #[test]
    fn what_has_no_end_is_not_read() {
        let refused = |path: &str, limit| {
            let error = read(Path::new(path), limit).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            error.to_string()
        };
        assert!(refused("/dev/zero", 100).ends_with("it is no regular file"));
        assert!(refused("/", 100).ends_with("it is no regular file"));
        let path = "/proc/self/exe";
        let length = fs::metadata(path).unwrap().len();
        assert_eq!(read(Path::new(path), length).unwrap().len() as u64, length);
        let message = refused(path, length - 1);
        assert!(
            message.ends_with(&format!("more than {} bytes", length - 1)),
            "{message}"
        );
        // Files of the kernel have no length before they are read.
        assert!(refused("/proc/self/maps", 10).ends_with("more than 10 bytes"));
    }
}
