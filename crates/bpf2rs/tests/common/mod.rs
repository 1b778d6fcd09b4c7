//! A project in a temporary directory, and the command run in it.
#![allow(dead_code, reason = "each test file uses a part of this")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tempfile::TempDir;

/// A program with a map, a constant and an inlined function of a header.
pub(crate) const COUNT: &str = r#"#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "shared.h"

char LICENSE[] SEC("license") = "GPL";
const volatile __u32 step = 1;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1);
} counts SEC(".maps");

SEC("raw_tp/sys_enter")
int count(void *ctx)
{
	__u32 slot = 0;
	__u64 *value = bpf_map_lookup_elem(&counts, &slot);
	if (value)
		*value = advance(*value, step);
	return 0;
}
"#;

pub(crate) const SHARED: &str = r#"static __always_inline __u64 advance(__u64 from, __u32 by)
{
	return from * 3 + by;
}
"#;

/// A project somewhere: `src/count.bpf.c` and `include/shared.h`.
pub(crate) struct Project(TempDir);

impl Project {
    pub(crate) fn new() -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        project.write("src/count.bpf.c", COUNT);
        project.write("include/shared.h", SHARED);
        project
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> Vec<u8> {
        let path = self.path().join(path);
        fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    /// Runs the command in the project's directory.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        Run::of(bpf2rs().current_dir(self.path()).args(arguments))
    }

    /// Generates into `out`.
    pub(crate) fn generate(&self, more: &[&str]) -> Run {
        let mut arguments = vec!["count", "src/count.bpf.c", "--output-dir", "out"];
        arguments.extend(more);
        arguments.extend(["--", "-Iinclude"]);
        self.run(&arguments)
    }
}

pub(crate) fn bpf2rs() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bpf2rs"));
    command.env("XDG_CACHE_HOME", cache());
    command
}

/// Where the command may take notes.
pub(crate) fn cache() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache")
}

/// What a run of the command gave.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    pub(crate) fn of(command: &mut Command) -> Self {
        let Output {
            status,
            stdout,
            stderr,
        } = command.output().unwrap();
        Self {
            code: status.code(),
            out: String::from_utf8(stdout).unwrap(),
            err: String::from_utf8(stderr).unwrap(),
        }
    }

    #[track_caller]
    pub(crate) fn succeeds(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    #[track_caller]
    pub(crate) fn fails(self) -> Self {
        assert_eq!(self.code, Some(1), "{self:?}");
        self
    }
}

pub(crate) const WORKSPACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Cargo for a project, with the crates from here in place of published ones, and those that they
/// need as they are locked here. All projects build into one directory, so that what they share is
/// built once.
pub(crate) fn cargo(project: &Path, arguments: &[&str]) -> Command {
    let lock = project.join("Cargo.lock");
    if !lock.exists() {
        fs::copy(Path::new(WORKSPACE).join("Cargo.lock"), lock).unwrap();
    }
    let mut command = Command::new(env!("CARGO"));
    command
        .current_dir(project)
        .arg("--offline")
        .env("CARGO_TARGET_DIR", target())
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .env_remove("RUSTFLAGS");
    for name in ["bpf2rs", "oxbpf", "oxbpf-derive", "oxbpf-object"] {
        let path = Path::new(WORKSPACE).join("crates").join(name);
        let patch = format!(
            "patch.crates-io.{name}.path={:?}",
            path.display().to_string()
        );
        command.args(["--config", &patch]);
    }
    command.args(arguments);
    command
}

fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("outside")
}
