//! XDP: packets on the loopback of a namespace of our own.

#[macro_use]
mod common;
#[path = "maps/raw.rs"]
#[allow(dead_code)]
mod raw;

use oxbpf::link::XdpMode;
use oxbpf::{ErrorKind, Loader, Xdp};

#[test]
fn an_interface_takes_one_program_and_gives_it_back() {
    raw::own_network();
    let objects = Loader::new()
        .load(fixtures::packets::Spec::embedded().unwrap())
        .unwrap();
    let count = &objects.programs.count;
    let link = match Xdp::new("lo").mode(XdpMode::Generic).attach(count) {
        Ok(link) => link,
        Err(error) if error.kind() == ErrorKind::Unsupported => {
            skip!("this kernel has no links for XDP")
        }
        Err(error) => panic!("{error}"),
    };
    let error = Xdp::index(1).attach(count).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
    let send = || {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let _ = socket.send_to(b"x", "127.0.0.1:9");
    };
    let seen = || objects.bss.packets().load().unwrap();
    let before = seen();
    send();
    assert!(seen() > before);
    link.detach().unwrap();
    let before = seen();
    send();
    assert_eq!(seen(), before);
    let error = Xdp::new("oxnone0").attach(count).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("interface `oxnone0`"), "{error}");
    let error = Xdp::index(1 << 20).attach(count).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}
