//! The kernel's symbols, from `/proc/kallsyms`.
//!
//! The file has well over a hundred thousand lines and the kernel makes them up one by one, so it is read once for a whole
//! set of names ([`find`]), to the end, because a name may stand for several functions.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

use crate::limits::MAX_SYMBOL_LINE;
use crate::suggest::Nearest;
use crate::{Error, ErrorKind, Result};

const PATH: &str = "/proc/kallsyms";

/// What is read at a time. The kernel hands out a page at most, but nothing promises that.
const BUFFER: usize = 64 << 10;

/// What compilers put behind a function's name when they make another one of it, and what that one is.
const SUFFIXES: &[(&str, Variant)] = &[
    ("isra", Variant::Specialised),
    ("constprop", Variant::Specialised),
    ("part", Variant::Part),
    ("cold", Variant::Part),
    ("llvm", Variant::Renamed),
    ("lto_priv", Variant::Renamed),
    ("localalias", Variant::Renamed),
];

/// What a compiler made of a function.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Variant {
    /// The same function under another name (`.llvm.NUMBER`, `.lto_priv.N`).
    Renamed,
    /// With arguments removed or replaced by constants (`.isra.N`, `.constprop.N`): its registers do not hold
    /// what the source says.
    Specialised,
    /// A fragment (`.cold`, `.part.N`): it is jumped to from inside of the function, not called for each call.
    Part,
}

/// One symbol of the kernel or of one of its modules.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Symbol {
    /// The whole name, suffixes included.
    pub name: String,
    /// The address, or `None` where the kernel hides it from this process.
    pub address: Option<u64>,
    /// The letter that nm(1) uses: `t` and `T` for functions, `d`, `D`, `b`, `B`, `r`, `R` for data.
    pub kind: char,
    /// The module it belongs to; `bpf` for BPF programs.
    pub module: Option<String>,
}

impl Symbol {
    /// Whether this is a function.
    #[must_use]
    pub fn is_function(&self) -> bool {
        matches!(self.kind, 't' | 'T' | 'w' | 'W')
    }

    /// What a compiler made of the function that `name` begins with, or `None` for the function itself.
    #[must_use]
    pub fn variant(&self) -> Option<Variant> {
        variant_of(&self.name)
    }
}

fn variant_of(name: &str) -> Option<Variant> {
    let (_, suffixes) = name.split_once('.')?;
    let mut made = None;
    for suffix in suffixes.split('.') {
        let known = SUFFIXES.iter().find(|(text, _)| *text == suffix);
        // `f.isra.0.cold` is a part before it is anything else.
        match known {
            Some((_, Variant::Part)) => return Some(Variant::Part),
            Some((_, variant)) => made = made.or(Some(*variant)),
            None => {}
        }
    }
    made
}

/// What [`find`] found of the names it was asked for.
#[derive(Clone, Debug)]
pub struct Symbols {
    found: HashMap<String, Found>,
    hidden: bool,
}

#[derive(Clone, Debug, Default)]
struct Found {
    exact: Vec<Symbol>,
    variants: Vec<Symbol>,
    /// Static variables that LLVM has given another name.
    renamed_data: Vec<Symbol>,
}

impl Symbols {
    /// Every symbol of exactly this name, in the kernel's order. There may be several: static functions of
    /// different files may share a name.
    #[must_use]
    pub fn named(&self, name: &str) -> &[Symbol] {
        self.found.get(name).map_or(&[], |found| &found.exact)
    }

    /// The functions that compilers made of `name`: `name.isra.0`, `name.cold` and the like.
    #[must_use]
    pub fn variants(&self, name: &str) -> &[Symbol] {
        self.found.get(name).map_or(&[], |found| &found.variants)
    }

    /// Whether the kernel hides all addresses from this process.
    #[must_use]
    pub fn are_hidden(&self) -> bool {
        self.hidden
    }

