//! What is different between the types of two kernels, or of two objects.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use super::{Btf, Contents, Error, Kind, Type, TypeId};
use crate::core_reloc;
use crate::core_reloc::lookup::{
    Lookup, Place, Question, fields_are_compatible, question, relocations,
};
use crate::limits::{MAX_C_NESTING, MAX_DIFF_STEPS};
use crate::spec::CollectionSpec;

/// One difference between types of the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The type: `struct task_struct`, `enum bpf_cmd`, `func vfs_read`.
    pub type_name: String,
    /// The field or enumerator; empty if it is about the type.
    pub member: String,
    /// What is different.
    pub kind: ChangeKind,
}

/// What is different.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChangeKind {
    /// It was there, and is no longer.
    Gone,
    /// It is there, and was not before.
    New,
    /// The field is at another place, in bits from the start of the type.
    Moved {
        /// Before.
        from: u64,
        /// Now.
        to: u64,
    },
    /// It has another size in bytes, or, if a bit-field, in bits.
    Resized {
        /// Before.
        from: u64,
        /// Now.
        to: u64,
    },
    /// The field has another type.
    Retyped {
        /// Before.
        from: String,
        /// Now.
        to: String,
        /// Whether it is of another kind, so that a program compiled for the one finds no field on the other.
        is_other_kind: bool,
    },
    /// The enumerator has another value.
    Revalued {
        /// Before.
        from: i128,
        /// Now.
        to: i128,
    },
}

/// `moved from byte 8 to byte 16`.
impl fmt::Display for ChangeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// A position in bytes, and bits where it is within one.
        struct At(u64);
        impl fmt::Display for At {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.0 % 8 {
                    0 => write!(f, "byte {}", self.0 / 8),
                    bits => write!(f, "byte {} bit {bits}", self.0 / 8),
                }
            }
        }
        match self {
            ChangeKind::Gone => f.write_str("is gone"),
            ChangeKind::New => f.write_str("is new"),
            ChangeKind::Moved { from, to } => write!(f, "moved from {} to {}", At(*from), At(*to)),
            ChangeKind::Resized { from, to } => write!(f, "changed size from {from} to {to}"),
            ChangeKind::Retyped {
                from,
                to,
                is_other_kind,
            } => {
                let kind = if *is_other_kind { "kind" } else { "type" };
                write!(f, "changed {kind} from `{from}` to `{to}`")
            }
            ChangeKind::Revalued { from, to } => write!(f, "changed value from {from} to {to}"),
        }
    }
}

/// All differences between the structures, unions, enumerations, typedefs and functions with names, sorted by name.
///
/// Of several types with one name, each is compared with its like on the other side, and those that are the same on both are not told.
///
/// # Errors
/// When types are broken, or have members without end.
pub fn diff(old: &Btf, new: &Btf) -> Result<Vec<Change>, Error> {
    let (before, after) = (by_name(old), by_name(new));
    let names: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let mut differ = Differ {
        old,
        new,
        steps: MAX_DIFF_STEPS,
        changes: Vec::new(),
    };
    for key in names {
        let none = Vec::new();
        let (before, after) = (
            before.get(key).unwrap_or(&none),
            after.get(key).unwrap_or(&none),
        );
        differ.compare_all(&key.title(), before, after)?;
    }
    Ok(differ.changes)
}

/// The differences in what the CO-RE relocations of an object ask about: a field that moved, a type that is gone.
///
/// # Errors
/// The object's relocations are broken, or the types are.
pub fn diff_for(
    object: &CollectionSpec,
    old: &Btf,
    new: &Btf,
) -> Result<Vec<Change>, core_reloc::Error> {
    let Some(local) = &object.btf else {
        return Ok(Vec::new());
    };
    let relos = relocations(object);
    let mut before = Lookup::new(local, old, relos.iter().copied());
    let mut after = Lookup::new(local, new, relos.iter().copied());
    let mut changes = BTreeMap::new();
    for relo in relos {
        if question(relo) == Question::Local {
            continue;
        }
        let asked = before.local(relo)?;
        let (type_name, member) = match question(relo) {
            Question::Field => (asked.type_name(), asked.field_name()),
            Question::Enumerator => (asked.type_name(), asked.field_name()),
            _ => (asked.type_name(), String::new()),
        };
        let (type_name, member) = (
            core_reloc::essential_name(&type_name).to_owned(),
            core_reloc::essential_name(&member).to_owned(),
        );
        let (one, other) = (before.find(relo)?, after.find(relo)?);
        let kinds = match (one.first(), other.first()) {
            (None, None) => continue,
            (Some(_), None) => vec![ChangeKind::Gone],
            (None, Some(_)) => vec![ChangeKind::New],
            (Some(one), Some(other)) => match question(relo) {
                Question::Field => field_changes((old, one), (new, other)),
                Question::Enumerator => value_change(one, other).into_iter().collect(),
                _ => size_change((old, one.root()), (new, other.root()))
                    .into_iter()
                    .collect(),
            },
        };
        for kind in kinds {
            let change = Change {
                type_name: type_name.clone(),
                member: member.clone(),
                kind,
            };
            let key = (type_name.clone(), member.clone(), change.kind.to_string());
            changes.insert(key, change);
        }
    }
    Ok(changes.into_values().collect())
}

