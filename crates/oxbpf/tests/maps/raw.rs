//! System calls that tests make themselves: what is attached here has no builder that this is a test of.
#![allow(unsafe_code)]

use std::io::{Error, Result};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use oxbpf::Program;
use rustix::mm::{MapFlags, ProtFlags, mmap, mmap_anonymous, munmap};
use rustix::thread::{UnshareFlags, unshare_unsafe};

const PROG_ATTACH: libc::c_long = 8;
const LINK_CREATE: libc::c_long = 28;

/// The type of the tests' frames: one for experiments.
const ETHERTYPE: u16 = 0x88b5;
/// The interface that every network namespace has.
pub(crate) const LOOPBACK: u32 = 1;

fn bpf(command: libc::c_long, attr: &[u32]) -> libc::c_long {
    // SAFETY: the commands used here read `attr`, of the given size, and nothing that it points to.
    unsafe { libc::syscall(libc::SYS_bpf, command, attr.as_ptr(), size_of_val(attr)) }
}

fn descriptor(answer: libc::c_long) -> OwnedFd {
    assert!(answer >= 0, "{}", Error::last_os_error());
    // SAFETY: the kernel has just made it.
    unsafe { OwnedFd::from_raw_fd(answer as i32) }
}

/// Attaches a program to a descriptor or an interface, until the link is dropped.
pub(crate) fn link(
    program: &Program,
    target: u32,
    attach_type: u32,
    flags: u32,
) -> Result<OwnedFd> {
    let program = program.as_fd().as_raw_fd() as u32;
    match bpf(LINK_CREATE, &[program, target, attach_type, flags]) {
        ..0 => Err(Error::last_os_error()),
        made => Ok(descriptor(made)),
    }
}

/// Attaches a program to the hook of the security modules that it was loaded for, until the answer is dropped.
pub(crate) fn attach_lsm(program: &Program) -> OwnedFd {
    const RAW_TRACEPOINT_OPEN: libc::c_long = 17;
    let program = program.as_fd().as_raw_fd() as u32;
    descriptor(bpf(RAW_TRACEPOINT_OPEN, &[0, 0, program, 0]))
}

/// Attaches a program to XDP of an interface, in the form that any driver has.
pub(crate) fn link_xdp(program: &Program, interface: u32) -> Result<OwnedFd> {
    const XDP: u32 = 37;
    const SKB_MODE: u32 = 1 << 1;
    link(program, interface, XDP, SKB_MODE)
}

/// Attaches a program to a map, as long as that exists.
pub(crate) fn attach_to_map(program: &Program, map: impl AsFd, attach_type: u32) {
    let target = map.as_fd().as_raw_fd() as u32;
    let program = program.as_fd().as_raw_fd() as u32;
    let answer = bpf(PROG_ATTACH, &[target, program, attach_type, 0, 0]);
    assert_eq!(answer, 0, "{}", Error::last_os_error());
}

pub(crate) fn set_option(socket: impl AsFd, level: i32, option: i32, value: &[u8]) {
    let socket = socket.as_fd().as_raw_fd();
    // SAFETY: the value is as long as it says. Of `XDP_UMEM_REG`, what it points to is mapped as long as the socket lives.
    let answer = unsafe {
        libc::setsockopt(
            socket,
            level,
            option,
            value.as_ptr().cast(),
            value.len() as u32,
        )
    };
    assert_eq!(answer, 0, "option {option}: {}", Error::last_os_error());
}

pub(crate) fn get_option(socket: impl AsFd, level: i32, option: i32, value: &mut [u8]) {
    let socket = socket.as_fd().as_raw_fd();
    let mut len = value.len() as u32;
    // SAFETY: the kernel writes as much as there is room for.
    let answer =
        unsafe { libc::getsockopt(socket, level, option, value.as_mut_ptr().cast(), &mut len) };
    assert_eq!(answer, 0, "option {option}: {}", Error::last_os_error());
}

