//! The whole way from a C file to a module: for `build.rs`, and for the command.

use std::{
    env,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use oxbpf_object::CollectionSpec;

use crate::{
    clang::Clang,
    codegen,
    compile::{Job, absolute_paths, check_cflags},
    error::{Error, ErrorKind, Result},
    output::{self, Output},
    scratch::Scratch,
    target::{Arch, Target},
    vmlinux,
};

/// Compiles one BPF C file and generates the Rust module for it.
///
/// In a `build.rs`, with the module included by `oxbpf::include_bpf!("exec_count")`:
///
/// ```no_run
/// fn main() -> Result<(), bpf2rs::Error> {
///     bpf2rs::Builder::new("src/bpf/exec_count.bpf.c").compile()?;
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Builder {
    source: PathBuf,
    name: Option<String>,
    clang: Option<OsString>,
    cflags: Vec<OsString>,
    vmlinux: Option<PathBuf>,
    types: Vec<String>,
    targets: Vec<Target>,
    arch: Option<Arch>,
    strip: bool,
    color: bool,
}

impl Builder {
    /// For this C file.
    #[must_use]
    pub fn new(source: impl Into<PathBuf>) -> Self {
        Self {
            source: source.into(),
            name: None,
            clang: None,
            cflags: Vec::new(),
            vmlinux: None,
            types: Vec::new(),
            targets: Vec::new(),
            arch: None,
            strip: true,
            color: false,
        }
    }

    /// Name of the object and of the generated files. By default that of the C file, up to the
    /// first dot.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The clang to use, instead of the one that [`Clang::find`] finds.
    #[must_use]
    pub fn clang(mut self, path: impl Into<OsString>) -> Self {
        self.clang = Some(path.into());
        self
    }

    /// A flag for clang. It comes after those that bpf2rs passes, and so overrides them:
    /// `-O1`, `-mcpu=v4`.
    #[must_use]
    pub fn cflag(mut self, flag: impl Into<OsString>) -> Self {
        self.cflags.push(flag.into());
        self
    }

    /// Flags for clang, as [`cflag`](Self::cflag).
    #[must_use]
    pub fn cflags<T: Into<OsString>>(mut self, flags: impl IntoIterator<Item = T>) -> Self {
        self.cflags.extend(flags.into_iter().map(Into::into));
        self
    }

    /// A BTF file to make `vmlinux.h` of when the source includes it and the include path has
    /// none. By default the running kernel's.
    #[must_use]
    pub fn vmlinux(mut self, btf: impl Into<PathBuf>) -> Self {
        self.vmlinux = Some(btf.into());
        self
    }

    /// A C type to generate beside those of maps and variables: that of ring buffer records.
    #[must_use]
    pub fn generate_type(mut self, name: impl Into<String>) -> Self {
        self.types.push(name.into());
        self
    }

    /// A byte order to compile for. By default both; in a build script the target's.
    #[must_use]
    pub fn target(mut self, target: Target) -> Self {
        if !self.targets.contains(&target) {
            self.targets.push(target);
        }
        self
    }

    /// The processor whose registers the source reads, if it does (`PT_REGS_PARM1` and the
    /// like). The objects are then for that one alone. In a build script it is the target's.
    #[must_use]
    pub fn arch(mut self, arch: Arch) -> Self {
        self.arch = Some(arch);
        self
    }

    /// Whether DWARF is taken out of the objects. It is by default; BTF stays in any case.
    #[must_use]
    pub fn strip(mut self, strip: bool) -> Self {
        self.strip = strip;
        self
    }

    /// Whether clang's messages are colored.
    #[must_use]
    pub fn color(mut self, color: bool) -> Self {
        self.color = color;
        self
    }

    /// Compiles and generates, and writes nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Clang`] if there is no clang that can do it, [`ErrorKind::Compile`] with
    /// clang's messages if the source is wrong, [`ErrorKind::Type`] for a type that Rust cannot
    /// express.
    pub fn generate(&self) -> Result<Output> {
        let name = self.checked_name()?;
        check_cflags(&self.cflags)?;
        let clang = match &self.clang {
            Some(path) => Clang::at(path)?,
            None => Clang::find()?,
        };
        let source = self
            .source
            .canonicalize()
            .map_err(|e| Error::io("opening", &self.source, e))?;
        let source_name = file_name(&source);
        let targets = self.targets()?;
        let scratch = Scratch::new()?;
        let cflags = absolute_paths(&self.cflags);
        let mut job = Job {
            clang: &clang,
            source: &source,
            arch: self.arch,
            cflags: &cflags,
            strip: self.strip,
            color: self.color,
            scratch: &scratch,
            vmlinux: None,
        };
        if let Some(target) = targets.first() {
            if job.wants_vmlinux(*target)? {
                job.vmlinux = Some(vmlinux::make(self.vmlinux.as_deref(), &scratch)?);
            }
        }
        let request = codegen::Request {
            name: &name,
            source: &source_name,
            targets: &targets,
            arch: self.arch,
            types: &self.types,
        };
        let mut output = Output {
            name: name.clone(),
            module: String::new(),
            objects: Vec::new(),
            dependencies: Vec::new(),
            warnings: String::new(),
            clang: clang.version(),
        };
        let mut specs = Vec::new();
        for target in &targets {
            let compiled = job.compile(*target)?;
            let spec = CollectionSpec::parse_named(&name, &compiled.object).map_err(|error| {
                Error::new(
                    ErrorKind::InvalidObject,
                    format!("`{source_name}` compiled for {target} cannot be read"),
                )
                .with_source(error)
            })?;
            if specs.is_empty() {
                output.warnings = compiled.diagnostics;
            }
            specs.push(spec);
            output.dependencies.extend(compiled.dependencies);
            output.objects.push((*target, compiled.object));
        }
        output.module = output::header(&source_name, clang.version());
        output
            .module
            .push_str(&codegen::generate(&request, &specs)?);
        output.dependencies.sort();
        output.dependencies.dedup();
        Ok(output)
    }

    /// For a `build.rs`: compiles for the crate's target, writes into `OUT_DIR`, tells cargo
    /// what to watch, and passes clang's warnings on. `oxbpf::include_bpf!` includes the result.
    ///
    /// # Errors
    /// As [`generate`](Self::generate); [`ErrorKind::InvalidInput`] outside of a build script.
    pub fn compile(mut self) -> Result<Output> {
        let directory = PathBuf::from(cargo_variable("OUT_DIR")?);
        let endian = cargo_variable("CARGO_CFG_TARGET_ENDIAN")?;
        let arch = cargo_variable("CARGO_CFG_TARGET_ARCH")?;
        if self.targets.is_empty() {
            self.targets = Target::ALL
                .into_iter()
                .filter(|target| endian == target.endian_name())
                .collect();
        }
        if self.arch.is_none() {
            self.arch = arch.to_string_lossy().parse().ok();
        }
        println!("cargo:rerun-if-env-changed=CLANG");
        println!("cargo:rerun-if-changed={}", self.source.display());
        if let Some(btf) = &self.vmlinux {
            println!("cargo:rerun-if-changed={}", btf.display());
        }
        let output = self.generate()?;
        for path in output.dependencies() {
            println!("cargo:rerun-if-changed={}", path.display());
        }
        for line in output.warnings().lines() {
            println!("cargo:warning={line}");
        }
        output.write(&directory)?;
        Ok(output)
    }

    fn checked_name(&self) -> Result<String> {
        let name = match &self.name {
            Some(name) => name.clone(),
            None => file_name(&self.source)
                .split('.')
                .next()
                .unwrap_or_default()
                .to_owned(),
        };
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(fits) || name.starts_with(|c: char| c.is_numeric())
        {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                format!("`{name}` cannot be the name of a Rust module"),
            )
            .with_remedy("use letters, digits and underscores"));
        }
        Ok(name)
    }

    fn targets(&self) -> Result<Vec<Target>> {
        let given = if self.targets.is_empty() {
            &Target::ALL[..]
        } else {
            &self.targets
        };
        let Some(arch) = self.arch else {
            return Ok(given.to_vec());
        };
        let fitting: Vec<_> = given.iter().copied().filter(|t| arch.has(*t)).collect();
        if fitting.is_empty() {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                format!("{arch} does not run in the byte order of the targets"),
            ));
        }
        Ok(fitting)
    }
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or(OsStr::new(""))
        .to_string_lossy()
        .into_owned()
}

/// A variable that cargo sets for build scripts.
fn cargo_variable(name: &str) -> Result<OsString> {
    env::var_os(name).ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidInput,
            format!("${name} is not set: this is no build script"),
        )
        .with_remedy("use `generate` and `write` instead of `compile`")
    })
}
