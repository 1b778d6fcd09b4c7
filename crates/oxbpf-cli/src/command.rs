//! The table of commands.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::btf::source::Source;
use crate::pattern::Pattern;
use crate::verify::compare::Threshold;

/// `git describe` where the build was told it, else the version of the package.
const VERSION: &str = match option_env!("OXBPF_VERSION") {
    Some(version) => version,
    None => env!("CARGO_PKG_VERSION"),
};

const AFTER_HELP: &str = "\
Exit status: 0 if all is well, 1 if the answer is no (a program is refused, types differ, a problem was found), 2 if it \
could not be done or asked for. That nobody reads what is printed is no error.";

/// Run BPF programs, check them against kernels, look at their types.
#[derive(Debug, Parser)]
#[command(name = "oxbpf", version = VERSION, after_help = AFTER_HELP, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) output: OutputArgs,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// How results are shown.
#[derive(Args, Debug)]
pub(crate) struct OutputArgs {
    /// How to print results
    #[arg(
        short,
        long,
        value_name = "FORMAT",
        default_value = "text",
        global = true
    )]
    pub(crate) output: OutputFormat,

    /// When to use colours; `auto` minds NO_COLOR
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true)]
    pub(crate) color: When,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// For people
    Text,
    /// For programs
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a BPF program, and show what comes out of it
    #[command(disable_help_flag = true, after_help = RUN_HELP)]
    Run(RunArgs),

    /// Pass every program of some objects through this kernel's verifier
    #[command(after_help = VERIFY_HELP)]
    Verify(VerifyArgs),

    /// Types of kernels, objects and programs
    #[command(subcommand)]
    Btf(BtfVerb),

    /// Ask the kernel what it can do, with the rights of this process
    Feature(FeatureArgs),

    /// Find out why BPF does not work here, and what to do about it
    #[command(after_help = "Exit status 1 says that there is a problem.")]
    Doctor {
        /// Remove the probes that programs of this library left in tracefs when they died
        #[arg(long)]
        clean: bool,
    },

    /// Print what completes commands in a shell
    #[command(after_help = "For bash: oxbpf completions bash > /etc/bash_completion.d/oxbpf")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },

    /// Print the manual as roff, or write a page for each command
    #[command(after_help = "To read it now: oxbpf man | man -l -")]
    Man {
        /// Write the pages into this directory
        directory: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum BtfVerb {
    /// Print types: as C, as Rust, or as they are
    Dump(BtfDumpArgs),

    /// Say what is different between the types of two kernels or objects
    #[command(after_help = "Exit status 1 says that something is different.")]
    Diff(BtfDiffArgs),

    /// Cut a kernel's types down to what objects need of them, to ship for kernels that have none
    Min(BtfMinArgs),
}

#[derive(Args, Debug)]
pub(crate) struct BtfDumpArgs {
    #[doc = crate::btf::source::help!()]
    #[arg(default_value = "kernel")]
    pub(crate) source: Source,

    /// The notation; by default C, and raw with `-o json`
    #[arg(short, long, value_name = "FORMAT")]
    pub(crate) format: Option<TypeFormat>,

    /// Only this type and what it needs; `struct NAME` where a bare name is not enough (repeatable)
    #[arg(short, long = "type", value_name = "NAME")]
    pub(crate) types: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TypeFormat {
    /// A header for BPF programs
    C,
    /// A line for each record
    Raw,
    /// Definitions as bpf2rs generates them
    Rust,
}

#[derive(Args, Debug)]
pub(crate) struct BtfDiffArgs {
    /// The types before: as for `btf dump`
    pub(crate) old: Source,

    /// The types after
    pub(crate) new: Source,

    /// Only what the CO-RE relocations of this object ask about (repeatable)
    #[arg(long = "for", value_name = "OBJECT")]
    pub(crate) objects: Vec<PathBuf>,

    /// Only this type, as `struct NAME` or a bare name (repeatable)
    #[arg(short, long = "type", value_name = "NAME")]
    pub(crate) types: Vec<String>,
}

#[derive(Args, Debug)]
pub(crate) struct BtfMinArgs {
    /// Objects, or programs with objects inside
    #[arg(required = true)]
    pub(crate) objects: Vec<PathBuf>,

    /// The kernel's types: as for `btf dump`
    #[arg(long, default_value = "kernel", value_name = "SOURCE")]
    pub(crate) btf: Source,

    /// Where the types that are left go
    #[arg(short = 'O', long = "out", value_name = "FILE")]
    pub(crate) out: PathBuf,
}

const VERIFY_HELP: &str = "\
Exit status 1 says that a program was refused or, with --compare, that something is worse than before: a program that was \
accepted is refused, or a figure grew by more than its --threshold.

With --btf nothing is loaded: each program is relocated against the types of another kernel, and what these lack is told.";

#[derive(Args, Debug)]
pub(crate) struct VerifyArgs {
    /// BPF objects, or programs with objects inside
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,

    /// Only programs whose name, or OBJECT/NAME, is like this, `*` and `?` allowed; not those, after a `!` (repeatable)
    #[arg(short, long = "program", value_name = "PATTERN")]
    pub(crate) programs: Vec<Pattern>,

    /// Show only programs that are not accepted, or that changed
    #[arg(long)]
    pub(crate) failed: bool,

    /// Print values separated by commas
    #[arg(long, conflicts_with = "output")]
    pub(crate) csv: bool,

    /// Say what is different from the results in this file, which `-o json` wrote
    #[arg(long, value_name = "OLD.json")]
    pub(crate) compare: Option<PathBuf>,

    /// How much a figure may grow before --compare finds it worse, such as `insns=10%` (repeatable)
    #[arg(
        long = "threshold",
        value_name = "FIGURE=PERCENT",
        requires = "compare"
    )]
    pub(crate) thresholds: Vec<Threshold>,

    /// Relocate against these types instead of loading: `module:NAME`, a file, ... as for `btf dump`
    #[arg(long, value_name = "SOURCE")]
    pub(crate) btf: Option<Source>,

    /// How many objects are verified at the same time; by default one for each CPU
    #[arg(short, long, value_name = "N")]
    pub(crate) jobs: Option<NonZeroUsize>,

    /// Print the verifier's whole log of each program that is refused
    #[arg(long)]
    pub(crate) log: bool,
}