pub(crate) fn socket(family: i32, kind: i32, protocol: i32) -> OwnedFd {
    // SAFETY: takes numbers only.
    descriptor(unsafe { libc::socket(family, kind | libc::SOCK_CLOEXEC, protocol) }.into())
}

fn bind_bytes(socket: impl AsFd, address: &[u8]) {
    // SAFETY: the address is as long as it says.
    let answer = unsafe {
        libc::bind(
            socket.as_fd().as_raw_fd(),
            address.as_ptr().cast(),
            address.len() as u32,
        )
    };
    assert_eq!(answer, 0, "binding: {}", Error::last_os_error());
}

/// Opens a software counter of the time that passes on a CPU.
pub(crate) fn clock_of_cpu(cpu: i32) -> OwnedFd {
    // struct perf_event_attr, as the first kernels had it: PERF_TYPE_SOFTWARE, its size, PERF_COUNT_SW_CPU_CLOCK.
    let mut attr = [0u32; 16];
    (attr[0], attr[1]) = (1, 64);
    // SAFETY: `attr` is as long as it says.
    descriptor(unsafe { libc::syscall(libc::SYS_perf_event_open, attr.as_ptr(), -1, cpu, -1, 8) })
}

/// Moves the calling thread to a network namespace of its own, which has a loopback interface that is up.
pub(crate) fn own_network() {
    // SAFETY: takes only the network of this thread apart.
    unsafe { unshare_unsafe(UnshareFlags::NEWNET) }.unwrap();
    let socket = socket(libc::AF_INET, libc::SOCK_DGRAM, 0);
    // struct ifreq: the name, then the flags.
    let mut request = [0u8; 40];
    request[..2].copy_from_slice(b"lo");
    request[16..18].copy_from_slice(&(libc::IFF_UP as u16).to_ne_bytes());
    // SAFETY: the kernel reads a `struct ifreq`, which has as many bytes.
    let answer = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, request.as_ptr()) };
    assert_eq!(answer, 0, "{}", Error::last_os_error());
}

/// A socket that sends and sees the frames of the tests on the loopback interface.
pub(crate) struct Frames(OwnedFd);

impl Frames {
    pub(crate) fn open() -> Self {
        let protocol = i32::from(ETHERTYPE.to_be());
        let socket = socket(libc::AF_PACKET, libc::SOCK_RAW, protocol);
        // struct sockaddr_ll, up to the address of an interface that has none.
        let mut address = [0u8; 20];
        address[..2].copy_from_slice(&(libc::AF_PACKET as u16).to_ne_bytes());
        address[2..4].copy_from_slice(&ETHERTYPE.to_be_bytes());
        address[4..8].copy_from_slice(&LOOPBACK.to_ne_bytes());
        bind_bytes(&socket, &address);
        // What is on its way out is none of ours: PACKET_IGNORE_OUTGOING.
        set_option(&socket, libc::SOL_PACKET, 23, &1i32.to_ne_bytes());
        Self(socket)
    }

    /// Sends a frame with a letter in it.
    pub(crate) fn send(&self, letter: u8) {
        let mut frame = [0u8; 60];
        frame[12..14].copy_from_slice(&ETHERTYPE.to_be_bytes());
        frame[14] = letter;
        rustix::io::write(&self.0, &frame).unwrap();
    }

    /// The letter of the next frame that comes in; `None` if none does for a while.
    pub(crate) fn receive(&self, timeout: i64) -> Option<u8> {
        if !readable(&self.0, timeout) {
            return None;
        }
        let mut frame = [0u8; 100];
        rustix::io::read(&self.0, &mut frame).unwrap();
        Some(frame[14])
    }
}

/// Waits until there is something to read, for so many milliseconds at most.
pub(crate) fn readable(fd: impl AsFd, timeout: i64) -> bool {
    let timeout = rustix::event::Timespec {
        tv_sec: timeout / 1000,
        tv_nsec: timeout % 1000 * 1_000_000,
    };
    let mut fds = [rustix::event::PollFd::new(
        &fd,
        rustix::event::PollFlags::IN,
    )];
    rustix::event::poll(&mut fds, Some(&timeout)).unwrap() == 1
}

