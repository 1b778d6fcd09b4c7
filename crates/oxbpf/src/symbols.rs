//! Names for the addresses of stacks, by `blazesym`: feature `symbols`, Rust 1.88.

use std::fmt;
use std::path::PathBuf;

use blazesym::Pid;
use blazesym::symbolize::source::{Kernel, Process, Source};
use blazesym::symbolize::{CodeInfo, Input, Sym, Symbolized, Symbolizer};

use crate::error::{Error, ErrorKind, Result};

/// Finds names for the addresses in stacks. It keeps what it has read of files, so that one should serve many stacks.
///
/// ```no_run
/// # fn main() -> oxbpf::Result<()> {
/// # let (stacks, id, pid): (oxbpf::map::StackTraces, u32, u32) = unimplemented!();
/// use oxbpf::map::Frame;
/// use oxbpf::symbols::Symbols;
///
/// let symbols = Symbols::new();
/// let stack = stacks.get(id)?.unwrap_or_default();
/// let addresses: Vec<u64> = stack.iter().filter_map(Frame::address).collect();
/// for place in symbols.of_process(pid, &addresses)? {
///     println!("{place}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Symbols(Symbolizer);

/// A place in a stack, as far as it is known.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Place {
    /// Its address.
    pub address: u64,
    /// The function, if it is known.
    pub function: Option<Function>,
    /// Functions that were inlined there, the innermost first: they are called by `function`.
    pub inlined: Vec<Function>,
}

/// A function, and where in it a place is.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Function {
    /// Its name, as the source has it.
    pub name: String,
    /// How many bytes behind its start the place is; 0 for an inlined one.
    pub offset: u64,
    /// The program file, library or kernel module that it is in, where that is known.
    pub module: Option<PathBuf>,
    /// The file of the source, and the line, where that is known.
    pub source: Option<(PathBuf, u32)>,
}

impl Default for Symbols {
    fn default() -> Self {
        Self::new()
    }
}

impl Symbols {
    /// Nothing is read yet.
    #[must_use]
    pub fn new() -> Self {
        Self(Symbolizer::new())
    }

    /// Finds the functions of a stack of the kernel: of itself, its modules and BPF programs.
    ///
    /// The first address is where something happened, those after it are where a function returns to.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](ErrorKind::Unsupported) if the kernel's symbols cannot be read, as without CAP_SYSLOG.
    pub fn of_kernel(&self, stack: &[u64]) -> Result<Vec<Place>> {
        self.places(&Source::Kernel(Kernel::default()), stack, || {
            "finding the functions of a stack of the kernel".into()
        })
    }

    /// Finds the functions of a stack of a process, which must still be there. Its files are those that it has mapped, also where it is
    /// in another mount namespace.
    ///
    /// The first address is where something happened, those after it are where a function returns to.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) if the process is gone, or what it has mapped cannot be read.
    pub fn of_process(&self, pid: u32, stack: &[u64]) -> Result<Vec<Place>> {
        let doing = || format!("finding the functions of a stack of process {pid}");
        let mut process = Process::new(Pid::from(pid));
        let found = self.places(&Source::Process(process.clone()), stack, doing);
        found.or_else(|error| {
            // Debugging information that cannot be read is no reason to do without names.
            process.debug_syms = false;
            self.places(&Source::Process(process), stack, doing)
                .map_err(|_| error)
        })
    }

    fn places(
        &self,
        source: &Source<'_>,
        stack: &[u64],
        doing: impl Fn() -> String,
    ) -> Result<Vec<Place>> {
        // A call is before the place that it returns to, which may be in another line or even function.
        let calls: Vec<u64> = stack
            .iter()
            .enumerate()
            .map(|(depth, address)| address.saturating_sub(u64::from(depth > 0)))
            .collect();
        let found = self.0.symbolize(source, Input::AbsAddr(&calls));
        let found = found.map_err(|error| {
            let kind = match error.kind() {
                blazesym::ErrorKind::NotFound => ErrorKind::NotFound,
                blazesym::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
                _ => ErrorKind::Unsupported,
            };
            Error::new(kind, doing()).with_source(error)
        })?;
        let places = stack.iter().zip(found).map(|(address, found)| match found {
            Symbolized::Sym(symbol) => place(*address, &symbol),
            Symbolized::Unknown(_) => Place {
                address: *address,
                function: None,
                inlined: Vec::new(),
            },
        });
        Ok(places.collect())
    }
}

fn place(address: u64, symbol: &Sym<'_>) -> Place {
    let module = symbol.module.as_deref().map(PathBuf::from);
    let inlined = symbol.inlined.iter().map(|inlined| Function {
        name: inlined.name.clone().into_owned(),
        offset: 0,
        module: module.clone(),
        source: inlined.code_info.as_ref().and_then(line),
    });
    Place {
        address,
        inlined: inlined.rev().collect(),
        function: Some(Function {
            name: symbol.name.clone().into_owned(),
            offset: symbol.offset as u64,
            module: module.clone(),
            source: symbol.code_info.as_deref().and_then(line),
        }),
    }
}

fn line(code: &CodeInfo<'_>) -> Option<(PathBuf, u32)> {
    Some((code.to_path().into_owned(), code.line?))
}

/// Such as `main+0x1f (/usr/bin/server) at main.c:12`, and as many lines before it as there are inlined functions.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for inlined in &self.inlined {
            writeln!(f, "{} [inlined]{}", inlined.name, At(inlined))?;
        }
        let Some(function) = &self.function else {
            return write!(f, "{:#x}", self.address);
        };
        write!(f, "{}+{:#x}", function.name, function.offset)?;
        if let Some(module) = &function.module {
            write!(f, " ({})", module.display())?;
        }
        write!(f, "{}", At(function))
    }
}

struct At<'a>(&'a Function);

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.source {
            Some((file, line)) => write!(f, " at {}:{line}", file.display()),
            None => Ok(()),
        }
    }
}
