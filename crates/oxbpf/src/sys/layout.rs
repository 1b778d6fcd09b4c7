//! One structure out of the kernel's nested ones, as its types (BTF) tell.
//!
//! `cargo xtask gen-uapi` makes `uapi.rs` with this, from the types of the newest kernel; the test beside it compares what
//! was made with the types of the running one.

use std::fmt;

use oxbpf_object::btf::{Btf, Contents, Kind, Member, Type};

/// The fields of a structure, with no structure or union left among them.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) fields: Vec<Field>,
    /// In bytes.
    pub(crate) size: u32,
}

/// A field. Offset and size are in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) offset: u32,
    pub(crate) size: u32,
    pub(crate) form: Form,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Unsigned,
    Signed,
    /// Text, a hash, a tag.
    Bytes,
    /// Bit-fields in one unit of storage: the name, first bit and number of bits of each.
    Bits(Vec<(String, u32, u32)>),
}

/// Of the names of one field, those that are not the first but say more.
const BETTER_NAMES: &[&str] = &["config1", "config2"];

/// Takes a structure out of `root`, a structure or union of the kernel.
///
/// `path` says which member of a union is meant, for one union after the other, with dots between: its name or, if it has
/// none, that of its first member. What follows a union that the path says nothing of is left out, unless all of the union's
/// members are of the same size: then the first one's name stands for all. A name that is taken gets that of the member it is in
/// before it.
pub(crate) fn flatten(btf: &Btf, root: &str, path: &str) -> Result<Layout, Missing> {
    let id = btf
        .find(root, Kind::STRUCT)
        .or_else(|| btf.find(root, Kind::UNION));
    let root = id
        .and_then(|id| btf.get(id).ok())
        .ok_or_else(|| Missing(format!("no type {root}")))?;
    let mut flattening = Flattening {
        btf,
        path: path.split('.').filter(|step| !step.is_empty()).collect(),
        fields: Vec::new(),
        cut: None,
    };
    flattening.composite(root, 0, "")?;
    if let Some(step) = flattening.path.first() {
        return Err(Missing(format!(
            "{root:?} has no {step}, the rest of {path}"
        )));
    }
    let fields = flattening.fields;
    let end = fields
        .iter()
        .map(|field| field.offset.saturating_add(field.size))
        .max()
        .unwrap_or(0);
    let align = fields.iter().map(Field::align).max().unwrap_or(1);
    let size = flattening
        .cut
        .unwrap_or_else(|| end.next_multiple_of(align));
    Ok(Layout { fields, size })
}

/// What the types at hand do not have.
#[derive(Debug)]
pub(crate) struct Missing(String);

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Missing {}

impl Field {
    pub(crate) fn align(&self) -> u32 {
        if self.form == Form::Bytes {
            1
        } else {
            self.size
        }
    }
}

struct Flattening<'a> {
    btf: &'a Btf,
    /// The steps not yet taken.
    path: Vec<&'a str>,
    fields: Vec<Field>,
    /// Where the union starts that nothing is said of.
    cut: Option<u32>,
}

impl<'a> Flattening<'a> {
    fn composite(&mut self, ty: Type<'a>, start: u32, name: &str) -> Result<(), Missing> {
        if ty.kind() == Kind::UNION {
            return self.union(ty, start, name);
        }
        for member in ty.members() {
            if self.cut.is_some() {
                break;
            }
            self.member(&member, start, name)?;
        }
        Ok(())
    }

    fn union(&mut self, ty: Type<'a>, start: u32, name: &str) -> Result<(), Missing> {
        let step = self.path.first().copied();
        let chosen = ty
            .members()
            .find(|member| Some(self.name_of(member)) == step);
        if let Some(member) = chosen {
            self.path.remove(0);
            return self.member(&member, start, name);
        }
        let size = |member: &Member<'_>| self.btf.size_of(member.ty).ok();
        let is_uniform = ty
            .members()
            .all(|member| size(&member) == ty.size().map(u64::from));
        let better = ty
            .members()
            .find(|member| BETTER_NAMES.contains(&member.name));
        match better
            .or_else(|| ty.members().next())
            .filter(|_| is_uniform)
        {
            Some(member) => self.member(&member, start, name)?,
            None => self.cut = Some(start),
        }
        Ok(())
    }

    fn member(&mut self, member: &Member<'a>, start: u32, outer: &str) -> Result<(), Missing> {
        let missing = |error| Missing(format!("member {} of {outer}: {error}", member.name));
        let offset = start + member.byte_offset();
        let ty = self
            .btf
            .skip_modifiers_and_typedefs(member.ty)
            .map_err(missing)?;
        let size = self.btf.size_of(ty.id()).map_err(missing)? as u32;
        if member.bitfield_size != 0 {
            self.bits(member, start, size);
            return Ok(());
        }
        let form = match ty.contents() {
            Contents::Struct(_) | Contents::Union(_) => {
                return self.composite(
                    ty,
                    offset,
                    if member.name.is_empty() {
                        outer
                    } else {
                        member.name
                    },
                );
            }
            Contents::Int(int) if int.is_signed && size > 1 => Form::Signed,
            Contents::Int(_) | Contents::Enum(_) => Form::Unsigned,
            Contents::Array(_) => Form::Bytes,
            other => {
                return Err(Missing(format!(
                    "member {} of {outer} is a {other:?}",
                    member.name
                )));
            }
        };
        let name = self.free_name(member.name, outer);
        self.fields.push(Field {
            name,
            offset,
            size,
            form,
        });
        Ok(())
    }

    /// Bit-fields of one unit make one field, called as the first of them for now.
    fn bits(&mut self, member: &Member<'_>, start: u32, size: u32) {
        let unit = size * 8;
        let offset = start + member.bit_offset / unit * size;
        let bit = (
            member.name.to_owned(),
            member.bit_offset % unit,
            member.bitfield_size.into(),
        );
        match self.fields.last_mut() {
            Some(Field {
                offset: last,
                form: Form::Bits(bits),
                ..
            }) if *last == offset => bits.push(bit),
            _ => self.fields.push(Field {
                name: member.name.to_owned(),
                offset,
                size,
                form: Form::Bits(vec![bit]),
            }),
        }
    }

    fn free_name(&self, name: &str, outer: &str) -> String {
        match self.fields.iter().any(|field| field.name == name) {
            true => format!("{outer}_{name}"),
            false => name.to_owned(),
        }
    }

    /// The name of a member or, if it has none, that of its first member.
    fn name_of(&self, member: &Member<'a>) -> &'a str {
        let mut first = *member;
        while first.name.is_empty() {
            let inner = self
                .btf
                .get(first.ty)
                .ok()
                .and_then(|ty| ty.members().next());
            match inner {
                Some(inner) => first = inner,
                None => break,
            }
        }
        first.name
    }
}
