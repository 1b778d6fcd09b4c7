//! The kinds of type records, and how long the record of each is.

use std::fmt;

/// What sort of type a record describes (`BTF_KIND_*`).
///
/// An open set: a newer kernel or compiler may use kinds that have no name here.
///
/// Source: `include/uapi/linux/btf.h`.
#[doc(alias = "BTF_KIND")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(pub u8);

/// The size in bytes of what follows the 12-byte `struct btf_type` of a record: one fixed part, then `vlen` elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RecordLayout {
    pub(super) fixed: u8,
    pub(super) element: u8,
}

macro_rules! kinds {
    ($($number:literal $name:ident $text:literal fixed $fixed:literal element $element:literal: $doc:literal;)*) => {
        impl Kind {
            $(
                #[doc = $doc]
                pub const $name: Kind = Kind($number);
            )*

            /// The kernel's name for the kind in lower case (`"func_proto"`), or `None` for one this version does not know.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($text),)*
                    _ => None,
                }
            }
        }

        /// Record layouts by kind number.
        pub(super) const LAYOUTS: &[RecordLayout] = &[
            $(RecordLayout { fixed: $fixed, element: $element },)*
        ];
    };
}

kinds! {
    0  VOID       "void"       fixed 0  element 0:  "`void`, which has id 0 and no record (`BTF_KIND_UNKN`).";
    1  INT        "int"        fixed 4  element 0:  "An integer, character or boolean.";
    2  PTR        "ptr"        fixed 0  element 0:  "A pointer.";
    3  ARRAY      "array"      fixed 12 element 0:  "An array.";
    4  STRUCT     "struct"     fixed 0  element 12: "A structure.";
    5  UNION      "union"      fixed 0  element 12: "A union.";
    6  ENUM       "enum"       fixed 0  element 8:  "An enumeration whose values fit 32 bits.";
    7  FWD        "fwd"        fixed 0  element 0:  "A structure or union that is declared but not defined.";
    8  TYPEDEF    "typedef"    fixed 0  element 0:  "Another name for a type.";
    9  VOLATILE   "volatile"   fixed 0  element 0:  "A `volatile` type.";
    10 CONST      "const"      fixed 0  element 0:  "A `const` type.";
    11 RESTRICT   "restrict"   fixed 0  element 0:  "A `restrict` pointer.";
    12 FUNC       "func"       fixed 0  element 0:  "A function. Since 4.20.";
    13 FUNC_PROTO "func_proto" fixed 0  element 8:  "The parameters and result of a function. Since 4.20.";
    14 VAR        "var"        fixed 4  element 0:  "A global variable. Since 5.2.";
    15 DATASEC    "datasec"    fixed 0  element 12: "A section and the variables in it. Since 5.2.";
    16 FLOAT      "float"      fixed 0  element 0:  "A floating-point number. Since 5.13.";
    17 DECL_TAG   "decl_tag"   fixed 4  element 0:  "A note on a declaration. Since 5.16.";
    18 TYPE_TAG   "type_tag"   fixed 0  element 0:  "A note on a type. Since 5.17.";
    19 ENUM64     "enum64"     fixed 0  element 12: "An enumeration with 64-bit values. Since 6.0.";
}

impl Kind {
    /// Whether a type of this kind qualifies the type it refers to without changing its layout or giving it a name:
    /// `const`, `volatile`, `restrict`, type tags.
    pub const fn is_modifier(self) -> bool {
        matches!(
            self,
            Kind::VOLATILE | Kind::CONST | Kind::RESTRICT | Kind::TYPE_TAG
        )
    }
}

/// The name, or `kind 42` if it has none.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "kind {}", self.0),
        }
    }
}
