//! What the kernel's selftests expect of their programs, as they note it in tags on their functions: whether the verifier
//! takes it (`__success`, `__failure`), what it says (`__msg`) and makes of it (`__xlated`), what a run returns (`__retval`);
//! each of a load by root, and by somebody without BPF's capabilities (`__success_unpriv` and so on).

use oxbpf::object::btf::{Btf, Contents, Kind, Type};
use oxbpf::object::kernel::ProgramFlags;

use crate::pattern::Pattern;

/// Bytes of the packet that programs are run on, all zero (`TEST_DATA_LEN`).
pub(crate) const PACKET: usize = 64;

/// What the tests' own tool adds to the flags of all programs.
const TESTING: ProgramFlags = ProgramFlags::TEST_RND_HI32.union(ProgramFlags::TEST_REG_INVARIANTS);

/// What the one without privileges does not have: CAP_NET_ADMIN, CAP_SYS_ADMIN, CAP_PERFMON, CAP_BPF.
const PRIVILEGES: u64 = 1 << 12 | 1 << 21 | 1 << 38 | 1 << 39;

/// All that the tags of a program say.
#[derive(Debug, Default)]
pub(crate) struct Tags {
    pub(crate) root: Expectation,
    pub(crate) unprivileged: Expectation,
    /// Loaded whatever else is, and not tested itself.
    pub(crate) auxiliary: bool,
    pub(crate) log_level: u32,
    pub(crate) flags: ProgramFlags,
    /// The capabilities that the one without privileges lacks, a bit each.
    pub(crate) lacking: u64,
    /// The machines that it is for; all if none is named.
    machines: Vec<String>,
    /// Relocated against types that the tests compile.
    other_types: bool,
}

/// What is expected of a load.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expectation {
    /// Whether anything is.
    pub(crate) is_there: bool,
    pub(crate) refused: Option<bool>,
    /// What the log has to say.
    pub(crate) messages: Vec<Wanted>,
    /// What the instructions have to be when the verifier has done with them, as a listing.
    pub(crate) xlated: Vec<Wanted>,
    pub(crate) returns: Option<Returned>,
}

/// What has to come in a text, after what came before.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) pattern: Pattern,
    /// In the line after that.
    next_line: bool,
}

/// What a run returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Returned {
    Number(u32),
    /// An address: it cannot be told beforehand.
    Anything,
}

impl Tags {
    /// Those of the function that is called so.
    pub(crate) fn read(btf: &Btf, name: &str) -> Tags {
        let is_it = |ty: &Type<'_>| ty.kind() == Kind::FUNC && ty.is_named(name);
        let function = btf.types().find(|(_, ty)| is_it(ty));
        let all = btf.types().filter_map(|(_, ty)| match ty.contents() {
            Contents::DeclTag(tag) if tag.component.is_none() => Some((tag.target, ty)),
            _ => None,
        });
        let of_it = all.filter(|(target, _)| function.as_ref().is_some_and(|(id, _)| id == target));
        Tags::new(of_it.map(|(_, tag)| tag.name()))
    }

    pub(crate) fn new<'t>(tags: impl IntoIterator<Item = &'t str>) -> Tags {
        let mut read = Tags {
            flags: TESTING,
            lacking: PRIVILEGES,
            ..Tags::default()
        };
        // Lines of a listing follow each other, unless `...` is between them.
        let mut follows = [true; 2];
        for tag in tags {
            if let Some(tag) = tag.strip_prefix("comment:test_") {
                read.note(tag, &mut follows);
            }
        }
        read.unprivileged.inherit(&read.root);
        read
    }

    fn note(&mut self, tag: &str, follows: &mut [bool; 2]) {
        let (key, value) = tag.split_once('=').unwrap_or((tag, ""));
        // Numbered, so that the same can be said twice.
        let text = || value.split_once('=').map_or(value, |(_, text)| text);
        let (what, who, follows) = match key.strip_suffix("_unpriv") {
            Some(what) => (what, &mut self.unprivileged, &mut follows[1]),
            None => (key, &mut self.root, &mut follows[0]),
        };
        match what {
            "expect_success" => who.refused = Some(false),
            "expect_failure" => who.refused = Some(true),
            "expect_msg" => who.messages.push(Wanted::new(text(), false)),
            "expect_xlated" if text() == "..." => *follows = false,
            "expect_xlated" => {
                who.xlated.push(Wanted::new(text(), *follows));
                *follows = true;
            }
            "retval" => who.returns = Some(Returned::parse(value)),
            "auxiliary" => self.auxiliary = true,
            _ => return self.note_of_both(key, value),
        }
        who.is_there = true;
    }

    fn note_of_both(&mut self, key: &str, value: &str) {
        match key {
            "log_level" => self.log_level = value.parse().unwrap_or(0),
            "prog_flags" => match value.strip_prefix('!') {
                Some(flag) => self.flags.remove(flag_named(flag)),
                None => self.flags.insert(flag_named(value)),
            },
            "arch" => self.machines.push(value.to_ascii_lowercase()),
            "btf_path" => self.other_types = true,
            // Those that are kept, by number.
            "caps_unpriv" => {
                let kept = value.split('|').filter_map(|part| number(part.trim()));
                let kept = kept.fold(0, |kept, bit| kept | 1 << bit.clamp(0, 63));
                self.lacking &= !kept;
            }
            _ => {}
        }
    }

    /// Whether it is to be tested here.
    pub(crate) fn apply(&self) -> bool {
        let here = |machine: &String| machine == std::env::consts::ARCH;
        !self.auxiliary
            && !self.other_types
            && (self.machines.is_empty() || self.machines.iter().any(here))
    }
}

