//! What reaches the kernel: every `bpf(2)` call of this process, whichever library makes it, comes by here.
//!
//! Maps that are created and programs that are loaded are written down, with descriptors replaced by what they stand
//! for, so that what two libraries ask of the kernel can be compared byte for byte.

use std::collections::BTreeMap;
use std::ffi::{c_char, c_long};
use std::sync::Mutex;

use libbpf_sys as sys;
use oxbpf::object::Endian;
use oxbpf::object::asm::{Insn, pseudo};

/// A map as the kernel was asked for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CreatedMap {
    pub(crate) name: String,
    /// Everything else, as text.
    pub(crate) attributes: BTreeMap<&'static str, String>,
    /// What the kernel answered.
    pub(crate) errno: i32,
}

/// A program as the kernel was asked for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LoadedProgram {
    pub(crate) name: String,
    pub(crate) attributes: BTreeMap<&'static str, String>,
    pub(crate) code: Code,
    pub(crate) errno: i32,
}

/// Instructions without what is different from load to load.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Code {
    pub(crate) insns: Vec<Insn>,
    /// What the descriptors in them stood for, by slot.
    pub(crate) symbols: BTreeMap<usize, String>,
}

/// What one load asked of the kernel.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recording {
    pub(crate) maps: Vec<CreatedMap>,
    pub(crate) programs: Vec<LoadedProgram>,
}

static RECORDING: Mutex<Option<Recording>> = Mutex::new(None);

/// Writes down what `work` asks of the kernel.
pub(crate) fn record<T>(work: impl FnOnce() -> T) -> (T, Recording) {
    let lock = || RECORDING.lock().expect("nobody panics while recording");
    *lock() = Some(Recording::default());
    let result = work();
    let recording = lock().take().unwrap_or_default();
    (result, recording)
}

unsafe extern "C" {
    fn __real_syscall(number: c_long, ...) -> c_long;
}

/// Stands in for `syscall()`, whose arguments come in registers however many were given.
///
/// # Safety
///
/// As for `syscall()`.
#[unsafe(no_mangle)]
unsafe extern "C" fn __wrap_syscall(
    number: c_long,
    a: c_long,
    b: c_long,
    c: c_long,
    d: c_long,
    e: c_long,
    f: c_long,
) -> c_long {
    // SAFETY: the caller's call, passed on.
    let result = unsafe { __real_syscall(number, a, b, c, d, e, f) };
    if number == libc::SYS_bpf {
        // SAFETY: the location of this thread's errno.
        let errno = unsafe { *libc::__errno_location() };
        // SAFETY: the caller's attributes for bpf(2), which the kernel has read just now.
        unsafe { note(a as u32, b as *const u8, c as usize, result, errno) };
        // SAFETY: as above.
        unsafe { *libc::__errno_location() = errno };
    }
    result
}

/// # Safety
///
/// `attr` are the `len` bytes of attributes of a `bpf(2)` call.
unsafe fn note(command: u32, attr: *const u8, len: usize, result: c_long, errno: i32) {
    if !matches!(command, sys::BPF_MAP_CREATE | sys::BPF_PROG_LOAD) {
        return;
    }
    let Ok(mut recording) = RECORDING.lock() else {
        return;
    };
    let Some(recording) = recording.as_mut() else {
        return;
    };
    let mut whole = sys::bpf_attr::default();
    let len = len.min(size_of::<sys::bpf_attr>());
    // SAFETY: both are that long, and any bytes are a valid `bpf_attr`.
    unsafe { std::ptr::copy_nonoverlapping(attr, (&raw mut whole).cast(), len) };
    let errno = if result < 0 { errno } else { 0 };
    if command == sys::BPF_MAP_CREATE {
        // SAFETY: this command's part of the union.
        let map = unsafe { whole.__bindgen_anon_1 };
        recording.maps.push(created(&map, errno));
    } else {
        // SAFETY: this command's part of the union.
        let program = unsafe { whole.__bindgen_anon_3 };
        // SAFETY: its addresses are those that the kernel has read just now.
        recording.programs.push(unsafe { loaded(&program, errno) });
    }
}

fn created(map: &sys::bpf_attr__bindgen_ty_1, errno: i32) -> CreatedMap {
    let present = |fd: u32| if fd == 0 { "none" } else { "given" }.to_owned();
    let attributes = BTreeMap::from([
        ("type", map.map_type.to_string()),
        ("key size", map.key_size.to_string()),
        ("value size", map.value_size.to_string()),
        ("max entries", map.max_entries.to_string()),
        ("flags", format!("{:#x}", map.map_flags)),
        ("inner map", present(map.inner_map_fd)),
        ("NUMA node", map.numa_node.to_string()),
        ("interface", map.map_ifindex.to_string()),
        ("extra", format!("{:#x}", map.map_extra)),
        (
            "BTF",
            // Without types it means nothing.
            match (map.btf_key_type_id | map.btf_value_type_id | map.btf_vmlinux_value_type_id) == 0
            {
                true => "none".to_owned(),
                false => present(map.btf_fd),
            },
        ),
        ("key type", map.btf_key_type_id.to_string()),
        ("value type", map.btf_value_type_id.to_string()),
        (
            "kernel's value type",
            map.btf_vmlinux_value_type_id.to_string(),
        ),
    ]);
    CreatedMap {
        name: text(&map.map_name),
        attributes,
        errno,
    }
}

