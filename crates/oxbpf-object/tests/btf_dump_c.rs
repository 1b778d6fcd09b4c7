//! C declarations: clang must take them without a warning and make the same types of them.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use oxbpf_object::btf::dump_c::{self, CDump};
use oxbpf_object::btf::{
    Array, Btf, BtfBuilder, Contents, DeclTag, Enumerator, Error, FuncLinkage, Int, Kind, Member,
    Param, SectionVar, Type, TypeId, TypeTag,
};

const KERNEL: &str = "/sys/kernel/btf/vmlinux";

fn fixture(name: &str) -> Btf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/btf")
        .join(name);
    Btf::parse(std::fs::read(path).unwrap()).unwrap()
}

/// Those of the oldest and the newest clang that are installed.
fn compilers() -> Vec<String> {
    let is_there = |name: &String| {
        Command::new(name)
            .arg("--version")
            .output()
            .is_ok_and(|output| output.status.success())
    };
    let found: Vec<_> = (14..=30)
        .map(|version| format!("clang-{version}"))
        .filter(is_there)
        .collect();
    match found.as_slice() {
        [] => vec!["clang".to_owned()],
        [one] => vec![one.clone()],
        [oldest, .., newest] => vec![oldest.clone(), newest.clone()],
    }
}

/// Compiles for BPF, with any warning an error, and reads the BTF that comes out.
#[track_caller]
fn compile(clang: &str, source: &str, flags: &[&str]) -> Btf {
    let dir = tempfile::tempdir().unwrap();
    let (input, output): (PathBuf, PathBuf) =
        (dir.path().join("types.c"), dir.path().join("types.o"));
    std::fs::write(&input, source).unwrap();
    let result = Command::new(clang)
        .args(["-target", "bpf", "-g", "-O2", "-Wall", "-Wextra", "-Werror"])
        .args(flags)
        .arg("-c")
        .arg(&input)
        .arg("-o")
        .arg(&output)
        .output()
        .expect("clang is installed");
    let messages = String::from_utf8_lossy(&result.stderr);
    assert!(
        result.status.success(),
        "{clang}: {}",
        messages.lines().take(40).collect::<Vec<_>>().join("\n")
    );
    Btf::parse_elf(&std::fs::read(output).unwrap()).unwrap()
}

/// Whether a type of C has its own name.
fn is_nameable(ty: Type<'_>) -> bool {
    let kinds = [
        Kind::STRUCT,
        Kind::UNION,
        Kind::ENUM,
        Kind::ENUM64,
        Kind::TYPEDEF,
    ];
    kinds.contains(&ty.kind()) && !ty.name().is_empty()
}

/// The header with pointers to some of its types, without which clang makes no BTF of them: as the parameters of a function.
fn header_with_uses(btf: &Btf, header: &str, dump: &mut CDump<'_>, types: &[TypeId]) -> String {
    let uses = types.iter().map(|&id| {
        assert!(is_nameable(btf.get(id).unwrap()));
        dump.declaration(id, "*").unwrap()
    });
    format!(
        "{header}\nvoid (*uses)({});\n",
        uses.collect::<Vec<_>>().join(",\n")
    )
}

/// Compares the types of two BTFs.
struct Comparison<'a> {
    original: &'a Btf,
    made: &'a Btf,
    /// Pairs found or taken to be the same.
    same: HashSet<(TypeId, TypeId)>,
    /// Whether the next pair is that of a member without a name.
    is_inline: bool,
    /// Of the original: structures and unions that C can only have as bytes.
    bytes: Vec<TypeId>,
}

/// A difference and the way to it.
type Difference = String;

