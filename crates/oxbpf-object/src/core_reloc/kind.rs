//! What a CO-RE relocation asks.

use std::fmt;

/// What a CO-RE relocation asks about a type (`enum bpf_core_relo_kind`).
///
/// An open set: a newer compiler may ask what has no name here.
///
/// Source: `include/uapi/linux/bpf.h`.
#[doc(alias = "bpf_core_relo_kind")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CoreRelocKind(pub u32);

/// What the access string of a relocation leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    Field,
    Type,
    Enumerator,
}

macro_rules! kinds {
    ($($number:literal $name:ident $text:literal $c_name:literal $subject:ident: $doc:literal;)*) => {
        impl CoreRelocKind {
            $(
                #[doc = $doc]
                #[doc(alias = $c_name)]
                pub const $name: CoreRelocKind = CoreRelocKind($number);
            )*

            /// Every kind, lowest number first.
            pub const ALL: &'static [CoreRelocKind] = &[$(CoreRelocKind::$name),*];

            /// The name that libbpf prints, or `None` for a kind unknown here.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($text),)*
                    _ => None,
                }
            }

            pub(super) const fn subject(self) -> Option<Subject> {
                match self.0 {
                    $($number => Some(Subject::$subject),)*
                    _ => None,
                }
            }
        }
    };
}

kinds! {
    0  FIELD_BYTE_OFFSET "byte_off"       "BPF_CORE_FIELD_BYTE_OFFSET" Field:      "Where is the field, in bytes from the start of the type?";
    1  FIELD_BYTE_SIZE   "byte_sz"        "BPF_CORE_FIELD_BYTE_SIZE"   Field:      "How many bytes does the field take?";
    2  FIELD_EXISTS      "field_exists"   "BPF_CORE_FIELD_EXISTS"      Field:      "Is there such a field?";
    3  FIELD_SIGNED      "signed"         "BPF_CORE_FIELD_SIGNED"      Field:      "Is the field signed?";
    4  FIELD_LSHIFT_U64  "lshift_u64"     "BPF_CORE_FIELD_LSHIFT_U64"  Field:      "By how many bits must 64 bits with a bit-field in them be shifted left to drop what is above it?";
    5  FIELD_RSHIFT_U64  "rshift_u64"     "BPF_CORE_FIELD_RSHIFT_U64"  Field:      "By how many bits must they then be shifted right?";
    6  TYPE_ID_LOCAL     "local_type_id"  "BPF_CORE_TYPE_ID_LOCAL"     Type:       "What is the id of the type in the object?";
    7  TYPE_ID_TARGET    "target_type_id" "BPF_CORE_TYPE_ID_TARGET"    Type:       "What is the id of the type in the kernel?";
    8  TYPE_EXISTS       "type_exists"    "BPF_CORE_TYPE_EXISTS"       Type:       "Is there such a type?";
    9  TYPE_SIZE         "type_size"      "BPF_CORE_TYPE_SIZE"         Type:       "How many bytes does the type take?";
    10 ENUMVAL_EXISTS    "enumval_exists" "BPF_CORE_ENUMVAL_EXISTS"    Enumerator: "Is there such an enumerator?";
    11 ENUMVAL_VALUE     "enumval_value"  "BPF_CORE_ENUMVAL_VALUE"     Enumerator: "What is the enumerator's value?";
    12 TYPE_MATCHES      "type_matches"   "BPF_CORE_TYPE_MATCHES"      Type:       "Is there such a type, with all members that the object knows?";
}

/// The name, or the number if it has none.
impl fmt::Display for CoreRelocKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "kind {}", self.0),
        }
    }
}
