//! What a process that is killed leaves in tracefs.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use oxbpf::link::{ProbeSource, Sampling, SoftwareEvent};
use oxbpf::{Kprobe, Link, LsmCgroup, PerfEvent, tracefs};

use super::*;

/// Set in the process that is to be killed.
const VICTIM: &str = "OXBPF_TEST_VICTIM";

fn through_tracefs() -> Kprobe {
    Kprobe::new(GETPGID).source(ProbeSource::Tracefs)
}

#[test]
fn killed_process_leaves_a_probe_that_is_in_nobodys_way() {
    require!(has_kprobes(), "this kernel has no kprobes");
    if std::env::var_os(VICTIM).is_some() {
        let _link = through_tracefs().attach(&Counter::new().kprobe()).unwrap();
        println!("\nattached");
        loop {
            std::thread::park();
        }
    }
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture"])
        .arg("leftovers::killed_process_leaves_a_probe_that_is_in_nobodys_way")
        .env(VICTIM, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(victim.stdout.take().unwrap());
    assert!(output.lines().any(|line| line.unwrap() == "attached"));

    // As long as it lives, its probe is no leftover.
    assert_eq!(probes().len(), 1);
    assert_eq!(tracefs::leftovers().unwrap(), []);
    victim.kill().unwrap();
    victim.wait().unwrap();
    let leftovers = tracefs::leftovers().unwrap();
    assert_eq!(leftovers.len(), 1);
    assert_eq!(leftovers[0].pid(), victim.id());
    assert!(
        leftovers[0].location().ends_with("sys_getpgid"),
        "{leftovers:?}"
    );

    let counter = Counter::new();
    let link = through_tracefs().attach(&counter.kprobe()).unwrap();
    assert_eq!(counter.runs(getpgid), TIMES);
    assert_eq!(probes().len(), 2);
    assert_eq!(tracefs::leftovers().unwrap(), leftovers);
    leftovers[0].remove().unwrap();
    assert_eq!(tracefs::leftovers().unwrap(), []);
    // Gone is gone.
    leftovers[0].remove().unwrap();
    assert_eq!(counter.runs(getpgid), TIMES);
    link.detach().unwrap();
    assert!(probes().is_empty(), "{:?}", probes());
}

#[test]
fn kernel_without_probes_has_no_leftovers() {
    require!(!has_kprobes(), "this kernel has kprobes");
    assert_eq!(tracefs::leftovers().unwrap(), []);
}

/// What says that it does not outlive the process does not, however that ends.
#[test]
fn killed_process_leaves_no_program() {
    if std::env::var_os(VICTIM).is_some() {
        let mut spec = super::fixture::spec();
        for program in spec.programs_mut() {
            program.autoload = true;
        }
        let load = oxbpf::Loader::new().keep_going(spec).unwrap();
        let mut links = Vec::new();
        for (name, program) in load.collection.programs() {
            if let Ok(link) = attach_by_builder(program) {
                assert_eq!(link.survives_process(), None, "{name}");
                println!("\nprogram {}", program.info().unwrap().id);
                links.push(link);
            }
        }
        println!("\nattached");
        loop {
            std::thread::park();
        }
    }
    alone();
    let before = (probes(), uprobes());
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture"])
        .arg("leftovers::killed_process_leaves_no_program")
        .env(VICTIM, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ids: Vec<u32> = Vec::new();
    for line in BufReader::new(victim.stdout.take().unwrap()).lines() {
        match line.unwrap().as_str() {
            "attached" => break,
            line => ids.extend(
                line.strip_prefix("program ")
                    .map(|id| id.parse::<u32>().unwrap()),
            ),
        }
    }
    // Tracepoints there are on every kernel, of three kinds, and uprobes.
    assert!(ids.len() >= 6, "{ids:?}");
    assert!(ids.iter().all(|id| Program::from_id(*id).is_ok()));
    victim.kill().unwrap();
    victim.wait().unwrap();
    let start = std::time::Instant::now();
    // The kernel may free programs a little later.
    while ids.iter().any(|id| Program::from_id(*id).is_ok()) {
        assert!(
            start.elapsed().as_secs() < 20,
            "programs that go on: {ids:?}"
        );
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!((probes(), uprobes()), before);
}

fn uprobes() -> String {
    fs::read_to_string("/sys/kernel/tracing/uprobe_events").unwrap_or_default()
}

/// Attaches by the builder whose programs do not say where to.
pub(crate) fn attach_by_builder(program: &Program) -> Result<Link, Error> {
    match program.name() {
        "at_lsm_cgroup" => {
            let group = fs::File::open(crate::common::own_cgroup()).unwrap();
            LsmCgroup::new(&group).attach(program)
        }
        "at_perf_event" | "cookie_of_perf_event" => {
            PerfEvent::software(SoftwareEvent::CPU_CLOCK, Sampling::Frequency(99))
                .cpu(0)
                .attach(program)
        }
        "at_xdp" => oxbpf::Xdp::new("lo").attach(program),
        "at_any_tp" => program.attach_to("syscalls/sys_enter_getpgid"),
        "cookie_of_kprobe_multi" | "cookie_of_fentry_multi" | "at_any_kprobe" => {
            program.attach_to(GETPGID)
        }
        "cookie_of_uprobe" | "cookie_of_uprobe_multi" => program.attach_to("libc.so.6:getpgid"),
        _ => program.attach(),
    }
}

/// Every attach point that this kernel has, and every refusal of those that it has not.
#[test]
fn no_attachment_leaves_a_descriptor_or_a_probe() {
    let mut spec = super::fixture::spec();
    let programs = spec.programs_mut().iter();
    let names: Vec<String> = programs.map(|program| program.name.clone()).collect();
    let before = (descriptors(), probes(), uprobes());
    let mut attached = 0;
    for name in &names {
        for detach in [true, false] {
            let Ok(fixture) = super::fixture::Fixture::load(&[name]) else {
                continue;
            };
            if let Ok(link) = attach_by_builder(&fixture.program(name)) {
                attached += 1;
                match detach {
                    true => link.detach().unwrap(),
                    false => drop(link),
                }
            }
        }
        assert_eq!((descriptors(), probes(), uprobes()), before, "{name}");
    }
    // Tracepoints there are on every kernel, of three kinds, and uprobes.
    assert!(attached >= 2 * 6, "{attached}");
}
