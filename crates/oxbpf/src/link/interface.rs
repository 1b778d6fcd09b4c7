//! Network interfaces, by name or number, in the network namespace of the calling thread.

use std::fmt;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, netdevice, socket_with};

use crate::{Error, ErrorKind, Result};

/// An interface.
#[derive(Clone, Debug)]
pub(super) enum Interface {
    Name(String),
    Index(u32),
}

impl Interface {
    /// Its number.
    pub(super) fn index(&self) -> Result<u32> {
        match self {
            Self::Name(name) => index_of(name),
            Self::Index(index) => Ok(*index),
        }
    }
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(f, "interface `{name}`"),
            Self::Index(index) => write!(f, "interface {index}"),
        }
    }
}

/// The number of an interface.
fn index_of(name: &str) -> Result<u32> {
    let doing = || format!("looking up interface `{name}`");
    let found = any_socket().and_then(|socket| netdevice::name_to_index(&socket, name));
    found.map_err(|errno| {
        let error = Error::syscall(errno, doing());
        match errno {
            Errno::NODEV => error
                .with_kind(ErrorKind::NotFound)
                .with_reason("there is none of that name in this network namespace"),
            _ => error,
        }
    })
}

/// Whether there is an interface of this number, as far as that can be found out.
pub(super) fn exists(index: u32) -> bool {
    let name = any_socket().and_then(|socket| netdevice::index_to_name(&socket, index));
    !matches!(name, Err(Errno::NODEV))
}

/// An interface's number is nobody's.
pub(super) fn missing(error: Error) -> Error {
    error
        .with_kind(ErrorKind::NotFound)
        .with_reason("there is no such interface in this network namespace")
}

/// What one asks about interfaces.
fn any_socket() -> rustix::io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC;
    socket_with(AddressFamily::UNIX, SocketType::DGRAM, flags, None)
}
