//! Programs with signatures, and maps for one program alone. Linux 6.18.

#[macro_use]
mod common;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use oxbpf::map::{CreateOptions, Map};
use oxbpf::object::asm::{self, Insn, R0, R1};
use oxbpf::object::kernel::ProgramType;
use oxbpf::object::spec::{MapSpec, RelocTarget};
use oxbpf::object::{CollectionSpec, Endian, MapType};
use oxbpf::program::{Keyring, ProgramLoad, Signature, TestRun};
use oxbpf::{Error, ErrorKind, Loadable, Loader, Program, Result};
use rustix::io::Errno;

const NOT_CHECKED: &str = "this kernel checks no signatures of programs";
const NO_EXCLUSIVE: &str = "this kernel has no maps for one program alone";
const NO_OPENSSL: &str = "there is no openssl";

/// A key, and a certificate for it in the keyring of this process.
struct Key(PathBuf);

/// How a certificate looks that the kernel takes for a key.
const CONFIG: &str = "[req]\ndistinguished_name=dn\nprompt=no\nx509_extensions=ext\n\
    [dn]\nCN=oxbpf test\n\
    [ext]\nbasicConstraints=critical,CA:FALSE\nkeyUsage=digitalSignature\nsubjectKeyIdentifier=hash\n";

impl Key {
    /// `None` where there is no openssl(1) to make one.
    fn new(name: &str) -> Option<Self> {
        let directory = std::env::temp_dir().join(format!("oxbpf-{name}-{}", std::process::id()));
        fs::create_dir(&directory).unwrap();
        let key = Self(directory);
        fs::write(key.0.join("config"), CONFIG).unwrap();
        let made = key.openssl(
            "req -x509 -newkey rsa:2048 -nodes -sha256 -days 3650 -batch -config config -keyout key -out certificate",
        )?;
        assert!(made, "openssl makes no key");
        Some(key)
    }

    /// Whether it did as told.
    fn openssl(&self, arguments: &str) -> Option<bool> {
        let mut command = Command::new("openssl");
        command.args(arguments.split(' ')).current_dir(&self.0);
        let output = command.output().ok()?;
        if !output.status.success() {
            eprintln!("{}", String::from_utf8_lossy(&output.stderr));
        }
        Some(output.status.success())
    }

    /// Puts its certificate into the keyring of this process. Whether the kernel takes such keys.
    #[allow(unsafe_code)]
    fn add(&self) -> bool {
        self.openssl("x509 -in certificate -outform DER -out certificate.der");
        let certificate = fs::read(self.0.join("certificate.der")).unwrap();
        // SAFETY: strings with a NUL at their end, and bytes with their number.
        let serial = unsafe {
            libc::syscall(
                libc::SYS_add_key,
                c"asymmetric".as_ptr(),
                c"oxbpf test".as_ptr(),
                certificate.as_ptr(),
                certificate.len(),
                libc::c_long::from(Keyring::PROCESS.0),
            )
        };
        serial > 0
    }

