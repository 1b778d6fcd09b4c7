//! Programs that work with sockets in maps.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use oxbpf::map::{Map, ReuseportArray, SkStorage, SockHash, SockMap, UpdateFlags};
use oxbpf::{Collection, ErrorKind, Loadable, Loader};
use rustix::net::{AddressFamily, SocketType, bind, sockopt};

use crate::raw::{attach_to_map, link, own_network, set_option};
use crate::{assert_kind, common};

const LONG: Option<Duration> = Some(Duration::from_secs(10));
const SK_SKB_STREAM_PARSER: u32 = 4;
const SK_SKB_STREAM_VERDICT: u32 = 5;

fn load() -> Collection {
    let spec = fixtures::sockets::Spec::embedded().unwrap();
    Loader::new().load(spec.into_spec().unwrap()).unwrap()
}

fn map<T: TryFrom<Map, Error = oxbpf::Error>>(objects: &Collection, name: &str) -> T {
    objects.map(name).unwrap().typed().unwrap()
}

/// The two ends of a connection.
fn connection() -> [TcpStream; 2] {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (far, _) = listener.accept().unwrap();
    near.set_read_timeout(LONG).unwrap();
    [near, far]
}

/// What was sent into one connection comes out of the other.
fn spliced(mut from: &TcpStream, mut to: &TcpStream) {
    from.write_all(b"through the kernel").unwrap();
    let mut received = [0; 18];
    to.read_exact(&mut received).unwrap();
    assert_eq!(&received, b"through the kernel");
}

#[test]
fn sockets_of_an_array_are_spliced() {
    own_network();
    let objects = load();
    let peers: SockMap = map(&objects, "peers");
    attach_to_map(
        &objects.program("whole").unwrap(),
        &peers,
        SK_SKB_STREAM_PARSER,
    );
    attach_to_map(
        &objects.program("splice").unwrap(),
        &peers,
        SK_SKB_STREAM_VERDICT,
    );
    let [one, one_far] = connection();
    let [other, other_far] = connection();
    peers.set(0, &other_far).unwrap();
    peers.set(1, &one_far).unwrap();
    spliced(&one, &other);
    let cookie = sockopt::socket_cookie(&one_far).unwrap();
    assert_eq!(peers.cookie(1).unwrap(), Some(cookie));
    assert_eq!(peers.cookie(2).unwrap(), None);
    assert!(peers.remove(1).unwrap());
    assert!(!peers.remove(1).unwrap());
    assert_kind(peers.set(4, &one), ErrorKind::BadIndex, "no index 4");
    let file = std::fs::File::open("/dev/null").unwrap();
    assert!(peers.set(0, &file).is_err());
    // What is closed goes out.
    drop((other, other_far));
    assert_eq!(peers.cookie(0).unwrap(), None);
}

#[test]
fn sockets_of_a_hash_are_spliced() {
    const OUT: u64 = 0x6f7574;
    own_network();
    let objects = load();
    let peers: SockHash<u64> = map(&objects, "peers_by_name");
    attach_to_map(
        &objects.program("whole").unwrap(),
        &peers,
        SK_SKB_STREAM_PARSER,
    );
    attach_to_map(
        &objects.program("splice_by_name").unwrap(),
        &peers,
        SK_SKB_STREAM_VERDICT,
    );
    let [one, one_far] = connection();
    let [other, other_far] = connection();
    peers.set(&OUT, &other_far).unwrap();
    peers.set(&7, &one_far).unwrap();
    spliced(&one, &other);
    assert_eq!(
        peers.cookie(&OUT).unwrap(),
        sockopt::socket_cookie(&other_far).ok()
    );
    let mut names: Vec<u64> = peers.keys().map(Result::unwrap).collect();
    names.sort_unstable();
    assert_eq!(names, [7, OUT]);
    assert_kind(
        peers.set_with(&7, &one, UpdateFlags::NO_EXIST),
        ErrorKind::AlreadyExists,
        "there already",
    );
    assert!(peers.remove(&7).unwrap());
    assert!(!peers.remove(&7).unwrap());
    assert_kind(
        objects
            .map("peers_by_name")
            .unwrap()
            .typed::<SockHash<u32>>(),
        ErrorKind::WrongSize,
        "keys of 8 bytes",
    );
}

