//! One safe function per command of bpf(2), except those on map elements.
//!
//! Structures are passed in filled, but for their addresses: those are set in here, from
//! slices, so that they are right.

use std::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use zerocopy::{FromBytes, IntoBytes};

use super::call::{bpf, bpf_fd};
use super::uapi::{self, Command};
use super::{MapFd, Result};

/// A descriptor as kernel structures hold it.
pub(crate) fn raw(fd: BorrowedFd<'_>) -> u32 {
    fd.as_raw_fd() as u32
}

/// The address of a slice, 0 for an empty one.
pub(super) fn address<T>(slice: &[T]) -> u64 {
    if slice.is_empty() {
        return 0;
    }
    slice.as_ptr() as u64
}

/// The address of a slice that the kernel writes to, 0 for an empty one.
pub(super) fn address_mut<T>(slice: &mut [T]) -> u64 {
    if slice.is_empty() {
        return 0;
    }
    slice.as_mut_ptr() as u64
}

pub(super) fn length<T>(slice: &[T]) -> Result<u32> {
    u32::try_from(slice.len()).map_err(|_| Errno::TOOBIG)
}

/// How many whole records of `size` bytes a table has.
fn records(table: &[u8], size: u32) -> Result<u32> {
    Ok(length(table)?.checked_div(size).unwrap_or_default())
}

/// MAP_CREATE. `exclusive_to` is the hash of the one program that may use the map, or empty.
#[doc(alias = "BPF_MAP_CREATE")]
pub(crate) fn map_create(mut attr: uapi::MapCreate, exclusive_to: &[u8]) -> Result<MapFd> {
    attr.excl_prog_hash = address(exclusive_to);
    attr.excl_prog_hash_size = length(exclusive_to)?;
    // SAFETY: the only address is that of `exclusive_to`, with its length beside it.
    let fd = unsafe { bpf_fd(Command::MAP_CREATE, &mut attr) }?;
    MapFd::created(fd, &attr)
}

/// Where the kernel puts a log, and how much it is to say.
#[derive(Debug)]
pub(crate) struct LogBuffer<'a> {
    /// 128 bytes at least, 1 GiB at most.
    pub(crate) bytes: &'a mut [u8],
    /// A combination of `BPF_LOG_LEVEL1` (1), `_LEVEL2` (2) and `_STATS` (4).
    pub(crate) level: u32,
}

/// The answer to a command that can write a log.
#[derive(Debug)]
pub(crate) struct Logged {
    pub(crate) result: Result<OwnedFd>,
    /// How many bytes the whole log takes, its final NUL included; 0 from kernels that do not
    /// say (before 6.4).
    pub(crate) log_true_size: u32,
}

/// What a program to load refers to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ProgramParts<'a> {
    /// Instructions in the byte order of this machine.
    pub(crate) insns: &'a [u8],
    pub(crate) license: &'a CStr,
    pub(crate) func_info: &'a [u8],
    pub(crate) line_info: &'a [u8],
    pub(crate) core_relos: &'a [u8],
    pub(crate) fd_array: &'a [i32],
    pub(crate) signature: &'a [u8],
}

/// PROG_LOAD. Of `attr`, the record sizes of the tables must be set, not their lengths.
/// `fd_array_cnt` is set if it is not 0 already: with it all of the array is bound to the
/// program (Linux 6.14), without it the array holds what instructions refer to.
#[doc(alias = "BPF_PROG_LOAD")]
pub(crate) fn prog_load(
    mut attr: uapi::ProgLoad,
    parts: &ProgramParts<'_>,
    log: Option<LogBuffer<'_>>,
) -> Logged {
    const INSN_SIZE: u32 = 8;
    let fill = || -> Result<()> {
        attr.insns = address(parts.insns);
        attr.insn_cnt = records(parts.insns, INSN_SIZE)?;
        attr.license = parts.license.as_ptr() as u64;
        attr.func_info = address(parts.func_info);
        attr.func_info_cnt = records(parts.func_info, attr.func_info_rec_size)?;
        attr.line_info = address(parts.line_info);
        attr.line_info_cnt = records(parts.line_info, attr.line_info_rec_size)?;
        attr.core_relos = address(parts.core_relos);
        attr.core_relo_cnt = records(parts.core_relos, attr.core_relo_rec_size)?;
        attr.fd_array = address(parts.fd_array);
        if attr.fd_array_cnt != 0 {
            attr.fd_array_cnt = length(parts.fd_array)?;
        }
        attr.signature = address(parts.signature);
        attr.signature_size = length(parts.signature)?;
        (attr.log_buf, attr.log_size, attr.log_level) = (0, 0, 0);
        if let Some(log) = log {
            attr.log_size = length(log.bytes)?;
            attr.log_buf = address_mut(log.bytes);
            attr.log_level = log.level;
        }
        Ok(())
    };
    if let Err(errno) = fill() {
        return Logged {
            result: Err(errno),
            log_true_size: 0,
        };
    }
    attr.log_true_size = 0;
    // SAFETY: every address was set above, with its length. The one without a length is
    // `fd_array`: the kernel reads it, faulting gracefully, at indices that instructions name.
    let result = unsafe { bpf_fd(Command::PROG_LOAD, &mut attr) };
    Logged {
        result,
        log_true_size: attr.log_true_size,
    }
}

