//! The kernel's structures and constants, `crates/oxbpf/src/sys/uapi.rs`, from the types of a kernel.
//!
//! Given a kernel, it first takes the few types that matter out of it into a file of their own, `uapi.btf` beside `uapi.rs`,
//! so that anybody can make the same again.

#[path = "../../../crates/oxbpf/src/sys/layout.rs"]
mod layout;
mod render;
mod tables;

use crate::process::{Context, Result};
use oxbpf_object::Endian;
use oxbpf_object::btf::{Btf, BtfBuilder, Kind, TypeId};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub(crate) const USAGE: &str = "[--check | BTF | VMLINUX]";

pub(crate) fn main(args: &[String]) -> Result<()> {
    let (types, code) = (file("uapi.btf"), file("uapi.rs"));
    match args {
        [] => write(&code, render::uapi(&read(&types)?)?.as_bytes()),
        [check] if check == "--check" => check_current(),
        [kernel] => {
            let excerpt = excerpt(&read(Path::new(kernel))?)?;
            write(&types, &excerpt)?;
            write(&code, render::uapi(&Btf::parse(excerpt)?)?.as_bytes())
        }
        _ => Err(format!("usage: gen-uapi {USAGE}").into()),
    }
}

fn check_current() -> Result<()> {
    let made = render::uapi(&read(&file("uapi.btf"))?)?;
    let code = file("uapi.rs");
    if std::fs::read_to_string(&code).context(code.display())? == made {
        return Ok(());
    }
    Err(format!(
        "{} is not what `cargo xtask gen-uapi` makes",
        code.display()
    )
    .into())
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../crates/oxbpf/src/sys")
        .join(name)
}

/// The types in a file of them, or in a kernel's image.
fn read(path: &Path) -> Result<Btf> {
    let bytes = std::fs::read(path).context(path.display())?;
    let btf = if bytes.starts_with(b"\x7fELF") {
        Btf::parse_elf(&bytes)
    } else {
        Btf::parse(bytes)
    };
    btf.context(path.display())
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::write(path, bytes).context(path.display())
}

/// The types that `tables` speaks of and what they are made from, in the order that the kernel has them.
fn excerpt(btf: &Btf) -> Result<Vec<u8>> {
    let roots = tables::STRUCTS.iter().map(|row| row.root);
    let is_root = |name: &str| name == "bpf_cmd" || roots.clone().any(|root| root == name);
    let mut chosen = BTreeMap::new();
    let mut to_visit: Vec<TypeId> = Vec::new();
    for (id, ty) in btf.types() {
        let has_constants = || {
            ty.enumerators()
                .any(|enumerator| tables::ENUMERATORS.contains(&enumerator.name))
        };
        let is_defined = matches!(
            ty.kind(),
            Kind::STRUCT | Kind::UNION | Kind::ENUM | Kind::ENUM64
        );
        if is_defined && (is_root(ty.name()) || has_constants()) {
            to_visit.push(id);
        }
    }
    while let Some(id) = to_visit.pop() {
        if id != TypeId::VOID && chosen.insert(id, TypeId::VOID).is_none() {
            to_visit.extend(btf.get(id)?.references());
        }
    }
    for (position, new) in chosen.values_mut().enumerate() {
        *new = TypeId(position as u32 + 1);
    }
    let mut excerpt = BtfBuilder::new();
    for &id in chosen.keys() {
        excerpt.add_copy(btf.get(id)?, |id| {
            chosen.get(&id).copied().unwrap_or(TypeId::VOID)
        })?;
    }
    Ok(excerpt.to_bytes(Endian::Little)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;
    use std::process::Command;
    use tables::{CONSTANTS, Value};

    #[test]
    fn committed_file_is_what_is_made_of_the_committed_types() {
        check_current().unwrap();
    }

    #[test]
    fn an_excerpt_of_the_excerpt_is_the_same() {
        let types = file("uapi.btf");
        assert_eq!(
            excerpt(&read(&types).unwrap()).unwrap(),
            std::fs::read(types).unwrap()
        );
    }

    /// Compiles the names of linux-libc-dev that are there against our numbers.
    #[test]
    fn constants_are_those_of_the_headers() {
        let mut source = String::from(
            "#include <linux/bpf.h>\n#include <linux/magic.h>\n#include <linux/perf_event.h>\n",
        );
        for constant in CONSTANTS {
            assert!(source.contains(&format!("<{}>", constant.header)));
            let name = constant.name;
            let value = match constant.value {
                Value::Number(value) => format!("{value}"),
                Value::Request(direction, argument, number) => {
                    let size = match argument {
                        "" => 0,
                        "u32" => 4,
                        "usize" => 8,
                        other => panic!("{other}"),
                    };
                    let direction = ["none", "write", "read"]
                        .iter()
                        .position(|known| *known == direction)
                        .unwrap();
                    format!("_IOC({direction}U, '$', {number}, {size})")
                }
            };
            // An older header may lack it; which ones it must have is checked below.
            writeln!(
                source,
                "#ifdef {name}\n_Static_assert({name} == {value}, \"{name}\");\n#endif"
            )
            .unwrap();
        }
        for name in [
            "PERF_EVENT_IOC_SET_BPF",
            "BPF_F_REPLACE",
            "BPF_FS_MAGIC",
            "BPF_OBJ_NAME_LEN",
            "PERF_ATTR_SIZE_VER5",
        ] {
            writeln!(source, "#ifndef {name}\n#error {name}\n#endif").unwrap();
        }
        for name in tables::ENUMERATORS {
            assert!(
                render::uapi(&read(&file("uapi.btf")).unwrap())
                    .unwrap()
                    .contains(&format!("const {name}: ")),
                "{name}"
            );
        }
        let file = std::env::temp_dir().join(format!("oxbpf-constants-{}.c", std::process::id()));
        std::fs::write(&file, source).unwrap();
        let compilers = ["clang-19", "clang", "cc"];
        let compiler = compilers
            .iter()
            .find(|name| Command::new(name).arg("--version").output().is_ok())
            .unwrap();
        let compiled = Command::new(compiler)
            .arg("-fsyntax-only")
            .arg(&file)
            .output()
            .unwrap();
        std::fs::remove_file(&file).unwrap();
        assert!(
            compiled.status.success(),
            "{}",
            String::from_utf8_lossy(&compiled.stderr)
        );
    }
}
