//! From a spec to maps and programs in the kernel.
//!
//! [`Loader::load`] does it in the order that `ARCHITECTURE.md` gives: types, layout and
//! relocation, maps, contents, programs, and last what refers to programs. Everything that can
//! fail on paper has failed before the first map exists.

mod arena;
mod attach_target;
mod authority;
mod collection;
mod descriptors;
mod exclusive;
mod externs;
mod fallback;
mod faults;
mod jump_tables;
mod kconfig;
mod kernel;
mod ksyms;
mod levels;
mod map_spec;
mod maps;
mod missing;
mod plan;
mod programs;
mod report;
mod struct_ops;

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use oxbpf_object::Endian;
use oxbpf_object::spec::CollectionSpec;

use authority::{Authority, TokenSource};
pub use collection::Collection;
use externs::Externs;
use faults::Faults;
pub(crate) use kconfig::read_running as kernel_config;
use kernel::Kernel;
use programs::Loaded;
pub use report::{PartialLoad, ProgramReport};
use struct_ops::StructOpsPlan;

use crate::btf::{KernelBtf, ObjectBtf};
use crate::error::{Error, ErrorKind, Result};
use crate::map::Map;
use crate::program::{Keyring, LogLevel, Program};
use crate::token::Token;

/// What a [`Loader`] can load: a [`CollectionSpec`], or the `Spec` of a generated module.
pub trait Loadable {
    /// What loading gives.
    type Output;

    /// The spec to load.
    ///
    /// # Errors
    ///
    /// Where it is inconsistent.
    fn into_spec(self) -> Result<CollectionSpec>;

    /// Makes the output from what was loaded.
    ///
    /// # Errors
    ///
    /// Where the collection does not hold what the output needs.
    fn from_collection(collection: Collection) -> Result<Self::Output>;

    /// The sections of global variables that the output needs, though none of the programs to be
    /// loaded may use them. Others are not created then.
    fn data_sections() -> &'static [&'static str] {
        &[]
    }
}

/// Loads specs into the kernel.
///
/// Whatever a spec cannot know comes in here: maps and programs that exist already, and how to go
/// about it.
///
/// ```no_run
/// use oxbpf::Loader;
/// use oxbpf::object::CollectionSpec;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let spec = CollectionSpec::from_file("exec_count.o")?;
/// let collection = Loader::new().load(spec)?;
/// let _link = collection.program("count_execve")?.attach()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Loader {
    replacements: HashMap<String, Map>,
    targets: HashMap<String, Program>,
    kernel_btf: Option<KernelBtf>,
    kconfig: Option<String>,
    pin_root: PathBuf,
    threads: Option<NonZeroUsize>,
    log_level: LogLevel,
    token: TokenSource,
    signatures: HashMap<String, (Vec<u8>, Keyring)>,
}

impl Default for Loader {
    fn default() -> Self {
        Self {
            replacements: HashMap::new(),
            targets: HashMap::new(),
            kernel_btf: None,
            kconfig: None,
            pin_root: PathBuf::from("/sys/fs/bpf"),
            threads: None,
            log_level: LogLevel::empty(),
            token: TokenSource::Environment,
            signatures: HashMap::new(),
        }
    }
}

impl Loader {
    /// A loader with nothing special about it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Uses `map` where the object has a map called `name`, which is then not created.
    #[must_use]
    pub fn replace_map(mut self, name: impl Into<String>, map: &Map) -> Self {
        self.replacements.insert(name.into(), map.clone());
        self
    }

    /// Says which loaded program the object's program `name` attaches to or replaces: for
    /// `freplace`, and for `fentry` and `fexit` on another BPF program. Minimum kernel: 5.6.
    ///
    /// It takes no telling where the target is a program of the same object: it is found by the function's name, or by
    /// [`target_program`](oxbpf_object::spec::ProgramSpec::target_program), and loaded first. For `fentry` and `fexit`, a
    /// function of the kernel of that name goes first.
    #[must_use]
    pub fn target_program(mut self, name: impl Into<String>, target: &Program) -> Self {
        self.targets.insert(name.into(), target.clone());
        self
    }