/// BTF_LOAD. With a `token`, its permissions count instead of the caller's (Linux 6.9).
#[doc(alias = "BPF_BTF_LOAD")]
pub(crate) fn btf_load(
    btf: &[u8],
    token: Option<BorrowedFd<'_>>,
    log: Option<LogBuffer<'_>>,
) -> Logged {
    let mut attr = uapi::BtfLoad::default();
    let fill = || -> Result<()> {
        attr.btf = address(btf);
        attr.btf_size = length(btf)?;
        if let Some(token) = token {
            attr.btf_flags = uapi::BPF_F_TOKEN_FD;
            attr.btf_token_fd = token.as_raw_fd();
        }
        if let Some(log) = log {
            attr.btf_log_size = length(log.bytes)?;
            attr.btf_log_buf = address_mut(log.bytes);
            attr.btf_log_level = log.level;
        }
        Ok(())
    };
    if let Err(errno) = fill() {
        return Logged {
            result: Err(errno),
            log_true_size: 0,
        };
    }
    // SAFETY: both addresses were set above, with their lengths.
    let result = unsafe { bpf_fd(Command::BTF_LOAD, &mut attr) };
    Logged {
        result,
        log_true_size: attr.btf_log_true_size,
    }
}

/// OBJ_PIN: gives a map, program or link a name in a BPF file system.
#[doc(alias = "BPF_OBJ_PIN")]
pub(crate) fn obj_pin(fd: BorrowedFd<'_>, path: &CStr) -> Result<()> {
    let mut attr = uapi::ObjPin {
        pathname: path.as_ptr() as u64,
        bpf_fd: raw(fd),
        ..Default::default()
    };
    // SAFETY: the address is that of a NUL-terminated string.
    unsafe { bpf(Command::OBJ_PIN, &mut attr) }.map(drop)
}

/// OBJ_PIN to a name in a directory. Since 6.5; EINVAL before.
#[doc(alias = "BPF_F_PATH_FD")]
pub(crate) fn obj_pin_at(fd: BorrowedFd<'_>, directory: BorrowedFd<'_>, name: &CStr) -> Result<()> {
    let mut attr = uapi::ObjPin {
        pathname: name.as_ptr() as u64,
        bpf_fd: raw(fd),
        file_flags: uapi::BPF_F_PATH_FD,
        path_fd: directory.as_raw_fd(),
        ..Default::default()
    };
    // SAFETY: the address is that of a NUL-terminated string.
    unsafe { bpf(Command::OBJ_PIN, &mut attr) }.map(drop)
}

/// OBJ_GET: opens what a name in a BPF file system stands for. `flags` are 0,
/// `BPF_F_RDONLY` or `BPF_F_WRONLY`.
#[doc(alias = "BPF_OBJ_GET")]
pub(crate) fn obj_get(path: &CStr, flags: u32) -> Result<OwnedFd> {
    let mut attr = uapi::ObjPin {
        pathname: path.as_ptr() as u64,
        file_flags: flags,
        ..Default::default()
    };
    // SAFETY: the address is that of a NUL-terminated string.
    unsafe { bpf_fd(Command::OBJ_GET, &mut attr) }
}

