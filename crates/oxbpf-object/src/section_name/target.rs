//! Targets of section names, read by the grammar that libbpf uses to attach.
//!
//! Stricter in one place: text that libbpf would silently cut off a target (`kprobe/f-1x`) is an error here.

use std::fmt;

use super::TargetForm;

/// Where a program goes, as its section name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target<'a> {
    /// A function of the kernel, and an instruction in it.
    KernelFunction {
        /// Name of the function.
        function: &'a str,
        /// Bytes from the start of the function. Always 0 for a program that runs on return.
        offset: u64,
    },
    /// All functions of the kernel that a pattern matches.
    KernelPattern {
        /// Pattern with `*` and `?`.
        pattern: &'a str,
    },
    /// A system call.
    Syscall {
        /// Bare name, as in `man 2`.
        name: &'a str,
    },
    /// A function of a program or library.
    UserFunction {
        /// A path, a name to look for where programs or libraries lie, or `ARCHIVE!/MEMBER`.
        binary: &'a str,
        /// Symbol, with `@VERSION` or `@@VERSION` if it is to be a certain one.
        function: &'a str,
        /// Bytes from the start of the function. Always 0 for a program that runs on return.
        offset: u64,
    },
    /// All functions of a program or library that a pattern matches.
    UserPattern {
        /// As in [`UserFunction`](Self::UserFunction).
        binary: &'a str,
        /// Pattern with `*` and `?`.
        pattern: &'a str,
    },
    /// A static probe of a program or library.
    Usdt {
        /// As in [`UserFunction`](Self::UserFunction).
        binary: &'a str,
        /// Provider of the probe.
        provider: &'a str,
        /// Name of the probe.
        name: &'a str,
    },
    /// A tracepoint of the kernel with its formatted record.
    Tracepoint {
        /// Its directory under `events` of tracefs.
        category: &'a str,
        /// Its name.
        name: &'a str,
    },
    /// A tracepoint of the kernel with its raw arguments.
    RawTracepoint {
        /// Its name.
        name: &'a str,
    },
    /// A tracepoint that BTF describes.
    BtfTracepoint {
        /// The module that has it, or `vmlinux`; looked for everywhere if not given.
        module: Option<&'a str>,
        /// Its name.
        name: &'a str,
    },
    /// A function that BTF describes.
    Function {
        /// The module that has it, or `vmlinux`; looked for everywhere if not given.
        module: Option<&'a str>,
        /// Its name.
        function: &'a str,
    },
    /// All functions that BTF describes and a pattern matches.
    FunctionPattern {
        /// The module that has them, or `vmlinux`; looked for everywhere if not given.
        module: Option<&'a str>,
        /// Pattern with `*` and `?`.
        pattern: &'a str,
    },
    /// A function of another program.
    ReplacedFunction {
        /// Its name.
        function: &'a str,
    },
    /// A hook of the Linux security modules.
    Hook {
        /// Its name.
        hook: &'a str,
    },
    /// An iterator.
    Iterator {
        /// What it goes over: `task`, `bpf_map_elem`.
        target: &'a str,
    },
}

/// A target that does not follow its grammar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetError {
    text: String,
    form: TargetForm,
    problem: Problem,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Problem {
    Form,
    NegativeOffset,
    OffsetTooLarge,
    OffsetOnReturn,
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "target `{}`", self.text.escape_debug())?;
        match self.problem {
            Problem::Form => write!(f, " is not of the form {}", self.form),
            Problem::NegativeOffset => f.write_str(" has a negative offset"),
            Problem::OffsetTooLarge => f.write_str(" has an offset beyond 2^63 bytes"),
            Problem::OffsetOnReturn => {
                f.write_str(" has an offset, which a program that runs on return cannot have")
            }
        }
    }
}

impl std::error::Error for TargetError {}