impl Comparison<'_> {
    fn compare(&mut self, a: TypeId, b: TypeId) -> Result<(), Difference> {
        if !self.same.insert((a, b)) {
            return Ok(());
        }
        let (a, b) = (strip(self.original, a), strip(self.made, b));
        let differ = |what: &str| {
            Err(format!(
                "{what}: {a:?} {:?} / {b:?} {:?}",
                a.contents(),
                b.contents()
            ))
        };
        let is_inline = std::mem::take(&mut self.is_inline);
        if essential_name(a.name()) != essential_name(b.name())
            && !(is_inline && b.name().is_empty())
            && !matches!(a.kind(), Kind::INT | Kind::FLOAT | Kind::FUNC)
        {
            return differ("name");
        }
        match (a.contents(), b.contents()) {
            (Contents::Void, Contents::Void) => Ok(()),
            (Contents::Int(ours), Contents::Int(theirs)) => {
                // Whether a plain `char` is signed depends on the compiler's flags, and old tools say of none that it is.
                let same_sign = ours.is_signed == theirs.is_signed || a.name().ends_with("char");
                match (ours.size, ours.is_bool, same_sign) == (theirs.size, theirs.is_bool, true) {
                    true => Ok(()),
                    false => differ("integer"),
                }
            }
            (Contents::Float(ours), Contents::Float(theirs)) if ours == theirs => Ok(()),
            (Contents::Ptr(ours), Contents::Ptr(theirs)) => self.within(a, "*", ours, theirs),
            (Contents::Array(ours), Contents::Array(theirs)) if ours.len == theirs.len => {
                self.within(a, "[]", ours.element, theirs.element)
            }
            (Contents::Typedef(ours), Contents::Typedef(theirs)) => {
                self.within(a, "typedef", ours, theirs)
            }
            (Contents::Const(ours), Contents::Const(theirs))
            | (Contents::Volatile(ours), Contents::Volatile(theirs))
            | (Contents::Restrict(ours), Contents::Restrict(theirs)) => {
                self.within(a, "modifier", ours, theirs)
            }
            (Contents::TypeTag(ours), Contents::TypeTag(theirs)) => {
                self.within(a, "tag", ours.target, theirs.target)
            }
            // Forward declarations, and what clang makes one of where it is only pointed to.
            (Contents::Fwd { is_union }, _) if is_union == is_union_type(b) => Ok(()),
            (_, Contents::Fwd { is_union }) if is_union == is_union_type(a) => Ok(()),
            (Contents::Struct(_), Contents::Struct(_))
            | (Contents::Union(_), Contents::Union(_)) => {
                if a.size() != b.size() {
                    return differ("size");
                }
                if b.members().len() == 1
                    && b.members().all(|member| member.name == "bytes")
                    && a.members().len() != 1
                {
                    self.bytes.push(a.id());
                    return Ok(());
                }
                // Bits without names are padding, of which clang says nothing.
                let ours: Vec<_> = a
                    .members()
                    .filter(|m| !m.name.is_empty() || m.bitfield_size == 0)
                    .collect();
                let theirs: Vec<_> = b.members().collect();
                if ours.len() != theirs.len() {
                    return differ("members");
                }
                for (ours, theirs) in ours.iter().zip(&theirs) {
                    let place = |m: &Member<'_>| (m.bit_offset, m.bitfield_size);
                    if ours.name != theirs.name || place(ours) != place(theirs) {
                        return differ(&format!("member {ours:?} {theirs:?}"));
                    }
                    let ours_type = match ours.name {
                        // Clang does not say that a member without a name is constant. Its type has no name either in standard C.
                        "" => self.original.skip_modifiers_and_typedefs(ours.ty).unwrap(),
                        _ => self.original.get(ours.ty).unwrap(),
                    };
                    self.is_inline = ours.name.is_empty();
                    self.within(a, ours.name, ours_type.id(), theirs.ty)?;
                }
                Ok(())
            }
            // Clang gives no size to what is declared only.
            (Contents::Enum(_), Contents::Enum(_)) if a.element_count() == 0 => Ok(()),
            (Contents::Enum(ours), Contents::Enum(theirs)) if ours.size == theirs.size => {
                // Old compilers do not say the sign of an enumeration, and 32 bits of larger values.
                let bits = if b.kind() == Kind::ENUM {
                    8 * ours.size.min(4)
                } else {
                    64
                };
                let mask = u64::MAX >> (64 - bits);
                let list =
                    |e: Enumerator<'_>| (essential_name(e.name).to_owned(), e.value as u64 & mask);
                match ours
                    .enumerators()
                    .map(list)
                    .eq(theirs.enumerators().map(list))
                {
                    true => Ok(()),
                    false => differ("enumerators"),
                }
            }
            (Contents::FuncProto(ours), Contents::FuncProto(theirs)) => {
                if ours.params().len() != theirs.params().len() {
                    return differ("parameters");
                }
                self.within(a, "result", ours.result, theirs.result)?;
                for (ours, theirs) in ours.params().zip(theirs.params()) {
                    self.within(a, ours.name, ours.ty, theirs.ty)?;
                }
                Ok(())
            }
            _ => differ("contents"),
        }
    }

    fn within(&mut self, ty: Type<'_>, what: &str, a: TypeId, b: TypeId) -> Result<(), Difference> {
        // What has a name is compared by itself.
        let (a_type, b_type) = (strip(self.original, a), strip(self.made, b));
        if is_nameable(a_type)
            && a_type.kind() == b_type.kind()
            && essential_name(a_type.name()) == essential_name(b_type.name())
        {
            self.is_inline = false;
            return Ok(());
        }
        self.compare(a, b)
            .map_err(|difference| format!("{ty:?} {what}\n  {difference}"))
    }
}