/// OBJ_GET of a name in a directory. Since 6.5; EINVAL before.
#[doc(alias = "BPF_F_PATH_FD")]
pub(crate) fn obj_get_at(directory: BorrowedFd<'_>, name: &CStr, flags: u32) -> Result<OwnedFd> {
    let mut attr = uapi::ObjPin {
        pathname: name.as_ptr() as u64,
        file_flags: flags | uapi::BPF_F_PATH_FD,
        path_fd: directory.as_raw_fd(),
        ..Default::default()
    };
    // SAFETY: the address is that of a NUL-terminated string.
    unsafe { bpf_fd(Command::OBJ_GET, &mut attr) }
}

/// A structure that OBJ_GET_INFO_BY_FD fills in. All of them may be asked for all zero, which
/// asks for no strings and arrays, only their lengths.
pub(crate) trait Info: FromBytes + IntoBytes + Default {}
impl Info for uapi::MapInfo {}
impl Info for uapi::ProgInfo {}
impl Info for uapi::BtfInfo {}
impl Info for uapi::LinkInfo {}
impl Info for uapi::LinkInfoRawTracepoint {}
impl Info for uapi::LinkInfoTracing {}
impl Info for uapi::LinkInfoPerfEventKprobe {}
impl Info for uapi::LinkInfoPerfEventTracepoint {}
impl Info for uapi::LinkInfoPerfEventUprobe {}
impl Info for uapi::LinkInfoPerfEventEvent {}
impl Info for uapi::LinkInfoCgroup {}
impl Info for uapi::LinkInfoIter {}
impl Info for uapi::LinkInfoIterCgroup {}
impl Info for uapi::LinkInfoIterTask {}
impl Info for uapi::LinkInfoNetns {}
impl Info for uapi::LinkInfoXdp {}
impl Info for uapi::LinkInfoStructOps {}
impl Info for uapi::LinkInfoNetfilter {}
impl Info for uapi::LinkInfoKprobeMulti {}
impl Info for uapi::LinkInfoUprobeMulti {}
impl Info for uapi::LinkInfoTracingMulti {}
impl Info for uapi::LinkInfoTcx {}
impl Info for uapi::LinkInfoNetkit {}
impl Info for uapi::LinkInfoSockmap {}

/// OBJ_GET_INFO_BY_FD, without the strings and arrays. What the kernel does not know stays 0.
#[doc(alias = "BPF_OBJ_GET_INFO_BY_FD")]
pub(crate) fn obj_info<I: Info>(fd: BorrowedFd<'_>) -> Result<I> {
    let mut info = I::default();
    // SAFETY: an all-zero structure makes the kernel use no address but that of `info`.
    unsafe { obj_info_raw(fd, &mut info) }?;
    Ok(info)
}

/// OBJ_GET_INFO_BY_FD with a structure that may ask for strings and arrays.
///
/// # Safety
///
/// Every address in `info` is 0 or that of writable memory as long as the length beside it.
pub(super) unsafe fn obj_info_raw<I: Info>(fd: BorrowedFd<'_>, info: &mut I) -> Result<()> {
    let bytes = info.as_mut_bytes();
    let mut attr = uapi::ObjGetInfo {
        bpf_fd: raw(fd),
        info_len: length(bytes)?,
        info: address_mut(bytes),
    };
    // SAFETY: `info` is writable for its length; the caller answers for what it points to.
    unsafe { bpf(Command::OBJ_GET_INFO_BY_FD, &mut attr) }.map(drop)
}

/// The raw bytes of a BTF that the kernel holds. Linux 4.18.
pub(crate) fn btf_bytes(fd: BorrowedFd<'_>) -> Result<Vec<u8>> {
    let size = obj_info::<uapi::BtfInfo>(fd)?.btf_size;
    let mut bytes = vec![0; size as usize];
    let mut info = uapi::BtfInfo {
        btf: address_mut(&mut bytes),
        btf_size: size,
        ..Default::default()
    };
    // SAFETY: `btf` is `btf_size` bytes long, and no name is asked for.
    unsafe { obj_info_raw(fd, &mut info) }?;
    bytes.truncate(info.btf_size as usize);
    Ok(bytes)
}

/// The name of a BTF that the kernel holds: "vmlinux", that of a module, or "". Linux 5.11.
pub(crate) fn btf_name(fd: BorrowedFd<'_>) -> Result<String> {
    // Module names are shorter than a page's 64th part, so is what the kernel writes.
    let mut name = [0; 64];
    let mut info = uapi::BtfInfo {
        name: address_mut(&mut name),
        name_len: length(&name)?,
        ..Default::default()
    };
    // SAFETY: `name` is `name_len` bytes long, and no BTF is asked for.
    unsafe { obj_info_raw(fd, &mut info) }?;
    Ok(nul_terminated(&name))
}