/// A socket that takes frames as the driver got them, without the network stack: room for eight.
pub(crate) struct XdpSocket {
    pub(crate) socket: OwnedFd,
    frames: *mut u8,
    received: *mut u8,
    /// Where, in the ring of received frames, the producer's count and the descriptors are.
    producer: usize,
    descriptors: usize,
}

const FRAME: usize = 4096;
const FRAMES: usize = 8;
const SOL_XDP: i32 = 283;

impl XdpSocket {
    /// Opens one for a queue of an interface.
    pub(crate) fn open(interface: u32, queue: u32) -> Self {
        let [mmap_offsets, rx, umem, fill, completion] = [1, 2, 4, 5, 6];
        let socket = socket(44, libc::SOCK_RAW, 0);
        let prot = ProtFlags::READ | ProtFlags::WRITE;
        let len = FRAME * FRAMES;
        // SAFETY: new memory, where nothing else is.
        let frames =
            unsafe { mmap_anonymous(std::ptr::null_mut(), len, prot, MapFlags::PRIVATE) }.unwrap();
        let mut memory = Vec::new();
        for word in [frames as u64, len as u64, FRAME as u64, 0] {
            memory.extend(word.to_ne_bytes());
        }
        set_option(&socket, SOL_XDP, umem, &memory);
        for ring in [fill, completion, rx] {
            set_option(&socket, SOL_XDP, ring, &(FRAMES as u32).to_ne_bytes());
        }
        let mut offsets = [0u8; 128];
        get_option(&socket, SOL_XDP, mmap_offsets, &mut offsets);
        // Of each ring: producer, consumer, descriptors, flags. Received frames come first, those to be filled third.
        let offset = |at: usize| {
            let bytes = offsets[8 * at..].first_chunk().unwrap();
            u64::from_ne_bytes(*bytes) as usize
        };
        // SAFETY: new mappings of the rings, which have a page at least; written are positions of the kernel's own layout.
        let received = unsafe {
            let ring = |at| {
                mmap(
                    std::ptr::null_mut(),
                    FRAME,
                    prot,
                    MapFlags::SHARED,
                    &socket,
                    at,
                )
            };
            let fill = ring(0x1_0000_0000).unwrap().cast::<u8>();
            for frame in 0..FRAMES {
                let place = fill.add(offset(10)).cast::<u64>().add(frame);
                place.write_volatile((frame * FRAME) as u64);
            }
            fill.add(offset(8))
                .cast::<u32>()
                .write_volatile(FRAMES as u32);
            munmap(fill.cast(), FRAME).unwrap();
            ring(0).unwrap().cast::<u8>()
        };
        let mut address = Vec::new();
        // struct sockaddr_xdp, copying.
        address.extend(44u16.to_ne_bytes());
        address.extend(2u16.to_ne_bytes());
        for word in [interface, queue, 0] {
            address.extend(word.to_ne_bytes());
        }
        bind_bytes(&socket, &address);
        Self {
            socket,
            frames: frames.cast(),
            received,
            producer: offset(0),
            descriptors: offset(2),
        }
    }

    /// The letter of the first frame that came in, and how many did.
    pub(crate) fn received(&self, timeout: i64) -> (Option<u8>, u32) {
        if !readable(&self.socket, timeout) {
            return (None, 0);
        }
        // SAFETY: the kernel counts up after it wrote a descriptor, whose frame is within the memory that it was given.
        unsafe {
            let count = self
                .received
                .add(self.producer)
                .cast::<u32>()
                .read_volatile();
            let place = self
                .received
                .add(self.descriptors)
                .cast::<u64>()
                .read_volatile();
            (
                Some(self.frames.add(place as usize + 14).read_volatile()),
                count,
            )
        }
    }
}

impl Drop for XdpSocket {
    fn drop(&mut self) {
        // SAFETY: mapped when it was opened, and used by nobody else.
        unsafe {
            munmap(self.received.cast(), FRAME).unwrap();
            munmap(self.frames.cast(), FRAME * FRAMES).unwrap();
        }
    }
}