fn is_union_type(ty: Type<'_>) -> bool {
    matches!(
        ty.contents(),
        Contents::Union(_) | Contents::Fwd { is_union: true }
    )
}

fn essential_name(name: &str) -> &str {
    match name.rfind("___") {
        Some(at) if at > 0 => &name[..at],
        _ => name,
    }
}

/// Modifiers where C has none: on arrays it says them of the elements, on functions not at all.
fn strip(btf: &Btf, id: TypeId) -> Type<'_> {
    let ty = btf.get(id).unwrap();
    let beneath = btf.skip_modifiers(id).unwrap();
    if matches!(beneath.kind(), Kind::ARRAY | Kind::FUNC_PROTO) {
        beneath
    } else {
        ty
    }
}

/// Compiles the header of a BTF and compares what comes out with it. Returns the types that C has as bytes only.
#[track_caller]
fn assert_same_types(clang: &str, original: &Btf) -> Vec<TypeId> {
    let header = dump_c::header(original).unwrap();
    let mut dump = CDump::new(original);
    dump.define_all().unwrap();
    let types: Vec<_> = original
        .types()
        .filter(|(_, ty)| is_nameable(*ty))
        .map(|(id, _)| id)
        .collect();
    assert!(!types.is_empty());
    let mut bytes = Vec::new();
    let mut differences = Vec::new();
    // The more types at once, the more clang takes for each.
    for types in types.chunks(1500) {
        let made = compile(
            clang,
            &header_with_uses(original, &header, &mut dump, types),
            &[],
        );
        let uses = made
            .get(made.find("uses", Kind::VAR).unwrap())
            .unwrap()
            .target()
            .unwrap();
        let proto = made.get(made.get(uses).unwrap().target().unwrap()).unwrap();
        assert_eq!(proto.params().len(), types.len());
        let mut comparison = Comparison {
            original,
            made: &made,
            same: HashSet::new(),
            is_inline: false,
            bytes: Vec::new(),
        };
        for (&id, param) in types.iter().zip(proto.params()) {
            let pointer = made.get(param.ty).unwrap();
            differences.extend(comparison.compare(id, pointer.target().unwrap()).err());
        }
        bytes.extend(comparison.bytes);
    }
    let (count, all) = (differences.len(), types.len());
    differences.truncate(10);
    assert!(
        differences.is_empty(),
        "{clang}: {count} of {all}:\n{}",
        differences.join("\n")
    );
    bytes
}

#[test]
fn the_running_kernels_types_survive() {
    if !Path::new(KERNEL).exists() {
        eprintln!("skipped: this kernel has no {KERNEL}");
        return;
    }
    let kernel = Btf::parse(std::fs::read(KERNEL).unwrap()).unwrap();
    let compilers = compilers();
    for clang in &compilers {
        compile(
            clang,
            &format!(
                "{}\nstruct task_struct *task;",
                dump_c::header(&kernel).unwrap()
            ),
            &[],
        );
    }
    // GCC tells no members of transparent unions.
    for id in assert_same_types(compilers.last().unwrap(), &kernel) {
        assert_eq!(kernel.get(id).unwrap().element_count(), 0);
    }
}

#[test]
fn every_kind_of_type_survives() {
    for clang in compilers() {
        assert_eq!(assert_same_types(&clang, &fixture("kinds.el.btf")), []);
        assert_eq!(assert_same_types(&clang, &fixture("lines.el.btf")), []);
    }
}