    /// Relocates against these types instead of those in `/sys/kernel/btf/vmlinux`.
    ///
    /// Attach points are looked up in the running kernel's own types all the same.
    #[must_use]
    pub fn kernel_btf(mut self, btf: &KernelBtf) -> Self {
        self.kernel_btf = Some(btf.clone());
        self
    }

    /// Takes settings of the kernel's configuration (`__kconfig`) from this text, which looks as
    /// `/boot/config-...` does. Those that it does not have come from there, or from
    /// `/proc/config.gz`, all the same.
    #[must_use]
    pub fn kconfig(mut self, text: impl Into<String>) -> Self {
        self.kconfig = Some(text.into());
        self
    }

    /// The directory for maps that the object pins by name. Default: `/sys/fs/bpf`.
    #[must_use]
    pub fn pin_root(mut self, directory: impl Into<PathBuf>) -> Self {
        self.pin_root = directory.into();
        self
    }

    /// How many programs are verified at the same time. Default: one for each CPU.
    #[must_use]
    pub fn threads(mut self, threads: NonZeroUsize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Loads with the permissions of a BPF token instead of this process's own. Linux 6.9.
    ///
    /// Without this, a token is made of the BPF file system that the environment variable `LIBBPF_BPF_TOKEN_PATH` names; if it
    /// is not set, of `/sys/fs/bpf`, but only if the kernel denies something, and silently.
    #[must_use]
    pub fn token(mut self, token: &Token) -> Self {
        self.token = TokenSource::Given(token.clone());
        self
    }

    /// As [`token`](Self::token), with one made of the BPF file system at `path`. An empty path stands for no token at all, whatever
    /// the environment says.
    #[must_use]
    pub fn token_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.token = TokenSource::Path(path.into());
        self
    }

    /// Loads the object's program `name` with a signature: a detached CMS (PKCS #7) message in DER, by a key in `keyring`, over what
    /// [`CollectionSpec::signed_bytes`] gives. Linux 6.18.
    ///
    /// Linux 7.3 wants the maps of a signed program to be constant, [for it alone](oxbpf_object::spec::MapSpec::exclusive_to), and
    /// signed too: there this is for programs without maps.
    #[must_use]
    pub fn signature(
        mut self,
        name: impl Into<String>,
        signature: impl Into<Vec<u8>>,
        keyring: Keyring,
    ) -> Self {
        self.signatures
            .insert(name.into(), (signature.into(), keyring));
        self
    }

    /// How much the logs of accepted programs say that [`keep_going`](Self::keep_going) gives. Default: what the
    /// verification cost, and nothing else. [`LogLevel::LEVEL2`] adds every instruction on every path; of level 1 the
    /// kernel keeps nothing once it has accepted a program.
    #[must_use]
    pub fn log_level(mut self, level: LogLevel) -> Self {
        self.log_level = level;
        self
    }

    /// Loads a spec.
    ///
    /// Either everything in it is loaded, or nothing is left behind.
    ///
    /// # Errors
    ///
    /// Of the programs that the kernel refuses, the one that comes first in the object is
    /// reported, with the verifier's log ([`Error::verifier`]).
    pub fn load<S: Loadable>(&self, spec: S) -> Result<S::Output> {
        let spec = spec.into_spec()?;
        let name = spec.name.clone();
        self.load_parts(spec, S::data_sections(), None)
            .and_then(|parts| S::from_collection(parts.collection))
            .map_err(|e| e.context(format!("loading `{name}`")))
    }