    /// The one address of `name`, or `None` where there is no such symbol.
    ///
    /// Static variables that LLVM has renamed (`name.llvm.NUMBER`) count as of that name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::PermissionDenied`] where the kernel hides addresses (sysctl `kernel.kptr_restrict`), and
    /// [`ErrorKind::InvalidInput`] where several symbols of this name have different addresses.
    pub fn address(&self, name: &str) -> Result<Option<u64>> {
        let renamed = self.found.get(name).map(|found| &found.renamed_data);
        let mut symbols = self.named(name).iter().chain(renamed.into_iter().flatten());
        let Some(first) = symbols.next() else {
            return Ok(None);
        };
        let doing = || format!("finding the address of kernel symbol `{name}`");
        if self.hidden {
            return Err(hidden(doing()));
        }
        let others = symbols.clone();
        if symbols.any(|symbol| symbol.address != first.address) {
            let reason = format!("{} symbols have this name", others.count() + 1);
            return Err(Error::new(ErrorKind::InvalidInput, doing()).with_reason(reason));
        }
        Ok(first.address)
    }
}

fn hidden(doing: String) -> Error {
    let restrict = std::fs::read_to_string("/proc/sys/kernel/kptr_restrict").unwrap_or_default();
    let error = Error::new(ErrorKind::PermissionDenied, doing);
    match restrict.trim() {
        "2" => error
            .with_reason("the kernel hides addresses from everyone (kernel.kptr_restrict is 2)")
            .with_remedy("set it to 1: sysctl kernel.kptr_restrict=1"),
        "1" => error
            .with_reason("the kernel hides addresses from processes without CAP_SYSLOG (kernel.kptr_restrict is 1)")
            .with_remedy("run as root or with CAP_SYSLOG"),
        _ => error
            .with_reason("the kernel hides addresses from this process")
            .with_remedy("run as root or with CAP_SYSLOG"),
    }
}

/// Looks for all of `names` in one pass over `/proc/kallsyms`.
///
/// A name that does not exist is no error: [`Symbols::named`] is empty for it.
///
/// # Errors
///
/// Where the file is missing (`CONFIG_KALLSYMS` is off, or `/proc` is not mounted) or cannot be read.
///
/// # Examples
///
/// ```no_run
/// # fn main() -> oxbpf::Result<()> {
/// let symbols = oxbpf::kallsyms::find(["tcp_v4_connect", "do_exit"])?;
/// for symbol in symbols.named("do_exit") {
///     println!("{:?} {}", symbol.address, symbol.name);
/// }
/// # Ok(())
/// # }
/// ```
pub fn find<'n>(names: impl IntoIterator<Item = &'n str>) -> Result<Symbols> {
    let names: Vec<&str> = names.into_iter().collect();
    open()
        .and_then(|file| find_in(file, &names))
        .map_err(|e| unreadable(e, "looking up kernel symbols"))
}

/// The function that has the code at `address`, or begins nearest before it; `None` if there is none before.
///
/// # Errors
///
/// As for [`find`]; [`ErrorKind::PermissionDenied`] where the kernel hides addresses.
pub fn function_at(address: u64) -> Result<Option<Symbol>> {
    let found = open()
        .and_then(|file| function_at_in(file, address))
        .map_err(|e| unreadable(e, "looking up a kernel symbol"))?;
    match found {
        Located::Hidden => Err(hidden(format!(
            "looking up what is at address {address:#x}"
        ))),
        Located::Function(symbol) => Ok(symbol),
    }
}

/// What is at an address.
enum Located {
    Hidden,
    Function(Option<Symbol>),
}

fn function_at_in(source: impl Read, address: u64) -> io::Result<Located> {
    let mut is_hidden = true;
    let mut best: Option<(u64, Symbol)> = None;
    scan(source, |line| {
        is_hidden = is_hidden && line.address.iter().all(|digit| *digit == b'0');
        if !line.is_function() {
            return;
        }
        let start = std::str::from_utf8(line.address)
            .ok()
            .and_then(|digits| u64::from_str_radix(digits, 16).ok());
        let Some(start) = start.filter(|start| *start <= address) else {
            return;
        };
        if best.as_ref().is_none_or(|(nearest, _)| start > *nearest) {
            best = line.to_symbol().map(|symbol| (start, symbol));
        }
    })?;
    Ok(match is_hidden {
        true => Located::Hidden,
        false => Located::Function(best.map(|(_, symbol)| symbol)),
    })
}

