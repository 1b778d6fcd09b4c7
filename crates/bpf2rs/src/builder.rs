//! The whole way from C files to a module: for `build.rs`, and for the command.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

use oxbpf_object::Endian;

#[cfg(feature = "command")]
use crate::fresh::Note;
use crate::{
    clang::Clang,
    committed,
    compile::{absolute_paths, check_cflags},
    error::{Error, ErrorKind, Result},
    output::Output,
    pipeline::{self, Pipeline, file_name, is_object},
    target::{Arch, Target, Variant},
};

/// Compiles BPF C and generates the Rust module for it.
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
    inputs: Vec<PathBuf>,
    name: Option<String>,
    stem: Option<String>,
    clang: Option<OsString>,
    /// The clang that it is, once it was looked for.
    found: Option<Clang>,
    cflags: Vec<OsString>,
    vmlinux: Option<PathBuf>,
    types: Vec<String>,
    targets: Vec<Target>,
    arches: Vec<Arch>,
    minimal_vmlinux: bool,
    committed: Option<PathBuf>,
    embed: bool,
    strip: bool,
    color: bool,
}

impl Builder {
    /// For this C file, or this object if it is compiled already (`.o`).
    #[must_use]
    pub fn new(source: impl Into<PathBuf>) -> Self {
        Self {
            inputs: vec![source.into()],
            name: None,
            stem: None,
            clang: None,
            found: None,
            cflags: Vec::new(),
            vmlinux: None,
            types: Vec::new(),
            targets: Vec::new(),
            arches: Vec::new(),
            minimal_vmlinux: false,
            committed: None,
            embed: true,
            strip: true,
            color: false,
        }
    }

    /// One more C file, or object, to be linked with the others into one object.
    #[must_use]
    pub fn source(mut self, source: impl Into<PathBuf>) -> Self {
        self.inputs.push(source.into());
        self
    }

    /// Name of the object and of the generated files. By default that of the first C file, up to
    /// the first dot.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// What the names of the generated files begin with, if not with the object's name.
    #[must_use]
    pub fn stem(mut self, stem: impl Into<String>) -> Self {
        self.stem = Some(stem.into());
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

    /// Whether a `vmlinux.h` that is made here has only what the sources need: clang is through it
    /// sooner.
    #[must_use]
    pub fn minimal_vmlinux(mut self, minimal: bool) -> Self {
        self.minimal_vmlinux = minimal;
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

    /// A processor whose registers the source reads, if it does (`PT_REGS_PARM1` and the like): there
    /// is an object for each such processor then, and none for others. In a build script it is the
    /// target's.
    #[must_use]
    pub fn arch(mut self, arch: Arch) -> Self {
        if !self.arches.contains(&arch) {
            self.arches.push(arch);
        }
        self
    }

    /// A directory with output that was committed, which [`compile`](Self::compile) uses, with a
    /// warning, on a machine that has no clang.
    #[must_use]
    pub fn committed(mut self, directory: impl Into<PathBuf>) -> Self {
        self.committed = Some(directory.into());
        self
    }

    /// Whether the module holds the objects. It does by default; else its `Spec` is made from bytes
    /// that come from somewhere when the program runs.
    #[must_use]
    pub fn embed(mut self, embed: bool) -> Self {
        self.embed = embed;
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
        let cflags = absolute_paths(&self.cflags, Path::new(""));
        self.pipeline(&name, &cflags)?.run()
    }

    /// Compiles for this machine, to be loaded at once: the object, and clang's warnings.
    ///
    /// # Errors
    /// As [`generate`](Self::generate), but for types, of which none is generated.
    pub fn object(&self) -> Result<(Vec<u8>, String)> {
        let mut builder = self.clone();
        builder.targets = vec![Target::of(Endian::NATIVE)];
        builder.arches = Arch::host().into_iter().collect();
        let cflags = absolute_paths(&builder.cflags, Path::new(""));
        builder.pipeline("object", &cflags)?.object()
    }

    /// The text of a `vmlinux.h` with no more than the sources need.
    ///
    /// # Errors
    /// As [`generate`](Self::generate).
    pub fn vmlinux_header(&self) -> Result<String> {
        let name = self.checked_name()?;
        let cflags = absolute_paths(&self.cflags, Path::new(""));
        self.pipeline(&name, &cflags)?.vmlinux_header()
    }

    fn pipeline<'a>(&'a self, name: &'a str, cflags: &'a [OsString]) -> Result<Pipeline<'a>> {
        check_cflags(&self.cflags)?;
        Ok(Pipeline {
            inputs: &self.inputs,
            name,
            stem: self.stem.as_deref().unwrap_or(name),
            clang: self.find_clang()?,
            cflags,
            vmlinux: self.vmlinux.as_deref(),
            minimal_vmlinux: self.minimal_vmlinux,
            variants: self.variants()?,
            types: &self.types,
            embed: self.embed,
            strip: self.strip,
            color: self.color,
        })
    }