    /// Loads what can be loaded of a spec, and tells for each program what came of it.
    ///
    /// Maps are made once. Each program is then loaded on its own: what becomes of the others makes no
    /// difference to it, unless it attaches to one of them. To see the verdict on all programs of an object, set
    /// [`autoload`](oxbpf_object::spec::ProgramSpec::autoload) of those that are optional. They are loaded several at a
    /// time; with one [thread](Self::threads), one after the other, which makes load times comparable.
    ///
    /// ```no_run
    /// use oxbpf::Loader;
    /// use oxbpf::object::CollectionSpec;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let loaded = Loader::new().keep_going(CollectionSpec::from_file("tools.o")?)?;
    /// for report in &loaded.programs {
    ///     match report.summary() {
    ///         None => println!("{}: loaded in {:?}", report.name, report.load_time),
    ///         Some(why) => println!("{}: {why}", report.name),
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// What concerns the object as a whole: it is inconsistent or of the other byte order, or the kernel does not take types that it cannot do without.
    pub fn keep_going<S: Loadable>(&self, spec: S) -> Result<PartialLoad> {
        let spec = spec.into_spec()?;
        let name = spec.name.clone();
        self.load_parts(spec, S::data_sections(), Some(self.log_level))
            .map_err(|e| e.context(format!("loading `{name}`")))
    }

    fn load_parts(
        &self,
        mut spec: CollectionSpec,
        kept: &[&str],
        keep_going: Option<LogLevel>,
    ) -> Result<PartialLoad> {
        refuse_foreign(&spec)?;
        let mut faults = Faults::new(keep_going);
        let kernel = Kernel::new(self.kernel_btf.as_ref());
        let struct_ops = StructOpsPlan::new(&kernel, &mut spec, &mut faults)?;
        let mut plan = plan::plan(&kernel, &spec, &struct_ops);
        plan::switch_off_unused(&mut spec, &plan, kept);
        let externs = Externs::resolve(&kernel, self.kconfig.as_deref(), &mut spec, &plan, kept);
        plan::check_externs(&spec, &externs, &mut plan);
        if keep_going.is_none() {
            if let Some(failure) = plan.iter_mut().find_map(|planned| planned.failure.take()) {
                return Err(failure);
            }
        }
        let authority = Authority::new(&self.token)?;
        let load_btf = |btf| authority.call(|token| ObjectBtf::load(btf, token));
        let (btf, refused_types) = match spec.btf.as_ref().map(load_btf).transpose() {
            Ok(btf) => (btf, None),
            // Most programs can do without. So does one who may load no types, but some programs.
            Err(error) if struct_ops.maps.is_empty() => (None, Some(error)),
            Err(error) => return Err(error),
        };
        let digests = exclusive::digests(self, &kernel, &spec, &externs, &plan)?;
        let context = maps::Context {
            loader: self,
            kernel: &kernel,
            spec: &spec,
            struct_ops: &struct_ops,
            btf: btf.as_ref(),
            refused_types: refused_types.as_ref(),
            authority: &authority,
            digests: &digests,
        };
        let maps = maps::create(context, &mut faults)?;
        let context = programs::Context {
            loader: self,
            kernel: &kernel,
            spec: &spec,
            externs: &externs,
            struct_ops: &struct_ops,
            maps: &maps,
            btf: btf.as_ref(),
            refused_types: refused_types.as_ref(),
            authority: &authority,
            loaded: &[],
            keep_going,
        };
        let Loaded { programs, reports } = programs::load(context, plan)?;
        maps::fill_with_programs(&spec, &maps, &programs, &mut faults)?;
        Ok(PartialLoad {
            failed_maps: faults.into_named(&spec),
            collection: Collection::assemble(spec, maps, programs, struct_ops),
            programs: reports,
            refused_types,
        })
    }
}

/// An object for the other byte order can be looked at, but no kernel of this machine takes it.
fn refuse_foreign(spec: &CollectionSpec) -> Result<()> {
    if spec.endian == Endian::NATIVE {
        return Ok(());
    }
    let (theirs, ours, target) = match Endian::NATIVE {
        Endian::Little => ("big", "little", "bpfel"),
        Endian::Big => ("little", "big", "bpfeb"),
    };
    Err(
        Error::new(ErrorKind::InvalidObject, "checking its byte order")
            .with_reason(format!(
                "it is {theirs}-endian, this machine is {ours}-endian"
            ))
            .with_remedy(format!("compile it with -target {target}")),
    )
}
