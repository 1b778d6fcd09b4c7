//! Where the members of a structure or union lie: what can be a field of its own, and what has to
//! be bytes that methods look into.

use oxbpf_object::btf::{Contents, Member, Type, TypeId};

use super::types::{Asker, RustType, Shape, Types};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::MAX_DEPTH;

/// The layout of a structure or union, members of anonymous ones in it included.
pub(super) struct Layout {
    /// By offset, without overlap.
    pub(super) parts: Vec<Part>,
    pub(super) accessors: Vec<Accessor>,
    pub(super) size: u64,
}

/// A stretch of bytes.
pub(super) struct Part {
    pub(super) offset: u64,
    pub(super) size: u64,
    pub(super) align: u64,
    pub(super) content: Content,
}

pub(super) enum Content {
    /// A member that is a field.
    Field {
        name: String,
        shape: Shape,
        docs: String,
        /// Position among all named members.
        order: usize,
    },
    /// Bytes that only methods look into.
    Storage,
}

/// A member that a pair of methods reads and sets.
pub(super) struct Accessor {
    pub(super) name: String,
    pub(super) docs: String,
    pub(super) view: View,
    /// Position among all named members.
    pub(super) order: usize,
}

pub(super) enum View {
    Value {
        offset: u64,
        shape: Shape,
    },
    Bits {
        bit_offset: u64,
        bits: u8,
        shape: Shape,
    },
}

impl Layout {
    /// Lays out a structure or union. `c_name` is what its anonymous members are named after,
    /// `title` what documentation and errors call it.
    pub(super) fn of(
        types: &mut Types<'_>,
        ty: Type<'_>,
        c_name: &str,
        title: &str,
    ) -> Result<Self> {
        let mut collector = Collector {
            types,
            title,
            c_name,
            parts: Vec::new(),
            accessors: Vec::new(),
            members: 0,
            depth: 0,
        };
        if matches!(ty.contents(), Contents::Union(_)) {
            collector.overlay(ty, 0)?;
        } else {
            collector.structure(ty, 0)?;
        }
        let Collector {
            parts, accessors, ..
        } = collector;
        let size = ty.size().unwrap_or(0).into();
        let unfit = |why: &str| Error::new(ErrorKind::Type, format!("{title} {why}"));
        let parts =
            merged(parts).ok_or_else(|| unfit("has members that overlap outside of a union"))?;
        if parts.iter().any(|part| part.offset + part.size > size) {
            return Err(unfit("is smaller than its members"));
        }
        Ok(Self {
            parts,
            accessors,
            size,
        })
    }
}

/// The structure or union that a member is of, and its position there: where its comment is found.
type Place = (TypeId, Option<u32>);

/// Collects the parts and accessors of one structure or union.
struct Collector<'t, 'a> {
    types: &'t mut Types<'a>,
    title: &'t str,
    c_name: &'t str,
    parts: Vec<Part>,
    accessors: Vec<Accessor>,
    /// Number of named members so far.
    members: usize,
    /// How many anonymous structures and unions this is in.
    depth: usize,
}

