//! The generated files that are committed, so that building the demo needs no clang.

use crate::cargo::cargo;
use crate::process::{Result, run};

pub(crate) const USAGE: &str = "[--check]";

/// Name, C source, and where the files go.
const OBJECTS: &[(&str, &str, &str)] = &[(
    "exec_count",
    "demo/src/bpf/exec_count.bpf.c",
    "demo/src/bpf",
)];

pub(crate) fn main(args: &[String]) -> Result<()> {
    if args.iter().any(|word| word != "--check") {
        return Err(format!("usage: generate {USAGE}").into());
    }
    OBJECTS.iter().try_for_each(|(name, source, directory)| {
        let bpf2rs = [
            "run",
            "--quiet",
            "--package",
            "bpf2rs",
            "--",
            name,
            source,
            "--output-dir",
            directory,
        ];
        run(cargo().args(bpf2rs).args(args))
    })
}