/// Layouts, declarators, names and enumerations that C has a say in. Clang makes BTF of this, we make C of that, and clang BTF again.
const CORNERS: &str = r#"
struct packed_bits { char a; int b : 3; long c : 40; int d : 20; short e; } __attribute__((packed));
struct gaps { char a; int : 5; int b : 3; int : 0; char c; long : 7; unsigned long d : 33; short e : 9; int f; };
struct bits_only { unsigned char a : 1, b : 2, : 2, c : 3; };
struct straddling_bits { int a : 20; int b : 20; int c : 24; } __attribute__((packed));
struct wide_bits { unsigned long a : 63; unsigned long b : 2; _Bool c : 1; int d; };
struct cache_line { int a; int b __attribute__((aligned(64))); } __attribute__((aligned(128)));
struct holder { char a; struct cache_line line; char b; };
struct misaligned { char a; struct { long x; } __attribute__((packed)) y; int z __attribute__((aligned(2))); } __attribute__((packed));
typedef unsigned long half_aligned __attribute__((aligned(4)));
struct uses_half { int a; half_aligned b; int c; half_aligned d; };
struct packed_aligned { long a; char b; } __attribute__((packed, aligned(4)));
struct holds_packed { char a; struct packed_aligned b; struct packed_aligned c[3]; long d; };
struct empty {};
struct with_empty { int a; struct empty e; int b; struct empty f[0]; };
struct only_padding { long : 64; long : 17; };
struct tail { long a; char b; int : 0; } __attribute__((aligned(32)));
struct flexible { int n; struct tail items[]; };
union padded { char a; short b[3]; } __attribute__((aligned(16)));
union odd { int a; char b[7]; } __attribute__((packed));
union bits { int a : 5; unsigned long b : 60; char c; };
struct holds_unions { char a; union padded b; union odd c; union bits d; union { int x; struct { char y, z; }; }; };
struct big { __int128 a; unsigned __int128 b; char c; } __attribute__((packed));
struct big_natural { char c; __int128 a; };
struct reals { float f; double d; char c; double e[2]; };
struct nested { struct { struct { union { int a; long b; } u; struct { int c; }; } s[2]; } t; const struct { int d; }; };

enum small { SMALL_A = 1, SMALL_B = 200 } __attribute__((packed));
enum small_signed { NEGATIVE = -3 } __attribute__((packed));
enum two_bytes { TWO = 1000 } __attribute__((packed));
enum one_in_two { ONE_IN_TWO = 1 } __attribute__((mode(HI)));
enum one_in_eight { ONE_IN_EIGHT = 1 } __attribute__((mode(DI)));
enum all_bits { ALL_BITS = 0xffffffff };
enum wide { WIDE = 0xffffffffffffffff, NARROW = 1 };
enum wide_signed { LOWEST = -0x7fffffffffffffff - 1, HIGHEST = 0x7fffffffffffffff };
enum mixed { MINUS = -1, LARGE = 0xffffffff };
struct enums { enum small a; enum small_signed b; enum two_bytes c; enum one_in_two d; enum one_in_eight e; enum all_bits f;
    enum wide g; enum wide_signed h; enum mixed i; enum { INLINE_A, INLINE_B = 7 } j; enum { OTHER } k[2]; enum small bits : 3; };

typedef int function(int, const char *);
typedef function *function_pointer;
typedef void (*handler)(int);
typedef int matrix[3][5];
typedef const volatile int modified;
typedef char *string;
struct late; union unknown;
typedef struct late *late_pointer;
typedef struct early { struct early *next; late_pointer late; } early_type;
struct declarators {
    int *(*a)[3]; int (*b[4])(void); int (*(*c)(int))(char); const char *const *volatile d; function *e; handler f[2];
    handler (*g)(int, handler); matrix h; matrix *i; const matrix j; modified k; string const l; int *restrict m; char *const restrict n;
    void (*o)(struct late *, union unknown *, ...); const struct { int x; } *p; struct { int y; } (*q)[2]; struct early *r;
    void (*s)(void (*)(int, ...), int (*)[3]); early_type *t; volatile void *u; int (*const v)(void); void (*w)(const volatile int *const);
    int __attribute__((btf_type_tag("first"))) *x; int __attribute__((btf_type_tag("outer"))) *__attribute__((btf_type_tag("inner"))) *y;
    const int __attribute__((btf_type_tag("both"))) *z; struct late __attribute__((btf_type_tag("tagged"))) *aa;
    int (*ab)[2][3]; string const *const ac[2]; struct early ad[2][1]; _Bool ae; unsigned char af; signed char ag; long long ah;
};
struct late { early_type *early; struct late *self; struct declarators *all; };
typedef struct { int a; } no_tag; typedef union { no_tag a; long b; } no_tag_union; typedef enum { NO_TAG } no_tag_enum;
typedef struct same { no_tag_enum e; no_tag_union u; } same;
typedef same *same_again;
struct recursive_first { struct recursive_second *second; }; struct recursive_second { struct recursive_first first; };
struct returned { int x; }; struct returns { struct { struct returned *(*f)(void); } *f; }; typedef int answer; struct answers { answer (*f)(void); };
struct behind { int x; }; struct array_behind_pointer { struct behind (*p)[4]; };
"#;