/// The grammar in one line.
impl fmt::Display for TargetForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TargetForm::KernelFunction => "FUNC[+OFFSET]",
            TargetForm::KernelPattern => "GLOB (letters, digits, `_`, `.`, `*`, `?`)",
            TargetForm::Syscall => "SYSCALL",
            TargetForm::UserFunction => "BINARY:FUNC[@VERSION][+OFFSET]",
            TargetForm::UserPattern => "BINARY:GLOB",
            TargetForm::Usdt => "BINARY:PROVIDER:NAME",
            TargetForm::Tracepoint => "CATEGORY/NAME",
            TargetForm::RawTracepoint => "NAME",
            TargetForm::BtfTracepoint => "[MODULE:]NAME",
            TargetForm::Function => "[MODULE:]FUNC",
            TargetForm::FunctionPattern => "[MODULE:]GLOB (letters, digits, `_`, `.`, `*`, `?`)",
            TargetForm::ReplacedFunction => "FUNC",
            TargetForm::Hook => "HOOK",
            TargetForm::Iterator => "TARGET",
            TargetForm::Name => "NAME",
        })
    }
}

impl<'a> Target<'a> {
    pub(super) fn parse(
        form: TargetForm,
        text: &'a str,
        on_return: bool,
    ) -> Result<Option<Self>, TargetError> {
        let parsed = match form {
            TargetForm::KernelFunction => kernel_function(text),
            TargetForm::KernelPattern => {
                pattern(text).map(|pattern| Target::KernelPattern { pattern })
            }
            TargetForm::Syscall => word(text).map(|name| Target::Syscall { name }),
            TargetForm::UserFunction => user_function(text),
            TargetForm::UserPattern => {
                pair(text, ':').map(|(binary, pattern)| Target::UserPattern { binary, pattern })
            }
            TargetForm::Usdt => usdt(text),
            TargetForm::Tracepoint => {
                pair(text, '/').map(|(category, name)| Target::Tracepoint { category, name })
            }
            TargetForm::RawTracepoint => word(text).map(|name| Target::RawTracepoint { name }),
            TargetForm::BtfTracepoint => {
                in_module(text).map(|(module, name)| Target::BtfTracepoint { module, name })
            }
            TargetForm::Function => {
                in_module(text).map(|(module, function)| Target::Function { module, function })
            }
            TargetForm::FunctionPattern => in_module(text).and_then(|(module, glob)| {
                Ok(Target::FunctionPattern {
                    module,
                    pattern: pattern(glob)?,
                })
            }),
            TargetForm::ReplacedFunction => {
                word(text).map(|function| Target::ReplacedFunction { function })
            }
            TargetForm::Hook => word(text).map(|hook| Target::Hook { hook }),
            TargetForm::Iterator => word(text).map(|target| Target::Iterator { target }),
            TargetForm::Name => return Ok(None),
        };
        match parsed {
            Ok(
                Target::KernelFunction { offset: 1.., .. }
                | Target::UserFunction { offset: 1.., .. },
            ) if on_return => Err(Problem::OffsetOnReturn),
            other => other,
        }
        .map(Some)
        .map_err(|problem| TargetError {
            text: text.to_owned(),
            form,
            problem,
        })
    }
}

fn word(text: &str) -> Result<&str, Problem> {
    if text.is_empty() {
        Err(Problem::Form)
    } else {
        Ok(text)
    }
}

fn pair(text: &str, separator: char) -> Result<(&str, &str), Problem> {
    let (left, right) = text.split_once(separator).ok_or(Problem::Form)?;
    Ok((word(left)?, word(right)?))
}

fn in_module(text: &str) -> Result<(Option<&str>, &str), Problem> {
    if text.contains(':') {
        pair(text, ':').map(|(module, name)| (Some(module), name))
    } else {
        word(text).map(|name| (None, name))
    }
}

fn is_symbol_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '.'
}

fn pattern(text: &str) -> Result<&str, Problem> {
    if text.contains(|c| !(is_symbol_char(c) || c == '*' || c == '?')) {
        return Err(Problem::Form);
    }
    word(text)
}

fn kernel_function(text: &str) -> Result<Target<'_>, Problem> {
    let end = text.find(|c| !is_symbol_char(c)).unwrap_or(text.len());
    let (function, rest) = text.split_at_checked(end).ok_or(Problem::Form)?;
    let function = word(function)?;
    let offset = match rest.strip_prefix('+') {
        Some(number) => c_integer(number)?,
        None if rest.is_empty() => 0,
        None => match rest.strip_prefix('-').map(c_integer) {
            Some(Ok(_)) => return Err(Problem::NegativeOffset),
            _ => return Err(Problem::Form),
        },
    };
    Ok(Target::KernelFunction { function, offset })
}