/// The names of kernel functions that are nearest to `name`, the nearest first: for "did you mean".
///
/// # Errors
///
/// As for [`find`].
pub fn nearest(name: &str) -> Result<Vec<String>> {
    open()
        .and_then(|file| nearest_in(file, name, ""))
        .map_err(|e| unreadable(e, "looking for kernel symbols of similar names"))
}

/// As [`nearest`], among the functions that begin with `prefix`, which is taken off.
pub(crate) fn nearest_with_prefix(name: &str, prefix: &str) -> Vec<String> {
    open()
        .and_then(|file| nearest_in(file, name, prefix))
        .unwrap_or_default()
}

fn open() -> io::Result<File> {
    File::open(PATH)
}

fn unreadable(e: io::Error, doing: &str) -> Error {
    let kind = match e.kind() {
        io::ErrorKind::NotFound => ErrorKind::Unsupported,
        io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
        _ => ErrorKind::Kernel,
    };
    let error = Error::new(kind, doing)
        .with_source(e)
        .context(format!("reading `{PATH}`"));
    match kind {
        ErrorKind::Unsupported => {
            error.with_remedy("mount /proc; the kernel must be built with CONFIG_KALLSYMS")
        }
        _ => error,
    }
}

/// A line of the file, unparsed but for its fields.
struct Line<'l> {
    address: &'l [u8],
    kind: u8,
    /// The name and, behind a tab, the module in brackets.
    rest: &'l [u8],
}

impl<'l> Line<'l> {
    fn split(line: &'l [u8]) -> Option<Self> {
        // A kernel of 64 bits writes 16 digits.
        let digits = match line.get(16) {
            Some(b' ') => 16,
            _ => line.iter().position(|b| *b == b' ')?,
        };
        let (address, rest) = line.split_at(digits);
        match rest {
            [b' ', kind, b' ', rest @ ..] => Some(Self {
                address,
                kind: *kind,
                rest,
            }),
            _ => None,
        }
    }

    fn is_function(&self) -> bool {
        matches!(self.kind, b't' | b'T' | b'w' | b'W')
    }

    fn name(&self) -> &'l [u8] {
        self.rest.split(|b| *b == b'\t').next().unwrap_or_default()
    }

    fn to_symbol(&self) -> Option<Symbol> {
        let address = std::str::from_utf8(self.address).ok()?;
        let mut fields = std::str::from_utf8(self.rest).ok()?.splitn(2, '\t');
        Some(Symbol {
            name: fields.next()?.to_owned(),
            address: Some(u64::from_str_radix(address, 16).ok()?),
            kind: char::from(self.kind),
            module: fields.next().map(|m| m.trim_matches(['[', ']']).to_owned()),
        })
    }
}