#[test]
fn corner_cases_survive() {
    // All of the types behind pointers, so that clang keeps them.
    let names = |keyword: &str| -> Vec<String> {
        let starts = CORNERS
            .lines()
            .filter_map(|line| line.strip_prefix(keyword)?.split_once(" {"));
        starts
            .map(|(name, _)| format!("{keyword}{name} *"))
            .collect()
    };
    let typedefs = "function_pointer handler matrix* modified* string late_pointer early_type* no_tag* no_tag_union* no_tag_enum* same* \
                    same_again function* half_aligned* struct~recursive_second* struct~behind*";
    let uses = [
        names("struct "),
        names("union "),
        names("enum "),
        typedefs
            .split_whitespace()
            .map(|name| name.replace('~', " "))
            .collect(),
    ];
    let source = format!("{CORNERS}\nvoid (*all)({});\n", uses.concat().join(", "));
    for clang in compilers() {
        let btf = compile(&clang, &source, &["-Wno-unused", "-Wno-packed"]);
        assert!(btf.types().filter(|(_, ty)| is_nameable(*ty)).count() > 50);
        assert_eq!(assert_same_types(&clang, &btf), [], "{clang}");
    }
}

/// The C declarations of made-up types, which clang must take.
#[track_caller]
fn declare(types: &BtfBuilder) -> String {
    let btf = types.build().unwrap();
    let header = dump_c::header(&btf).unwrap();
    for clang in compilers() {
        compile(&clang, &format!("{header}\nint x;"), &[]);
        compile(&clang, &format!("{header}\nint x;"), &["-std=gnu2x"]);
    }
    // Without what is around the declarations.
    let (start, end) = match header.contains("#pragma") {
        true => ("#endif\n\n", "#ifndef BPF_NO_PRESERVE_ACCESS_INDEX"),
        false => ("#define __VMLINUX_H__\n\n", "#endif /*"),
    };
    let text = header.split_once(start).unwrap().1;
    text.rsplit_once(end).unwrap().0.trim_end().to_owned()
}

fn member(name: &str, ty: TypeId, bit_offset: u32) -> Member<'_> {
    Member {
        name,
        ty,
        bit_offset,
        bitfield_size: 0,
    }
}

#[test]
fn names_that_collide_get_suffixes() {
    let mut types = BtfBuilder::new();
    let int = types.add_signed("int", 4);
    let own = types.add_struct("s", 4, &[member("a", int, 0)]);
    types.add_struct("s___2", 4, &[member("b", int, 0)]);
    let other = types.add_struct("s", 8, &[member("c", int, 32)]);
    types.add_union("s", 4, &[member("d", int, 0)]);
    let declared = types.add_fwd("s", false);
    let declared_union = types.add_fwd("f", true);
    let defined = types.add_struct("f", 0, &[]);
    types.add_typedef("s", own);
    types.add_typedef("s", other);
    types.add_typedef("s___3", other);
    let value = |name| Enumerator { name, value: 1 };
    let list = types.add_enum("s", 4, false, &[value("s"), value("V")]);
    types.add_fwd("later", false);
    types.add_struct("later", 0, &[]);
    types.add_struct("later", 0, &[]);
    let inline = types.add_enum("", 4, false, &[value("V")]);
    let pointers =
        [own, other, declared, declared_union, defined, list].map(|ty| types.add_ptr(ty));
    let names = ["a", "b", "c", "d", "e", "f"];
    let mut members: Vec<_> = names
        .iter()
        .zip(pointers)
        .enumerate()
        .map(|(n, (name, ty))| member(name, ty, 64 * n as u32))
        .collect();
    members.extend([member("g", inline, 384), member("h", inline, 416)]);
    types.add_struct("uses", 56, &members);
    assert_eq!(
        declare(&types),
        "\
struct s {
	int a;
};

struct s___2 {
	int b;
};

struct s___3 {
	long: 32;
	int c;
};

union s___4 {
	int d;
};

struct s;

union f;

struct f___2 {};

typedef struct s s;

typedef struct s___3 s___2;

typedef struct s___3 s___3;

enum s___5 {
	s___4 = 1,
	V = 1,
};

struct later;

struct later {};

struct later___2 {};

struct uses {
	struct s *a;
	struct s___3 *b;
	struct s *c;
	union f *d;
	struct f___2 *e;
	enum s___5 *f;
	enum {
		V___2 = 1,
	} g;
	enum {
		V___3 = 1,
	} h;
};"
    );
}

