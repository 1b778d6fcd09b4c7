//! From C files and objects to one object for each variant, and the module of all of them.

use std::{
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
};

use oxbpf_object::{CollectionSpec, Linker};

use crate::{
    clang::Clang,
    codegen,
    compile::Job,
    error::{Error, ErrorKind, Result},
    output::{self, Output},
    scratch::Scratch,
    target::{Target, Variant},
    vmlinux,
};

/// What is made of what.
#[derive(Debug)]
pub(crate) struct Pipeline<'a> {
    /// C files, and objects compiled before.
    pub(crate) inputs: &'a [PathBuf],
    pub(crate) name: &'a str,
    pub(crate) stem: &'a str,
    /// `None` where nothing has to be compiled.
    pub(crate) clang: Option<Clang>,
    pub(crate) cflags: &'a [OsString],
    pub(crate) vmlinux: Option<&'a Path>,
    pub(crate) minimal_vmlinux: bool,
    pub(crate) variants: Vec<Variant>,
    pub(crate) types: &'a [String],
    pub(crate) embed: bool,
    pub(crate) strip: bool,
    pub(crate) color: bool,
}

/// What all inputs gave for one variant.
struct Linked {
    object: Vec<u8>,
    dependencies: Vec<PathBuf>,
    diagnostics: String,
}

/// Whether a file is an object rather than C.
pub(crate) fn is_object(path: &Path) -> bool {
    path.extension() == Some(OsStr::new("o"))
}