const RUN_HELP: &str = "\
FILE is a BPF object, a C file (compiled with clang), or a program with objects inside. Everything in it is attached as the \
names of its sections say; what this kernel cannot is named, and the rest runs. Records of rings are shown as their types say, \
maps as tables and histograms, and bpf_printk as text, until Ctrl-C.

`oxbpf run FILE --help` lists what is in a file, and what can be --set.";

#[derive(Args, Debug)]
pub(crate) struct RunArgs {
    /// A BPF object, a C file, or a program with objects inside
    #[arg(required_unless_present = "help")]
    pub(crate) file: Option<PathBuf>,

    /// Give a global variable of the program a value (repeatable)
    #[arg(short, long, value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,

    /// Stop after so many seconds
    #[arg(short, long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) duration: Option<Duration>,

    /// Show maps every so many seconds; every second, if the program sends no records
    #[arg(short, long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) interval: Option<Duration>,

    /// Stop after so many records, or looks at maps
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,

    /// Load only programs like this, as for `verify` (repeatable)
    #[arg(short, long = "program", value_name = "PATTERN")]
    pub(crate) programs: Vec<Pattern>,

    /// Show this map, and no others but those named (repeatable)
    #[arg(short, long = "map", value_name = "NAME")]
    pub(crate) maps: Vec<String>,

    /// How many entries of a map are shown
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) rows: usize,

    /// Show what each CPU has apart, instead of the sum
    #[arg(long)]
    pub(crate) per_cpu: bool,

    /// The type of the records of a ring, where it cannot be told (repeatable)
    #[arg(short, long = "event", value_name = "[MAP=]TYPE")]
    pub(crate) events: Vec<String>,

    /// Attach this program to TARGET, which is what stands behind the slash of its section: a function, FILE:FUNCTION,
    /// ... (repeatable)
    #[arg(long = "at", value_name = "PROGRAM=TARGET")]
    pub(crate) targets: Vec<String>,

    /// Attach XDP programs and those of traffic control to this network interface (repeatable)
    #[arg(short = 'I', long = "interface", value_name = "NAME")]
    pub(crate) interfaces: Vec<String>,

    /// Attach programs for control groups to this one, below /sys/fs/cgroup (repeatable)
    #[arg(long = "cgroup", value_name = "DIRECTORY")]
    pub(crate) cgroups: Vec<PathBuf>,

    /// Confine programs to this process: those of uprobes, perf events and tasks, which are the ones that can be
    #[arg(long, value_name = "PID")]
    pub(crate) pid: Option<u32>,

    /// How often a second `perf_event` programs sample
    #[arg(long, value_name = "HZ", default_value_t = 49)]
    pub(crate) frequency: u64,

    /// Which of several objects in a file, counted from 0
    #[arg(long, value_name = "N")]
    pub(crate) object: Option<usize>,

    /// A file with the types of this kernel (BTF), if it does not show its own
    #[arg(long, value_name = "FILE")]
    pub(crate) btf: Option<PathBuf>,

    /// Flags for clang in one string, split at blanks (repeatable)
    #[arg(long, value_name = "FLAGS", allow_hyphen_values = true)]
    pub(crate) cflags: Vec<String>,

    /// Print help; with a FILE, what is in it too
    #[arg(short, long)]
    pub(crate) help: bool,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|e| format!("{e}"))?;
    // Below a millisecond nobody sees anything, above a year nobody waits.
    if !(0.001..=31_536_000.0).contains(&seconds) {
        return Err("not between 0.001 and 31536000 seconds".into());
    }
    Ok(Duration::from_secs_f64(seconds))
}

#[derive(Args, Debug)]
pub(crate) struct FeatureArgs {
    /// Only what is not there
    #[arg(long)]
    pub(crate) missing: bool,

    /// The helpers that programs of this type may call, instead of all else: `xdp`, `kprobe`, ...
    #[arg(long, value_name = "TYPE")]
    pub(crate) helpers: Option<String>,

    /// List the functions of the kernel that programs may call, too
    #[arg(long, conflicts_with = "helpers")]
    pub(crate) kfuncs: bool,
}