fn user_function(text: &str) -> Result<Target<'_>, Problem> {
    let (binary, function) = pair(text, ':')?;
    // A plus that is not followed by a number and the end belongs to the name, as in `operator+`.
    let split = function
        .rsplit_once('+')
        .map(|(name, number)| (name, c_integer(number)));
    match split {
        Some((_, Err(Problem::OffsetTooLarge))) => Err(Problem::OffsetTooLarge),
        Some((name, Ok(offset))) => Ok(Target::UserFunction {
            binary,
            function: word(name)?,
            offset,
        }),
        _ => Ok(Target::UserFunction {
            binary,
            function,
            offset: 0,
        }),
    }
}

fn usdt(text: &str) -> Result<Target<'_>, Problem> {
    let (binary, probe) = pair(text, ':')?;
    let (provider, name) = pair(probe, ':')?;
    if name.contains(':') {
        return Err(Problem::Form);
    }
    Ok(Target::Usdt {
        binary,
        provider,
        name,
    })
}

/// A whole number as C's `%li` reads it: decimal, `0x` hexadecimal, or octal with a leading zero.
fn c_integer(text: &str) -> Result<u64, Problem> {
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None => match text.strip_prefix('0') {
            Some(digits) if !digits.is_empty() => (digits, 8),
            _ => (text, 10),
        },
    };
    if digits.is_empty() || digits.contains(|c: char| !c.is_digit(radix)) {
        return Err(Problem::Form);
    }
    i64::from_str_radix(digits, radix)
        .map(i64::unsigned_abs)
        .map_err(|_| Problem::OffsetTooLarge)
}

#[cfg(test)]
mod tests {
    use super::super::SectionName;
    use super::*;

    fn target(name: &str) -> Option<Target<'_>> {
        SectionName::parse(name)
            .unwrap()
            .parse_target()
            .unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn error(name: &str) -> String {
        SectionName::parse(name)
            .unwrap()
            .parse_target()
            .expect_err(name)
            .to_string()
    }

    #[test]
    fn kernel_functions() {
        let function = |function, offset| Some(Target::KernelFunction { function, offset });
        assert_eq!(target("kprobe/sys_execve"), function("sys_execve", 0));
        assert_eq!(target("kprobe/f.isra.0+0x1f"), function("f.isra.0", 31));
        assert_eq!(target("kprobe/f+16"), function("f", 16));
        assert_eq!(target("kprobe/f+020"), function("f", 16));
        assert_eq!(target("kprobe/f+0"), function("f", 0));
        assert_eq!(target("kretprobe/f+0"), function("f", 0));
        assert_eq!(target("kprobe"), None);
        assert_eq!(
            error("kprobe/"),
            "target `` is not of the form FUNC[+OFFSET]"
        );
        assert_eq!(error("kprobe/f-1"), "target `f-1` has a negative offset");
        assert_eq!(
            error("kprobe/f+"),
            "target `f+` is not of the form FUNC[+OFFSET]"
        );
        assert_eq!(
            error("kprobe/f+08"),
            "target `f+08` is not of the form FUNC[+OFFSET]"
        );
        assert_eq!(
            error("kprobe/f+1x"),
            "target `f+1x` is not of the form FUNC[+OFFSET]"
        );
        assert_eq!(
            error("kprobe/f+0x8000000000000000"),
            "target `f+0x8000000000000000` has an offset beyond 2^63 bytes"
        );
        assert_eq!(
            error("kretprobe/f+1"),
            "target `f+1` has an offset, which a program that runs on return cannot have"
        );
    }

    #[test]
    fn patterns() {
        assert_eq!(
            target("kprobe.multi/tcp_*"),
            Some(Target::KernelPattern { pattern: "tcp_*" })
        );
        assert_eq!(
            target("kprobe.session/?.*"),
            Some(Target::KernelPattern { pattern: "?.*" })
        );
        assert_eq!(
            error("kprobe.multi/tcp-*"),
            "target `tcp-*` is not of the form GLOB (letters, digits, `_`, `.`, `*`, `?`)"
        );
        assert_eq!(
            target("fentry.multi.s/xfs:xfs_*"),
            Some(Target::FunctionPattern {
                module: Some("xfs"),
                pattern: "xfs_*"
            })
        );
        assert_eq!(
            target("fexit.multi/*"),
            Some(Target::FunctionPattern {
                module: None,
                pattern: "*"
            })
        );
        assert!(error("fexit.multi/a:b:c").contains("[MODULE:]GLOB"));
    }

