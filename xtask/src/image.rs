//! The container image of the demo, by whichever builder is there.

use crate::process::{Result, find_program, run, workspace};
use std::process::Command;

pub(crate) const USAGE: &str = "[--base IMAGE] [--tag NAME]";

/// What builds images, and how it is told to.
const BUILDERS: &[(&str, &[&str])] = &[
    ("docker", &["build"]),
    ("podman", &["build"]),
    ("buildah", &["build", "--isolation", "chroot"]),
];

pub(crate) fn main(args: &[String]) -> Result<()> {
    let (mut base, mut tag) = (None, "exec-count".to_owned());
    let mut rest = args.iter();
    while let Some(word) = rest.next() {
        let value = rest.next().ok_or(format!("{word} needs a value"))?;
        match word.as_str() {
            "--base" => base = Some(value),
            "--tag" => tag = value.clone(),
            _ => return Err(format!("no option {word}; usage: image {USAGE}").into()),
        }
    }
    // A client without a daemon behind it builds nothing.
    let works = |builder: &str| {
        find_program(builder).is_some()
            && Command::new(builder)
                .arg("info")
                .output()
                .is_ok_and(|o| o.status.success())
    };
    let (builder, how) = BUILDERS
        .iter()
        .find(|(builder, _)| works(builder))
        .ok_or("no docker (with its daemon), podman or buildah here; `apt-get install buildah` brings the smallest")?;
    let mut build = Command::new(builder);
    build
        .args(*how)
        .args(["--tag", &tag])
        .current_dir(workspace());
    if let Some(base) = base {
        build.arg("--build-arg").arg(format!("BASE={base}"));
    }
    if let Ok(version) = std::env::var("OXBPF_VERSION") {
        build.arg("--build-arg").arg(format!("VERSION={version}"));
    }
    run(build.arg("."))?;
    match *builder {
        "buildah" => println!(
            "{tag} is built; `buildah push {tag} docker-daemon:{tag}` or oci-archive:FILE hands it on"
        ),
        builder => println!("{tag} is built; `{builder} run --rm --privileged {tag}` runs it"),
    }
    Ok(())
}
