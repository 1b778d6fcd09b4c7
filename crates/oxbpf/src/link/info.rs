//! What the kernel says of a link.

use std::os::fd::BorrowedFd;

use oxbpf_object::kernel::LinkType;

use super::target::LinkTarget;
use crate::sys::{self, uapi};

/// What the kernel says of a link.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
#[doc(alias = "bpf_link_info")]
pub struct LinkInfo {
    /// Its number, by which everyone can find it; `None` where a program is attached to a perf event without a link.
    pub id: Option<u32>,
    /// Its type.
    pub link_type: LinkType,
    /// The id of the program; 0 where a structure of functions is attached.
    pub program_id: u32,
    /// What the program is attached to.
    pub target: LinkTarget,
}

impl LinkInfo {
    pub(super) fn of_link(fd: BorrowedFd<'_>) -> rustix::io::Result<Self> {
        let info: uapi::LinkInfo = sys::obj_info(fd)?;
        let link_type = LinkType(info.r#type);
        Ok(Self {
            id: Some(info.id),
            link_type,
            program_id: info.prog_id,
            target: LinkTarget::of_link(fd, link_type)?,
        })
    }

    pub(super) fn of_perf_event(fd: BorrowedFd<'_>) -> rustix::io::Result<Self> {
        let (info, name) = sys::task_fd_query(fd)?;
        let on_return = [uapi::BPF_FD_TYPE_KRETPROBE, uapi::BPF_FD_TYPE_URETPROBE];
        let on_return = on_return.contains(&info.fd_type);
        let target = match info.fd_type {
            uapi::BPF_FD_TYPE_TRACEPOINT => LinkTarget::Tracepoint { name, cookie: 0 },
            uapi::BPF_FD_TYPE_KPROBE | uapi::BPF_FD_TYPE_KRETPROBE => LinkTarget::Kprobe {
                function: name,
                offset: info.probe_offset,
                address: info.probe_addr,
                on_return,
                missed: 0,
                cookie: 0,
            },
            uapi::BPF_FD_TYPE_UPROBE | uapi::BPF_FD_TYPE_URETPROBE => LinkTarget::Uprobe {
                file: name,
                offset: info.probe_offset,
                on_return,
                cookie: 0,
            },
            _ => LinkTarget::Unknown,
        };
        Ok(Self {
            id: None,
            link_type: LinkType::PERF_EVENT,
            program_id: info.prog_id,
            target,
        })
    }
}