    /// Its signature over some bytes.
    fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        fs::write(self.0.join("bytes"), bytes).unwrap();
        self.openssl(
            "cms -sign -binary -noattr -nocerts -md sha256 -outform DER -in bytes -signer certificate -inkey key -out signature",
        );
        fs::read(self.0.join("signature")).unwrap()
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn returning(value: i32) -> Vec<Insn> {
    asm::program([asm::mov(R0, value), asm::exit()])
}

fn load(insns: &[Insn], signature: Option<Signature<'_>>) -> Result<Program> {
    ProgramLoad {
        name: "signed",
        program_type: ProgramType::SOCKET_FILTER,
        insns,
        license: "GPL",
        signature,
        ..ProgramLoad::default()
    }
    .load()
}

/// Whether the kernel does not even look at signatures.
fn is_unchecked(error: &Error) -> bool {
    error.kind() == ErrorKind::Unsupported
        || error
            .to_string()
            .contains("CONFIG_SYSTEM_DATA_VERIFICATION")
}

#[test]
fn a_program_is_loaded_if_its_signature_is_right() {
    let Some(key) = Key::new("sign") else {
        skip!("{NO_OPENSSL}");
    };
    let insns = returning(7);
    let bytes = key.sign(&asm::encode(&insns, Endian::NATIVE));
    let signature = |keyring| {
        Some(Signature {
            bytes: &bytes,
            keyring,
        })
    };
    require!(key.add(), "{NOT_CHECKED}");
    let program = match load(&insns, signature(Keyring::PROCESS)) {
        Err(error) if is_unchecked(&error) => skip!("{NOT_CHECKED}"),
        loaded => loaded.unwrap(),
    };
    let run = TestRun {
        data: &[0; 14],
        ..TestRun::default()
    };
    assert_eq!(program.test_run(run).unwrap().return_value, 7);

    let tampered = load(&returning(8), signature(Keyring::PROCESS)).unwrap_err();
    assert_eq!(tampered.kind(), ErrorKind::Rejected, "{tampered}");
    assert!(tampered.to_string().contains("not over these instructions"));
    // Somebody else's key.
    let unknown = load(&insns, signature(Keyring::BUILTIN)).unwrap_err();
    assert_eq!(unknown.errno(), Some(Errno::NOKEY), "{unknown}");
    assert_eq!(unknown.kind(), ErrorKind::NotFound);
    let garbage = Signature {
        bytes: b"no signature",
        keyring: Keyring::PROCESS,
    };
    let garbage = load(&insns, Some(garbage)).unwrap_err();
    assert!(garbage.to_string().contains("no CMS"), "{garbage}");
    let nowhere = load(&insns, signature(Keyring(i32::MAX))).unwrap_err();
    assert!(nowhere.to_string().contains("keyring"), "{nowhere}");
}

fn globals() -> CollectionSpec {
    fixtures::globals::Spec::embedded()
        .unwrap()
        .into_spec()
        .unwrap()
}

fn position(spec: &CollectionSpec, name: &str) -> usize {
    let mut programs = spec.programs().iter();
    programs.position(|program| program.name == name).unwrap()
}

/// Its maps have other descriptors each time, which a signature does not go over.
#[test]
fn a_program_of_an_object_is_signed_once() {
    let Some(key) = Key::new("object") else {
        skip!("{NO_OPENSSL}");
    };
    let spec = globals();
    let bytes = spec.signed_bytes(position(&spec, "count")).unwrap();
    let signature = key.sign(&bytes);
    require!(key.add(), "{NOT_CHECKED}");
    let loader = Loader::new().signature("count", &*signature, Keyring::PROCESS);
    let mut held = Vec::new();
    for _ in 0..2 {
        let collection = match loader.load(spec.clone()) {
            Err(error) if is_unchecked(&error) => skip!("{NOT_CHECKED}"),
            Err(error) if error.to_string().contains("must be exclusive") => {
                skip!("this kernel wants the maps of a signed program to be signed")
            }
            loaded => loaded.unwrap(),
        };
        let run = TestRun {
            data: &[0; 14],
            ..TestRun::default()
        };
        let program = collection.program("count").unwrap();
        program.test_run(run).unwrap();
        let runs = collection.variable::<u64>("runs").unwrap();
        assert_eq!(runs.load().unwrap(), 1);
        held.push(collection);
    }
    let mut tampered = spec;
    let function = tampered.program("count").unwrap().function;
    let more = asm::program([asm::exit()]);
    tampered.functions_mut()[function].insns.extend(more);
    let error = loader.load(tampered).unwrap_err();
    assert_eq!(error.errno(), Some(Errno::KEYREJECTED), "{error}");
}

/// Linux 7 wants all maps of a signed program to be, frozen ones, and their contents to be signed.
#[test]
fn the_maps_of_a_signed_program_are_for_it_alone() {
    let Some(key) = Key::new("owner") else {
        skip!("{NO_OPENSSL}");
    };
    let mut spec = globals();
    let count = position(&spec, "count");
    let is_constant = |map: &MapSpec| map.name == ".rodata";
    let constants = spec.maps().iter().position(is_constant).unwrap();
    let function = spec.program("count").unwrap().function;
    let function = &mut spec.functions_mut()[function];
    function.insns = asm::program([asm::load_map_value(R1, 0, 0), asm::mov(R0, 0), asm::exit()]);
    function.line_info.clear();
    function.relocs = vec![oxbpf::object::spec::Reloc {
        insn: 0,
        target: RelocTarget::MapValue {
            map: constants,
            offset: 0,
        },
    }];
    let map = &mut spec.maps_mut()[constants];
    map.exclusive_to = Some(count);
    let mut contents = map.data.as_ref().unwrap().contents.to_vec();
    contents.resize(map.value_size as usize, 0);
    require!(key.add(), "{NOT_CHECKED}");
    let insns = spec.signed_bytes(count).unwrap();
    let with_signature_of = |bytes: &[u8]| {
        let signature = key.sign(bytes);
        let loader = Loader::new().signature("count", &*signature, Keyring::PROCESS);
        loader.load(spec.clone())
    };
    let of_insns = with_signature_of(&insns);
    if of_insns.as_ref().is_err_and(is_unchecked) {
        skip!("{NOT_CHECKED}");
    }
    let of_all = with_signature_of(&[&*insns, &*contents].concat());
    match (of_insns, of_all) {
        // Linux 6.18, and 7.
        (Ok(loaded), Err(error)) | (Err(error), Ok(loaded)) => {
            assert!(loaded.has_program("count"));
            assert_eq!(error.errno(), Some(Errno::KEYREJECTED), "{error}");
        }
        (one, other) => panic!("{one:?}, {other:?}"),
    }
}

/// As every kernel with signatures takes it.
#[test]
fn a_program_without_maps_is_signed_as_it_is() {
    let Some(key) = Key::new("bare") else {
        skip!("{NO_OPENSSL}");
    };
    let mut spec = globals();
    let function = spec.program("count").unwrap().function;
    let function = &mut spec.functions_mut()[function];
    function.insns = returning(3);
    function.relocs.clear();
    function.line_info.clear();
    let bytes = spec.signed_bytes(position(&spec, "count")).unwrap();
    assert_eq!(bytes, asm::encode(&returning(3), Endian::NATIVE));
    for map in spec.maps_mut() {
        map.autocreate = false;
    }
    require!(key.add(), "{NOT_CHECKED}");
    let signature = key.sign(&bytes);
    let loader = Loader::new().signature("count", &*signature, Keyring::PROCESS);
    match loader.load(spec.clone()) {
        Err(error) if is_unchecked(&error) => skip!("{NOT_CHECKED}"),
        loaded => assert!(loaded.unwrap().has_program("count")),
    }
    let function = spec.program("count").unwrap().function;
    spec.functions_mut()[function].insns = returning(4);
    let error = loader.load(spec).unwrap_err();
    assert_eq!(error.errno(), Some(Errno::KEYREJECTED), "{error}");
}

/// Nothing is checked here: it is about how the instructions name maps.
#[test]
fn maps_go_by_position_in_what_is_signed() {
    let spec = globals();
    let bytes = spec.signed_bytes(position(&spec, "count")).unwrap();
    let insns = asm::decode(&bytes, Endian::NATIVE).unwrap();
    let function = &spec.functions()[spec.program("count").unwrap().function];
    let used = spec.assemble(position(&spec, "count")).unwrap().maps();
    let mut maps = 0;
    for reloc in &function.relocs {
        if let RelocTarget::MapValue { map, offset } = reloc.target {
            let [first, second, ..] = &insns[reloc.insn..] else {
                panic!("cut off");
            };
            assert_eq!(first.src, asm::pseudo::MAP_IDX_VALUE);
            let index = used.iter().position(|used| *used == map).unwrap();
            assert_eq!((first.imm, second.imm), (index as i32, offset as i32));
            maps += 1;
        }
    }
    assert!(maps > 2);
    let core = fixtures::core::Spec::embedded()
        .unwrap()
        .into_spec()
        .unwrap();
    let name = position(&core, "read_missing");
    let error = core.signed_bytes(name).unwrap_err();
    assert!(
        error.to_string().contains("depend on the kernel's types"),
        "{error}"
    );
}

fn array(exclusive_to: &[u8]) -> Result<Map> {
    let spec = MapSpec {
        map_type: MapType::ARRAY,
        key_size: 4,
        value_size: 8,
        max_entries: 1,
        ..MapSpec::default()
    };
    let options = CreateOptions {
        exclusive_to,
        ..CreateOptions::default()
    };
    Map::create("exclusive", &spec, options)
}

macro_rules! exclusive {
    ($made:expr) => {
        match $made {
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                assert!(error.remedy().unwrap().contains("6.18"), "{error}");
                skip!("{NO_EXCLUSIVE}")
            }
            made => made,
        }
    };
}

