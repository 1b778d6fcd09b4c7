//! The reference: libbpf, behind the few calls that the comparison needs.

use std::ffi::{CStr, CString, c_char};
use std::path::Path;
use std::ptr::{NonNull, null, null_mut};

use libbpf_sys as sys;
use oxbpf::object::Endian;
use oxbpf::object::asm::Insn;

/// An opened object. It has its own copy of the bytes.
#[derive(Debug)]
pub(crate) struct Object(NonNull<sys::bpf_object>);

/// A program of an object, alive as long as that.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Program<'o> {
    raw: NonNull<sys::bpf_program>,
    _object: &'o Object,
}

/// A map of an object, alive as long as that.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Map<'o> {
    raw: NonNull<sys::bpf_map>,
    _object: &'o Object,
}

/// What there is to say about opening.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options<'a> {
    pub(crate) name: &'a str,
    pub(crate) pin_root: Option<&'a Path>,
    /// Types to relocate against instead of the running kernel's.
    pub(crate) btf: Option<&'a Path>,
}

fn c_string(text: impl AsRef<std::ffi::OsStr>) -> CString {
    CString::new(text.as_ref().as_encoded_bytes()).expect("a name without NUL")
}

/// # Safety
///
/// `text` is null or the start of a string that lives as long as nothing changes the object.
unsafe fn copied(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: the caller's word.
    unsafe { CStr::from_ptr(text) }
        .to_string_lossy()
        .into_owned()
}

/// Has libbpf say nothing.
pub(crate) fn silent() {
    // SAFETY: without a function, nothing is called.
    unsafe { sys::libbpf_set_print(None) };
}

/// The errno that libbpf left behind.
fn last_errno() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

impl Object {
    pub(crate) fn open(bytes: &[u8], options: Options<'_>) -> Result<Object, i32> {
        let name = c_string(options.name);
        let pin_root = options.pin_root.map(c_string);
        let btf = options.btf.map(c_string);
        let pointer = |text: &Option<CString>| text.as_ref().map_or(null(), |text| text.as_ptr());
        let options = sys::bpf_object_open_opts {
            sz: size_of::<sys::bpf_object_open_opts>() as sys::size_t,
            object_name: name.as_ptr(),
            pin_root_path: pointer(&pin_root),
            btf_custom_path: pointer(&btf),
            ..Default::default()
        };
        // SAFETY: the bytes are that many, the strings live until it returns, and libbpf copies all of them.
        let object = unsafe {
            sys::bpf_object__open_mem(bytes.as_ptr().cast(), bytes.len() as sys::size_t, &options)
        };
        NonNull::new(object).map(Object).ok_or_else(last_errno)
    }

    pub(crate) fn programs(&self) -> Vec<Program<'_>> {
        let mut programs: Vec<Program<'_>> = Vec::new();
        let mut last = null_mut();
        loop {
            // SAFETY: the object is alive, and `last` is null or one of its programs.
            last = unsafe { sys::bpf_object__next_program(self.0.as_ptr(), last) };
            let Some(raw) = NonNull::new(last) else {
                return programs;
            };
            programs.push(Program { raw, _object: self });
        }
    }

    pub(crate) fn maps(&self) -> Vec<Map<'_>> {
        let mut maps: Vec<Map<'_>> = Vec::new();
        let mut last = null_mut();
        loop {
            // SAFETY: the object is alive, and `last` is null or one of its maps.
            last = unsafe { sys::bpf_object__next_map(self.0.as_ptr(), last) };
            let Some(raw) = NonNull::new(last) else {
                return maps;
            };
            maps.push(Map { raw, _object: self });
        }
    }

    /// Everything up to loading the programs: relocations are done, maps are there.
    pub(crate) fn prepare(&self) -> Result<(), i32> {
        // SAFETY: the object is alive.
        match unsafe { sys::bpf_object__prepare(self.0.as_ptr()) } {
            0 => Ok(()),
            error => Err(-error),
        }
    }

    pub(crate) fn load(&self) -> Result<(), i32> {
        // SAFETY: the object is alive.
        match unsafe { sys::bpf_object__load(self.0.as_ptr()) } {
            0 => Ok(()),
            error => Err(-error),
        }
    }

    /// Loads it, and gives what the verifier says of one program.
    pub(crate) fn load_with_log(
        &self,
        program: Program<'_>,
        level: u32,
    ) -> (Result<(), i32>, String) {
        let mut log = vec![0u8; 16 << 20];
        // SAFETY: the program is alive; the room stays where it is while the program knows of it.
        unsafe {
            sys::bpf_program__set_log_level(program.raw.as_ptr(), level);
            let room = log.len() as sys::size_t;
            sys::bpf_program__set_log_buf(program.raw.as_ptr(), log.as_mut_ptr().cast(), room);
        }
        let result = self.load();
        // SAFETY: as above; from here on it does not know of it any more.
        unsafe { sys::bpf_program__set_log_buf(program.raw.as_ptr(), null_mut(), 0) };
        let end = log.iter().position(|byte| *byte == 0).unwrap_or(log.len());
        (result, String::from_utf8_lossy(&log[..end]).into_owned())
    }
}

