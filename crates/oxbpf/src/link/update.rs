//! Links after they are made: another program in them, and links found by their number.

use std::os::fd::AsFd;

use rustix::io::Errno;
use rustix::thread::CapabilitySet;

use super::held::{BpfLink, Held};
use super::{Link, permission};
use crate::program::Program;
use crate::sys::{self, ObjectKind};
use crate::{Error, ErrorKind, Result, denied};

impl Link {
    /// Opens the link with a number, as `bpftool link` lists them. Linux 5.8.
    ///
    /// Dropping it leaves the program attached as long as others hold the link.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if there is none, [`ErrorKind::PermissionDenied`] without CAP_SYS_ADMIN.
    #[doc(alias = "BPF_LINK_GET_FD_BY_ID")]
    pub fn from_id(id: u32) -> Result<Self> {
        let fd = sys::fd_by_id(ObjectKind::Link, id, 0).map_err(|errno| {
            let error = Error::syscall(errno, format!("opening the link with id {id}"));
            denied::explain(error, CapabilitySet::SYS_ADMIN)
        })?;
        let held = Held::BpfLink(BpfLink::new(fd));
        Ok(Self::new(format!("link {id}"), held))
    }

    /// Puts another program into the place of the one that is attached, in one step: no event is missed, and none seen twice.
    ///
    /// The kernel can do that for programs of networking (XDP, tcx, netkit, control groups, network namespaces, maps of sockets)
    /// and iterators, since Linux 5.7; those at functions and tracepoints cannot be replaced.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] for links of kinds that cannot; [`ErrorKind::WrongKind`] if the program does not fit.
    #[doc(alias = "BPF_LINK_UPDATE")]
    #[doc(alias = "bpf_link__update_program")]
    pub fn update(&mut self, program: &Program) -> Result<()> {
        self.put(program, None)
    }

    /// As [`update`](Self::update), but only if `expected` is what is attached now.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AlreadyExists`] if another is; otherwise as for [`update`](Self::update).
    pub fn update_expecting(&mut self, expected: &Program, program: &Program) -> Result<()> {
        self.put(program, Some(expected))
    }

    fn put(&mut self, program: &Program, expected: Option<&Program>) -> Result<()> {
        let doing = format!("putting `{}` into {}", program.name(), self.what);
        let unsupported = |why: &str| {
            Err(Error::new(ErrorKind::Unsupported, doing.clone())
                .with_reason(why)
                .with_remedy("attach the new program, then detach this one"))
        };
        match &self.held {
            Held::PerfEvent(_) => {
                return unsupported("it is attached by ioctl, so there is no link");
            }
            Held::StructOps(_) => return unsupported("it is registered without a link"),
            Held::BpfLink(_) => {}
        }
        let answer = sys::link_update(self.as_fd(), program.as_fd(), expected.map(AsFd::as_fd));
        answer.map_err(|errno| {
            let error = Error::syscall(errno, doing.clone());
            match errno {
                // Which says "not expected" with EPERM, where something was expected.
                Errno::PERM if expected.is_some() => error
                    .with_kind(ErrorKind::AlreadyExists)
                    .with_reason("another program is attached by now than was expected"),
                Errno::INVAL => match self.info() {
                    Ok(info) if !can_be_updated(info.link_type) => error
                        .with_kind(ErrorKind::Unsupported)
                        .with_reason(format!(
                            "links of type {} keep their program",
                            info.link_type
                        ))
                        .with_remedy("attach the new program, then detach this one"),
                    _ => error
                        .with_kind(ErrorKind::WrongKind)
                        .with_reason("the program is not of the kind that is attached"),
                },
                Errno::NOLINK => error
                    .with_kind(ErrorKind::NotFound)
                    .with_reason("what it was attached to is gone"),
                Errno::PERM | Errno::ACCESS => permission::explain_bpf(error),
                _ => error,
            }
        })?;
        Ok(())
    }
}

/// Whether the kernel lets the program in links of a type be replaced.
fn can_be_updated(link_type: oxbpf_object::kernel::LinkType) -> bool {
    use oxbpf_object::kernel::LinkType;
    [
        LinkType::CGROUP,
        LinkType::ITER,
        LinkType::NETNS,
        LinkType::XDP,
        LinkType::TCX,
        LinkType::NETKIT,
        LinkType::SOCKMAP,
        LinkType::STRUCT_OPS,
    ]
    .contains(&link_type)
}
