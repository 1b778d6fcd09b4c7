//! What to begin with: the fixtures of the tests, compiled now, and what we write ourselves.

use std::path::{Path, PathBuf};
use std::process::Command;

use object::{Object as _, ObjectSection as _};
use oxbpf_object::asm::{self, Op, Reg};
use oxbpf_object::btf::{
    Array, BtfBuilder, DeclTag, Enumerator, FuncLinkage, Int, Member, Param, SectionVar, TypeTag,
    VarLinkage,
};
use oxbpf_object::{Endian, section_name};

use crate::pair;

/// C files to be compiled, from the root of the project.
const SOURCES: &[&str] = &[
    "crates/oxbpf-object/tests/fixtures/elf/everything.bpf.c",
    "crates/oxbpf-object/tests/fixtures/elf/kprobe.bpf.c",
    "crates/oxbpf-object/tests/fixtures/elf/legacy.bpf.c",
    "crates/oxbpf-object/tests/fixtures/elf/liberal.bpf.c",
    "crates/oxbpf-object/tests/fixtures/elf/linked.bpf.c",
    "crates/oxbpf-object/tests/fixtures/elf/struct_ops.bpf.c",
    "crates/oxbpf-object/tests/fixtures/elf/undefined.bpf.c",
    "crates/oxbpf-object/tests/fixtures/linker/library.bpf.c",
    "crates/oxbpf-object/tests/fixtures/linker/main.bpf.c",
    "fixtures/src/bpf/core.bpf.c",
    "fixtures/src/bpf/globals.bpf.c",
    "fixtures/src/bpf/kconfig.bpf.c",
    "fixtures/src/bpf/ksyms.bpf.c",
    "fixtures/src/bpf/maps.bpf.c",
];

/// Those that are to be linked with each other.
const PARTS: &[&str] = &["library", "main"];

/// Those that the generator takes, and the smallest of them.
const GENERATED: &[&str] = &["kprobe", "globals", "maps"];

/// Compilers, the best first.
const CLANGS: &[&str] = &["clang-21", "clang-20", "clang-19", "clang"];

