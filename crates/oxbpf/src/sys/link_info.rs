//! What the kernel says of links and perf events, with the names in it.

use std::os::fd::BorrowedFd;

use super::Result;
use super::call::bpf;
use super::command::{address_mut, length, nul_terminated, obj_info_raw, raw};
use super::uapi::{self, Command};

/// Names longer than this are cut off. The longest are those of functions: `KSYM_NAME_LEN` is 512, of files `PATH_MAX`.
const MAX_NAME: usize = 4096;

/// A link at a raw tracepoint, and the name of that. Linux 5.8.
pub(crate) fn raw_tracepoint_link_info(
    fd: BorrowedFd<'_>,
) -> Result<(uapi::LinkInfoRawTracepoint, String)> {
    let mut name = [0; MAX_NAME];
    let mut info = uapi::LinkInfoRawTracepoint {
        tp_name: address_mut(&mut name),
        tp_name_len: length(&name)?,
        ..Default::default()
    };
    // SAFETY: `tp_name` is `tp_name_len` bytes long.
    unsafe { obj_info_raw(fd, &mut info) }?;
    Ok((info, nul_terminated(&name)))
}

/// A link at a kprobe, and its function. Linux 6.6.
pub(crate) fn kprobe_link_info(
    fd: BorrowedFd<'_>,
) -> Result<(uapi::LinkInfoPerfEventKprobe, String)> {
    let mut name = [0; MAX_NAME];
    let mut info = uapi::LinkInfoPerfEventKprobe {
        func_name: address_mut(&mut name),
        name_len: length(&name)?,
        ..Default::default()
    };
    // SAFETY: `func_name` is `name_len` bytes long.
    unsafe { obj_info_raw(fd, &mut info) }?;
    Ok((info, nul_terminated(&name)))
}

/// A link at a tracepoint, and the name of that. Linux 6.6.
pub(crate) fn tracepoint_link_info(
    fd: BorrowedFd<'_>,
) -> Result<(uapi::LinkInfoPerfEventTracepoint, String)> {
    let mut name = [0; MAX_NAME];
    let mut info = uapi::LinkInfoPerfEventTracepoint {
        tp_name: address_mut(&mut name),
        name_len: length(&name)?,
        ..Default::default()
    };
    // SAFETY: `tp_name` is `name_len` bytes long.
    unsafe { obj_info_raw(fd, &mut info) }?;
    Ok((info, nul_terminated(&name)))
}

/// TASK_FD_QUERY: the program at a perf event of this process, and the name of what it is at. Linux 4.18.
#[doc(alias = "BPF_TASK_FD_QUERY")]
pub(crate) fn task_fd_query(fd: BorrowedFd<'_>) -> Result<(uapi::TaskFdQuery, String)> {
    let mut name = [0; MAX_NAME];
    let mut attr = uapi::TaskFdQuery {
        pid: std::process::id(),
        fd: raw(fd),
        buf_len: length(&name)?,
        buf: address_mut(&mut name),
        ..Default::default()
    };
    // SAFETY: `buf` is `buf_len` bytes long.
    unsafe { bpf(Command::TASK_FD_QUERY, &mut attr) }?;
    Ok((attr, nul_terminated(&name)))
}