/// A socket of a group that shares a port; 0 for the first.
fn member(port: u16) -> UdpSocket {
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::DGRAM, None).unwrap();
    set_option(
        &socket,
        libc::SOL_SOCKET,
        libc::SO_REUSEPORT,
        &1i32.to_ne_bytes(),
    );
    bind(&socket, &std::net::SocketAddr::from(([127, 0, 0, 1], port))).unwrap();
    let socket = UdpSocket::from(socket);
    socket.set_read_timeout(LONG).unwrap();
    socket
}

#[test]
fn a_program_chooses_among_sockets_of_a_port() {
    own_network();
    let objects = load();
    let members: ReuseportArray = map(&objects, "members");
    let first = member(0);
    let address = first.local_addr().unwrap();
    let second = member(address.port());
    members.set(0, &first).unwrap();
    members.set(2, &second).unwrap();
    let program = objects.program("choose").unwrap().as_fd().as_raw_fd();
    const SO_ATTACH_REUSEPORT_EBPF: i32 = 52;
    set_option(
        &first,
        libc::SOL_SOCKET,
        SO_ATTACH_REUSEPORT_EBPF,
        &program.to_ne_bytes(),
    );
    let chosen = objects.variable::<u32>("chosen").unwrap();
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    for (index, expected, other) in [(2, &second, &first), (0, &first, &second)] {
        chosen.store(index).unwrap();
        for number in 0..20u8 {
            client.send_to(&[number], address).unwrap();
            let mut byte = [255];
            expected.recv(&mut byte).unwrap();
            assert_eq!(byte, [number]);
        }
        other.set_nonblocking(true).unwrap();
        assert!(other.recv(&mut [0]).is_err());
        other.set_nonblocking(false).unwrap();
    }
    assert_eq!(members.len(), 4);
    assert!(members.remove(2).unwrap());
    assert!(!members.remove(2).unwrap());
    assert_kind(members.set(4, &second), ErrorKind::BadIndex, "no index 4");
    assert!(
        members
            .set(1, UdpSocket::bind("127.0.0.1:0").unwrap())
            .is_err()
    );
}

#[test]
fn what_a_program_stores_with_a_socket_is_read_back() {
    let objects = load();
    let sent: SkStorage<u64> = map(&objects, "sent");
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let other = UdpSocket::bind("127.0.0.1:0").unwrap();
    let target = other.local_addr().unwrap();
    assert_eq!(sent.get(&socket).unwrap(), None);
    const CGROUP_INET_EGRESS: u32 = 1;
    let group = std::fs::File::open(common::cgroups()).unwrap();
    let program = objects.program("count_sent").unwrap();
    let target_group = group.as_raw_fd() as u32;
    let attached = link(&program, target_group, CGROUP_INET_EGRESS, 0).unwrap();
    for _ in 0..5 {
        socket.send_to(b"x", target).unwrap();
    }
    assert_eq!(sent.get(&socket).unwrap(), Some(5));
    assert_eq!(sent.get(&other).unwrap(), None);
    sent.set(&socket, &100).unwrap();
    socket.send_to(b"x", target).unwrap();
    assert_eq!(sent.get(&socket).unwrap(), Some(101));
    drop(attached);
    assert_kind(
        sent.set_with(&socket, &1, UpdateFlags::NO_EXIST),
        ErrorKind::AlreadyExists,
        "there already",
    );
    assert!(sent.remove(&socket).unwrap());
    assert!(!sent.remove(&socket).unwrap());
    assert!(sent.get(std::fs::File::open("/dev/null").unwrap()).is_err());
}