#[test]
fn the_kernel_computes_the_same_hash() {
    use std::os::fd::{AsFd, AsRawFd};

    let insns = |map: &Map, value| {
        let descriptor = map.as_fd().as_raw_fd();
        asm::program([
            asm::load_map(R1, descriptor),
            asm::mov(R0, value),
            asm::exit(),
        ])
    };
    let shared = array(&[]).unwrap();
    let hash = asm::digest(&insns(&shared, 5));
    let own = exclusive!(array(&hash)).unwrap();
    let program = load(&insns(&own, 5), None).unwrap();
    assert_eq!(program.info().unwrap().tag, hash[..8]);
    let error = load(&insns(&own, 6), None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected, "{error}");
    load(&insns(&shared, 6), None).unwrap();
}

#[test]
fn a_map_of_an_object_is_for_one_program() {
    let with = |change: fn(&mut CollectionSpec)| {
        let mut spec = fixtures::levels::Spec::embedded()
            .unwrap()
            .into_spec()
            .unwrap();
        for program in spec.programs_mut() {
            program.autoload = ["target", "other_target"].contains(&program.name.as_str());
        }
        // Both read the one variable.
        let bss = spec
            .maps()
            .iter()
            .position(|map| map.name == ".bss")
            .unwrap();
        for name in ["target", "other_target"] {
            let function = spec.program(name).unwrap().function;
            let function = &mut spec.functions_mut()[function];
            let value = if name == "target" { 1 } else { 2 };
            function.insns = asm::program([
                asm::load_map_value(R1, 0, 0),
                asm::mov(R0, value),
                asm::exit(),
            ]);
            function.line_info.clear();
            function.relocs = vec![oxbpf::object::spec::Reloc {
                insn: 0,
                target: RelocTarget::MapValue {
                    map: bss,
                    offset: 8,
                },
            }];
        }
        spec.maps_mut()[bss].exclusive_to = Some(position(&spec, "target"));
        change(&mut spec);
        Loader::new().keep_going(spec)
    };
    let loaded = with(|_| {}).unwrap();
    if let Some((_, error)) = loaded.failed_maps.first() {
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        skip!("{NO_EXCLUSIVE}");
    }
    let report = |name: &str| loaded.report(name).unwrap();
    assert!(
        report("target").is_loaded(),
        "{:?}",
        report("target").error()
    );
    let summary = report("other_target").summary().unwrap();
    assert!(summary.contains("excl"), "{summary}");
}

#[test]
fn the_program_that_a_map_is_for_has_to_be_loaded() {
    let mut spec = globals();
    let data = spec.map_mut(".data").unwrap();
    data.exclusive_to = Some(99);
    let error = Loader::new().load(spec).unwrap_err();
    assert!(
        error.to_string().contains("there is no program 99"),
        "{error}"
    );
}