impl<'a> Collector<'_, 'a> {
    /// The members of a structure, those of anonymous structures in it as if they were its own.
    fn structure(&mut self, ty: Type<'_>, base: u64) -> Result<()> {
        for (component, member) in (0..).zip(ty.members()) {
            let comment = (ty.id(), Some(component));
            let bit_offset = base * 8 + u64::from(member.bit_offset);
            if let Some((bits, bit_offset)) = self.bit_field(&member, bit_offset)? {
                self.bits(&member, bit_offset, bits, comment)?;
                let first = bit_offset / 8;
                self.storage(first, (bit_offset + u64::from(bits)).div_ceil(8) - first);
                continue;
            }
            let offset = bit_offset / 8;
            let (inner, _) = self.resolve(&member)?;
            match inner.contents() {
                Contents::Struct(_) if member.name.is_empty() => {
                    self.within(&member, |this| this.structure(inner, offset))?
                }
                Contents::Union(_) if member.name.is_empty() => {
                    self.within(&member, |this| this.overlay(inner, offset))?
                }
                _ => {
                    let rust = self.member_type(&member)?;
                    let content = Content::Field {
                        name: member.name.to_owned(),
                        shape: rust.shape,
                        docs: self.docs(&member, offset, comment),
                        order: self.next(),
                    };
                    self.parts.push(Part {
                        offset,
                        size: rust.size,
                        align: rust.align,
                        content,
                    });
                }
            }
        }
        Ok(())
    }

    /// The members of a union, and what lies in it as a whole.
    fn overlay(&mut self, ty: Type<'_>, base: u64) -> Result<()> {
        self.storage(base, ty.size().unwrap_or(0).into());
        self.views(ty, base)
    }

    /// Methods for all members, however they overlap.
    fn views(&mut self, ty: Type<'_>, base: u64) -> Result<()> {
        for (component, member) in (0..).zip(ty.members()) {
            let comment = (ty.id(), Some(component));
            let bit_offset = base * 8 + u64::from(member.bit_offset);
            if let Some((bits, bit_offset)) = self.bit_field(&member, bit_offset)? {
                self.bits(&member, bit_offset, bits, comment)?;
                continue;
            }
            let offset = bit_offset / 8;
            let (inner, _) = self.resolve(&member)?;
            match inner.contents() {
                Contents::Struct(_) | Contents::Union(_) if member.name.is_empty() => {
                    self.within(&member, |this| this.views(inner, offset))?;
                }
                _ => {
                    let rust = self.member_type(&member)?;
                    let accessor = Accessor {
                        name: member.name.to_owned(),
                        docs: self.docs(&member, offset, comment),
                        view: View::Value {
                            offset,
                            shape: rust.shape,
                        },
                        order: self.next(),
                    };
                    self.accessors.push(accessor);
                }
            }
        }
        Ok(())
    }

    /// Goes on in an anonymous member.
    fn within(
        &mut self,
        member: &Member<'_>,
        go_on: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<()> {
        if self.depth >= MAX_DEPTH {
            return Err(self.unsupported(member, "lies too deep in others"));
        }
        self.depth += 1;
        go_on(self)?;
        self.depth -= 1;
        Ok(())
    }

    fn storage(&mut self, offset: u64, size: u64) {
        if size > 0 {
            self.parts.push(Part {
                offset,
                size,
                align: 1,
                content: Content::Storage,
            });
        }
    }

    fn bits(
        &mut self,
        member: &Member<'_>,
        bit_offset: u64,
        bits: u8,
        (owner, component): Place,
    ) -> Result<()> {
        if member.name.is_empty() {
            return Ok(());
        }
        let rust = self.member_type(member)?;
        if bits > 64 || rust.size > 8 {
            return Err(self.unsupported(member, "is too wide for a bit-field"));
        }
        let declaration = self.types.btf().declaration(member.ty, member.name);
        let facts = format!("`{declaration} : {bits}`, at bit {bit_offset}.");
        let accessor = Accessor {
            name: member.name.to_owned(),
            docs: self.types.comments().with(owner, component, &facts),
            view: View::Bits {
                bit_offset,
                bits,
                shape: rust.shape,
            },
            order: self.next(),
        };
        self.accessors.push(accessor);
        Ok(())
    }

    /// The position of a named member.
    fn next(&mut self) -> usize {
        self.members += 1;
        self.members
    }

    /// The number of bits of a bit-field and where they start; `None` for other members.
    fn bit_field(&self, member: &Member<'_>, bit_offset: u64) -> Result<Option<(u8, u64)>> {
        if member.bitfield_size > 0 {
            return Ok(Some((member.bitfield_size, bit_offset)));
        }
        // As compilers described them before BTF had a place for the number of bits.
        let (ty, _) = self.resolve(member)?;
        Ok(match ty.contents() {
            Contents::Int(int) if u32::from(int.bits) != int.size * 8 => {
                Some((int.bits, bit_offset + u64::from(int.bit_offset)))
            }
            _ => None,
        })
    }

    fn resolve(&self, member: &Member<'_>) -> Result<(Type<'a>, Option<&'a str>)> {
        let what = self.what(member);
        self.types.resolve(
            member.ty,
            Asker {
                name: member.name,
                what: &what,
            },
        )
    }

    fn member_type(&mut self, member: &Member<'_>) -> Result<RustType> {
        let name = format!("{}_{}", self.c_name, member.name);
        let what = self.what(member);
        self.types.rust_type(
            member.ty,
            Asker {
                name: &name,
                what: &what,
            },
        )
    }

    fn unsupported(&self, member: &Member<'_>, why: &str) -> Error {
        let asker = Asker {
            name: member.name,
            what: &self.what(member),
        };
        self.types.unsupported(member.ty, asker, why)
    }

    fn what(&self, member: &Member<'_>) -> String {
        // "The type of …" starts a sentence elsewhere.
        let owner = self.title.replacen("The type of", "the type of", 1);
        format!("member `{}` of {owner}", member.name)
    }

    fn docs(&self, member: &Member<'_>, offset: u64, (owner, component): Place) -> String {
        let declaration = self.types.btf().declaration(member.ty, member.name);
        let facts = format!("`{declaration}`, at byte {offset}.");
        self.types.comments().with(owner, component, &facts)
    }
}

/// The parts by offset, with storage that touches or overlaps made one; `None` if anything else
/// overlaps.
fn merged(mut parts: Vec<Part>) -> Option<Vec<Part>> {
    // Stable: an empty array keeps its place before what starts where it does.
    parts.sort_by_key(|part| part.offset);
    let mut merged: Vec<Part> = Vec::with_capacity(parts.len());
    for part in parts {
        match merged.last_mut() {
            Some(last)
                if part.offset < last.offset + last.size
                    || is_storage(last)
                        && is_storage(&part)
                        && part.offset == last.offset + last.size =>
            {
                if !(is_storage(last) && is_storage(&part)) {
                    return None;
                }
                let end = (part.offset + part.size).max(last.offset + last.size);
                last.size = end - last.offset;
            }
            _ => merged.push(part),
        }
    }
    Some(merged)
}

fn is_storage(part: &Part) -> bool {
    matches!(part.content, Content::Storage)
}