/// The ids of the maps that a program uses.
pub(crate) fn prog_map_ids(fd: BorrowedFd<'_>) -> Result<Vec<u32>> {
    loop {
        let count = obj_info::<uapi::ProgInfo>(fd)?.nr_map_ids;
        let mut ids = vec![0u32; count as usize];
        let mut info = uapi::ProgInfo {
            nr_map_ids: count,
            map_ids: address_mut(&mut ids),
            ..Default::default()
        };
        // SAFETY: `map_ids` has `nr_map_ids` elements, and nothing else is asked for.
        unsafe { obj_info_raw(fd, &mut info) }?;
        // A map may have been bound to the program in between: PROG_BIND_MAP.
        if info.nr_map_ids <= count {
            ids.truncate(info.nr_map_ids as usize);
            return Ok(ids);
        }
    }
}

/// A kernel string in an array: up to the first NUL, what is not UTF-8 replaced.
pub(crate) fn nul_terminated(bytes: &[u8]) -> String {
    let text = bytes.split(|b| *b == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}

/// The kinds of object that have an id.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ObjectKind {
    Map,
    Program,
    Btf,
    Link,
}

/// `*_GET_FD_BY_ID`. `flags` are 0, or `BPF_F_RDONLY` or `_WRONLY` for a map.
#[doc(alias = "BPF_MAP_GET_FD_BY_ID")]
#[doc(alias = "BPF_PROG_GET_FD_BY_ID")]
#[doc(alias = "BPF_BTF_GET_FD_BY_ID")]
#[doc(alias = "BPF_LINK_GET_FD_BY_ID")]
pub(crate) fn fd_by_id(kind: ObjectKind, id: u32, flags: u32) -> Result<OwnedFd> {
    let command = match kind {
        ObjectKind::Map => Command::MAP_GET_FD_BY_ID,
        ObjectKind::Program => Command::PROG_GET_FD_BY_ID,
        ObjectKind::Btf => Command::BTF_GET_FD_BY_ID,
        ObjectKind::Link => Command::LINK_GET_FD_BY_ID,
    };
    let mut attr = uapi::ObjId {
        start_id: id,
        open_flags: flags,
        ..Default::default()
    };
    // SAFETY: the structure has no addresses.
    unsafe { bpf_fd(command, &mut attr) }
}

