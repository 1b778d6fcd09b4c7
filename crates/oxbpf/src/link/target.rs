//! What a program is attached to, as the kernel tells it of a link: one variant per kind of link.

use std::os::fd::BorrowedFd;

use oxbpf_object::kernel::{AttachType, LinkType};
use rustix::io;

use crate::sys::{self, uapi};

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
    /// Many kernel functions. Since Linux 6.6.
    KprobeMulti {
        /// Whether it is at the returns of the functions.
        on_return: bool,
        /// As of [`Kprobe`](Self::Kprobe). Since Linux 6.7.
        missed: u64,
        /// Address and cookie of each; addresses are 0 where they are hidden from this process, cookies before Linux 6.9.
        functions: Vec<(u64, u64)>,
    },
    /// A place in a program file. Of links, since Linux 6.6.
    Uprobe {
        /// The path of the file.
        file: String,
        /// Bytes into the file.
        offset: u64,
        /// Whether it is at the return of a function.
        on_return: bool,
        /// The cookie. Since Linux 6.9.
        cookie: u64,
    },
    /// Many places in a program file. Since Linux 6.8.
    UprobeMulti {
        /// The path of the file.
        file: String,
        /// Whether it is at the returns of functions.
        on_return: bool,
        /// The process; 0 for all.
        pid: u32,
        /// Offset in the file and cookie of each.
        places: Vec<(u64, u64)>,
    },
    /// A tracepoint. Of links, since Linux 6.6.
    Tracepoint {
        /// Its name, without category.
        name: String,
        /// The cookie. Since Linux 6.9.
        cookie: u64,
    },
    /// A counter of perf. Since Linux 6.6.
    PerfEvent {
        /// The type of the event: 0 for hardware, 1 for software.
        event_type: u32,
        /// Which event of that type.
        config: u64,
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
    /// What BTF describes: a function's entry or exit, a hook of the security modules, a function of another program.
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
    /// Many functions that BTF describes. Since Linux 7.2.
    TracingMulti {
        /// Where at them.
        attach_type: AttachType,
        /// The id of the BTF.
        object_id: u32,
        /// The type in that BTF, the address and the cookie of each.
        functions: Vec<(u32, u64, u64)>,
    },
    /// An iterator.
    Iter {
        /// What it goes over: "task".
        target: String,
        /// The map whose elements it goes over.
        map_id: Option<u32>,
        /// The control group that it starts from. Since Linux 6.1.
        cgroup_id: Option<u64>,
        /// The thread that it is confined to. Since Linux 6.1.
        tid: Option<u32>,
        /// The process that it is confined to. Since Linux 6.1.
        pid: Option<u32>,
    },
    /// A control group.
    Cgroup {
        /// Its id: the inode of its directory.
        cgroup_id: u64,
        /// Where at it.
        attach_type: AttachType,
    },
    /// A network namespace.
    Netns {
        /// Its inode.
        inode: u32,
        /// Where at it.
        attach_type: AttachType,
    },
    /// The receive path of a network device.
    Xdp {
        /// The index of the device; 0 once it is gone.
        interface: u32,
    },
    /// Traffic control of a network device.
    Tcx {
        /// The index of the device; 0 once it is gone.
        interface: u32,
        /// Where at it.
        attach_type: AttachType,
    },
    /// A netkit device.
    Netkit {
        /// The index of the device; 0 once it is gone.
        interface: u32,
        /// Where at it.
        attach_type: AttachType,
    },
    /// A hook of netfilter.
    Netfilter {
        /// The protocol family (`NFPROTO_*`).
        family: u32,
        /// The hook (`NF_INET_*`).
        hook: u32,
        /// The order among the programs of the hook: lower ones come first.
        priority: i32,
        /// Flags.
        flags: u32,
    },
    /// A map of sockets.
    Sockmap {
        /// The id of the map.
        map_id: u32,
        /// Where at it.
        attach_type: AttachType,
    },
    /// A structure of functions that the kernel uses.
    StructOps {
        /// The id of its map.
        map_id: u32,
    },
    /// Something else, or something that this kernel does not tell.
    Unknown,
}

