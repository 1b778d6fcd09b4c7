//! Output that was committed, for machines that have no clang.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::error::{Error, Result};

/// Copies a committed module and its objects into the directory of a build script's output.
///
/// Returns the files that it took, or none if there is no such module.
pub(crate) fn take(from: &Path, stem: &str, into: &Path) -> Result<Vec<PathBuf>> {
    let module = from.join(format!("{stem}.rs"));
    if !module.is_file() {
        return Ok(Vec::new());
    }
    let mut taken = vec![module];
    let entries = from.read_dir().map_err(|e| Error::io("reading", from, e))?;
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let rest = name.strip_prefix(stem);
        if rest.is_some_and(|rest| rest.starts_with('.') && rest.ends_with(".o")) {
            taken.push(entry.path());
        }
    }
    taken.sort();
    for path in &taken {
        let name = path.file_name().unwrap_or_default();
        fs::copy(path, into.join(name)).map_err(|e| Error::io("copying", path, e))?;
    }
    Ok(taken)
}