    /// The clang to use, if there is C.
    fn find_clang(&self) -> Result<Option<Clang>> {
        let is_c = self.inputs.iter().any(|path| !is_object(path));
        Ok(match (&self.found, &self.clang) {
            _ if !is_c => None,
            (Some(found), _) => Some(found.clone()),
            (None, Some(path)) => Some(Clang::at(path)?),
            (None, None) => Some(Clang::find()?),
        })
    }

    /// The name of the module's file.
    #[cfg(feature = "command")]
    pub(crate) fn module_name(&self) -> Result<String> {
        let name = self.checked_name()?;
        Ok(format!("{}.rs", self.stem.as_ref().unwrap_or(&name)))
    }

    /// The note on the last run that generated this file, among others.
    #[cfg(feature = "command")]
    pub(crate) fn note(&mut self, module: &Path, more: &str) -> Result<Option<Note>> {
        let request = format!("{self:?} {more}");
        self.found = self.find_clang()?;
        Ok(Note::on(&request, self.found.as_ref(), module))
    }

    /// For a `build.rs`: compiles for the crate's target, writes into `OUT_DIR`, tells cargo
    /// what to watch, and passes clang's warnings on. `oxbpf::include_bpf!` includes the result.
    ///
    /// # Errors
    /// As [`generate`](Self::generate); [`ErrorKind::InvalidInput`] outside of a build script.
    pub fn compile(mut self) -> Result<()> {
        let directory = PathBuf::from(cargo_variable("OUT_DIR")?);
        let endian = cargo_variable("CARGO_CFG_TARGET_ENDIAN")?;
        let arch = cargo_variable("CARGO_CFG_TARGET_ARCH")?;
        if self.targets.is_empty() {
            self.targets = Target::ALL
                .into_iter()
                .filter(|target| endian == target.endian_name())
                .collect();
        }
        if self.arches.is_empty() {
            self.arches.extend(arch.to_string_lossy().parse::<Arch>());
        }
        println!("cargo:rerun-if-env-changed=CLANG");
        for input in self.inputs.iter().chain(&self.vmlinux) {
            println!("cargo:rerun-if-changed={}", input.display());
        }
        let output = match self.generate() {
            Err(error) if error.kind() == ErrorKind::Clang => {
                return self.use_committed(&directory, error);
            }
            result => result?,
        };
        for path in output.dependencies() {
            println!("cargo:rerun-if-changed={}", path.display());
        }
        for line in output.warnings().lines() {
            println!("cargo:warning={line}");
        }
        output.write(&directory)?;
        Ok(())
    }

    /// What was committed, for want of a clang.
    fn use_committed(&self, directory: &Path, error: Error) -> Result<()> {
        let Some(from) = &self.committed else {
            return Err(error);
        };
        let name = self.checked_name()?;
        let taken = committed::take(from, self.stem.as_ref().unwrap_or(&name), directory)?;
        if taken.is_empty() {
            return Err(error);
        }
        for path in taken {
            println!("cargo:rerun-if-changed={}", path.display());
        }
        println!(
            "cargo:warning=`{name}` is used as it was committed in `{}`: {error}",
            from.display()
        );
        Ok(())
    }

    fn checked_name(&self) -> Result<String> {
        let name = match &self.name {
            Some(name) => name.clone(),
            None => self
                .inputs
                .first()
                .map(|path| file_name(path))
                .unwrap_or_default()
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

    /// What there are to be objects for: of the byte orders and processors that were asked for, those
    /// that go together.
    fn variants(&self) -> Result<Vec<Variant>> {
        let targets = match self.inputs.iter().find(|path| is_object(path)) {
            Some(object) => vec![pipeline::target_of(object)?],
            None if self.targets.is_empty() => Target::ALL.to_vec(),
            None => self.targets.clone(),
        };
        if self.arches.is_empty() {
            let any = |target| Variant { target, arch: None };
            return Ok(targets.into_iter().map(any).collect());
        }
        let mut variants = Vec::new();
        for &arch in &self.arches {
            let fitting = targets.iter().filter(|target| arch.has(**target));
            let before = variants.len();
            variants.extend(fitting.map(|&target| Variant {
                target,
                arch: Some(arch),
            }));
            if variants.len() == before {
                return Err(Error::new(
                    ErrorKind::InvalidInput,
                    format!("{arch} does not run in the byte order of the targets"),
                ));
            }
        }
        Ok(variants)
    }
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