impl LinkTarget {
    pub(super) fn of_link(fd: BorrowedFd<'_>, link_type: LinkType) -> io::Result<Self> {
        Ok(match link_type {
            LinkType::RAW_TRACEPOINT => {
                let (info, name) = sys::raw_tracepoint_link_info(fd)?;
                let cookie = info.cookie;
                Self::RawTracepoint { name, cookie }
            }
            LinkType::TRACING => {
                let info: uapi::LinkInfoTracing = sys::obj_info(fd)?;
                Self::Tracing {
                    attach_type: AttachType(info.attach_type),
                    object_id: info.target_obj_id,
                    type_id: info.target_btf_id,
                    cookie: info.cookie,
                }
            }
            LinkType::TRACING_MULTI => Self::of_tracing_multi(fd)?,
            LinkType::PERF_EVENT => Self::of_perf_event(fd)?,
            LinkType::KPROBE_MULTI => {
                let (info, [addresses, cookies]) = sys::kprobe_multi_link_info(fd)?;
                Self::KprobeMulti {
                    on_return: info.flags & uapi::BPF_F_KPROBE_MULTI_RETURN != 0,
                    missed: info.missed,
                    functions: addresses.into_iter().zip(cookies).collect(),
                }
            }
            LinkType::UPROBE_MULTI => {
                let (info, file, [offsets, _, cookies]) = sys::uprobe_multi_link_info(fd)?;
                Self::UprobeMulti {
                    file,
                    on_return: info.flags & uapi::BPF_F_UPROBE_MULTI_RETURN != 0,
                    pid: info.pid,
                    places: offsets.into_iter().zip(cookies).collect(),
                }
            }
            LinkType::ITER => Self::of_iter(fd)?,
            LinkType::CGROUP => {
                let info: uapi::LinkInfoCgroup = sys::obj_info(fd)?;
                Self::Cgroup {
                    cgroup_id: info.cgroup_id,
                    attach_type: AttachType(info.attach_type),
                }
            }
            LinkType::NETNS => {
                let info: uapi::LinkInfoNetns = sys::obj_info(fd)?;
                Self::Netns {
                    inode: info.netns_ino,
                    attach_type: AttachType(info.attach_type),
                }
            }
            LinkType::XDP => {
                let info: uapi::LinkInfoXdp = sys::obj_info(fd)?;
                let interface = info.ifindex;
                Self::Xdp { interface }
            }
            LinkType::TCX => {
                let info: uapi::LinkInfoTcx = sys::obj_info(fd)?;
                Self::Tcx {
                    interface: info.ifindex,
                    attach_type: AttachType(info.attach_type),
                }
            }
            LinkType::NETKIT => {
                let info: uapi::LinkInfoNetkit = sys::obj_info(fd)?;
                Self::Netkit {
                    interface: info.ifindex,
                    attach_type: AttachType(info.attach_type),
                }
            }
            LinkType::NETFILTER => {
                let info: uapi::LinkInfoNetfilter = sys::obj_info(fd)?;
                Self::Netfilter {
                    family: info.pf,
                    hook: info.hooknum,
                    priority: info.priority,
                    flags: info.flags,
                }
            }
            LinkType::SOCKMAP => {
                let info: uapi::LinkInfoSockmap = sys::obj_info(fd)?;
                Self::Sockmap {
                    map_id: info.map_id,
                    attach_type: AttachType(info.attach_type),
                }
            }
            LinkType::STRUCT_OPS => {
                let info: uapi::LinkInfoStructOps = sys::obj_info(fd)?;
                let map_id = info.map_id;
                Self::StructOps { map_id }
            }
            _ => Self::Unknown,
        })
    }

    fn of_perf_event(fd: BorrowedFd<'_>) -> io::Result<Self> {
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
            kind @ (uapi::BPF_PERF_EVENT_UPROBE | uapi::BPF_PERF_EVENT_URETPROBE) => {
                let (info, file) = sys::uprobe_link_info(fd)?;
                Self::Uprobe {
                    file,
                    offset: info.offset.into(),
                    on_return: kind == uapi::BPF_PERF_EVENT_URETPROBE,
                    cookie: info.cookie,
                }
            }
            uapi::BPF_PERF_EVENT_EVENT => {
                let info: uapi::LinkInfoPerfEventEvent = sys::obj_info(fd)?;
                Self::PerfEvent {
                    event_type: info.event_type,
                    config: info.config,
                    cookie: info.cookie,
                }
            }
            _ => Self::Unknown,
        })
    }

    fn of_tracing_multi(fd: BorrowedFd<'_>) -> io::Result<Self> {
        let (info, ids, [addresses, cookies]) = sys::tracing_multi_link_info(fd)?;
        let functions = ids.into_iter().zip(addresses.into_iter().zip(cookies));
        Ok(Self::TracingMulti {
            attach_type: AttachType(info.attach_type),
            object_id: info.btf_obj_id,
            functions: functions
                .map(|(id, (address, cookie))| (id, address, cookie))
                .collect(),
        })
    }

    fn of_iter(fd: BorrowedFd<'_>) -> io::Result<Self> {
        let (info, target) = sys::iter_link_info(fd)?;
        let some = |number: u32| (number != 0).then_some(number);
        let (mut cgroup_id, mut tid, mut pid) = (None, None, None);
        match target.as_str() {
            "cgroup" => {
                let (info, _) = sys::iter_cgroup_link_info(fd)?;
                cgroup_id = (info.cgroup_id != 0).then_some(info.cgroup_id);
            }
            task if super::iter::takes_task(task) => {
                let (info, _) = sys::iter_task_link_info(fd)?;
                (tid, pid) = (some(info.tid), some(info.pid));
            }
            _ => {}
        }
        let has_map = super::iter::takes_map(&target);
        Ok(Self::Iter {
            map_id: has_map.then_some(info.map_id),
            target,
            cgroup_id,
            tid,
            pid,
        })
    }
}
