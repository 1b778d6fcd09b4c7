//! Programs that can be confined to a process: what `--pid` is for.

use std::fs;

use anyhow::bail;
use oxbpf::link::{Iter, Link, Uprobe, UprobeMulti, Uretprobe};
use oxbpf::{ErrorKind, Program, Result};
use oxbpf_object::section_name::{SectionName, Target, TargetForm};
use oxbpf_object::spec::ProgramSpec;
use oxbpf_object::{CollectionSpec, ProgramType};

use super::settings;
use crate::output::Output;

/// Iterators over these can be confined.
const ITERATORS: &[&str] = &["task", "task_file", "task_vma"];

/// Whether programs of this section, attached to this target, can be confined.
fn can_be_confined(section: &str, target: Option<&str>) -> bool {
    let Some(known) = SectionName::parse(section) else {
        return false;
    };
    match known.def.target {
        Some(TargetForm::UserFunction | TargetForm::UserPattern | TargetForm::Usdt) => true,
        Some(TargetForm::Iterator) => target.is_some_and(|target| ITERATORS.contains(&target)),
        _ => known.def.program_type == ProgramType::PERF_EVENT,
    }
}

/// Says which programs `--pid` does not reach. That it reaches none is an error: everybody would be watched instead.
pub(super) fn check(spec: &CollectionSpec, pid: u32, output: &Output) -> anyhow::Result<()> {
    let wanted = spec.programs().iter().filter(|program| program.autoload);
    let confined = |p: &&ProgramSpec| can_be_confined(&p.section, p.attach_to.as_deref());
    let (confined, others): (Vec<_>, Vec<_>) = wanted.partition(confined);
    let hint = match setting(spec) {
        Some(name) => format!("; `--set {name}={pid}` may be what is meant"),
        None => String::new(),
    };
    if confined.is_empty() {
        bail!(
            "`--pid {pid}`: of `{}` nothing can be confined to a process, since none of its programs is for uprobes, perf \
             events or tasks{hint}",
            spec.name
        );
    }
    if !others.is_empty() {
        let names: Vec<_> = others.iter().map(|program| program.name.as_str()).collect();
        output.note(format_args!(
            "  every process is seen by {}, which --pid cannot confine{hint}",
            names.join(", ")
        ));
    }
    Ok(())
}

/// The setting by which an object compares processes itself.
fn setting(spec: &CollectionSpec) -> Option<String> {
    let settings = settings::settings(spec);
    let says_so = |name: &str| name.contains("pid") || name.contains("tgid");
    let setting = settings
        .into_iter()
        .find(|setting| setting.is_constant && says_so(&setting.name));
    setting.map(|setting| setting.name)
}

/// Attaches something to each thread of a process, since to the kernel a process is its first one. Threads that end meanwhile
/// are none of it.
pub(super) fn threads(pid: u32, mut attach: impl FnMut(u32) -> Result<Link>) -> Result<Vec<Link>> {
    let mut links = vec![attach(pid)?];
    let threads = fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten();
    let threads = threads.filter_map(|thread| thread.ok()?.file_name().to_str()?.parse().ok());
    for thread in threads.filter(|thread| *thread != pid) {
        match attach(thread) {
            Ok(link) => links.push(link),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(links)
}

/// Attaches a program that its section and target say to confine; `None` if it is no such program, or they do not say enough.
pub(super) fn attach(program: &Program, pid: u32) -> Option<Result<Link>> {
    let info = program.attach_info();
    let target = info.target.as_deref();
    if !can_be_confined(&info.section, target) {
        return None;
    }
    let named = SectionName {
        target,
        ..SectionName::parse(&info.section)?
    };
    let on_return = named.def.on_return;
    Some(match named.parse_target().ok()?? {
        Target::UserFunction {
            binary, function, ..
        } if on_return => Uretprobe::new(binary, function)
            .process(pid)
            .attach(program),
        Target::UserFunction {
            binary,
            function,
            offset,
        } => Uprobe::new(binary, function)
            .offset(offset)
            .process(pid)
            .attach(program),
        Target::UserPattern { binary, pattern } => {
            let all = UprobeMulti::pattern(binary, pattern).process(pid);
            match on_return {
                true => all.on_return().attach(program),
                false => all.attach(program),
            }
        }
        Target::Iterator { .. } => Iter::new().process(pid).attach(program),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::can_be_confined;

    #[test]
    fn some_kinds_of_programs_can_be_confined() {
        for (section, target, can) in [
            ("perf_event", None, true),
            ("uprobe", None, true),
            ("uretprobe.s/libc.so.6:malloc", None, true),
            ("uprobe.multi/libc.so.6:mall*", None, true),
            ("uprobe.session", None, true),
            ("usdt", None, true),
            ("iter/task", Some("task"), true),
            ("iter.s/task_vma", Some("task_vma"), true),
            ("iter/bpf_map", Some("bpf_map"), false),
            ("kprobe/do_exit", Some("do_exit"), false),
            ("tp/sched/sched_switch", None, false),
            ("xdp", None, false),
            ("no_such", None, false),
        ] {
            assert_eq!(can_be_confined(section, target), can, "{section}");
        }
    }
}
