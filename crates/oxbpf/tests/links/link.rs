//! What all links can do.

use std::os::fd::AsFd;

use oxbpf::link::AttachBy;
use oxbpf::object::kernel::ProgramType;
use oxbpf::{ErrorKind, Kprobe, Link, Links, RawTracepoint, Tracepoint};

use super::*;
use crate::common::own_bpffs;

fn raw_program(counter: &Counter) -> Program {
    counter
        .load(ProgramType::RAW_TRACEPOINT, Watch::default())
        .unwrap()
}

#[test]
fn pinned_link_outlives_its_handle() {
    let bpffs = own_bpffs();
    let counter = Counter::new();
    let mut link = RawTracepoint::new("sys_enter")
        .attach(&raw_program(&counter))
        .unwrap();
    let path = bpffs.join("link");
    assert_kind(
        link.pin("/tmp/oxbpf-no-link"),
        ErrorKind::InvalidInput,
        "BPF file system",
    );
    link.pin(&path).unwrap();
    assert_eq!(link.pin_path(), Some(path.as_path()));
    assert!(link.survives_process().unwrap().contains("its pin"));
    assert_kind(
        link.pin(bpffs.join("again")),
        ErrorKind::AlreadyExists,
        "already",
    );
    drop(link);
    assert!(counter.runs(getpgid) >= TIMES);

    let link = Link::open_pinned(&path).unwrap();
    assert_ne!(link.info().unwrap().program_id, 0);
    drop(link);
    assert!(counter.runs(getpgid) >= TIMES);

    let mut link = Link::open_pinned(&path).unwrap();
    link.unpin().unwrap();
    assert!(!path.exists());
    assert_kind(link.unpin(), ErrorKind::NotFound, "not pinned");
    assert!(counter.runs(getpgid) >= TIMES);
    link.pin(&path).unwrap();
    link.detach().unwrap();
    assert!(!path.exists());
    assert_eq!(counter.runs(getpgid), 0);
}

#[test]
fn pin_of_something_else_is_no_link() {
    let bpffs = own_bpffs();
    let counter = Counter::new();
    let path = bpffs.join("map");
    counter.map.pin(&path).unwrap();
    assert_kind(
        Link::open_pinned(&path),
        ErrorKind::WrongKind,
        "a map or a program",
    );
    assert_kind(
        Link::open_pinned(bpffs.join("none")),
        ErrorKind::NotFound,
        "none",
    );
    // A pin that somebody replaced is not removed.
    let mut link = RawTracepoint::new("sys_enter")
        .attach(&raw_program(&counter))
        .unwrap();
    let pin = bpffs.join("link");
    link.pin(&pin).unwrap();
    fs::remove_file(&pin).unwrap();
    counter.map.pin(&pin).unwrap();
    assert_kind(link.unpin(), ErrorKind::InvalidInput, "something else");
    assert!(pin.exists());
}

#[test]
fn detaching_what_others_hold_is_an_error() {
    let counter = Counter::new();
    let link = RawTracepoint::new("sys_enter")
        .attach(&raw_program(&counter))
        .unwrap();
    let other = link.as_fd().try_clone_to_owned().unwrap();
    assert_kind(link.detach(), ErrorKind::Kernel, "goes on running");
    assert!(counter.runs(getpgid) >= TIMES);
    let link = Link::from_fd(other).unwrap();
    link.detach().unwrap();
    assert_eq!(counter.runs(getpgid), 0);
}

#[test]
fn descriptor_of_something_else_is_no_link() {
    let counter = Counter::new();
    let program = raw_program(&counter);
    for fd in [
        counter.map.as_fd(),
        program.as_fd(),
        fs::File::open("/dev/null").unwrap().as_fd(),
    ] {
        let fd = fd.try_clone_to_owned().unwrap();
        assert_kind(Link::from_fd(fd), ErrorKind::WrongKind, "as a link");
    }
}

#[test]
fn attachment_by_ioctl_cannot_be_pinned() {
    let counter = Counter::new();
    let program = counter
        .load(ProgramType::TRACEPOINT, Watch::default())
        .unwrap();
    let mut link = Tracepoint::new("syscalls", "sys_enter_getpgid")
        .attach_by(AttachBy::Ioctl)
        .attach(&program)
        .unwrap();
    assert_kind(
        link.pin("/sys/fs/bpf/x"),
        ErrorKind::Unsupported,
        "by ioctl",
    );
    assert_eq!(link.pin_path(), None);
}

#[test]
fn many_links_at_once() {
    let counter = Counter::new();
    let before = descriptors();
    let attach = || -> Links {
        (0..40)
            .map(|_| RawTracepoint::new("sys_enter").attach(&raw_program(&counter)))
            .collect::<oxbpf::Result<_>>()
            .unwrap()
    };
    let links = attach();
    assert_eq!(links.iter().count(), 40);
    assert!(counter.runs(getpgid) >= 40 * TIMES);
    links.detach().unwrap();
    assert_eq!(counter.runs(getpgid), 0);
    drop(attach());
    assert_eq!(counter.runs(getpgid), 0);
    assert_eq!(descriptors(), before);
}

/// The probe of a pinned link must stay in tracefs, and is nobody's fault there.
#[test]
fn pinned_link_through_tracefs_keeps_its_probe() {
    require!(has_kprobes(), "this kernel has no kprobes");
    let bpffs = own_bpffs();
    let counter = Counter::new();
    let probe = Kprobe::new(GETPGID).source(oxbpf::link::ProbeSource::Tracefs);
    let mut link = probe.attach(&counter.kprobe()).unwrap();
    if link.info().unwrap().id.is_none() {
        skip!("this kernel has no links for perf events");
    }
    let path = bpffs.join("probe");
    link.pin(&path).unwrap();
    drop(link);
    assert_eq!(counter.runs(getpgid), TIMES);
    assert_eq!(probes().len(), 1);
    // Its process, this one, lives.
    assert!(oxbpf::tracefs::leftovers().unwrap().is_empty());
    Link::open_pinned(&path).unwrap().detach().unwrap();
    assert_eq!(counter.runs(getpgid), 0);
    let name = probes()[0].split([':', ' ']).nth(1).unwrap().to_owned();
    fs::OpenOptions::new()
        .append(true)
        .open("/sys/kernel/tracing/kprobe_events")
        .and_then(|mut list| std::io::Write::write_all(&mut list, format!("-:{name}").as_bytes()))
        .unwrap();
    assert!(probes().is_empty());
}
