//! Section names of programs: `SEC("kprobe/sys_execve")` says what a program is and where it goes.
//!
//! The table and its rules are libbpf's, so an object means the same to both:
//! a name matches whole, or, where the row has a target, also followed by a slash and the target; a leading `?` says that the program
//! is loaded only on demand.

mod def;
mod table;
mod target;

pub use def::{SectionDef, TargetForm};
pub use target::{Target, TargetError};

/// A program's section name, matched with the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SectionName<'a> {
    /// The row that matched.
    pub def: &'static SectionDef,
    /// The text after the slash, if there is a slash.
    pub target: Option<&'a str>,
    /// Whether the name began with `?`: loaded only on demand.
    pub optional: bool,
}

impl<'a> SectionName<'a> {
    /// Finds the row for a section name.
    ///
    /// `None` for a name that the table does not know: its programs have no kind unless someone gives them one.
    ///
    /// ```
    /// use oxbpf_object::section_name::SectionName;
    /// use oxbpf_object::ProgramType;
    ///
    /// let name = SectionName::parse("?kprobe/sys_execve").unwrap();
    /// assert_eq!(name.def.program_type, ProgramType::KPROBE);
    /// assert_eq!(name.target, Some("sys_execve"));
    /// assert!(name.optional);
    /// assert_eq!(SectionName::parse("kprobes/sys_execve"), None);
    /// ```
    #[must_use]
    pub fn parse(name: &'a str) -> Option<Self> {
        let (optional, bare) = match name.strip_prefix('?') {
            Some(rest) => (true, rest),
            None => (false, name),
        };
        table::SECTION_DEFS.iter().find_map(|def| {
            let rest = bare.strip_prefix(def.name)?;
            let target = match rest.strip_prefix('/') {
                None if rest.is_empty() => None,
                Some(target) if def.target.is_some() => Some(target),
                _ => return None,
            };
            Some(SectionName {
                def,
                target,
                optional,
            })
        })
    }

    /// Reads the target by its grammar. `None` when the name has no target, or one without a meaning.
    ///
    /// # Errors
    ///
    /// [`TargetError`] says which form was expected.
    pub fn parse_target(&self) -> Result<Option<Target<'a>>, TargetError> {
        match (self.def.target, self.target) {
            (Some(form), Some(text)) => Target::parse(form, text, self.def.on_return),
            _ => Ok(None),
        }
    }
}

/// Every row of the table, in the order in which they are tried.
#[must_use]
pub fn section_defs() -> &'static [SectionDef] {
    &table::SECTION_DEFS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{AttachType, ProgramFlags, ProgramType};

    fn parse(name: &str) -> SectionName<'_> {
        SectionName::parse(name).unwrap_or_else(|| panic!("{name} is in no row"))
    }

    #[test]
    fn every_row_is_found_by_its_own_name() {
        for def in section_defs() {
            assert_eq!(parse(def.name).def, def);
            assert_eq!(parse(def.name).target, None);
            let slashed = format!("{}/x", def.name);
            if def.target.is_some() {
                assert_eq!(parse(&slashed).def, def);
                assert_eq!(parse(&slashed).target, Some("x"));
            } else {
                assert_eq!(SectionName::parse(&slashed), None);
            }
            assert_eq!(
                SectionName::parse(&format!("{}x", def.name)).filter(|found| found.def == def),
                None
            );
        }
    }

    #[test]
    fn rows_say_what_libbpf_says() {
        let def = parse("kprobe/sys_execve").def;
        assert_eq!(
            (def.program_type, def.attach_type, def.auto_attach),
            (ProgramType::KPROBE, None, true)
        );
        assert!(parse("kretprobe/x").def.on_return && !def.on_return);
        let def = parse("fentry.s/x").def;
        assert_eq!(def.attach_type, Some(AttachType::TRACE_FENTRY));
        assert!(def.attach_btf && def.flags == ProgramFlags::SLEEPABLE);
        let def = parse("xdp").def;
        assert_eq!(def.attach_type, Some(AttachType::XDP));
        assert!(def.attach_type_optional && def.flags.is_empty());
        assert_eq!(
            parse("xdp.frags/devmap").def.flags,
            ProgramFlags::XDP_HAS_FRAGS
        );
        assert!(parse("lsm_cgroup/x").def.attach_btf && !parse("lsm_cgroup/x").def.auto_attach);
        assert_eq!(
            parse("sk_skb/verdict").def.attach_type,
            Some(AttachType::SK_SKB_VERDICT)
        );
        assert_eq!(parse("tc").def.attach_type, None);
        assert_eq!(parse("syscall").def.flags, ProgramFlags::SLEEPABLE);
        assert_eq!(
            section_defs().iter().filter(|def| def.auto_attach).count(),
            50
        );
    }

    #[test]
    fn all_rows_are_those_of_libbpf() {
        let expected: Vec<&str> = include_str!("../../tests/fixtures/section_names.txt")
            .lines()
            .filter(|line| !line.starts_with('#'))
            .collect();
        let rows: Vec<String> = section_defs()
            .iter()
            .map(|def| {
                let plus = if def.target.is_some() { "+" } else { "" };
                let attach_type = def.attach_type.and_then(AttachType::name).unwrap_or("-");
                let notes = [
                    (def.attach_btf, "attach_btf"),
                    (def.auto_attach, "auto"),
                    (def.flags.contains(ProgramFlags::XDP_HAS_FRAGS), "frags"),
                    (def.attach_type_optional, "optional"),
                    (def.flags.contains(ProgramFlags::SLEEPABLE), "sleepable"),
                ];
                let notes: Vec<&str> = notes
                    .into_iter()
                    .filter(|(is, _)| *is)
                    .map(|(_, note)| note)
                    .collect();
                let notes = if notes.is_empty() {
                    "-".to_owned()
                } else {
                    notes.join(",")
                };
                format!(
                    "{}{plus} {} {attach_type} {notes}",
                    def.name, def.program_type
                )
            })
            .collect();
        assert_eq!(rows, expected);
        let on_return: Vec<&str> = section_defs()
            .iter()
            .filter(|def| def.on_return)
            .map(|def| def.name)
            .collect();
        assert_eq!(
            on_return,
            [
                "kretprobe",
                "uretprobe",
                "uretprobe.s",
                "kretprobe.multi",
                "uretprobe.multi",
                "uretprobe.multi.s",
                "kretsyscall"
            ]
        );
    }

    #[test]
    fn question_mark_means_optional() {
        assert!(parse("?tracepoint/a/b").optional);
        assert_eq!(parse("?tracepoint/a/b").target, Some("a/b"));
        assert!(!parse("tracepoint/a/b").optional);
        assert_eq!(SectionName::parse("??xdp"), None);
    }

    #[test]
    fn names_of_other_loaders_have_no_row() {
        for name in [
            "",
            "?",
            "xdp_sock",
            "filter",
            "maps/x",
            "classifier/ingress",
            "xdp/x",
            "socket1",
            "kprobe.multi.s/x",
            "lirc_mode2/nec",
        ] {
            assert_eq!(SectionName::parse(name), None, "{name}");
        }
    }
}