    #[test]
    fn user_functions() {
        let function = |binary, function, offset| {
            Some(Target::UserFunction {
                binary,
                function,
                offset,
            })
        };
        assert_eq!(
            target("uprobe//bin/bash:readline"),
            function("/bin/bash", "readline", 0)
        );
        assert_eq!(
            target("uprobe/libc.so.6:malloc@@GLIBC_2.2.5+0x10"),
            function("libc.so.6", "malloc@@GLIBC_2.2.5", 16)
        );
        assert_eq!(
            target("uprobe/a.apk!/lib/x.so:f+4"),
            function("a.apk!/lib/x.so", "f", 4)
        );
        assert_eq!(target("uprobe/x:operator+"), function("x", "operator+", 0));
        assert_eq!(
            target("uprobe/x:operator++2"),
            function("x", "operator+", 2)
        );
        assert_eq!(target("uprobe/x:a::b"), function("x", "a::b", 0));
        assert_eq!(target("uretprobe.s/x:f"), function("x", "f", 0));
        assert_eq!(target("uprobe"), None);
        assert_eq!(
            error("uprobe//bin/bash"),
            "target `/bin/bash` is not of the form BINARY:FUNC[@VERSION][+OFFSET]"
        );
        assert_eq!(
            error("uprobe/:f"),
            "target `:f` is not of the form BINARY:FUNC[@VERSION][+OFFSET]"
        );
        assert_eq!(
            error("uprobe/x:"),
            "target `x:` is not of the form BINARY:FUNC[@VERSION][+OFFSET]"
        );
        assert_eq!(
            error("uprobe/x:+4"),
            "target `x:+4` is not of the form BINARY:FUNC[@VERSION][+OFFSET]"
        );
        assert_eq!(
            error("uretprobe/x:f+4"),
            "target `x:f+4` has an offset, which a program that runs on return cannot have"
        );
        assert_eq!(
            target("uprobe.multi//bin/x:*_get"),
            Some(Target::UserPattern {
                binary: "/bin/x",
                pattern: "*_get"
            })
        );
        assert_eq!(
            target("usdt/libc.so.6:libc:setjmp"),
            Some(Target::Usdt {
                binary: "libc.so.6",
                provider: "libc",
                name: "setjmp"
            })
        );
        assert_eq!(
            target("usdt.s//x:p:n"),
            Some(Target::Usdt {
                binary: "/x",
                provider: "p",
                name: "n"
            })
        );
        assert!(error("usdt/x:p").ends_with("BINARY:PROVIDER:NAME"));
        assert!(error("usdt/x:p:n:m").ends_with("BINARY:PROVIDER:NAME"));
    }

    #[test]
    fn places_in_the_kernel() {
        assert_eq!(
            target("tp/syscalls/sys_enter_execve"),
            Some(Target::Tracepoint {
                category: "syscalls",
                name: "sys_enter_execve"
            })
        );
        assert!(error("tp/sched").ends_with("CATEGORY/NAME"));
        assert_eq!(
            target("raw_tp.w/x"),
            Some(Target::RawTracepoint { name: "x" })
        );
        assert_eq!(
            target("tp_btf/sched_switch"),
            Some(Target::BtfTracepoint {
                module: None,
                name: "sched_switch"
            })
        );
        assert_eq!(
            target("fentry/nf_nat:nf_nat_setup_info"),
            Some(Target::Function {
                module: Some("nf_nat"),
                function: "nf_nat_setup_info"
            })
        );
        assert_eq!(
            target("fmod_ret/f"),
            Some(Target::Function {
                module: None,
                function: "f"
            })
        );
        assert!(error("fentry/:f").ends_with("[MODULE:]FUNC"));
        assert_eq!(
            target("lsm.s/file_open"),
            Some(Target::Hook { hook: "file_open" })
        );
        assert_eq!(
            target("iter/task"),
            Some(Target::Iterator { target: "task" })
        );
        assert_eq!(
            target("freplace/f"),
            Some(Target::ReplacedFunction { function: "f" })
        );
        assert_eq!(
            target("ksyscall/execve"),
            Some(Target::Syscall { name: "execve" })
        );
        assert_eq!(target("struct_ops/anything"), None);
    }
}