/// Shows `visit` each line of `source`; lines it cannot make sense of are passed over.
fn scan(source: impl Read, mut visit: impl FnMut(&Line<'_>)) -> io::Result<()> {
    let mut source = BufReader::with_capacity(BUFFER, source);
    let mut line = Vec::with_capacity(MAX_SYMBOL_LINE);
    loop {
        line.clear();
        let read = (&mut source)
            .take(MAX_SYMBOL_LINE as u64)
            .read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(());
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        if let Some(line) = Line::split(&line) {
            visit(&line);
        }
    }
}

pub(crate) fn find_in(source: impl Read, names: &[&str]) -> io::Result<Symbols> {
    let mut found: HashMap<&[u8], Found> = HashMap::new();
    // Few names begin with the first two bytes of one that is looked for: only these are looked at.
    let mut starts = vec![false; 1 << 16];
    for name in names {
        match name.len() {
            0 | 1 => starts.fill(true),
            _ => starts[start(name.as_bytes())] = true,
        }
        found.insert(name.as_bytes(), Found::default());
    }
    let mut hidden = true;
    scan(source, |line| {
        hidden = hidden && line.address.iter().all(|digit| *digit == b'0');
        if !starts[start(line.rest)] {
            return;
        }
        let name = line.name();
        if let Some(found) = found.get_mut(name) {
            found.exact.extend(line.to_symbol());
        }
        let base = name.split(|b| *b == b'.').next().unwrap_or_default();
        if base.len() == name.len() {
            return;
        }
        let Some(found) = found.get_mut(base) else {
            return;
        };
        let Some(symbol) = line.to_symbol() else {
            return;
        };
        match symbol.variant() {
            Some(_) if symbol.is_function() => found.variants.push(symbol),
            Some(Variant::Renamed) => found.renamed_data.push(symbol),
            _ => {}
        }
    })?;
    if hidden {
        for found in found.values_mut() {
            let exact = found.exact.iter_mut();
            for symbol in exact
                .chain(&mut found.variants)
                .chain(&mut found.renamed_data)
            {
                symbol.address = None;
            }
        }
    }
    let owned = |(name, found)| (String::from_utf8_lossy(name).into_owned(), found);
    Ok(Symbols {
        found: found.into_iter().map(owned).collect(),
        hidden,
    })
}

/// The first two bytes of a name as a number.
fn start(name: &[u8]) -> usize {
    match name {
        [first, second, ..] => usize::from(u16::from_ne_bytes([*first, *second])),
        [first] => usize::from(*first),
        [] => 0,
    }
}

pub(crate) fn nearest_in(source: impl Read, name: &str, prefix: &str) -> io::Result<Vec<String>> {
    let mut nearest = Nearest::to(name);
    scan(source, |line| {
        if !line.is_function() {
            return;
        }
        let candidate = line.name().strip_prefix(prefix.as_bytes());
        if let Some(Ok(candidate)) = candidate.map(std::str::from_utf8) {
            // What is loaded, the program that is to be attached among them, is nothing to be meant.
            let is_bpf = candidate.starts_with("bpf_prog_");
            if !is_bpf && variant_of(candidate) != Some(Variant::Part) {
                nearest.offer(candidate);
            }
        }
    })?;
    Ok(nearest.names())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &[u8] = b"0000000000000000 A fixed_percpu_data\n\
        ffffffff81000010 T do_exit\n\
        ffffffff81000020 t dup\n\
        ffffffff81000030 t dup\n\
        ffffffff81000040 t tcp_ack.isra.0\n\
        ffffffff81000050 t tcp_ack.isra.0.cold\n\
        ffffffff81000060 d tcp_ack.1\n\
        ffffffff81000070 t quiet.llvm.1234567\n\
        ffffffff81000078 d counter.llvm.7654321\n\
        ffffffffc0000000 t ext4_sync_file\t[ext4]\n\
        ffffffffc0000080 t x\t[ext4]\n\
        ffffffffc0000100 t bpf_prog_6deef7357e7b4530\t[bpf]";

    /// Gives out a few bytes at a time, as nothing forbids a kernel to.
    struct Trickle<'b>(&'b [u8]);

    impl Read for Trickle<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let length = into.len().min(7);
            self.0.read(&mut into[..length])
        }
    }

    #[test]
    fn finds_names_their_duplicates_and_their_modules() {
        let names = ["do_exit", "dup", "ext4_sync_file", "absent", ""];
        let symbols = find_in(Trickle(SAMPLE), &names).unwrap();
        assert_eq!(
            symbols.address("do_exit").unwrap(),
            Some(0xffff_ffff_8100_0010)
        );
        assert_eq!(symbols.named("dup").len(), 2);
        let ambiguous = symbols.address("dup").unwrap_err();
        assert!(ambiguous.to_string().contains("2 symbols"), "{ambiguous}");
        assert_eq!(
            symbols.named("ext4_sync_file")[0].module.as_deref(),
            Some("ext4")
        );
        assert_eq!(symbols.address("absent").unwrap(), None);
        assert!(symbols.named("never_asked").is_empty());
        let symbols = find_in(SAMPLE, &["x"]).unwrap();
        assert_eq!(symbols.named("x")[0].module.as_deref(), Some("ext4"));
    }

    #[test]
    fn finds_the_function_that_an_address_is_in() {
        let at = |address| match function_at_in(SAMPLE, address).unwrap() {
            Located::Function(symbol) => symbol.map(|symbol| symbol.name),
            Located::Hidden => panic!("hidden"),
        };
        assert_eq!(at(0xffff_ffff_8100_0010).as_deref(), Some("do_exit"));
        assert_eq!(at(0xffff_ffff_8100_0018).as_deref(), Some("do_exit"));
        // What is between them is data.
        assert_eq!(
            at(0xffff_ffff_8100_0068).as_deref(),
            Some("tcp_ack.isra.0.cold")
        );
        assert_eq!(at(1), None);
    }

    #[test]
    fn finds_what_compilers_made_of_a_function() {
        let symbols = find_in(SAMPLE, &["tcp_ack", "quiet", "tcp_ack.isra.0"]).unwrap();
        let variants: Vec<_> = symbols
            .variants("tcp_ack")
            .iter()
            .map(|s| (s.name.as_str(), s.variant()))
            .collect();
        assert_eq!(
            variants,
            [
                ("tcp_ack.isra.0", Some(Variant::Specialised)),
                ("tcp_ack.isra.0.cold", Some(Variant::Part)),
            ]
        );
        assert_eq!(
            symbols.variants("quiet")[0].variant(),
            Some(Variant::Renamed)
        );
        assert_eq!(symbols.named("tcp_ack.isra.0").len(), 1);
    }

    #[test]
    fn finds_variables_that_llvm_renamed() {
        let symbols = find_in(SAMPLE, &["counter", "quiet", "tcp_ack"]).unwrap();
        assert_eq!(
            symbols.address("counter").unwrap(),
            Some(0xffff_ffff_8100_0078)
        );
        assert!(symbols.named("counter").is_empty());
        // Functions are not to be called by their address; `d tcp_ack.1` is another variable.
        assert_eq!(symbols.address("quiet").unwrap(), None);
        assert_eq!(symbols.address("tcp_ack").unwrap(), None);
    }

    #[test]
    fn says_when_addresses_are_hidden() {
        let text = b"0000000000000000 T do_exit\n0000000000000000 t dup\n";
        let symbols = find_in(&text[..], &["do_exit"]).unwrap();
        assert!(symbols.are_hidden());
        assert_eq!(symbols.named("do_exit")[0].address, None);
        let error = symbols.address("do_exit").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        assert_eq!(symbols.address("absent").unwrap(), None);
    }

    #[test]
    fn survives_lines_that_are_none() {
        let text = b"\n\nffff\nffffffff81000010 T do_exit\nxyz T do_exit\n \xff\xfe T \xff\n";
        let symbols = find_in(&text[..], &["do_exit"]).unwrap();
        assert_eq!(symbols.named("do_exit").len(), 1);
        let endless = vec![b'a'; 3 * MAX_SYMBOL_LINE];
        let symbols = find_in(&endless[..], &["do_exit"]).unwrap();
        assert!(symbols.named("do_exit").is_empty());
    }

    #[test]
    fn suggests_functions() {
        assert_eq!(nearest_in(SAMPLE, "do_exi", "").unwrap(), ["do_exit"]);
        assert_eq!(nearest_in(SAMPLE, "exti", "do_").unwrap(), ["exit"]);
        assert_eq!(
            nearest_in(SAMPLE, "tcp_ack", "").unwrap(),
            ["tcp_ack.isra.0"]
        );
    }

    #[test]
    fn reads_the_running_kernel() {
        let symbols = find(["vfs_read", "no_such_function_in_any_kernel"]).unwrap();
        assert_eq!(symbols.named("vfs_read").len(), 1);
        assert!(symbols.named("vfs_read")[0].is_function());
        assert!(symbols.named("no_such_function_in_any_kernel").is_empty());
    }
}