#[test]
fn names_that_c_cannot_have_are_changed() {
    let mut types = BtfBuilder::new();
    let u64 = types.add_unsigned("u64", 8);
    let long = types.add_unsigned("DW_ATE_unsigned_24", 3);
    let half = types.add_float("_Float16", 2);
    let bool = types.add_int(
        "bool",
        Int {
            is_bool: true,
            ..Int::unsigned(1)
        },
    );
    let void_pointer = types.add_ptr(TypeId::VOID);
    let option = types.add_struct("Option<&mut [u8; 3]>", 8, &[member("0", u64, 0)]);
    types.add_typedef("int", option);
    types.add_typedef("__builtin_va_list", void_pointer);
    types.add_typedef("bool", bool);
    let value = |name, value| Enumerator { name, value };
    types.add_enum("", 4, false, &[value("false", 0), value("true", 1)]);
    types.add_enum("kind", 4, false, &[value("default", 0), value("3d", 1)]);
    let members = [
        member("register", long, 0),
        member("é", half, 24),
        member("self.x", option, 64),
    ];
    types.add_struct("default", 16, &members);
    let params = [
        Param {
            name: "void",
            ty: u64,
        },
        Param {
            name: "",
            ty: void_pointer,
        },
    ];
    let proto = types.add_func_proto(TypeId::VOID, &params);
    types.add_typedef("callback", proto);
    assert_eq!(
        declare(&types),
        "\
typedef unsigned long u64;

struct _Option__mut__u8__3__ {
	u64 _0;
};

typedef struct _Option__mut__u8__3__ _int;

typedef void *__builtin_va_list___2;

#if !defined(__STDC_VERSION__) || __STDC_VERSION__ < 202311L
typedef _Bool bool;
#endif

typedef bool bool___2;

enum kind {
	_default = 0,
	_3d = 1,
};

typedef unsigned char DW_ATE_unsigned_24[3];

typedef unsigned char __Float16[2];

struct _default {
	DW_ATE_unsigned_24 _register;
	__Float16 __;
	long: 24;
	struct _Option__mut__u8__3__ _self_x;
};

typedef void callback(u64 _void, void *);

#if !defined(__STDC_VERSION__) || __STDC_VERSION__ < 202311L
enum {
	false = 0,
	true = 1,
};
#endif"
    );
}

#[test]
fn layouts_that_c_cannot_have_keep_their_size() {
    let mut types = BtfBuilder::new();
    let int = types.add_signed("int", 4);
    let declared = types.add_fwd("declared", false);
    let no_values = types.add_enum("no_values", 4, false, &[]);
    types.add_struct("overlap", 8, &[member("a", int, 0), member("b", int, 16)]);
    types.add_struct("backwards", 8, &[member("a", int, 32), member("b", int, 0)]);
    types.add_struct("too_small", 4, &[member("a", int, 0), member("b", int, 32)]);
    types.add_struct("incomplete", 4, &[member("a", declared, 0)]);
    let bit = Member {
        bitfield_size: 33,
        ..member("a", int, 0)
    };
    types.add_struct("too_many_bits", 8, &[bit]);
    types.add_struct("between_bytes", 8, &[member("a", int, 3)]);
    types.add_struct("of_no_values", 4, &[member("a", no_values, 0)]);
    types.add_union("displaced", 8, &[member("a", int, 32)]);
    let empty = types.add_union("unknown", 6, &[]);
    types.add_struct("holder", 12, &[member("a", empty, 8), member("b", int, 64)]);
    let text = declare(&types);
    let bodies: Vec<_> = text
        .split("\n\n")
        .filter(|text| text.contains("bytes["))
        .map(|text| text.lines().next().unwrap())
        .collect();
    assert_eq!(
        bodies,
        [
            "struct overlap {",
            "struct backwards {",
            "struct too_small {",
            "struct incomplete {",
            "struct too_many_bits {",
            "struct between_bytes {",
            "struct of_no_values {",
            "union displaced {",
            "union unknown {",
        ]
    );
    assert!(
        text.contains("struct overlap {\n\tunsigned char bytes[8]; /* not expressible in C */\n};"),
        "{text}"
    );
    assert!(
        text.ends_with("struct holder {\n\tlong: 8;\n\tunion unknown a;\n\tint b;\n};"),
        "{text}"
    );
}