/// Runs a program on a packet of zeros, or on nothing. Gives what it returns.
pub(crate) fn test_run(program: i32, packet: usize, room: usize) -> Result<u32, i32> {
    let (data, mut out) = (vec![0u8; packet], vec![0u8; room]);
    let mut options = sys::bpf_test_run_opts {
        sz: size_of::<sys::bpf_test_run_opts>() as sys::size_t,
        ..Default::default()
    };
    if packet != 0 {
        options.data_in = data.as_ptr().cast();
        options.data_size_in = data.len() as u32;
        options.data_out = out.as_mut_ptr().cast();
        options.data_size_out = out.len() as u32;
        options.repeat = 1;
    }
    // SAFETY: what the options point to is as long as they say, and lives until it returns.
    match unsafe { sys::bpf_prog_test_run_opts(program, &raw mut options) } {
        0 => Ok(options.retval),
        error => Err(-error),
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        // SAFETY: nobody has a program or a map of it any more.
        unsafe { sys::bpf_object__close(self.0.as_ptr()) };
    }
}

impl Program<'_> {
    pub(crate) fn name(&self) -> String {
        // SAFETY: the program is alive, as its object is.
        unsafe { copied(sys::bpf_program__name(self.raw.as_ptr())) }
    }

    pub(crate) fn section(&self) -> String {
        // SAFETY: the program is alive, as its object is.
        unsafe { copied(sys::bpf_program__section_name(self.raw.as_ptr())) }
    }

    pub(crate) fn program_type(&self) -> u32 {
        // SAFETY: the program is alive, as its object is.
        unsafe { sys::bpf_program__type(self.raw.as_ptr()) }
    }

    pub(crate) fn set_type(&self, program_type: u32) {
        // SAFETY: the program is alive, as its object is.
        unsafe { sys::bpf_program__set_type(self.raw.as_ptr(), program_type) };
    }

    pub(crate) fn attach_type(&self) -> u32 {
        // SAFETY: the program is alive, as its object is.
        unsafe { sys::bpf_program__expected_attach_type(self.raw.as_ptr()) }
    }

    pub(crate) fn autoload(&self) -> bool {
        // SAFETY: the program is alive, as its object is.
        unsafe { sys::bpf_program__autoload(self.raw.as_ptr()) }
    }

    pub(crate) fn set_autoload(&self, autoload: bool) {
        // SAFETY: the program is alive, as its object is.
        unsafe { sys::bpf_program__set_autoload(self.raw.as_ptr(), autoload) };
    }

    pub(crate) fn add_flags(&self, flags: u32) {
        // SAFETY: the program is alive, as its object is.
        unsafe {
            let before = sys::bpf_program__flags(self.raw.as_ptr());
            sys::bpf_program__set_flags(self.raw.as_ptr(), before | flags);
        }
    }

    pub(crate) fn fd(&self) -> i32 {
        // SAFETY: the program is alive, as its object is.
        unsafe { sys::bpf_program__fd(self.raw.as_ptr()) }
    }

    /// The instructions as they are now, in this machine's byte order whatever the object's.
    pub(crate) fn insns(&self) -> Vec<Insn> {
        // SAFETY: the program is alive, as its object is.
        let (start, count) = unsafe {
            (
                sys::bpf_program__insns(self.raw.as_ptr()),
                sys::bpf_program__insn_cnt(self.raw.as_ptr()),
            )
        };
        if start.is_null() {
            return Vec::new();
        }
        // SAFETY: the program's instructions are that many; nothing changes them meanwhile.
        let bytes =
            unsafe { std::slice::from_raw_parts(start.cast::<u8>(), count as usize * Insn::SIZE) };
        let slots = bytes.chunks_exact(Insn::SIZE);
        slots
            .map(|slot| Insn::decode(slot.try_into().expect("a slot's bytes"), Endian::NATIVE))
            .collect()
    }
}

/// What a getter of a map gives.
macro_rules! getters {
    ($($name:ident: $getter:ident -> $type:ty;)*) => {
        $(pub(crate) fn $name(&self) -> $type {
            // SAFETY: the map is alive, as its object is.
            unsafe { sys::$getter(self.raw.as_ptr()) }
        })*
    };
}

impl Map<'_> {
    getters! {
        map_type: bpf_map__type -> u32;
        key_size: bpf_map__key_size -> u32;
        value_size: bpf_map__value_size -> u32;
        max_entries: bpf_map__max_entries -> u32;
        flags: bpf_map__map_flags -> u32;
        numa_node: bpf_map__numa_node -> u32;
        extra: bpf_map__map_extra -> u64;
        autocreate: bpf_map__autocreate -> bool;
        is_internal: bpf_map__is_internal -> bool;
        fd: bpf_map__fd -> i32;
    }

    pub(crate) fn name(&self) -> String {
        // SAFETY: the map is alive, as its object is.
        unsafe { copied(sys::bpf_map__name(self.raw.as_ptr())) }
    }

    pub(crate) fn set_autocreate(&self, autocreate: bool) {
        // SAFETY: the map is alive, as its object is.
        unsafe { sys::bpf_map__set_autocreate(self.raw.as_ptr(), autocreate) };
    }

    pub(crate) fn pin_path(&self) -> String {
        // SAFETY: the map is alive, as its object is.
        unsafe { copied(sys::bpf_map__pin_path(self.raw.as_ptr())) }
    }
}
