//! Where programs are attached whose sections do not say it: what `--interface`, `--cgroup`, `--pid` and `--at` are for.

use std::fs::File;
use std::path::PathBuf;

use anyhow::{Context, bail};
use oxbpf::Program;
use oxbpf::link::{Cgroup, Link, LsmCgroup, PerfEvent, Sampling, SoftwareEvent, Tcx, Xdp};
use oxbpf::program::{CgroupKind, ProgramKind};
use oxbpf_object::kernel::AttachType;
use oxbpf_object::section_name::SectionName;
use oxbpf_object::{CollectionSpec, ProgramType};

use super::process;
use crate::command::RunArgs;
use crate::output::Output;
use crate::pattern::Pattern;
use crate::suggestion::suggestion;

/// Where to attach what does not say it by its section.
#[derive(Debug)]
pub(super) struct Places<'r> {
    /// For XDP and traffic control.
    interfaces: &'r [String],
    /// For programs of control groups.
    cgroups: Vec<File>,
    /// The process that programs are confined to, if they can be.
    pid: Option<u32>,
    /// How often a second it is sampled.
    frequency: u64,
}

impl<'r> Places<'r> {
    pub(super) fn new(args: &'r RunArgs) -> anyhow::Result<Places<'r>> {
        let open = |path: &PathBuf| {
            File::open(path)
                .with_context(|| format!("opening control group `{}` failed", path.display()))
        };
        Ok(Places {
            interfaces: &args.interfaces,
            cgroups: args.cgroups.iter().map(open).collect::<Result<_, _>>()?,
            pid: args.pid,
            frequency: args.frequency,
        })
    }

    /// Says which options are about no program of the object: who gave them expects something of them.
    pub(super) fn check(&self, spec: &CollectionSpec, output: &Output) {
        let is_for = |place: Where| {
            let mut programs = spec.programs().iter().filter(|program| program.autoload);
            programs.any(|program| {
                let kind = program.prog_type.unwrap_or(ProgramType::UNSPEC);
                Where::is(kind, program.attach_type) == Some(place)
            })
        };
        for (option, is_given, place, what) in [
            (
                "--interface",
                !self.interfaces.is_empty(),
                Where::Interface,
                "an interface",
            ),
            (
                "--cgroup",
                !self.cgroups.is_empty(),
                Where::Cgroup,
                "a control group",
            ),
        ] {
            if is_given && !is_for(place) {
                output.note(format_args!(
                    "  {option} changes nothing: no program of `{}` is attached to {what}",
                    spec.name
                ));
            }
        }
    }

    /// Attaches a program where the options say, if it is of a kind that they are about.
    pub(super) fn attach(&self, program: &Program) -> Option<oxbpf::Result<Vec<Link>>> {
        match Where::of(program)? {
            Where::Interface if self.interfaces.is_empty() => None,
            Where::Interface => {
                let attach = |name: &String| match program.program_type() {
                    ProgramType::XDP => Xdp::new(name).attach(program),
                    _ if goes_out(program) => Tcx::egress(name).attach(program),
                    _ => Tcx::ingress(name).attach(program),
                };
                Some(self.interfaces.iter().map(attach).collect())
            }
            Where::Cgroup if self.cgroups.is_empty() => None,
            Where::Cgroup => {
                let attach = |group: &File| match program.program_type() {
                    ProgramType::LSM => LsmCgroup::new(group).attach(program),
                    _ => Cgroup::new(group).attach(program),
                };
                Some(self.cgroups.iter().map(attach).collect())
            }
            Where::Process => process::attach(program, self.pid?).map(|link| Ok(vec![link?])),
            Where::Clock => {
                let sampling = Sampling::Frequency(self.frequency);
                let clock = PerfEvent::software(SoftwareEvent::CPU_CLOCK, sampling);
                Some(match self.pid {
                    Some(pid) => process::threads(pid, |thread| {
                        clock.clone().process(thread).attach(program)
                    }),
                    None => clock
                        .attach_on_each_cpu(program)
                        .map(|links| links.into_iter().collect()),
                })
            }
        }
    }
}

/// What a program is attached to that its section cannot name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Where {
    Interface,
    Cgroup,
    Clock,
    Process,
}

impl Where {
    fn of(program: &Program) -> Option<Where> {
        Where::is(program.program_type(), program.attach_info().attach_type)
    }

    fn is(kind: ProgramType, attach_type: Option<AttachType>) -> Option<Where> {
        match kind {
            ProgramType::XDP | ProgramType::SCHED_CLS => Some(Where::Interface),
            ProgramType::PERF_EVENT => Some(Where::Clock),
            ProgramType::LSM => {
                let is = attach_type == Some(AttachType::LSM_CGROUP);
                is.then_some(Where::Cgroup)
            }
            ProgramType::KPROBE | ProgramType::TRACING => Some(Where::Process),
            kind => CgroupKind::includes(kind).then_some(Where::Cgroup),
        }
    }
}

/// Whether a program of traffic control is for what an interface sends.
fn goes_out(program: &Program) -> bool {
    let info = program.attach_info();
    info.attach_type == Some(AttachType::TCX_EGRESS) || info.section.ends_with("egress")
}

/// Whether what a program is to be attached to has the form that its section asks for.
pub(super) fn is_target(program: &Program) -> bool {
    let info = program.attach_info();
    let named = SectionName::parse(&info.section).map(|known| SectionName {
        target: info.target.as_deref(),
        ..known
    });
    named.is_none_or(|named| named.parse_target().is_ok())
}

/// Which option says where to attach a program that was passed over, as the end of a sentence.
pub(super) fn hint(program: &Program) -> String {
    let target = match Where::of(program) {
        Some(Where::Interface) => return "; say where with --interface".to_owned(),
        Some(Where::Cgroup) => return "; say where with --cgroup".to_owned(),
        Some(Where::Clock) => return String::new(),
        Some(Where::Process) | None => program.attach_info().section.split('/').next(),
    };
    match target {
        Some("uprobe" | "uretprobe" | "uprobe.s" | "uretprobe.s") => {
            format!("; say where with --at {}=FILE:FUNCTION", program.name())
        }
        Some("usdt" | "usdt.s") => {
            format!(
                "; say where with --at {}=FILE:PROVIDER:NAME",
                program.name()
            )
        }
        Some("kprobe" | "kretprobe") => {
            format!("; say where with --at {}=FUNCTION", program.name())
        }
        _ => String::new(),
    }
}

/// `--at PROGRAM=TARGET`: which programs, and what stands behind the slash of their section.
pub(super) fn retarget(spec: &mut CollectionSpec, options: &[String]) -> anyhow::Result<()> {
    let name = spec.name.clone();
    for option in options {
        let (pattern, target) = option
            .split_once('=')
            .with_context(|| format!("`--at {option}` is no PROGRAM=TARGET"))?;
        let patterns: Vec<Pattern> = vec![pattern.parse()?];
        let mut found = false;
        for program in spec.programs_mut() {
            if crate::pattern::wanted(&patterns, &name, &program.name) {
                found = true;
                program.attach_to = Some(target.to_owned());
            }
        }
        if !found {
            let all = spec.programs().iter().map(|program| program.name.as_str());
            let hint = suggestion(pattern, all);
            bail!("`--at {option}`: the object has no program `{pattern}`{hint}");
        }
    }
    Ok(())
}