#[test]
fn members_without_names_and_old_bit_fields_are_understood() {
    let mut types = BtfBuilder::new();
    let int = types.add_signed("int", 4);
    let base = types.add_struct("base", 8, &[member("a", int, 0), member("b", int, 32)]);
    let other = types.add_union("other", 4, &[member("c", int, 0)]);
    let alias = types.add_typedef("alias", other);
    let inner = types.add_struct("", 4, &[member("d", int, 0)]);
    let constant = types.add_const(inner);
    types.add_struct(
        "derived",
        24,
        &[
            member("", base, 0),
            member("", alias, 64),
            member("", constant, 96),
            member("", int, 128),
            member("e", int, 160),
        ],
    );
    let three = types.add_int(
        "int",
        Int {
            bits: 3,
            bit_offset: 2,
            is_signed: true,
            ..Int::unsigned(4)
        },
    );
    types.add_struct("old", 4, &[member("a", three, 0), member("b", three, 3)]);
    let text = declare(&types);
    assert_eq!(
        text[text.find("struct derived").unwrap()..],
        "struct derived {
	struct {
		int a;
		int b;
	};
	union {
		int c;
	};
	const struct {
		int d;
	};
	long: 32;
	int e;
};

struct old {
	long: 2;
	int a: 3;
	int b: 3;
};"
        .to_owned()
    );
}

#[test]
fn modifiers_that_c_cannot_have_are_left_out() {
    let mut types = BtfBuilder::new();
    let int = types.add_signed("int", 4);
    let array = types.add_array(Array {
        element: int,
        index: int,
        len: 3,
    });
    let constant = types.add_const(array);
    let tagged = types.add_type_tag(
        "a \"quoted\" tag",
        TypeTag {
            target: constant,
            is_attribute: false,
        },
    );
    let volatile = types.add_volatile(tagged);
    types.add_typedef("array", volatile);
    let proto = types.add_func_proto(int, &[]);
    let no_return = types.add_volatile(proto);
    let pointer = types.add_ptr(no_return);
    types.add_typedef("no_return", pointer);
    let restricted = types.add_restrict(int);
    types.add_typedef("restricted", restricted);
    let twice = types.add_const(int);
    let twice = types.add_const(twice);
    types.add_typedef("twice", twice);
    let section = types.add_data_section(".data", 4, &[]);
    let pointer = types.add_ptr(section);
    types.add_typedef("no_type", pointer);
    let space = types.add_type_tag(
        "address_space(1)",
        TypeTag {
            target: TypeId::VOID,
            is_attribute: true,
        },
    );
    let pointer = types.add_ptr(space);
    types.add_typedef("arena", pointer);
    assert_eq!(
        declare(&types).replace("\n\n", "\n"),
        r#"typedef const volatile int __attribute__((btf_type_tag("a \"quoted\" tag"))) array[3];
typedef int (*no_return)(void);
typedef int restricted;
typedef const int twice;
typedef void *no_type;
typedef void __attribute__((address_space(1))) *arena;"#
    );
}

#[test]
fn what_would_not_end_is_refused() {
    let mut types = BtfBuilder::new();
    let next = TypeId(types.next_id().0 + 1);
    let looped = types.add_struct("looped", 4, &[member("a", next, 0)]);
    types.add_typedef("looped", looped);
    let btf = types.build().unwrap();
    assert_eq!(
        dump_c::header(&btf),
        Err(Error::ContainsItself { id: looped })
    );

    // Each holds two of the one before.
    let mut types = BtfBuilder::new();
    let mut ty = types.add_unsigned("char", 1);
    for level in 0..28 {
        let size = 2u32 << level;
        ty = types.add_struct("", size, &[member("a", ty, 0), member("b", ty, 4 * size)]);
    }
    types.add_typedef("bomb", ty);
    assert!(matches!(
        dump_c::header(&types.build().unwrap()),
        Err(Error::TooMuchText { .. })
    ));

    let mut types = BtfBuilder::new();
    types.add_struct("padding", u32::MAX, &[]);
    assert!(matches!(
        dump_c::header(&types.build().unwrap()),
        Err(Error::TooMuchText { .. })
    ));

    let mut types = BtfBuilder::new();
    let mut ty = types.add_unsigned("char", 1);
    for _ in 0..1000 {
        ty = types.add_struct("", 1, &[member("a", ty, 0)]);
    }
    types.add_typedef("deep", ty);
    assert!(matches!(
        dump_c::header(&types.build().unwrap()),
        Err(Error::TooDeeplyNested { .. })
    ));

    let mut types = BtfBuilder::new();
    let mut ty = types.add_unsigned("char", 1);
    for level in 0..100_000 {
        ty = types.add_typedef(&format!("t{level}"), ty);
    }
    types.add_struct("deep", 1, &[member("a", ty, 0)]);
    let text = dump_c::header(&types.build().unwrap()).unwrap();
    assert!(
        text.contains("typedef t99998 t99999;"),
        "long chains that C can have are no problem"
    );
}

