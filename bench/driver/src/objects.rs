//! Makes the objects that all peers load.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Result, run};

pub struct Objects {
    directory: PathBuf,
}

impl Objects {
    /// Compiles every C file of `sources` into `directory`.
    pub fn compile(sources: &Path, directory: &Path) -> Result<Self> {
        let kernel = oxbpf::btf::KernelBtf::running()?;
        let header = oxbpf::object::btf::dump_c::header(kernel.types())?;
        std::fs::create_dir_all(directory)?;
        std::fs::write(directory.join("vmlinux.h"), header)?;
        let objects = Self {
            directory: directory.into(),
        };
        for source in std::fs::read_dir(sources)? {
            let source = source?.path();
            let name = source.file_name().and_then(|name| name.to_str());
            let Some(name) = name.and_then(|name| name.strip_suffix(".bpf.c")) else {
                continue;
            };
            let object = objects.path(name);
            run(Command::new("clang")
                .args([
                    "-target", "bpf", "-mcpu=v3", "-O2", "-g", "-Wall", "-Werror", "-c",
                ])
                .args([
                    "-D__TARGET_ARCH_x86",
                    "-I/usr/include/x86_64-linux-gnu",
                    "-I",
                ])
                .arg(directory)
                .arg(&source)
                .arg("-o")
                .arg(&object))?;
            run(Command::new("llvm-strip").arg("-g").arg(&object))?;
        }
        Ok(objects)
    }

    /// Those that were compiled into `directory`.
    pub fn compiled(directory: &Path) -> Self {
        Self {
            directory: directory.into(),
        }
    }

    /// Where they are.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name).with_extension("o")
    }

    /// The types that an object needs of this kernel, as a file.
    pub fn minimal_btf(&self, name: &str) -> Result<PathBuf> {
        let minimal = self.directory.join(name).with_extension("btf");
        run(Command::new("bpftool")
            .args(["gen", "min_core_btf", "/sys/kernel/btf/vmlinux"])
            .args([&minimal, &self.path(name)]))?;
        Ok(minimal)
    }
}
