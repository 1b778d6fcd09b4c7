//! What the kernel says of links and perf events, with the names in it.

use std::os::fd::BorrowedFd;

use super::Result;
use super::call::bpf;
use rustix::io::Errno;

use super::command::{Info, address_mut, length, nul_terminated, obj_info, obj_info_raw, raw};
use super::uapi::{self, Command};
use crate::limits::MAX_LINK_NAME;

/// How often it is asked again for lists that grew meanwhile; those of links do not.
const TRIES: usize = 3;

/// Asks for a link's info with the name in it.
macro_rules! with_name {
    ($($(#[$doc:meta])* $function:ident: $structure:ident, $name:ident, $length:ident;)*) => {$(
        $(#[$doc])*
        pub(crate) fn $function(fd: BorrowedFd<'_>) -> Result<(uapi::$structure, String)> {
            let mut name = [0; MAX_LINK_NAME];
            let mut info = uapi::$structure {
                $name: address_mut(&mut name),
                $length: length(&name)?,
                ..Default::default()
            };
            // SAFETY: the name has as many bytes as is said beside it.
            unsafe { obj_info_raw(fd, &mut info) }?;
            Ok((info, nul_terminated(&name)))
        }
    )*};
}

with_name! {
    /// A link at a raw tracepoint, and the name of that. Linux 5.8.
    raw_tracepoint_link_info: LinkInfoRawTracepoint, tp_name, tp_name_len;
    /// A link at a kprobe, and its function. Linux 6.6.
    kprobe_link_info: LinkInfoPerfEventKprobe, func_name, name_len;
    /// A link at a uprobe, and its file. Linux 6.6.
    uprobe_link_info: LinkInfoPerfEventUprobe, file_name, name_len;
    /// A link at a tracepoint, and the name of that. Linux 6.6.
    tracepoint_link_info: LinkInfoPerfEventTracepoint, tp_name, name_len;
    /// A link of an iterator, and its target. Linux 5.8.
    iter_link_info: LinkInfoIter, target_name, target_name_len;
    /// The same of an iterator over control groups. Linux 6.1.
    iter_cgroup_link_info: LinkInfoIterCgroup, target_name, target_name_len;
    /// The same of an iterator over tasks. Linux 6.1.
    iter_task_link_info: LinkInfoIterTask, target_name, target_name_len;
}

/// Lists of numbers that the kernel fills in, all of one length, as far as it does.
fn lists<const N: usize, I: Info>(
    fd: BorrowedFd<'_>,
    count: impl Fn(&I) -> u32,
    aim: impl Fn(&mut I, &mut [Vec<u64>; N], u32),
) -> Result<(I, [Vec<u64>; N])> {
    let mut wanted = count(&obj_info::<I>(fd)?);
    for _ in 0..TRIES {
        let mut lists = [const { Vec::new() }; N];
        for list in &mut lists {
            list.resize(wanted as usize, 0);
        }
        let mut info = I::default();
        aim(&mut info, &mut lists, wanted);
        // SAFETY: each list has as many elements as is said of all of them, 8 bytes each, and is written to by nobody else.
        let answer = unsafe { obj_info_raw(fd, &mut info) };
        match answer {
            Err(Errno::NOSPC) => wanted = count(&info).max(wanted.saturating_mul(2)),
            Err(errno) => return Err(errno),
            Ok(()) => return Ok((info, lists)),
        }
    }
    Err(Errno::NOSPC)
}

/// A link at many kernel functions, their addresses and their cookies. Linux 6.6; cookies 6.9.
pub(crate) fn kprobe_multi_link_info(
    fd: BorrowedFd<'_>,
) -> Result<(uapi::LinkInfoKprobeMulti, [Vec<u64>; 2])> {
    let count = |info: &uapi::LinkInfoKprobeMulti| info.count;
    match lists(fd, count, |info, [addresses, cookies], count| {
        info.count = count;
        info.addrs = address_mut(addresses);
        info.cookies = address_mut(cookies);
    }) {
        // A kernel that knows no cookies here wants them to be asked for by nobody.
        Err(Errno::TOOBIG | Errno::INVAL) => lists(fd, count, |info, [addresses, _], count| {
            info.count = count;
            info.addrs = address_mut(addresses);
        }),
        answer => answer,
    }
}

/// A link at many functions by their types: ids, addresses, cookies. Linux 7.2.
pub(crate) fn tracing_multi_link_info(
    fd: BorrowedFd<'_>,
) -> Result<(uapi::LinkInfoTracingMulti, Vec<u32>, [Vec<u64>; 2])> {
    let count = obj_info::<uapi::LinkInfoTracingMulti>(fd)?.count;
    let mut ids = vec![0u32; count as usize];
    let (mut addresses, mut cookies) = (vec![0u64; count as usize], vec![0u64; count as usize]);
    let mut info = uapi::LinkInfoTracingMulti {
        count,
        ids: address_mut(&mut ids),
        addrs: address_mut(&mut addresses),
        cookies: address_mut(&mut cookies),
        ..Default::default()
    };
    // SAFETY: all three lists have `count` elements, of 4, 8 and 8 bytes.
    unsafe { obj_info_raw(fd, &mut info) }?;
    Ok((info, ids, [addresses, cookies]))
}

/// A link at many places of a file: its path, then offsets, offsets of reference counters, cookies. Linux 6.8.
pub(crate) fn uprobe_multi_link_info(
    fd: BorrowedFd<'_>,
) -> Result<(uapi::LinkInfoUprobeMulti, String, [Vec<u64>; 3])> {
    let mut path = [0; MAX_LINK_NAME];
    let path_size = length(&path)?;
    let path_address = address_mut(&mut path);
    let count = |info: &uapi::LinkInfoUprobeMulti| info.count;
    let (info, lists) = lists(fd, count, |info, [offsets, counters, cookies], count| {
        info.count = count;
        info.offsets = address_mut(offsets);
        info.ref_ctr_offsets = address_mut(counters);
        info.cookies = address_mut(cookies);
        info.path = path_address;
        info.path_size = path_size;
    })?;
    Ok((info, nul_terminated(&path), lists))
}

/// TASK_FD_QUERY: the program at a perf event of this process, and the name of what it is at. Linux 4.18.
#[doc(alias = "BPF_TASK_FD_QUERY")]
pub(crate) fn task_fd_query(fd: BorrowedFd<'_>) -> Result<(uapi::TaskFdQuery, String)> {
    let mut name = [0; MAX_LINK_NAME];
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