/// # Safety
///
/// The addresses in `program` are good to read from.
unsafe fn loaded(program: &sys::bpf_attr__bindgen_ty_4, errno: i32) -> LoadedProgram {
    // SAFETY: the caller's word.
    let bytes = |address: u64, len: u32| unsafe { bytes(address, len as usize) };
    let insns: Vec<Insn> = bytes(program.insns, program.insn_cnt.saturating_mul(8))
        .chunks_exact(8)
        .map(|slot| Insn::decode(slot.try_into().expect("eight bytes"), Endian::NATIVE))
        .collect();
    // SAFETY: an address that the kernel has read a string from.
    let license = unsafe { std::ffi::CStr::from_ptr(program.license as *const c_char) };
    let func_info = bytes(
        program.func_info,
        program
            .func_info_cnt
            .saturating_mul(program.func_info_rec_size),
    );
    let line_info = bytes(
        program.line_info,
        program
            .line_info_cnt
            .saturating_mul(program.line_info_rec_size),
    );
    // SAFETY: both members are a number.
    let target = unsafe { program.__bindgen_anon_1.attach_prog_fd };
    let attributes = BTreeMap::from([
        ("type", program.prog_type.to_string()),
        ("attach type", program.expected_attach_type.to_string()),
        ("flags", format!("{:#x}", program.prog_flags)),
        ("license", license.to_string_lossy().into_owned()),
        ("attach type id", program.attach_btf_id.to_string()),
        (
            "attach target",
            if target == 0 { "none" } else { "given" }.to_owned(),
        ),
        ("functions", words(&func_info)),
        ("lines", words(&line_info)),
    ]);
    // SAFETY: the caller's word.
    let code = unsafe { Code::without_descriptors(insns, program.fd_array) };
    LoadedProgram {
        name: text(&program.prog_name),
        attributes,
        code,
        errno,
    }
}

impl Code {
    /// # Safety
    ///
    /// `modules` is 0 or the address of the descriptors that the instructions count off.
    unsafe fn without_descriptors(mut insns: Vec<Insn>, modules: u64) -> Code {
        let mut symbols = BTreeMap::new();
        for slot in 0..insns.len() {
            let insn = insns[slot];
            if insn.is_wide() {
                match insn.src {
                    pseudo::MAP_FD | pseudo::MAP_VALUE => {
                        symbols.insert(slot, map_name(insn.imm));
                        insns[slot].imm = 0;
                    }
                    pseudo::BTF_ID if insns.get(slot + 1).is_some_and(|next| next.imm != 0) => {
                        insns[slot + 1].imm = -1;
                    }
                    _ => {}
                }
            } else if insn.is_kfunc_call() && insn.off != 0 && modules != 0 {
                let place = modules as usize + insn.off as usize * size_of::<i32>();
                // SAFETY: the caller's word.
                let fd = unsafe { std::ptr::read_unaligned(place as *const i32) };
                symbols.insert(slot, btf_name(fd));
                insns[slot].off = -1;
            }
        }
        Code { insns, symbols }
    }
}

/// # Safety
///
/// `len` bytes can be read at `address`, if it is not 0.
unsafe fn bytes(address: u64, len: usize) -> Vec<u8> {
    if address == 0 || len == 0 {
        return Vec::new();
    }
    // SAFETY: the caller's word.
    unsafe { std::slice::from_raw_parts(address as *const u8, len) }.to_vec()
}

fn words(bytes: &[u8]) -> String {
    let words = bytes
        .chunks_exact(4)
        .map(|word| u32::from_ne_bytes(word.try_into().expect("four bytes")).to_string());
    words.collect::<Vec<_>>().join(" ")
}

pub(crate) fn text(name: &[c_char]) -> String {
    let bytes: Vec<u8> = name
        .iter()
        .map(|byte| *byte as u8)
        .take_while(|byte| *byte != 0)
        .collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What a map's descriptor stands for: the name that the kernel has for it, and its shape.
pub(crate) fn map_name(fd: i32) -> String {
    let mut info = sys::bpf_map_info::default();
    // SAFETY: `bpf_map_info` is what the kernel writes for a map, and any bytes are one.
    match unsafe { query(fd, &mut info) } {
        true => format!(
            "map `{}` ({}: {} to {}, {} entries)",
            text(&info.name),
            info.type_,
            info.key_size,
            info.value_size,
            info.max_entries
        ),
        false => "no map".to_owned(),
    }
}

/// What a descriptor of type information stands for: the module's name.
fn btf_name(fd: i32) -> String {
    let mut name = [0u8; 64];
    let mut info = sys::bpf_btf_info {
        name: name.as_mut_ptr() as u64,
        name_len: name.len() as u32,
        ..Default::default()
    };
    // SAFETY: `bpf_btf_info` is what the kernel writes for type information; the name has room.
    match unsafe { query(fd, &mut info) } {
        true => format!(
            "module {}",
            text(&name.map(|byte| byte as c_char)).trim_end()
        ),
        false => "no module".to_owned(),
    }
}

/// # Safety
///
/// `T` is what the kernel writes for this kind of descriptor, and its addresses are good to write to.
pub(crate) unsafe fn query<T>(fd: i32, info: &mut T) -> bool {
    let mut attr = sys::bpf_attr::default();
    attr.info.bpf_fd = fd as u32;
    attr.info.info_len = size_of::<T>() as u32;
    attr.info.info = (info as *mut T) as u64;
    // SAFETY: `info` is `info_len` bytes long.
    let result = unsafe {
        __real_syscall(
            libc::SYS_bpf,
            sys::BPF_OBJ_GET_INFO_BY_FD as c_long,
            &raw mut attr,
            size_of::<sys::bpf_attr>(),
        )
    };
    result == 0
}