/// What a type is found by: what sort it is, and its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Key<'a> {
    name: &'a str,
    sort: &'static str,
}

impl Key<'_> {
    fn title(&self) -> String {
        let Key { name, sort } = self;
        format!("{sort}{}{name}", if sort.is_empty() { "" } else { " " })
    }
}

fn by_name(btf: &Btf) -> HashMap<Key<'_>, Vec<TypeId>> {
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    for (id, ty) in btf.types() {
        let sort = match ty.kind() {
            Kind::STRUCT => "struct",
            Kind::UNION => "union",
            Kind::ENUM | Kind::ENUM64 => "enum",
            Kind::TYPEDEF => "typedef",
            Kind::FUNC => "func",
            _ => continue,
        };
        let name = ty.name();
        if !name.is_empty() {
            found.entry(Key { name, sort }).or_default().push(id);
        }
    }
    found
}

/// A field, of a structure or of one without a name within it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Field {
    ty: TypeId,
    bit_offset: u64,
    bits: u8,
}

struct Differ<'a> {
    old: &'a Btf,
    new: &'a Btf,
    steps: usize,
    changes: Vec<Change>,
}

impl<'a> Differ<'a> {
    /// Compares the types of one name.
    fn compare_all(&mut self, title: &str, old: &[TypeId], new: &[TypeId]) -> Result<(), Error> {
        let mut left: Vec<TypeId> = new.to_vec();
        let mut unlike = Vec::new();
        for &one in old {
            let start = self.changes.len();
            let mut like = None;
            for (position, &other) in left.iter().enumerate() {
                self.compare(title, one, other)?;
                let is_same = self.changes.len() == start;
                self.changes.truncate(start);
                if is_same {
                    like = Some(position);
                    break;
                }
            }
            match like {
                Some(position) => drop(left.remove(position)),
                None => unlike.push(one),
            }
        }
        let mut left = left.into_iter();
        for one in unlike {
            match left.next() {
                Some(other) => self.compare(title, one, other)?,
                None => self.tell(title, "", ChangeKind::Gone),
            }
        }
        for _ in left {
            self.tell(title, "", ChangeKind::New);
        }
        Ok(())
    }