#[test]
fn one_type_comes_with_what_it_needs() {
    let btf = fixture("kinds.el.btf");
    let mut dump = CDump::new(&btf);
    dump.define(btf.find("outer_t", Kind::TYPEDEF).unwrap())
        .unwrap();
    let text = dump.text().to_owned();
    assert!(
        text.ends_with("typedef struct outer outer_t;\n\n"),
        "{text}"
    );
    for needed in [
        "struct inner {",
        "struct fwd;",
        "union ufwd;",
        "enum small {",
        "enum sbig {",
    ] {
        assert!(text.contains(needed), "no {needed} in {text}");
    }
    compile(
        compilers().last().unwrap(),
        &format!("{text}\nouter_t *o;"),
        &[],
    );
    dump.define(btf.find("outer", Kind::STRUCT).unwrap())
        .unwrap();
    assert_eq!(dump.text(), text, "it is there already");

    let outer = btf.find("outer", Kind::STRUCT).unwrap();
    let fun = btf
        .get(outer)
        .unwrap()
        .members()
        .find(|member| member.name == "fn")
        .unwrap()
        .ty;
    assert_eq!(
        dump.declaration(fun, "f").unwrap(),
        "int (*f)(int, const char *, ...)"
    );
    assert_eq!(dump.declaration(outer, "").unwrap(), "struct outer");
    assert_eq!(dump.text(), text);

    let mut dump = CDump::new(&btf);
    dump.define(btf.find("g2", Kind::VAR).unwrap()).unwrap();
    dump.define(btf.find("license", Kind::DATASEC).unwrap())
        .unwrap();
    assert_eq!(dump.text(), "", "made of what C has by itself");
}

#[test]
fn kernel_functions_for_programs_are_declared() {
    let mut types = BtfBuilder::new();
    let int = types.add_signed("int", 4);
    let task = types.add_fwd("task_struct", false);
    let pointer = types.add_ptr(task);
    let proto = types.add_func_proto(
        int,
        &[
            Param {
                name: "task",
                ty: pointer,
            },
            Param {
                name: "",
                ty: TypeId::VOID,
            },
        ],
    );
    let note = |target| DeclTag {
        target,
        component: None,
        is_attribute: false,
    };
    for name in ["bpf_look", "taken", "not.c"] {
        let func = types.add_func(name, proto, FuncLinkage::STATIC);
        types.add_decl_tag("bpf_kfunc", note(func));
        types.add_decl_tag("bpf_fastcall", note(func));
    }
    types.add_func("ordinary", proto, FuncLinkage::STATIC);
    types.add_typedef("taken", int);
    let text = declare(&types);
    let (start, end) = ("#ifndef BPF_NO_KFUNC_PROTOTYPES", "#endif");
    let section = text.split_once(start).unwrap().1;
    let functions: Vec<_> = section
        .lines()
        .filter(|line| line.starts_with("extern"))
        .collect();
    assert_eq!(
        functions,
        ["extern int bpf_look(struct task_struct *task, ...) __weak __ksym;"]
    );
    assert!(text.ends_with(end));
}

#[test]
fn what_functions_return_comes_before_them() {
    let mut types = BtfBuilder::new();
    let int = types.add_signed("int", 4);
    let (answer, question) = (TypeId(6), TypeId(7));
    let proto = types.add_func_proto(
        answer,
        &[Param {
            name: "",
            ty: question,
        }],
    );
    let pointer = types.add_ptr(proto);
    let array = types.add_array(Array {
        element: pointer,
        index: int,
        len: 2,
    });
    types.add_struct("functions", 16, &[member("f", array, 0)]);
    assert_eq!(types.add_typedef("answer", int), answer);
    assert_eq!(
        types.add_struct("question", 4, &[member("a", int, 0)]),
        question
    );
    assert_eq!(
        declare(&types),
        "\
typedef int answer;

struct question;

struct functions {
	answer (*f[2])(struct question);
};

struct question {
	int a;
};"
    );
}

/// A section whose variable is the section.
#[test]
fn a_section_that_contains_itself_is_survived() {
    let mut types = BtfBuilder::new();
    let own = types.next_id();
    let variable = SectionVar {
        ty: own,
        offset: 0,
        size: 4,
    };
    let section = types.add_data_section(".data", 4, &[variable]);
    assert_eq!(section, own);
    let btf = types.build().unwrap();
    let mut dump = CDump::new(&btf);
    dump.define(section).unwrap();
    assert_eq!(dump.text(), "");
}