/// An object: the stem of its source, its byte order, its bytes.
type Compiled = (&'static str, Endian, Vec<u8>);

/// All that seeds are made of. Without clang there are no objects.
#[derive(Debug, Default)]
pub struct Seeds {
    objects: Vec<Compiled>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

impl Seeds {
    /// Compiles.
    #[must_use]
    pub fn new() -> Self {
        let targets = [("bpfel", Endian::Little), ("bpfeb", Endian::Big)];
        let mut objects = Vec::new();
        for source in SOURCES {
            for (target, endian) in targets {
                let stem = source
                    .rsplit('/')
                    .next()
                    .and_then(|name| name.split('.').next());
                if let Some(bytes) = compile(&root().join(source), target) {
                    objects.push((stem.unwrap_or_default(), endian, bytes));
                }
            }
        }
        Self { objects }
    }

    /// Writes them as files, a directory for each target.
    ///
    /// # Errors
    ///
    /// They cannot be written there.
    pub fn write(&self, dir: &Path) -> std::io::Result<()> {
        for target in crate::TARGETS {
            let dir = dir.join(target.name);
            std::fs::create_dir_all(&dir)?;
            for (n, seed) in (target.seeds)(self).iter().enumerate() {
                std::fs::write(dir.join(format!("seed-{n}")), seed)?;
            }
        }
        Ok(())
    }

    fn named<'s>(&'s self, names: &'s [&str]) -> impl Iterator<Item = &'s Compiled> {
        self.objects
            .iter()
            .filter(move |(name, ..)| names.contains(name))
    }

    /// A section of each object that has it.
    fn sections(&self, name: &str) -> Vec<Vec<u8>> {
        let section = |bytes: &[u8]| {
            let file = object::File::parse(bytes).ok()?;
            Some(file.section_by_name(name)?.data().ok()?.to_vec())
        };
        self.objects
            .iter()
            .filter_map(|(.., bytes)| section(bytes))
            .collect()
    }

    pub(crate) fn objects(&self) -> Vec<Vec<u8>> {
        self.objects
            .iter()
            .map(|(.., bytes)| bytes.clone())
            .collect()
    }

    pub(crate) fn object_pairs(&self) -> Vec<Vec<u8>> {
        let mut pairs = Vec::new();
        for (one, endian, first) in self.named(PARTS) {
            for (other, _, second) in self.named(PARTS).filter(|(_, other, _)| other == endian) {
                if one != other {
                    pairs.push(pair::join(first, second));
                }
            }
        }
        pairs.extend(
            self.objects
                .iter()
                .map(|(.., bytes)| pair::join(bytes, &[])),
        );
        pairs
    }

    pub(crate) fn generated(&self) -> Vec<Vec<u8>> {
        self.named(GENERATED)
            .map(|(.., bytes)| bytes.clone())
            .collect()
    }

    pub(crate) fn btf(&self) -> Vec<Vec<u8>> {
        let mut seeds = self.sections(".BTF");
        // Small ones are mutated more often in the same time, and say as much.
        seeds.retain(|seed| seed.len() < 2048);
        for endian in [Endian::Little, Endian::Big] {
            seeds.extend(every_kind().to_bytes(endian));
        }
        for file in ["kinds.el.btf", "kinds.eb.btf", "lines.el.btf"] {
            seeds.extend(fixture(file));
        }
        seeds
    }

    pub(crate) fn btf_pairs(&self) -> Vec<Vec<u8>> {
        let every = every_kind();
        let (Ok(bytes), Ok(base)) = (every.to_bytes(Endian::Little), every.build()) else {
            return Vec::new();
        };
        let mut own = BtfBuilder::split(&base);
        let member = Member {
            name: "of_base",
            ty: oxbpf_object::btf::TypeId(2),
            bit_offset: 0,
            bitfield_size: 0,
        };
        own.add_struct("own", 8, &[member]);
        own.add_typedef("point_t", oxbpf_object::btf::TypeId(3));
        own.to_bytes(Endian::Little)
            .map(|own| pair::join(&bytes, &own))
            .into_iter()
            .collect()
    }

    pub(crate) fn btf_ext(&self) -> Vec<Vec<u8>> {
        let compiled = self
            .sections(".BTF")
            .into_iter()
            .zip(self.sections(".BTF.ext"));
        let mut seeds: Vec<_> = compiled.map(|(btf, ext)| pair::join(&btf, &ext)).collect();
        for endian in ["el", "eb"] {
            let files = (
                fixture(&format!("lines.{endian}.btf")),
                fixture(&format!("lines.{endian}.btf.ext")),
            );
            if let (Some(btf), Some(ext)) = files {
                seeds.push(pair::join(&btf, &ext));
            }
        }
        seeds
    }

    pub(crate) fn core(&self) -> Vec<Vec<u8>> {
        let Ok(btf) = every_kind().to_bytes(Endian::Little) else {
            return Vec::new();
        };
        let types = pair::join(&btf, &btf);
        let relocation = |id: u32, kind: u32, opcode: u8, access: &str| {
            let mut bytes = [id.to_le_bytes(), kind.to_le_bytes()].concat();
            bytes.extend([opcode, 0x12, 8, 0, 4, 0, 0, 0]);
            bytes.extend(access.as_bytes());
            pair::join(&bytes, &types)
        };
        let ids = 1..=24;
        let mut seeds: Vec<_> = ids.map(|id| relocation(id, id % 13, 0xb7, "0:0")).collect();
        seeds.extend([
            relocation(5, 0, 0x79, "0:1"),
            relocation(5, 2, 0xb7, "0:2:3"),
            relocation(9, 10, 0x18, "1"),
        ]);
        seeds
    }

    pub(crate) fn values(&self) -> Vec<Vec<u8>> {
        const TEXTS: &[&str] = &[
            "7",
            "0xff",
            "-1",
            "'a'",
            "HUGE",
            "init",
            "\"a\\n\"",
            "hex 01 02 ff",
            "[1, 2]",
            "{x=1, flags=-1, name=\"init\", a=2, y=0x10}",
            "{\"x\": 1, \"name\": [105, 0], \"b\": 3}",
            "{origin={x=1}}",
        ];
        let bytes: Vec<u8> = (0u8..64).map(|n| n.wrapping_mul(37)).collect();
        let every = every_kind();
        let types = [Endian::Little, Endian::Big].map(|endian| every.to_bytes(endian));
        let types = types.into_iter().flatten();
        types
            .flat_map(|types| {
                let seed = |text: &&str| pair::join(&types, &pair::join(text.as_bytes(), &bytes));
                TEXTS.iter().map(seed).collect::<Vec<_>>()
            })
            .collect()
    }

    pub(crate) fn instructions(&self) -> Vec<Vec<u8>> {
        let ops: Vec<Op> = vec![
            asm::load_imm64(Reg::R1, 0x1234_5678_9abc_def0),
            asm::load_map(Reg::R1, 5),
            asm::load_map_value(Reg::R2, 5, 8),
            asm::load_function(Reg::R3, 2),
            asm::mov(Reg::R0, 1),
            asm::add(Reg::R0, Reg::R1),
            asm::neg(Reg::R0),
            asm::call_subprogram(1),
            asm::call_kfunc(77),
            asm::goto_long(1),
            asm::may_goto(1),
            asm::exit(),
        ];
        let mut seeds = vec![asm::encode(&asm::program(ops), Endian::Little)];
        seeds.extend(self.sections("socket"));
        seeds.extend(self.sections("kprobe/sys_execve"));
        seeds
    }

    pub(crate) fn section_names(&self) -> Vec<Vec<u8>> {
        let targets = [
            "",
            "/do_exit",
            "/do_exit+0x10",
            "/libc.so.6:malloc",
            "/a:b:c",
            "/sched/sched_switch",
            "/tcp_*",
        ];
        let names = section_name::section_defs()
            .iter()
            .zip(targets.iter().cycle());
        names
            .map(|(def, target)| format!("?{}{target}", def.name).into_bytes())
            .collect()
    }

    pub(crate) fn kconfig(&self) -> Vec<Vec<u8>> {
        let text = "# CONFIG_A is not set\nCONFIG_BPF=y\nCONFIG_M=m\nCONFIG_HZ=250\nCONFIG_X=0xffffffffffffffff\n\
                    CONFIG_N=-5\nCONFIG_NAME=\"(none)\"\nCONFIG_Q=\"a\\\"b\"\n";
        vec![text.into()]
    }

    pub(crate) fn kallsyms(&self) -> Vec<Vec<u8>> {
        let text = "ffffffff81000000 T _stext\nffffffff81000010 t do_exit.isra.0\nffffffff81000020 T do_exit\n\
                    ffffffffc0000000 t a\t[veth]\nffffffff82000000 d a.llvm.123\n0000000000000000 A fixed_percpu_data\n";
        vec![text.into()]
    }

    pub(crate) fn verifier_logs(&self) -> Vec<Vec<u8>> {
        let dir = root().join("crates/oxbpf/tests/fixtures/verifier_logs");
        let logs = std::fs::read_dir(dir).into_iter().flatten().flatten();
        let mut paths: Vec<_> = logs.map(|log| log.path()).collect();
        paths.sort();
        paths
            .iter()
            .filter_map(|path| std::fs::read(path).ok())
            .flat_map(|log| {
                let parts = log.chunks(2048).map(<[u8]>::to_vec);
                parts.collect::<Vec<_>>()
            })
            .collect()
    }

    pub(crate) fn gzip(&self) -> Vec<Vec<u8>> {
        // `printf 'CONFIG_BPF=y\n' | gzip -n`, and one with a name.
        let mut plain = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
        plain.extend([1, 13, 0, 0xf2, 0xff]);
        plain.extend(b"CONFIG_BPF=y\n");
        plain.extend([0; 4]);
        plain.extend(13u32.to_le_bytes());
        let mut named = plain.clone();
        named[3] = 8;
        named.splice(10..10, *b"config\0");
        vec![plain, named]
    }

    pub(crate) fn ring(&self) -> Vec<Vec<u8>> {
        let records = [(5, 0), (8, 1 << 30), (24, 0), (16, 1 << 31), (8, 0)];
        let mut data = Vec::new();
        for (len, bits) in records {
            data.extend(u64::from(len | bits as u32).to_le_bytes());
            data.extend(vec![7; (len as usize).next_multiple_of(8)]);
        }
        let positions =
            |read: u64, distance: u64| [read.to_le_bytes(), distance.to_le_bytes()].concat();
        let with = |front: Vec<u8>| [front, data.clone()].concat();
        vec![
            with(positions(0, 72)),
            with(positions(4096 * 5, 4096)),
            with(positions(u64::MAX - 4095, 104)),
        ]
    }

    pub(crate) fn perf(&self) -> Vec<Vec<u8>> {
        let mut data = Vec::new();
        for (kind, size) in [(9u32, 24u16), (2, 24), (9, 16), (77, 8), (9, 40)] {
            data.extend(kind.to_le_bytes());
            data.extend([0, 0]);
            data.extend(size.to_le_bytes());
            data.extend(u32::from(size - 8).saturating_sub(4).to_le_bytes());
            data.extend(vec![3; usize::from(size - 8).saturating_sub(4)]);
        }
        let positions = |written: u64| [written.to_le_bytes(), [0; 8]].concat();
        vec![
            [positions(112), data.clone()].concat(),
            [positions(4096), data].concat(),
        ]
    }
}

/// A file of the tests of BTF.
fn fixture(name: &str) -> Option<Vec<u8>> {
    std::fs::read(
        root()
            .join("crates/oxbpf-object/tests/fixtures/btf")
            .join(name),
    )
    .ok()
}

fn compile(source: &Path, target: &str) -> Option<Vec<u8>> {
    for clang in CLANGS {
        let mut command = Command::new(clang);
        command
            .args(["-target", target, "-O2", "-g", "-w", "-fno-addrsig"])
            .args(["-c", "-o", "-"])
            .arg(source);
        if let Some(dir) = ["x86_64-linux-gnu", "aarch64-linux-gnu"]
            .iter()
            .map(|arch| format!("/usr/include/{arch}"))
            .find(|dir| Path::new(dir).exists())
        {
            command.arg(format!("-I{dir}"));
        }
        let Ok(output) = command.output() else {
            continue;
        };
        return bpf2rs::strip(&output.stdout)
            .ok()
            .filter(|_| output.status.success());
    }
    None
}

/// Types of all kinds, referring to each other in many ways.
fn every_kind() -> BtfBuilder {
    let mut types = BtfBuilder::new();
    let int = types.add_signed("int", 4);
    let long = types.add_unsigned("unsigned long", 8);
    let char = types.add_int(
        "char",
        Int {
            is_char: true,
            ..Int::unsigned(1)
        },
    );
    let array = types.add_array(Array {
        element: char,
        index: int,
        len: 16,
    });
    let member = |name, ty, bit_offset, bitfield_size| Member {
        name,
        ty,
        bit_offset,
        bitfield_size,
    };
    let anonymous = types.add_union("", 8, &[member("a", int, 0, 0), member("b", long, 0, 0)]);
    let point = types.add_struct(
        "point",
        40,
        &[
            member("x", int, 0, 0),
            member("flags", int, 32, 3),
            member("name", array, 64, 0),
            member("", anonymous, 192, 0),
            member("y", long, 256, 0),
        ],
    );
    let pointer = types.add_ptr(point);
    let constant = types.add_const(pointer);
    let enumerators = [
        Enumerator {
            name: "A",
            value: 0,
        },
        Enumerator {
            name: "B",
            value: 7,
        },
    ];
    let small = types.add_enum("small", 4, false, &enumerators);
    types.add_enum(
        "large",
        8,
        true,
        &[Enumerator {
            name: "HUGE",
            value: i128::from(i64::MIN),
        }],
    );
    types.add_fwd("elsewhere", false);
    types.add_typedef("point_t", point);
    types.add_volatile(constant);
    types.add_restrict(pointer);
    let params = [
        Param {
            name: "p",
            ty: pointer,
        },
        Param {
            name: "n",
            ty: small,
        },
    ];
    let proto = types.add_func_proto(int, &params);
    let func = types.add_func("move", proto, FuncLinkage::GLOBAL);
    types.add_func("outside", proto, FuncLinkage::EXTERN);
    let var = types.add_var("origin", point, VarLinkage::GLOBAL);
    types.add_data_section(
        ".data",
        40,
        &[SectionVar {
            ty: var,
            offset: 0,
            size: 40,
        }],
    );
    types.add_float("double", 8);
    types.add_decl_tag(
        "note",
        DeclTag {
            target: func,
            component: None,
            is_attribute: false,
        },
    );
    types.add_type_tag(
        "user",
        TypeTag {
            target: point,
            is_attribute: false,
        },
    );
    types.add_struct("point___flavour", 4, &[member("x", int, 0, 0)]);
    types.add_struct("empty", 0, &[]);
    types
}
