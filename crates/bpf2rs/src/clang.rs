//! Finding clang, and saying in one sentence what to do where there is none.

use std::{
    collections::BTreeSet,
    ffi::{OsStr, OsString},
    fmt,
    path::{Path, PathBuf},
    process::Command,
};

use crate::error::{Error, ErrorKind, Result};

/// The oldest clang whose BPF code and type information this crate is tested to understand:
/// the first with all CO-RE builtins.
pub const MINIMUM: Version = Version {
    major: 11,
    minor: 0,
    patch: 0,
};

/// How to get clang, by distribution.
const INSTALL: &str = "install it with `apt install clang libbpf-dev` (Debian, Ubuntu), \
     `dnf install clang libbpf-devel` (Fedora) or `pacman -S clang libbpf` (Arch), \
     or name one in $CLANG";

/// A version of clang.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Version {
    /// The release.
    pub major: u32,
    /// Its minor number, mostly zero.
    pub minor: u32,
    /// Its patch level.
    pub patch: u32,
}

impl Version {
    /// Reads the version out of what `clang --version` prints, vendor prefix or not.
    fn from_banner(banner: &str) -> Option<Self> {
        let rest = banner.split("clang version ").nth(1)?;
        let number = rest
            .split(|c: char| !c.is_ascii_digit() && c != '.')
            .next()?;
        let mut parts = number.split('.').map(|part| part.parse().ok());
        Some(Self {
            major: parts.next()??,
            minor: parts.next().flatten().unwrap_or(0),
            patch: parts.next().flatten().unwrap_or(0),
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// A clang that runs and is new enough.
#[derive(Clone, Debug)]
pub struct Clang {
    path: PathBuf,
    version: Version,
}

impl Clang {
    /// The clang named by `$CLANG`; else `clang` of `$PATH`; else, where that is missing or too
    /// old, the newest `clang-N` of `$PATH`.
    ///
    /// # Errors
    /// [`ErrorKind::Clang`] if there is none or none is new enough, with the command that
    /// installs one.
    pub fn find() -> Result<Self> {
        Self::find_in(
            std::env::var_os("CLANG").as_deref(),
            std::env::var_os("PATH").as_deref(),
        )
    }

    fn find_in(named: Option<&OsStr>, path: Option<&OsStr>) -> Result<Self> {
        if let Some(name) = named.filter(|name| !name.is_empty()) {
            return Self::at(name).map_err(|e| e.with_remedy("$CLANG names it"));
        }
        let directories: Vec<PathBuf> = path.map(split_paths).unwrap_or_default();
        let mut too_old = None;
        for candidate in candidates(&directories) {
            match Self::at(&candidate) {
                Ok(clang) => return Ok(clang),
                // The first is the one the user means by `clang`: the one to speak of.
                Err(error) => too_old = too_old.or(Some(error)),
            }
        }
        Err(too_old
            .unwrap_or_else(|| {
                Error::new(ErrorKind::Clang, "no clang in $PATH, which compiles BPF C")
            })
            .with_remedy(INSTALL))
    }

    /// The clang at `path`, or of that name in `$PATH`.
    ///
    /// # Errors
    /// [`ErrorKind::Clang`] if it does not run, is no clang, or is older than [`MINIMUM`].
    pub fn at(path: impl AsRef<OsStr>) -> Result<Self> {
        let mut path = PathBuf::from(path.as_ref());
        if path.components().count() > 1 {
            // Not a name to be looked up, and clang is run in other directories than this.
            path = std::path::absolute(&path).unwrap_or(path);
        }
        let output = Command::new(&path)
            .arg("--version")
            .output()
            .map_err(|error| {
                Error::new(
                    ErrorKind::Clang,
                    format!("running `{} --version` failed", path.display()),
                )
                .with_source(error)
            })?;
        let banner = String::from_utf8_lossy(&output.stdout);
        let Some(version) = Version::from_banner(&banner) else {
            return Err(Error::new(
                ErrorKind::Clang,
                format!(
                    "`{}` is no clang: it calls itself `{}`",
                    path.display(),
                    banner.lines().next().unwrap_or_default()
                ),
            ));
        };
        if version < MINIMUM {
            return Err(Error::new(
                ErrorKind::Clang,
                format!(
                    "`{}` is clang {version}, and at least {} is needed",
                    path.display(),
                    MINIMUM.major
                ),
            ));
        }
        Ok(Self { path, version })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Which it is.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }
}

fn split_paths(path: &OsStr) -> Vec<PathBuf> {
    std::env::split_paths(path).collect()
}

/// `clang` where it is found first, then every `clang-N`, newest first.
fn candidates(directories: &[PathBuf]) -> Vec<OsString> {
    let plain = directories
        .iter()
        .map(|directory| directory.join("clang"))
        .find(|path| path.is_file());
    let mut versioned = BTreeSet::new();
    for directory in directories {
        let Ok(entries) = directory.read_dir() else {
            continue;
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let number = name.to_str().and_then(|name| name.strip_prefix("clang-"));
            if let Some(number) = number.and_then(|n| n.parse::<u32>().ok()) {
                versioned.insert((number, entry.path()));
            }
        }
    }
    plain
        .into_iter()
        .chain(versioned.into_iter().rev().map(|(_, path)| path))
        .map(PathBuf::into_os_string)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory of scripts that call themselves some clang.
    fn path_with(clangs: &[(&str, &str)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (name, banner) in clangs {
            // Written by a shell: were it open for writing here while another test forks,
            // running it would fail with "text file busy".
            let status = Command::new("sh")
                .args([
                    "-c",
                    "printf '#!/bin/sh\necho \"%s\"\n' \"$2\" > $1 && chmod +x $1",
                    "sh",
                ])
                .arg(directory.path().join(name))
                .arg(banner)
                .status()
                .unwrap();
            assert!(status.success());
        }
        directory
    }

    #[test]
    fn reads_versions_as_vendors_write_them() {
        for (banner, version) in [
            ("clang version 11.0.0", Some((11, 0, 0))),
            ("Debian clang version 14.0.6", Some((14, 0, 6))),
            ("Ubuntu clang version 18.1.3 (1ubuntu1)", Some((18, 1, 3))),
            ("clang version 21.0.0git (https://x abc)", Some((21, 0, 0))),
            ("clang version 19", Some((19, 0, 0))),
            ("gcc (Debian 12.2.0-14) 12.2.0", None),
            ("clang version x", None),
            ("", None),
        ] {
            let version = version.map(|(major, minor, patch)| Version {
                major,
                minor,
                patch,
            });
            assert_eq!(Version::from_banner(banner), version, "{banner}");
        }
    }

    #[test]
    fn takes_clang_itself_where_it_is_new_enough() {
        let path = path_with(&[
            ("clang", "clang version 14.0.6"),
            ("clang-19", "clang version 19.1.7"),
        ]);
        let clang = Clang::find_in(None, Some(path.path().as_os_str())).unwrap();
        assert_eq!(clang.version().major, 14);
        assert_eq!(clang.path(), path.path().join("clang"));
    }

    #[test]
    fn takes_the_newest_versioned_one_where_clang_is_missing_or_too_old() {
        let path = path_with(&[
            ("clang", "clang version 9.0.1"),
            ("clang-9", "clang version 9.0.1"),
            ("clang-19", "clang version 19.1.7"),
            ("clang-14", "clang version 14.0.6"),
            ("clang-format-19", "clang-format version 19.1.7"),
        ]);
        let clang = Clang::find_in(None, Some(path.path().as_os_str())).unwrap();
        assert_eq!(clang.version().major, 19);
    }

    #[test]
    fn the_environment_variable_comes_first_and_is_not_second_guessed() {
        let path = path_with(&[
            ("clang", "clang version 14.0.6"),
            ("mine", "clang version 17.0.1"),
            ("old", "clang version 8.0.1"),
        ]);
        let named = path.path().join("mine");
        let search = Some(path.path().as_os_str());
        let clang = Clang::find_in(Some(named.as_os_str()), search).unwrap();
        assert_eq!(clang.version().major, 17);

        let named = path.path().join("old");
        let error = Clang::find_in(Some(named.as_os_str()), search).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Clang);
        assert!(error.to_string().ends_with("$CLANG names it"), "{error}");
    }

    #[test]
    fn missing_or_too_old_is_one_sentence_with_the_install_command() {
        let empty = path_with(&[]);
        let error = Clang::find_in(None, Some(empty.path().as_os_str())).unwrap_err();
        let text = error.to_string();
        assert_eq!(error.kind(), ErrorKind::Clang);
        assert!(text.starts_with("no clang in $PATH"), "{text}");
        assert!(text.contains("apt install clang"), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");

        let old = path_with(&[("clang", "clang version 6.0.1")]);
        let text = Clang::find_in(None, Some(old.path().as_os_str()))
            .unwrap_err()
            .to_string();
        assert!(
            text.contains("is clang 6.0.1, and at least 11 is needed"),
            "{text}"
        );
        assert!(text.contains("apt install clang"), "{text}");
    }
}
