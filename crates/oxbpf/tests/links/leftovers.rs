//! What a process that is killed leaves in tracefs.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use oxbpf::link::ProbeSource;
use oxbpf::{Kprobe, tracefs};

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
