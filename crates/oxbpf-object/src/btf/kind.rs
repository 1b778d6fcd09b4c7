//! The kinds of type records, and what the record of each consists of.

use std::fmt;

/// What sort of type a record describes (`BTF_KIND_*`).
///
/// An open set: a newer kernel or compiler may use kinds that have no name here.
///
/// Source: `include/uapi/linux/btf.h`.
#[doc(alias = "BTF_KIND")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(pub u8);

/// What a 32-bit word of a record holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// The offset of a string.
    Name,
    /// The id of a type.
    Type,
    /// A size, an offset, a value.
    Data,
}

/// The words of a record. Each starts with a name and with `info`, which has the kind and the number of elements (`vlen`).
#[derive(Debug, Clone, Copy)]
pub(super) struct RecordWords {
    /// The third word, `size` or `type`.
    pub(super) third: Word,
    /// What comes next, once.
    pub(super) fixed: &'static [Word],
    /// What comes next for each element.
    pub(super) element: &'static [Word],
}

macro_rules! kinds {
    ($($number:literal $name:ident $text:literal $third:ident $fixed:tt $element:tt $doc:literal;)*) => {
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

        /// The records of each kind, by its number.
        pub(super) const RECORDS: &[RecordWords] = &[
            $(RecordWords { third: Word::$third, fixed: words!($fixed), element: words!($element) },)*
        ];
    };
}

macro_rules! words {
    ([$($word:ident)*]) => { &[$(Word::$word),*] };
}

kinds! {
    // Number, name, kernel's name, third word, fixed words, words of an element.
    0  VOID       "void"       Data []               []               "`void`, which has id 0 and no record (`BTF_KIND_UNKN`).";
    1  INT        "int"        Data [Data]           []               "An integer, character or boolean.";
    2  PTR        "ptr"        Type []               []               "A pointer.";
    3  ARRAY      "array"      Data [Type Type Data] []               "An array.";
    4  STRUCT     "struct"     Data []               [Name Type Data] "A structure.";
    5  UNION      "union"      Data []               [Name Type Data] "A union.";
    6  ENUM       "enum"       Data []               [Name Data]      "An enumeration whose values fit 32 bits.";
    7  FWD        "fwd"        Data []               []               "A structure or union that is declared but not defined.";
    8  TYPEDEF    "typedef"    Type []               []               "Another name for a type.";
    9  VOLATILE   "volatile"   Type []               []               "A `volatile` type.";
    10 CONST      "const"      Type []               []               "A `const` type.";
    11 RESTRICT   "restrict"   Type []               []               "A `restrict` pointer.";
    12 FUNC       "func"       Type []               []               "A function. Since 4.20.";
    13 FUNC_PROTO "func_proto" Type []               [Name Type]      "The parameters and result of a function. Since 4.20.";
    14 VAR        "var"        Type [Data]           []               "A global variable. Since 5.2.";
    15 DATASEC    "datasec"    Data []               [Type Data Data] "A section and the variables in it. Since 5.2.";
    16 FLOAT      "float"      Data []               []               "A floating-point number. Since 5.13.";
    17 DECL_TAG   "decl_tag"   Type [Data]           []               "A note on a declaration. Since 5.16.";
    18 TYPE_TAG   "type_tag"   Type []               []               "A note on a type. Since 5.17.";
    19 ENUM64     "enum64"     Data []               [Name Data Data] "An enumeration with 64-bit values. Since 6.0.";
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

    /// What the records of this kind consist of, if it is known here.
    pub(super) fn record(self) -> Option<&'static RecordWords> {
        RECORDS.get(usize::from(self.0))
    }
}

impl RecordWords {
    /// What each word of a record holds, from the first word on, without end where there are elements.
    pub(super) fn iter(&self) -> impl Iterator<Item = Word> + use<> {
        let start = [Word::Name, Word::Data, self.third];
        start
            .into_iter()
            .chain(self.fixed.iter().copied())
            .chain(self.element.iter().copied().cycle())
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
