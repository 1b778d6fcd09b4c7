//! What the record of a type says, as names and values: for listings, in text or in JSON.

use std::fmt;

use super::{Contents, FuncLinkage, Kind, Type, TypeId, VarLinkage};

/// What a type's record says, word by word, under the names that bpftool gives these.
///
/// The text of it is bpftool's raw format: a line for the type, and one more, with a tab before it, for each element.
#[derive(Debug, Clone)]
pub struct Description<'a> {
    /// The type's number.
    pub id: TypeId,
    /// Its kind.
    pub kind: Kind,
    /// Its name; empty if it has none.
    pub name: &'a str,
    /// What it says beside that.
    pub fields: Vec<Field<'a>>,
    /// What its elements are called, and what each of them says. `None` for kinds that have none.
    pub elements: Option<(&'static str, Vec<Vec<Field<'a>>>)>,
}

/// One thing that a record says: what, and its value.
pub type Field<'a> = (&'static str, FieldValue<'a>);

/// A value in a [`Description`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldValue<'a> {
    /// A number: of a type, of bits or bytes, of an enumerator.
    Number(i128),
    /// A word for what is a number in the record.
    Word(&'static str),
    /// A name; empty for something without one.
    Name(&'a str),
}

impl<'a> Type<'a> {
    /// What its record says.
    ///
    /// ```
    /// use oxbpf_object::btf::BtfBuilder;
    ///
    /// let mut btf = BtfBuilder::new();
    /// let int = btf.add_signed("int", 4);
    /// let btf = btf.build()?;
    /// let text = "[1] INT 'int' size=4 bits_offset=0 nr_bits=32 encoding=SIGNED";
    /// assert_eq!(btf.get(int)?.describe().to_string(), text);
    /// # Ok::<(), oxbpf_object::btf::Error>(())
    /// ```
    #[must_use]
    pub fn describe(self) -> Description<'a> {
        use FieldValue::{Name, Word};

        let number = |value: u32| FieldValue::Number(value.into());
        let id = |id: TypeId| ("type_id", number(id.0));
        let size = ("size", number(self.size().unwrap_or(0)));
        let count = ("vlen", number(self.element_count()));
        let mut elements = None;
        let fields = match self.contents() {
            Contents::Void => Vec::new(),
            Contents::Int(int) => vec![
                size,
                ("bits_offset", number(int.bit_offset.into())),
                ("nr_bits", number(int.bits.into())),
                (
                    "encoding",
                    Word(match (int.is_signed, int.is_char, int.is_bool) {
                        (true, _, _) => "SIGNED",
                        (_, true, _) => "CHAR",
                        (_, _, true) => "BOOL",
                        _ => "(none)",
                    }),
                ),
            ],
            Contents::Ptr(target)
            | Contents::Typedef(target)
            | Contents::Volatile(target)
            | Contents::Const(target)
            | Contents::Restrict(target) => vec![id(target)],
            Contents::TypeTag(tag) => vec![id(tag.target)],
            Contents::Array(array) => vec![
                id(array.element),
                ("index_type_id", number(array.index.0)),
                ("nr_elems", number(array.len)),
            ],
            Contents::Struct(composite) | Contents::Union(composite) => {
                let members = composite.members().map(|member| {
                    let mut fields = vec![
                        ("name", Name(member.name)),
                        id(member.ty),
                        ("bits_offset", number(member.bit_offset)),
                    ];
                    if member.bitfield_size != 0 {
                        fields.push(("bitfield_size", number(member.bitfield_size.into())));
                    }
                    fields
                });
                elements = Some(("members", members.collect()));
                vec![size, count]
            }
            Contents::Enum(list) => {
                let values = list.enumerators().map(|enumerator| {
                    vec![
                        ("name", Name(enumerator.name)),
                        ("val", FieldValue::Number(enumerator.value)),
                    ]
                });
                elements = Some(("values", values.collect()));
                let encoding = Word(if list.is_signed { "SIGNED" } else { "UNSIGNED" });
                vec![("encoding", encoding), size, count]
            }
            Contents::Fwd { is_union } => {
                vec![("fwd_kind", Word(if is_union { "union" } else { "struct" }))]
            }
            Contents::Func(func) => vec![
                id(func.proto),
                (
                    "linkage",
                    Word(match func.linkage {
                        FuncLinkage::STATIC => "static",
                        FuncLinkage::GLOBAL => "global",
                        FuncLinkage::EXTERN => "extern",
                        _ => "(unknown)",
                    }),
                ),
            ],
            Contents::FuncProto(proto) => {
                let params = proto
                    .params()
                    .map(|param| vec![("name", Name(param.name)), id(param.ty)]);
                elements = Some(("params", params.collect()));
                vec![("ret_type_id", number(proto.result.0)), count]
            }
            Contents::Var(var) => vec![
                id(var.ty),
                (
                    "linkage",
                    Word(match var.linkage {
                        VarLinkage::STATIC => "static",
                        VarLinkage::GLOBAL => "global",
                        VarLinkage::EXTERN => "extern",
                        _ => "(unknown)",
                    }),
                ),
            ],
            Contents::DataSection(section) => {
                let variables = section.variables().map(|variable| {
                    let name = self.btf().get(variable.ty).map_or("", Type::name);
                    vec![
                        id(variable.ty),
                        ("offset", number(variable.offset)),
                        ("size", number(variable.size)),
                        ("name", Name(name)),
                    ]
                });
                elements = Some(("vars", variables.collect()));
                vec![size, count]
            }
            Contents::Float(_) => vec![size],
            Contents::DeclTag(tag) => {
                let component = tag.component.map_or(-1, i128::from);
                vec![
                    id(tag.target),
                    ("component_idx", FieldValue::Number(component)),
                ]
            }
            Contents::Unknown(_) => vec![count],
        };
        Description {
            id: self.id(),
            kind: self.kind(),
            name: self.name(),
            fields,
            elements,
        }
    }
}

/// A number or word as it is, a name in quotes.
impl fmt::Display for FieldValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FieldValue::Number(number) => number.fmt(f),
            FieldValue::Word(word) => f.write_str(word),
            FieldValue::Name("") => f.write_str("'(anon)'"),
            FieldValue::Name(name) => write!(f, "'{name}'"),
        }
    }
}

impl fmt::Display for Description<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Description { id, kind, name, .. } = self;
        let kind = kind.to_string().to_uppercase();
        write!(f, "[{id}] {kind} {}", FieldValue::Name(name))?;
        // There is a comma after the type of a variable.
        let comma = if self.kind == Kind::VAR { "," } else { "" };
        let suffix = match (self.kind, self.fields.first()) {
            (Kind::ENUM64, Some((_, FieldValue::Word("SIGNED")))) => "LL",
            (Kind::ENUM64, _) => "ULL",
            _ => "",
        };
        for (position, (field, value)) in self.fields.iter().enumerate() {
            let comma = if position == 0 { comma } else { "" };
            write!(f, " {field}={value}{comma}")?;
        }
        for element in self.elements.iter().flat_map(|(_, elements)| elements) {
            f.write_str("\n\t")?;
            for (position, (field, value)) in element.iter().enumerate() {
                let space = if position == 0 { "" } else { " " };
                match (self.kind, value) {
                    (Kind::DATASEC, FieldValue::Name(_)) => write!(f, "{space}(VAR {value})")?,
                    (_, FieldValue::Name(_)) => write!(f, "{space}{value}")?,
                    _ => write!(f, "{space}{field}={value}{suffix}")?,
                }
            }
        }
        Ok(())
    }
}