/// `*_GET_NEXT_ID`: the lowest id above `id`, `None` if there is none.
#[doc(alias = "BPF_MAP_GET_NEXT_ID")]
#[doc(alias = "BPF_PROG_GET_NEXT_ID")]
#[doc(alias = "BPF_BTF_GET_NEXT_ID")]
#[doc(alias = "BPF_LINK_GET_NEXT_ID")]
pub(crate) fn next_id(kind: ObjectKind, id: u32) -> Result<Option<u32>> {
    let command = match kind {
        ObjectKind::Map => Command::MAP_GET_NEXT_ID,
        ObjectKind::Program => Command::PROG_GET_NEXT_ID,
        ObjectKind::Btf => Command::BTF_GET_NEXT_ID,
        ObjectKind::Link => Command::LINK_GET_NEXT_ID,
    };
    let mut attr = uapi::ObjId {
        start_id: id,
        ..Default::default()
    };
    // SAFETY: the structure has no addresses.
    match unsafe { bpf(command, &mut attr) } {
        Ok(_) => Ok(Some(attr.next_id)),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// Whether a descriptor is that of a map.
pub(crate) fn is_map(fd: BorrowedFd<'_>) -> bool {
    let mut attr = uapi::MapBatch {
        map_fd: raw(fd),
        ..Default::default()
    };
    // A batch of nothing does nothing; only its descriptor can be invalid.
    // SAFETY: `count` is 0, so that no address is used.
    unsafe { bpf(Command::MAP_LOOKUP_BATCH, &mut attr) }
        .map_or_else(|e| !matches!(e, Errno::INVAL | Errno::BADF), |_| true)
}

/// Whether a descriptor is that of a program.
pub(crate) fn is_program(fd: BorrowedFd<'_>) -> bool {
    let mut attr = uapi::ProgBindMap {
        prog_fd: raw(fd),
        map_fd: u32::MAX,
        flags: 0,
    };
    // The program's descriptor is looked at first: it is the map's that is bad.
    // SAFETY: the structure has no addresses.
    let answer = unsafe { bpf(Command::PROG_BIND_MAP, &mut attr) };
    answer == Err(Errno::BADF)
}

/// Whether a descriptor is that of a link.
pub(crate) fn is_link(fd: BorrowedFd<'_>) -> bool {
    let mut attr = uapi::LinkUpdate {
        link_fd: raw(fd),
        new_prog_fd: u32::MAX,
        ..Default::default()
    };
    // The link's descriptor is looked at first: it is the program's that is bad.
    // SAFETY: the structure has no addresses.
    let answer = unsafe { bpf(Command::LINK_UPDATE, &mut attr) };
    answer == Err(Errno::BADF)
}

/// RAW_TRACEPOINT_OPEN. Without a name, the program's own attach target is meant: a BTF
/// tracepoint, a function's entry or exit, an LSM hook. A `cookie` other than 0 needs Linux 6.10.
#[doc(alias = "BPF_RAW_TRACEPOINT_OPEN")]
pub(crate) fn raw_tracepoint_open(
    name: Option<&CStr>,
    prog: BorrowedFd<'_>,
    cookie: u64,
) -> Result<OwnedFd> {
    let mut attr = uapi::RawTracepointOpen {
        name: name.map_or(0, |n| n.as_ptr() as u64),
        prog_fd: raw(prog),
        cookie,
        ..Default::default()
    };
    // SAFETY: the address is 0 or that of a NUL-terminated string.
    unsafe { bpf_fd(Command::RAW_TRACEPOINT_OPEN, &mut attr) }
}

/// Whether RAW_TRACEPOINT_OPEN takes a cookie: it then minds a program that is none, and nothing else.
pub(crate) fn raw_tracepoint_takes_cookie() -> bool {
    let mut attr = uapi::RawTracepointOpen {
        prog_fd: u32::MAX,
        cookie: 1,
        ..Default::default()
    };
    // SAFETY: the structure has no addresses.
    let answer = unsafe { bpf(Command::RAW_TRACEPOINT_OPEN, &mut attr) };
    answer == Err(Errno::BADF)
}

/// What a link is made of besides a program and a target.
#[derive(Clone, Copy, Debug)]
pub(crate) enum LinkExtra<'a> {
    /// Nothing. With a map in place of the program: a structure of functions. Linux 6.4.
    Nothing,
    /// A perf event: kprobe, uprobe, tracepoint, clock. Linux 5.15.
    PerfEvent { cookie: u64 },
    /// A BTF tracepoint, a function's entry or exit, an LSM hook. Linux 5.18 (cookie), 5.10.
    Tracing { target_btf_id: u32, cookie: u64 },
    /// An iterator, with its `union bpf_iter_link_info`. Linux 5.8.
    Iter { info: &'a [u8] },
    /// Kernel functions: either symbols or addresses, and as many cookies or none. Linux 5.18.
    KprobeMulti {
        flags: u32,
        symbols: &'a [&'a CStr],
        addresses: &'a [u64],
        cookies: &'a [u64],
    },
    /// Functions by their BTF ids, and as many cookies or none. Linux 7.2.
    TracingMulti { ids: &'a [u32], cookies: &'a [u64] },
    /// Places in a file, by their offsets, and as many cookies or none. Linux 6.6.
    UprobeMulti {
        path: &'a CStr,
        offsets: &'a [u64],
        cookies: &'a [u64],
        pid: u32,
        flags: u32,
    },
    /// A network device, after all other programs there. Linux 6.6.
    Device,
}

/// LINK_CREATE. `target` is a descriptor, an interface index or 0, as `attach_type` asks for.
#[doc(alias = "BPF_LINK_CREATE")]
pub(crate) fn link_create(
    prog: BorrowedFd<'_>,
    target: u32,
    attach_type: u32,
    flags: u32,
    extra: LinkExtra<'_>,
) -> Result<OwnedFd> {
    /// Creates the link by a structure with the common head and these fields.
    macro_rules! create {
        ($structure:ident { $($field:ident: $value:expr),* }) => {{
            #[allow(clippy::needless_update)]
            let mut attr = uapi::$structure {
                prog_fd: raw(prog),
                target_fd: target,
                attach_type,
                flags,
                $($field: $value,)*
                ..Default::default()
            };
            // SAFETY: every address below is that of a slice, with its length beside it, or of strings that end in NUL.
            unsafe { bpf_fd(Command::LINK_CREATE, &mut attr) }
        }};
    }
    match extra {
        LinkExtra::Nothing => create!(LinkCreate {}),
        LinkExtra::PerfEvent { cookie } => create!(LinkCreatePerfEvent { bpf_cookie: cookie }),
        LinkExtra::Tracing {
            target_btf_id,
            cookie,
        } => create!(LinkCreateTracing {
            target_btf_id: target_btf_id,
            cookie: cookie
        }),
        LinkExtra::Iter { info } => create!(LinkCreateIter {
            iter_info: address(info),
            iter_info_len: length(info)?
        }),
        LinkExtra::KprobeMulti {
            flags,
            symbols,
            addresses,
            cookies,
        } => {
            let count = symbols.len().max(addresses.len());
            if !cookies.is_empty() && cookies.len() != count {
                return Err(Errno::INVAL);
            }
            let symbols: Vec<u64> = symbols.iter().map(|s| s.as_ptr() as u64).collect();
            create!(LinkCreateKprobeMulti {
                kprobe_multi_flags: flags,
                cnt: u32::try_from(count).map_err(|_| Errno::TOOBIG)?,
                syms: address(&symbols),
                addrs: address(addresses),
                cookies: address(cookies)
            })
        }
        LinkExtra::UprobeMulti {
            path,
            offsets,
            cookies,
            pid,
            flags,
        } => {
            if !cookies.is_empty() && cookies.len() != offsets.len() {
                return Err(Errno::INVAL);
            }
            create!(LinkCreateUprobeMulti {
                path: path.as_ptr() as u64,
                offsets: address(offsets),
                cookies: address(cookies),
                cnt: length(offsets)?,
                uprobe_multi_flags: flags,
                pid: pid
            })
        }
        LinkExtra::Device => create!(LinkCreateTcx {}),
        LinkExtra::TracingMulti { ids, cookies } => {
            if !cookies.is_empty() && cookies.len() != ids.len() {
                return Err(Errno::INVAL);
            }
            create!(LinkCreateTracingMulti {
                ids: address(ids),
                cookies: address(cookies),
                cnt: length(ids)?
            })
        }
    }
}

/// LINK_UPDATE: puts another program, or map, into a link; with `expected`, only in place of that one.
#[doc(alias = "BPF_LINK_UPDATE")]
pub(crate) fn link_update(
    link: BorrowedFd<'_>,
    new: BorrowedFd<'_>,
    expected: Option<BorrowedFd<'_>>,
) -> Result<()> {
    let mut attr = uapi::LinkUpdate {
        link_fd: raw(link),
        new_prog_fd: raw(new),
        flags: expected.map_or(0, |_| uapi::BPF_F_REPLACE),
        old_prog_fd: expected.map_or(0, raw),
    };
    // SAFETY: the structure has no addresses.
    unsafe { bpf(Command::LINK_UPDATE, &mut attr) }.map(drop)
}

/// ITER_CREATE: a file that an iterator's link fills as it is read. Linux 5.8.
#[doc(alias = "BPF_ITER_CREATE")]
pub(crate) fn iter_create(link: BorrowedFd<'_>) -> Result<OwnedFd> {
    let mut attr = uapi::IterCreate {
        link_fd: raw(link),
        ..Default::default()
    };
    // SAFETY: the structure has no addresses.
    unsafe { bpf_fd(Command::ITER_CREATE, &mut attr) }
}

/// ENABLE_STATS: has run times measured as long as the descriptor lives. Linux 5.8.
#[doc(alias = "BPF_ENABLE_STATS")]
pub(crate) fn enable_stats(kind: u32) -> Result<OwnedFd> {
    let mut attr = uapi::EnableStats { r#type: kind };
    // SAFETY: the structure has no addresses.
    unsafe { bpf_fd(Command::ENABLE_STATS, &mut attr) }
}

/// PROG_STREAM_READ_BY_FD: takes what a program has written to a stream (1, 2). Linux 6.17.
#[doc(alias = "BPF_PROG_STREAM_READ_BY_FD")]
pub(crate) fn prog_stream_read(
    prog: BorrowedFd<'_>,
    stream: u32,
    into: &mut [u8],
) -> Result<usize> {
    let mut attr = uapi::ProgStreamRead {
        stream_buf: address_mut(into),
        stream_buf_len: length(into)?,
        stream_id: stream,
        prog_fd: raw(prog),
        ..Default::default()
    };
    // SAFETY: `stream_buf` is `stream_buf_len` bytes long.
    let read = unsafe { bpf(Command::PROG_STREAM_READ_BY_FD, &mut attr) }?;
    usize::try_from(read).map_err(|_| Errno::IO)
}

/// LINK_DETACH: takes a link's program off its hook, whoever else holds the link. Linux 5.9.
#[doc(alias = "BPF_LINK_DETACH")]
pub(crate) fn link_detach(link: BorrowedFd<'_>) -> Result<()> {
    let mut attr = uapi::LinkDetach { link_fd: raw(link) };
    // SAFETY: the structure has no addresses.
    unsafe { bpf(Command::LINK_DETACH, &mut attr) }.map(drop)
}

/// PROG_BIND_MAP: ties a map's life to a program's. Linux 5.10.
#[doc(alias = "BPF_PROG_BIND_MAP")]
pub(crate) fn prog_bind_map(prog: BorrowedFd<'_>, map: BorrowedFd<'_>) -> Result<()> {
    let mut attr = uapi::ProgBindMap {
        prog_fd: raw(prog),
        map_fd: raw(map),
        flags: 0,
    };
    // SAFETY: the structure has no addresses.
    unsafe { bpf(Command::PROG_BIND_MAP, &mut attr) }.map(drop)
}

/// TOKEN_CREATE, from the top directory of a BPF file system. Linux 6.9.
#[doc(alias = "BPF_TOKEN_CREATE")]
pub(crate) fn token_create(bpffs: BorrowedFd<'_>) -> Result<OwnedFd> {
    let mut attr = uapi::TokenCreate {
        flags: 0,
        bpffs_fd: raw(bpffs),
    };
    // SAFETY: the structure has no addresses.
    unsafe { bpf_fd(Command::TOKEN_CREATE, &mut attr) }
}

/// What TOKEN_CREATE says to a descriptor that is none.
pub(crate) fn token_create_of_nothing() -> Result<()> {
    let mut attr = uapi::TokenCreate {
        flags: 0,
        bpffs_fd: u32::MAX,
    };
    // SAFETY: the structure has no addresses.
    unsafe { bpf(Command::TOKEN_CREATE, &mut attr) }.map(drop)
}

/// What PROG_ATTACH says to descriptors that are none.
pub(crate) fn prog_attach_nothing(attach_type: u32) -> Result<()> {
    let mut attr = uapi::ProgAttach {
        target_fd: u32::MAX,
        attach_bpf_fd: u32::MAX,
        attach_type,
        ..Default::default()
    };
    // SAFETY: the structure has no addresses.
    unsafe { bpf(Command::PROG_ATTACH, &mut attr) }.map(drop)
}

/// What a test run is given, and where it puts what it makes.
#[derive(Debug, Default)]
pub(crate) struct TestRunParts<'a> {
    pub(crate) data_in: &'a [u8],
    pub(crate) data_out: &'a mut [u8],
    /// Written to by programs that are run on demand.
    pub(crate) ctx_in: &'a mut [u8],
    pub(crate) ctx_out: &'a mut [u8],
}

/// PROG_TEST_RUN. The answer holds the return value, the mean duration and the sizes of what
/// was put out, which are the sizes wanted where the answer is ENOSPC.
#[doc(alias = "BPF_PROG_TEST_RUN")]
pub(crate) fn prog_test_run(
    mut attr: uapi::ProgTestRun,
    parts: TestRunParts<'_>,
) -> Result<(Result<()>, uapi::ProgTestRun)> {
    attr.data_size_in = length(parts.data_in)?;
    attr.data_in = address(parts.data_in);
    attr.data_size_out = length(parts.data_out)?;
    attr.data_out = address_mut(parts.data_out);
    attr.ctx_size_in = length(parts.ctx_in)?;
    attr.ctx_in = address_mut(parts.ctx_in);
    attr.ctx_size_out = length(parts.ctx_out)?;
    attr.ctx_out = address_mut(parts.ctx_out);
    // SAFETY: all four addresses were set above, with their lengths.
    let result = unsafe { bpf(Command::PROG_TEST_RUN, &mut attr) }.map(drop);
    Ok((result, attr))
}
