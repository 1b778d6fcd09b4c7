//! The ways to have a program run when a kernel function is called, and the choice among them.

use std::fmt;

use oxbpf::link::{Kprobe, Kretprobe, Link, RawTracepoint, Tracepoint, Tracing, system_call};
use oxbpf::map::Array;
use oxbpf::{Error, ErrorKind, Loader};

use crate::exec_count::{Objects, Spec};

/// A way to have a program run when a kernel function is called.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Method {
    Kprobe,
    Kretprobe,
    Fentry,
    Tracepoint,
    RawTp,
}

impl Method {
    /// What `--attach auto` tries, in this order: what counts every function first.
    pub(crate) const AUTO: [Self; 4] = [Self::Kprobe, Self::Fentry, Self::Tracepoint, Self::RawTp];
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kprobe => "kprobe",
            Self::Kretprobe => "kretprobe",
            Self::Fentry => "fentry",
            Self::Tracepoint => "tracepoint",
            Self::RawTp => "raw_tp",
        })
    }
}

/// Why a method does not work here.
#[derive(Debug)]
enum Refusal {
    /// It cannot count this function on any kernel.
    Unfit(String),
    /// This kernel, or this user, cannot do it.
    Failed(Error),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unfit(why) => f.write_str(why),
            Self::Failed(error) => write!(f, "{error}"),
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// A program that counts, attached.
#[derive(Debug)]
pub(crate) struct Counter {
    method: Method,
    target: String,
    refused: Vec<(Method, Refusal)>,
    calls: Array<u64>,
    link: Link,
}

impl Counter {
    /// How many calls there were since it was attached.
    pub(crate) fn total(&self) -> Result<u64, Error> {
        self.calls.get(0)
    }

    /// Stops counting.
    pub(crate) fn detach(self) -> Result<(), Error> {
        self.link.detach()
    }

    /// What it is attached to, and why not to what comes first.
    pub(crate) fn describe(&self) -> String {
        let mut text = format!("attached by {} to {}", self.method, self.target);
        for (method, why) in &self.refused {
            text += &format!("\n  not by {method}: {why}");
        }
        text
    }
}

/// Attaches by the first of `methods` that works here.
pub(crate) fn first(methods: &[Method], function: &str) -> Result<Counter, String> {
    let mut refused = Vec::new();
    for &method in methods {
        match attach(method, function) {
            Ok((objects, target, link)) => {
                return Ok(Counter {
                    method,
                    target,
                    refused,
                    calls: objects.maps.exec_count,
                    link,
                });
            }
            Err(why) => refused.push((method, why)),
        }
    }
    Err(verdict(&refused, function))
}

/// One sentence for all that was tried.
fn verdict(refused: &[(Method, Refusal)], function: &str) -> String {
    let failed = |kind| {
        refused.iter().find_map(|(_, why)| match why {
            Refusal::Failed(error) if error.kind() == kind => Some(error),
            _ => None,
        })
    };
    let denied = |why: &Refusal| matches!(why, Refusal::Failed(e) if e.kind() == ErrorKind::PermissionDenied);
    match refused {
        [(_, why)] => why.to_string(),
        // What would go wrong any way is said once.
        [(_, first), ..]
            if refused
                .iter()
                .all(|(_, why)| denied(why) || matches!(why, Refusal::Unfit(_))) =>
        {
            first.to_string()
        }
        _ => match failed(ErrorKind::NotFound) {
            Some(error) => error.to_string(),
            None => {
                let tried: Vec<_> = refused
                    .iter()
                    .map(|(method, why)| format!("by {method}: {why}"))
                    .collect();
                format!(
                    "this kernel offers no way to count `{function}` ({})",
                    tried.join("; ")
                )
            }
        },
    }
}

/// Loads the one program that this method needs, and attaches it.
fn attach(method: Method, function: &str) -> Result<(Objects, String, Link), Refusal> {
    let mut spec = Spec::embedded()?;
    let programs = &mut spec.programs;
    match method {
        Method::Kprobe | Method::Kretprobe => {
            programs.count_kprobe.autoload = true;
            let objects = Loader::new().load(spec)?;
            let program = loaded(&objects.programs.count_kprobe)?;
            let link = match method {
                Method::Kprobe => Kprobe::new(function).attach(program)?,
                _ => Kretprobe::new(function).attach(program)?,
            };
            Ok((objects, function.to_owned(), link))
        }
        Method::Fentry => {
            programs.count_fentry.autoload = true;
            programs.count_fentry.attach_to = Some(function.to_owned());
            let objects = Loader::new().load(spec)?;
            let link = Tracing::new().attach(loaded(&objects.programs.count_fentry)?)?;
            Ok((objects, function.to_owned(), link))
        }
        Method::Tracepoint => {
            let name = format!("sys_enter_{}", system_call(function));
            programs.count_tracepoint.autoload = true;
            let objects = Loader::new().load(spec)?;
            let program = loaded(&objects.programs.count_tracepoint)?;
            let link = Tracepoint::new("syscalls", &name)
                .attach(program)
                .map_err(|e| match e.kind() {
                    ErrorKind::NotFound => Refusal::Unfit(format!(
                        "tracepoints count system calls only, and this kernel traces none called \
                         `{function}`; try --attach kprobe or fentry"
                    )),
                    _ => Refusal::Failed(e),
                })?;
            Ok((objects, format!("syscalls:{name}"), link))
        }
        Method::RawTp => {
            if system_call(function) != "execve" {
                return Err(Refusal::Unfit(format!(
                    "raw_tp counts execve only, not `{function}`; try --attach kprobe or fentry"
                )));
            }
            programs.count_raw_tp.autoload = true;
            spec.rodata.execve_nr = u64::try_from(libc::SYS_execve).unwrap_or(u64::MAX);
            let objects = Loader::new().load(spec)?;
            let program = loaded(&objects.programs.count_raw_tp)?;
            let link = RawTracepoint::new("sys_enter").attach(program)?;
            Ok((objects, "sys_enter".to_owned(), link))
        }
    }
}

/// A program that was switched on before the load is there after it.
fn loaded<T>(program: &Option<T>) -> Result<&T, Refusal> {
    program
        .as_ref()
        .ok_or_else(|| Refusal::Unfit("the program was not loaded".into()))
}
