//! The release programs, put where programs are looked for.

use crate::cargo::{Program, static_program};
use crate::process::{Context, Result, libraries, root, run};
use std::path::Path;
use std::process::Command;

pub(crate) const USAGE: &str = "PREFIX";

/// What takes its time runs here, and not in the kernel.
pub(crate) const OXBPF: Program = Program {
    package: "oxbpf-cli",
    name: "oxbpf",
    profile: "release",
};

pub(crate) const PROGRAMS: &[Program] = &[
    Program::DEMO,
    OXBPF,
    Program {
        package: "bpf2rs",
        name: "bpf2rs",
        profile: "small",
    },
];

pub(crate) fn main(args: &[String]) -> Result<()> {
    let [prefix] = args else {
        return Err(format!("usage: install {USAGE}").into());
    };
    let bin = Path::new(prefix).join("bin");
    for program in PROGRAMS {
        install(program, &bin)?;
    }
    Ok(())
}

fn install(program: &Program, bin: &Path) -> Result<()> {
    let built = static_program(program)?;
    if !libraries(&built).is_empty() {
        return Err(format!("{} needs shared libraries", built.display()).into());
    }
    let target = bin.join(program.name);
    // Only the last step may need to be root.
    let ours = std::fs::create_dir_all(bin).is_ok()
        && std::fs::File::create(bin.join(".writable")).is_ok();
    let _ = std::fs::remove_file(bin.join(".writable"));
    let mut install = if ours {
        Command::new("install")
    } else {
        root("install")
    };
    run(install.args(["-D", "-m", "755"]).arg(&built).arg(&target))?;
    let size = std::fs::metadata(&target).context(target.display())?.len();
    println!("{} ({:.2} MB)", target.display(), size as f64 / 1e6);
    Ok(())
}