impl Pipeline<'_> {
    pub(crate) fn run(&self) -> Result<Output> {
        let sources: Vec<_> = self.inputs.iter().map(|path| file_name(path)).collect();
        let (linked, vmlinux) = self.linked(&self.variants)?;
        let mut objects = Vec::new();
        let mut specs = Vec::new();
        let mut dependencies = Vec::new();
        let mut warnings = None;
        for (variant, linked) in self.variants.iter().zip(linked) {
            let spec = CollectionSpec::parse_named(self.name, &linked.object).map_err(|error| {
                Error::new(
                    ErrorKind::InvalidObject,
                    format!(
                        "the object of {} for {variant} cannot be read",
                        sources.join(", ")
                    ),
                )
                .with_source(error)
            })?;
            // They are the same for all.
            warnings.get_or_insert(linked.diagnostics);
            specs.push(spec);
            dependencies.extend(linked.dependencies);
            objects.push((*variant, linked.object));
        }
        dependencies.sort();
        dependencies.dedup();
        let clang = self.clang.as_ref().map(Clang::version);
        let request = codegen::Request {
            name: self.name,
            stem: self.stem,
            sources: &sources,
            variants: &self.variants,
            embed: self.embed,
            types: self.types,
        };
        let mut module = output::header(&sources, clang);
        module.push_str(&codegen::generate(&request, &specs)?);
        Ok(Output {
            stem: self.stem.to_owned(),
            module,
            objects,
            dependencies,
            vmlinux,
            warnings: warnings.unwrap_or_default(),
            clang,
        })
    }

    /// The object for the first variant, and clang's warnings.
    pub(crate) fn object(&self) -> Result<(Vec<u8>, String)> {
        let first = self.variants.get(..1).unwrap_or_default();
        let (linked, _) = self.linked(first)?;
        let linked = linked.into_iter().next();
        Ok(linked
            .map(|linked| (linked.object, linked.diagnostics))
            .unwrap_or_default())
    }

    /// What the inputs give for some variants, and the types that a `vmlinux.h` was made of for them.
    fn linked(&self, variants: &[Variant]) -> Result<(Vec<Linked>, Option<PathBuf>)> {
        let scratch = Scratch::new()?;
        let inputs = self.inputs.iter().map(|path| absolute(path));
        let inputs: Vec<_> = inputs.collect::<Result<_>>()?;
        let error = match self.link_all(&inputs, variants, None, &scratch) {
            Err(error) if vmlinux::is_missing(&error) => error,
            result => return Ok((result?, None)),
        };
        let Some(directory) = self.vmlinux(&inputs, &scratch)? else {
            return Err(error);
        };
        let linked = self.link_all(&inputs, variants, Some(&directory), &scratch)?;
        Ok((linked, Some(vmlinux::source(self.vmlinux).to_path_buf())))
    }

    /// Compiles for all variants at once.
    fn link_all(
        &self,
        inputs: &[PathBuf],
        variants: &[Variant],
        vmlinux: Option<&Path>,
        scratch: &Scratch,
    ) -> Result<Vec<Linked>> {
        let link = |variant: &Variant| self.link(inputs, *variant, vmlinux, scratch);
        std::thread::scope(|scope| {
            let threads: Vec<_> = variants
                .iter()
                .map(|variant| {
                    let thread = std::thread::Builder::new();
                    // Where there can be no threads, one after the other.
                    thread
                        .spawn_scoped(scope, move || link(variant))
                        .map_err(|_| variant)
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| match thread {
                    Ok(thread) => match thread.join() {
                        Ok(result) => result,
                        Err(panic) => std::panic::resume_unwind(panic),
                    },
                    Err(variant) => link(variant),
                })
                .collect()
        })
    }

    fn job<'a>(&'a self, source: &'a Path, scratch: &'a Scratch) -> Option<Job<'a>> {
        let clang = self.clang.as_ref()?;
        Some(Job {
            clang,
            source,
            cflags: self.cflags,
            strip: self.strip,
            color: self.color,
            scratch,
            vmlinux: None,
        })
    }

    /// The directory of a `vmlinux.h` of our making, if a source wants one.
    fn vmlinux(&self, inputs: &[PathBuf], scratch: &Scratch) -> Result<Option<PathBuf>> {
        let Some(&variant) = self.variants.first() else {
            return Ok(None);
        };
        let mut wanting = Vec::new();
        for job in self.jobs(inputs, scratch) {
            if job.wants_vmlinux(variant)? {
                wanting.push(job);
            }
        }
        if wanting.is_empty() {
            return Ok(None);
        }
        let texts = match self.minimal_vmlinux {
            // Where the preprocessor does not get through, the compiler says why.
            true => wanting
                .iter()
                .map(|job| job.preprocessed(variant))
                .collect::<Result<Option<Vec<_>>>>()?,
            false => None,
        };
        vmlinux::make(self.vmlinux, texts.as_deref(), scratch).map(Some)
    }

    /// The text of a `vmlinux.h` with no more than the sources need.
    pub(crate) fn vmlinux_header(&self) -> Result<String> {
        let scratch = Scratch::new()?;
        let inputs = self.inputs.iter().map(|path| absolute(path));
        let inputs: Vec<_> = inputs.collect::<Result<_>>()?;
        let Some(&variant) = self.variants.first() else {
            return Ok(String::new());
        };
        let mut texts = Vec::new();
        for job in self.jobs(&inputs, &scratch) {
            match job.preprocessed(variant)? {
                Some(text) => texts.push(text),
                // Which says what is wrong with it.
                None => drop(job.compile(variant)?),
            }
        }
        vmlinux::header(self.vmlinux, Some(&texts))
    }

    fn jobs<'a>(
        &'a self,
        inputs: &'a [PathBuf],
        scratch: &'a Scratch,
    ) -> impl Iterator<Item = Job<'a>> {
        inputs
            .iter()
            .filter(|path| !is_object(path))
            .filter_map(|source| self.job(source, scratch))
    }

    /// Compiles what is C, and links what is more than one.
    fn link(
        &self,
        inputs: &[PathBuf],
        variant: Variant,
        vmlinux: Option<&Path>,
        scratch: &Scratch,
    ) -> Result<Linked> {
        let mut parts = Vec::new();
        let mut linked = Linked {
            object: Vec::new(),
            dependencies: Vec::new(),
            diagnostics: String::new(),
        };
        for input in inputs {
            let job = self.job(input, scratch).filter(|_| !is_object(input));
            let Some(mut job) = job else {
                let bytes = fs::read(input).map_err(|e| Error::io("reading", input, e))?;
                linked.dependencies.push(input.clone());
                parts.push((file_name(input), bytes));
                continue;
            };
            job.vmlinux = vmlinux.map(Path::to_path_buf);
            let compiled = job.compile(variant)?;
            linked.dependencies.extend(compiled.dependencies);
            linked.diagnostics.push_str(&compiled.diagnostics);
            parts.push((file_name(input), compiled.object));
        }
        linked.object = match parts.len() {
            1 => parts.remove(0).1,
            _ => link(&parts)?,
        };
        Ok(linked)
    }
}

fn link(parts: &[(String, Vec<u8>)]) -> Result<Vec<u8>> {
    let failed = |error| {
        let names: Vec<_> = parts.iter().map(|(name, _)| name.as_str()).collect();
        Error::new(
            ErrorKind::InvalidObject,
            format!("linking {} failed", names.join(", ")),
        )
        .with_source(error)
    };
    let mut linker = Linker::new();
    for (name, bytes) in parts {
        linker.add(name, bytes).map_err(failed)?;
    }
    linker.link().map_err(failed)
}

/// The byte order of an object that was compiled before.
pub(crate) fn target_of(path: &Path) -> Result<Target> {
    let bytes = fs::read(path).map_err(|e| Error::io("reading", path, e))?;
    let spec = CollectionSpec::parse(&bytes).map_err(|error| {
        Error::new(
            ErrorKind::InvalidObject,
            format!("`{}` is no BPF object", path.display()),
        )
        .with_source(error)
    })?;
    Ok(Target::of(spec.endian))
}

fn absolute(path: &Path) -> Result<PathBuf> {
    path.canonicalize()
        .map_err(|e| Error::io("opening", path, e))
}

pub(crate) fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or(OsStr::new(""))
        .to_string_lossy()
        .into_owned()
}
