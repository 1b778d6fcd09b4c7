//! What comes out: the JSON of `oxbpf verify`, which `--compare` reads again.

use serde::{Deserialize, Serialize};

use crate::btf::source::Source;

/// All results.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Report {
    /// The kernel: its release, or where its types are from.
    pub(crate) kernel: String,
    pub(crate) programs: Vec<Program>,
}

impl Report {
    pub(crate) fn new(btf: Option<&Source>) -> Report {
        let kernel = match btf {
            Some(source) => source.to_string(),
            None => rustix::system::uname()
                .release()
                .to_string_lossy()
                .into_owned(),
        };
        Report {
            kernel,
            programs: Vec::new(),
        }
    }
}

/// The result for one program.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Program {
    pub(crate) object: String,
    pub(crate) program: String,
    pub(crate) section: String,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<String>,
    pub(crate) state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) errno: Option<i32>,
    /// Why it is not accepted, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) remedy: Option<String>,
    /// The line of C at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) source: Option<SourceLine>,
    /// What its kernel has not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) missing: Vec<String>,
    /// What its kernel has not either, but the program asks first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) guarded: Vec<String>,
    #[serde(flatten)]
    pub(crate) figures: Figures,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) log: Option<String>,
}

/// What the kernel, or a check without one, says to a program.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    Accepted,
    /// Another kernel has all that it needs.
    Fits,
    /// The verifier, or the kernel before it, said no.
    Refused,
    /// It did not come before the kernel.
    #[default]
    Failed,
    /// Another kernel lacks something that it needs.
    Lacks,
}

impl State {
    pub(crate) fn is_fine(self) -> bool {
        matches!(self, State::Accepted | State::Fits)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            State::Accepted => "accepted",
            State::Fits => "fits",
            State::Refused => "refused",
            State::Failed => "failed",
            State::Lacks => "lacks",
        }
    }
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct SourceLine {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<u32>,
    pub(crate) text: String,
}

/// What can be counted. A figure that this kernel does not give is not there.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Figures {
    /// Instructions of the program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) size: Option<u64>,
    /// Instructions that the verifier looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) insns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) states: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) peak_states: Option<u64>,
    /// Bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stack: Option<u64>,
    /// Microseconds that verification took, as the kernel says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) verification_us: Option<u64>,
    /// Microseconds that the load took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) load_us: Option<u64>,
}

/// One of the figures.
pub(crate) type Figure = fn(&Figures) -> Option<u64>;

/// The figures by name.
pub(crate) const FIGURES: &[(&str, Figure)] = &[
    ("size", |f| f.size),
    ("insns", |f| f.insns),
    ("states", |f| f.states),
    ("peak_states", |f| f.peak_states),
    ("stack", |f| f.stack),
    ("verification_us", |f| f.verification_us),
    ("load_us", |f| f.load_us),
];
