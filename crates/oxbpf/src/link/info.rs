//! What the kernel says of a link.

use std::os::fd::BorrowedFd;

use oxbpf_object::kernel::{AttachType, LinkType};

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
    /// The id of the program.
    pub program_id: u32,
    /// What the program is attached to.
    pub target: LinkTarget,
}

/// What a program is attached to, as far as the kernel says so.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum LinkTarget {
    /// A kernel function. Of links, since Linux 6.6.
    Kprobe {
        /// Its name, where the probe was made by name.
        function: String,
        /// Bytes into the function.
        offset: u64,
        /// The address; 0 where it is hidden from this process.
        address: u64,
        /// Whether it is at the return of the function.
        on_return: bool,
        /// How often the function was called without the program running, since the kernel was in a probe already.
        /// Since Linux 6.7.
        missed: u64,
        /// The cookie. Since Linux 6.9.
        cookie: u64,
    },
    /// A tracepoint. Of links, since Linux 6.6.
    Tracepoint {
        /// Its name, without category.
        name: String,
        /// The cookie. Since Linux 6.9.
        cookie: u64,
    },
    /// A raw tracepoint, or a tracepoint typed by BTF.
    RawTracepoint {
        /// Its name.
        name: String,
        /// The cookie. Since Linux 6.15.
        cookie: u64,
    },
    /// What BTF describes: a function's entry or exit, a hook of the security modules.
    Tracing {
        /// Where at it.
        attach_type: AttachType,
        /// The id of the BTF, or, for a function of another program, of that program. Since Linux 5.13.
        object_id: u32,
        /// The type in that BTF. Since Linux 5.13.
        type_id: u32,
        /// The cookie. Since Linux 6.15.
        cookie: u64,
    },
    /// Something else, or something that this kernel does not tell.
    Unknown,
}

impl LinkInfo {
    pub(super) fn of_link(fd: BorrowedFd<'_>) -> rustix::io::Result<Self> {
        let info: uapi::LinkInfo = sys::obj_info(fd)?;
        let link_type = LinkType(info.r#type);
        let target = match link_type {
            LinkType::RAW_TRACEPOINT => {
                let (info, name) = sys::raw_tracepoint_link_info(fd)?;
                let cookie = info.cookie;
                LinkTarget::RawTracepoint { name, cookie }
            }
            LinkType::TRACING => {
                let info: uapi::LinkInfoTracing = sys::obj_info(fd)?;
                LinkTarget::Tracing {
                    attach_type: AttachType(info.attach_type),
                    object_id: info.target_obj_id,
                    type_id: info.target_btf_id,
                    cookie: info.cookie,
                }
            }
            LinkType::PERF_EVENT => LinkTarget::of_perf_event_link(fd)?,
            _ => LinkTarget::Unknown,
        };
        Ok(Self {
            id: Some(info.id),
            link_type,
            program_id: info.prog_id,
            target,
        })
    }

    pub(super) fn of_perf_event(fd: BorrowedFd<'_>) -> rustix::io::Result<Self> {
        let (info, name) = sys::task_fd_query(fd)?;
        let target = match info.fd_type {
            uapi::BPF_FD_TYPE_TRACEPOINT => LinkTarget::Tracepoint { name, cookie: 0 },
            fd_type @ (uapi::BPF_FD_TYPE_KPROBE | uapi::BPF_FD_TYPE_KRETPROBE) => {
                LinkTarget::Kprobe {
                    function: name,
                    offset: info.probe_offset,
                    address: info.probe_addr,
                    on_return: fd_type == uapi::BPF_FD_TYPE_KRETPROBE,
                    missed: 0,
                    cookie: 0,
                }
            }
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

impl LinkTarget {
    fn of_perf_event_link(fd: BorrowedFd<'_>) -> rustix::io::Result<Self> {
        let unnamed: uapi::LinkInfoPerfEventTracepoint = sys::obj_info(fd)?;
        Ok(match unnamed.perf_event_type {
            uapi::BPF_PERF_EVENT_TRACEPOINT => {
                let (info, name) = sys::tracepoint_link_info(fd)?;
                let cookie = info.cookie;
                Self::Tracepoint { name, cookie }
            }
            kind @ (uapi::BPF_PERF_EVENT_KPROBE | uapi::BPF_PERF_EVENT_KRETPROBE) => {
                let (info, function) = sys::kprobe_link_info(fd)?;
                Self::Kprobe {
                    function,
                    offset: info.offset.into(),
                    address: info.addr,
                    on_return: kind == uapi::BPF_PERF_EVENT_KRETPROBE,
                    missed: info.missed,
                    cookie: info.cookie,
                }
            }
            _ => Self::Unknown,
        })
    }
}