    fn compare(&mut self, title: &str, old: TypeId, new: TypeId) -> Result<(), Error> {
        let (old, new) = (self.old.get(old)?, self.new.get(new)?);
        match (old.contents(), new.contents()) {
            (
                Contents::Struct(_) | Contents::Union(_),
                Contents::Struct(_) | Contents::Union(_),
            ) => self.compare_members(title, old, new),
            (Contents::Enum(_), Contents::Enum(_)) => {
                self.compare_enumerators(title, old, new);
                Ok(())
            }
            (Contents::Func(one), Contents::Func(other)) => {
                let (from, to) = (
                    prototype(self.old, one.proto),
                    prototype(self.new, other.proto),
                );
                self.compare_names(title, from, to);
                Ok(())
            }
            (Contents::Typedef(one), Contents::Typedef(other)) => {
                let (from, to) = (self.old.type_name(one), self.new.type_name(other));
                self.compare_names(title, from, to);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn compare_names(&mut self, title: &str, from: String, to: String) {
        if from != to {
            let is_other_kind = false;
            self.tell(
                title,
                "",
                ChangeKind::Retyped {
                    from,
                    to,
                    is_other_kind,
                },
            );
        }
    }

    fn compare_members(&mut self, title: &str, old: Type<'a>, new: Type<'a>) -> Result<(), Error> {
        self.changes.extend(
            size_change((self.old, old.id()), (self.new, new.id())).map(|kind| Change {
                type_name: title.to_owned(),
                member: String::new(),
                kind,
            }),
        );
        let before = self.fields(old)?;
        let mut after = self.fields(new)?;
        for (name, field) in before {
            let Some(other) = after.remove(&name) else {
                self.tell(title, &name, ChangeKind::Gone);
                continue;
            };
            for kind in changes_of((self.old, &field), (self.new, &other)) {
                self.tell(title, &name, kind);
            }
        }
        for name in after.into_keys() {
            self.tell(title, &name, ChangeKind::New);
        }
        Ok(())
    }

    /// The fields by name, with those of members without a name or of a type without one.
    fn fields(&mut self, ty: Type<'a>) -> Result<BTreeMap<String, Field>, Error> {
        let mut fields = BTreeMap::new();
        self.add_fields(ty, "", 0, 0, &mut fields)?;
        Ok(fields)
    }

    fn add_fields(
        &mut self,
        ty: Type<'a>,
        prefix: &str,
        start: u64,
        depth: usize,
        fields: &mut BTreeMap<String, Field>,
    ) -> Result<(), Error> {
        for member in ty.members() {
            self.steps = self
                .steps
                .checked_sub(1)
                .filter(|_| depth <= MAX_C_NESTING)
                .ok_or(Error::TooDeep { id: ty.id() })?;
            let bit_offset = start.saturating_add(member.bit_offset.into());
            let name = [prefix, member.name].concat();
            let inner = ty.btf().skip_modifiers_and_typedefs(member.ty)?;
            let is_part =
                matches!(inner.kind(), Kind::STRUCT | Kind::UNION) && inner.name().is_empty();
            if is_part {
                let dot = if member.name.is_empty() { "" } else { "." };
                let prefix = [&name, dot].concat();
                self.add_fields(inner, &prefix, bit_offset, depth.saturating_add(1), fields)?;
            } else if !member.name.is_empty() {
                let field = Field {
                    ty: member.ty,
                    bit_offset,
                    bits: member.bitfield_size,
                };
                fields.insert(name, field);
            }
        }
        Ok(())
    }

    fn compare_enumerators(&mut self, title: &str, old: Type<'_>, new: Type<'_>) {
        let values = |ty: Type<'a>| -> BTreeMap<&'a str, i128> {
            ty.enumerators().map(|e| (e.name, e.value)).collect()
        };
        let (old, new) = (
            self.old.get(old.id()).map(values).unwrap_or_default(),
            self.new.get(new.id()).map(values).unwrap_or_default(),
        );
        for (name, from) in &old {
            match new.get(name) {
                None => self.tell(title, name, ChangeKind::Gone),
                Some(to) if from != to => self.tell(
                    title,
                    name,
                    ChangeKind::Revalued {
                        from: *from,
                        to: *to,
                    },
                ),
                Some(_) => {}
            }
        }
        for name in new.keys().filter(|name| !old.contains_key(*name)) {
            self.tell(title, name, ChangeKind::New);
        }
    }

    fn tell(&mut self, type_name: &str, member: &str, kind: ChangeKind) {
        self.changes.push(Change {
            type_name: type_name.to_owned(),
            member: member.to_owned(),
            kind,
        });
    }
}

/// `int (struct file *, char *)`.
fn prototype(btf: &Btf, proto: TypeId) -> String {
    let Ok(Contents::FuncProto(proto)) = btf.get(proto).map(Type::contents) else {
        return String::new();
    };
    let params = proto.params().map(|param| match param.is_variadic() {
        true => "...".to_owned(),
        false => btf.type_name(param.ty),
    });
    let params: Vec<_> = params.collect();
    format!("{} ({})", btf.type_name(proto.result), params.join(", "))
}

fn size_change(old: (&Btf, TypeId), new: (&Btf, TypeId)) -> Option<ChangeKind> {
    let (from, to) = (old.0.size_of(old.1).ok()?, new.0.size_of(new.1).ok()?);
    (from != to).then_some(ChangeKind::Resized { from, to })
}

fn value_change(old: &Place<'_>, new: &Place<'_>) -> Option<ChangeKind> {
    let (from, to) = (old.enumerator_value()?, new.enumerator_value()?);
    (from != to).then_some(ChangeKind::Revalued { from, to })
}

/// What is different about a field that relocations lead to.
fn field_changes(old: (&Btf, &Place<'_>), new: (&Btf, &Place<'_>)) -> Vec<ChangeKind> {
    let field = |btf: &Btf, place: &Place<'_>| -> Option<Field> {
        let (ty, bits) = place.field(btf)?;
        Some(Field {
            ty,
            bit_offset: place.bit_offset(),
            bits,
        })
    };
    match (field(old.0, old.1), field(new.0, new.1)) {
        (Some(one), Some(other)) => changes_of((old.0, &one), (new.0, &other)),
        _ => Vec::new(),
    }
}

fn changes_of(old: (&Btf, &Field), new: (&Btf, &Field)) -> Vec<ChangeKind> {
    let mut changes = Vec::new();
    let ((old_btf, old), (new_btf, new)) = (old, new);
    if old.bit_offset != new.bit_offset {
        changes.push(ChangeKind::Moved {
            from: old.bit_offset,
            to: new.bit_offset,
        });
    }
    let (from, to) = (old_btf.type_name(old.ty), new_btf.type_name(new.ty));
    if from != to {
        let is_same_kind = fields_are_compatible(old_btf, old.ty, new_btf, new.ty);
        changes.push(ChangeKind::Retyped {
            from,
            to,
            is_other_kind: !is_same_kind.unwrap_or(false),
        });
    }
    let size = |btf: &Btf, field: &Field| match field.bits {
        0 => btf.size_of(field.ty).unwrap_or(0),
        bits => bits.into(),
    };
    let (from, to) = (size(old_btf, old), size(new_btf, new));
    if from != to {
        changes.push(ChangeKind::Resized { from, to });
    }
    changes
}