impl Expectation {
    pub(crate) fn is_refused(&self) -> bool {
        self.refused == Some(true)
    }

    /// What is not said of this load is as it is of that.
    fn inherit(&mut self, root: &Expectation) {
        self.refused = self.refused.or(root.refused);
        self.returns = self.returns.or(root.returns);
        if self.messages.is_empty() {
            self.messages.clone_from(&root.messages);
        }
        if self.xlated.is_empty() {
            self.xlated.clone_from(&root.xlated);
        }
    }
}

impl Wanted {
    fn new(pattern: &str, next_line: bool) -> Wanted {
        Wanted {
            pattern: Pattern::new(pattern),
            next_line,
        }
    }

    /// The first that does not come where it has to.
    pub(crate) fn missing<'w>(all: &'w [Wanted], text: &str) -> Option<&'w Wanted> {
        let (mut at, mut line, mut last) = (0, 0, None);
        all.iter().find(|wanted| {
            let Some(found) = wanted.pattern.find(&text[at..]) else {
                return true;
            };
            let newlines = |range| {
                text.get(range)
                    .map_or(0, |text: &str| text.matches('\n').count())
            };
            line += newlines(at..at + found.start);
            let misplaced = wanted.next_line && last.is_some_and(|last| last + 1 != line);
            last = Some(line);
            line += newlines(at + found.start..at + found.end);
            at += found.end;
            misplaced
        })
    }
}

impl Returned {
    fn parse(text: &str) -> Returned {
        match text {
            "POINTER_VALUE" => Returned::Anything,
            "TEST_DATA_LEN" => Returned::Number(PACKET as u32),
            "INT_MIN" => Returned::Number(i32::MIN as u32),
            // `strtol` into an `int`.
            text => number(text).map_or(Returned::Anything, |n| Returned::Number(n as u32)),
        }
    }
}

/// A flag of a load by its name, as the tests write it, or by its number.
fn flag_named(name: &str) -> ProgramFlags {
    match name {
        "BPF_F_STRICT_ALIGNMENT" => ProgramFlags::STRICT_ALIGNMENT,
        "BPF_F_ANY_ALIGNMENT" => ProgramFlags::ANY_ALIGNMENT,
        "BPF_F_TEST_RND_HI32" => ProgramFlags::TEST_RND_HI32,
        "BPF_F_TEST_STATE_FREQ" => ProgramFlags::TEST_STATE_FREQ,
        "BPF_F_SLEEPABLE" => ProgramFlags::SLEEPABLE,
        "BPF_F_XDP_HAS_FRAGS" => ProgramFlags::XDP_HAS_FRAGS,
        "BPF_F_TEST_REG_INVARIANTS" => ProgramFlags::TEST_REG_INVARIANTS,
        number => ProgramFlags::from_bits_retain(self::number(number).unwrap_or(0) as u32),
    }
}

/// A number as C writes it; negative ones, too.
fn number(text: &str) -> Option<i64> {
    match text.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(notes: &[&str]) -> Tags {
        let notes: Vec<String> = notes
            .iter()
            .map(|note| format!("comment:test_{note}"))
            .collect();
        Tags::new(notes.iter().map(String::as_str))
    }

    #[test]
    fn tags_are_read_as_the_tests_mean_them() {
        let read = tags(&[
            "expect_failure",
            "expect_msg=7=R1 = {{[0-9]+}}",
            "log_level=2",
            "prog_flags=BPF_F_TEST_STATE_FREQ",
            "prog_flags=!BPF_F_TEST_RND_HI32",
            "retval=-1",
        ]);
        assert!(read.apply() && read.root.is_there && read.root.is_refused());
        assert_eq!(read.root.messages[0].pattern.find("R1 = 77;"), Some(0..7));
        assert_eq!(read.log_level, 2);
        let flags = ProgramFlags::TEST_REG_INVARIANTS | ProgramFlags::TEST_STATE_FREQ;
        assert_eq!(read.flags, flags);
        assert_eq!(read.root.returns, Some(Returned::Number(u32::MAX)));
        assert!(!read.unprivileged.is_there);
        assert!(!tags(&["expect_success", "arch=PDP11"]).apply());
        let here = format!("arch={}", std::env::consts::ARCH);
        assert!(tags(&["expect_success", "arch=PDP11", &here]).apply());
        assert!(!tags(&["auxiliary"]).apply());
    }

    #[test]
    fn what_is_not_said_without_privileges_is_as_for_root() {
        let read = tags(&[
            "expect_success",
            "retval=5",
            "expect_msg=1=one",
            "expect_failure_unpriv",
            "expect_msg_unpriv=2=two",
        ]);
        let (root, other) = (&read.root, &read.unprivileged);
        assert!(!root.is_refused() && other.is_refused() && other.is_there);
        assert_eq!(other.returns, root.returns);
        assert!(Wanted::missing(&root.messages, "one").is_none());
        assert!(Wanted::missing(&other.messages, "one").is_some());
        assert_eq!(tags(&["caps_unpriv=39 | 38"]).lacking, 1 << 12 | 1 << 21);
    }

    #[test]
    fn lines_come_one_after_the_other() {
        let listed = |notes: &[&str], text| {
            let read = tags(notes);
            Wanted::missing(&read.root.xlated, text).is_none()
        };
        let (close, apart) = (
            ["expect_xlated=0=a", "expect_xlated=1=b"],
            [
                "expect_xlated=0=a",
                "expect_xlated=1=...",
                "expect_xlated=2=b",
            ],
        );
        assert!(listed(&close, "0\na\nb\n") && !listed(&close, "a\n0\nb"));
        assert!(listed(&apart, "a\n0\nb") && !listed(&apart, "b\na"));
    }
}
