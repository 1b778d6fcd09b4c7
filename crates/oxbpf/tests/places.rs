//! Traffic control and control groups: the loopback of a namespace of our own, and the group that this process is in.

#[macro_use]
mod common;
#[path = "maps/raw.rs"]
#[allow(dead_code)]
mod raw;

use std::fs::File;
use std::net::UdpSocket;

use fixtures::places::{Objects, Spec};
use oxbpf::link::{Cgroup, LinkTarget, Tcx};
use oxbpf::{ErrorKind, Loader};
use oxbpf_object::kernel::AttachType;

fn load() -> Objects {
    Loader::new().load(Spec::embedded().unwrap()).unwrap()
}

fn send() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let _ = socket.send_to(b"x", "127.0.0.1:9");
}

#[test]
fn an_interface_has_many_programs_for_each_way() {
    raw::own_network();
    let objects = load();
    let (received, sent) = (
        &objects.programs.count_received,
        &objects.programs.count_sent,
    );
    let inwards = match Tcx::ingress("lo").attach(received) {
        Ok(link) => link,
        Err(error) if error.kind() == ErrorKind::Unsupported => {
            assert!(error.to_string().contains("Linux 6.6"), "{error}");
            skip!("this kernel has no links for traffic control")
        }
        Err(error) => panic!("{error}"),
    };
    let outwards = Tcx::egress("").index(1).attach(sent).unwrap();
    // Programs of either way may go the other.
    let both = Tcx::egress("lo").attach(received).unwrap();
    let target = inwards.info().unwrap().target;
    assert!(
        matches!(target, LinkTarget::Tcx { interface: 1, attach_type } if attach_type == AttachType::TCX_INGRESS),
        "{target:?}"
    );
    let counts = || {
        (
            objects.bss.received().load().unwrap(),
            objects.bss.sent().load().unwrap(),
        )
    };
    send();
    let before = counts();
    assert!(before.1 >= 1 && before.0 >= 2 * before.1, "{before:?}");
    drop((inwards, outwards, both));
    send();
    assert_eq!(counts(), before);

    let error = Tcx::ingress("oxnone0").attach(received).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    let error = Tcx::ingress("")
        .index(1 << 20)
        .attach(received)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    let twice = Tcx::ingress("lo").attach(received).unwrap();
    let error = Tcx::ingress("lo").attach(received).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
    drop(twice);
}

#[test]
fn a_control_group_is_watched() {
    raw::own_network();
    let objects = load();
    let group = File::open(common::own_cgroup()).unwrap();
    let packets = Cgroup::new(&group)
        .attach(&objects.programs.count_of_group)
        .unwrap();
    let sockets = Cgroup::new(&group)
        .attach(&objects.programs.count_sockets)
        .unwrap();
    let target = packets.info().unwrap().target;
    assert!(
        matches!(target, LinkTarget::Cgroup { attach_type, .. } if attach_type == AttachType::CGROUP_INET_EGRESS),
        "{target:?}"
    );
    let counts = || {
        let (of_group, sockets) = (objects.bss.of_group(), objects.bss.sockets());
        (of_group.load().unwrap(), sockets.load().unwrap())
    };
    let before = counts();
    send();
    let after = counts();
    assert!(
        after.0 > before.0 && after.1 > before.1,
        "{before:?} {after:?}"
    );
    packets.detach().unwrap();
    sockets.detach().unwrap();
    // Others of the group have sockets too, but only these programs counted them.
    let after = counts();
    send();
    assert_eq!(counts(), after);

    let no_group = File::open("/").unwrap();
    let error = Cgroup::new(&no_group)
        .attach(&objects.programs.count_of_group)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    assert!(error.to_string().contains("/sys/fs/cgroup"), "{error}");
}
