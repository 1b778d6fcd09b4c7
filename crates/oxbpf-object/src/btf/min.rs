//! The part of a kernel's types that objects need to be relocated.

use std::collections::{BTreeSet, HashMap};

use super::{Btf, BtfBuilder, Contents, Enumerator, Error, Kind, Member, Type, TypeId};
use crate::core_reloc;
use crate::core_reloc::lookup::{Lookup, Question, question, relocations};
use crate::spec::CollectionSpec;

/// Cuts a kernel's BTF down to what the CO-RE relocations of some objects ask of it.
///
/// What is left is some kilobytes, small enough to ship one for every kernel that has no BTF of its own, with the program that is to
/// run there. Relocating the objects against it gives what relocating them against the whole gives, except for the ids of types
/// ([`CoreRelocKind::TYPE_ID_TARGET`](core_reloc::CoreRelocKind::TYPE_ID_TARGET)), which only the running kernel can tell.
///
/// ```
/// use oxbpf_object::btf::{Btf, MinBtf};
/// use oxbpf_object::{CollectionSpec, Endian};
///
/// fn cut(kernel: &Btf, object: &CollectionSpec) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
///     let mut min = MinBtf::new(kernel)?;
///     min.keep(object)?;
///     Ok(min.build()?.to_bytes(Endian::NATIVE)?)
/// }
/// ```
#[doc(alias = "btfgen")]
#[derive(Debug)]
pub struct MinBtf<'k> {
    kernel: &'k Btf,
    /// By id: how much is kept of a type.
    kept: HashMap<TypeId, Part>,
    /// The members kept of structures and unions, and the enumerators of enumerations, by position.
    elements: HashMap<TypeId, BTreeSet<u32>>,
}

/// How much of a type is kept. Each is more than the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// What a value of it looks like from outside: not what a pointer points to, no members.
    Outside,
    /// Its nature, through pointers and prototypes, without members.
    Nature,
    /// Everything, but of structures behind pointers the names only.
    Whole,
}

impl<'k> MinBtf<'k> {
    /// Nothing is kept yet.
    ///
    /// # Errors
    /// [`Error::Split`] if `kernel` is a module's; the reason if some of it cannot be read.
    pub fn new(kernel: &'k Btf) -> Result<MinBtf<'k>, Error> {
        if kernel.base().is_some() {
            return Err(Error::Split);
        }
        if let Some(error) = kernel.unread() {
            return Err(error.clone());
        }
        Ok(MinBtf {
            kernel,
            kept: HashMap::new(),
            elements: HashMap::new(),
        })
    }

    /// Keeps what the relocations of an object lead to. What the kernel has not, or only one of its modules has, is no error.
    ///
    /// # Errors
    /// The object is broken, or the kernel's types are.
    pub fn keep(&mut self, object: &CollectionSpec) -> Result<(), core_reloc::Error> {
        let Some(local) = &object.btf else {
            return Ok(());
        };
        let relos = relocations(object);
        let mut lookup = Lookup::new(local, self.kernel, relos.iter().copied());
        for relo in relos {
            for place in lookup.find(relo)? {
                match question(relo) {
                    Question::Local => {}
                    Question::Type => self.keep_type(place.root(), Part::Nature),
                    Question::SameType => self.keep_type(place.root(), Part::Whole),
                    Question::Enumerator => {
                        self.keep_type(place.root(), Part::Outside);
                        if let Some((list, index)) = place.enumerator() {
                            self.elements.entry(list).or_default().insert(index);
                        }
                    }
                    Question::Field => {
                        self.keep_type(place.root(), Part::Outside);
                        for (owner, index) in place.members() {
                            self.keep_member(owner, index);
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn keep_member(&mut self, owner: TypeId, index: u32) {
        let Ok(ty) = self.kernel.get(owner) else {
            return;
        };
        let Some(member) = ty.members().nth(index as usize) else {
            return;
        };
        self.elements.entry(owner).or_default().insert(index);
        self.keep_type(owner, Part::Outside);
        self.keep_type(member.ty, Part::Outside);
        // Only as the last one has an array without a length no end, so it must not become the last.
        let last = ty.element_count().saturating_sub(1);
        let is_endless = self
            .kernel
            .skip_modifiers_and_typedefs(member.ty)
            .is_ok_and(|ty| ty.kind() == Kind::ARRAY && ty.array_len() == 0);
        if is_endless && index < last {
            self.elements.entry(owner).or_default().insert(last);
            let last = ty.members().next_back();
            self.keep_type(last.map_or(TypeId::VOID, |last| last.ty), Part::Outside);
        }
    }

    fn keep_type(&mut self, id: TypeId, part: Part) {
        let mut todo = vec![(id, part)];
        while let Some((id, part)) = todo.pop() {
            let known = self.kept.get(&id);
            if id == TypeId::VOID || known.is_some_and(|known| *known >= part) {
                continue;
            }
            let Ok(ty) = self.kernel.get(id) else {
                continue;
            };
            self.kept.insert(id, part);
            match ty.contents() {
                Contents::Array(array) => todo.push((array.element, part)),
                Contents::Ptr(target) if part > Part::Outside => todo.push((target, Part::Nature)),
                Contents::FuncProto(_) if part > Part::Outside => {
                    todo.extend(ty.references().map(|id| (id, part)));
                }
                Contents::Func(func) => todo.push((func.proto, part)),
                Contents::Struct(_) | Contents::Union(_) | Contents::Enum(_)
                    if part == Part::Whole =>
                {
                    self.elements
                        .entry(id)
                        .or_default()
                        .extend(0..ty.element_count());
                    todo.extend(ty.references().map(|id| (id, part)));
                }
                Contents::Typedef(target) => todo.push((target, part)),
                _ if ty.kind().is_modifier() => {
                    todo.extend(ty.target().map(|target| (target, part)));
                }
                _ => {}
            }
        }
    }

    /// The types kept, in the order of the kernel's.
    ///
    /// # Errors
    /// When a record of the kernel's types is broken.
    pub fn build(&self) -> Result<BtfBuilder, Error> {
        let mut ids: Vec<TypeId> = self.kept.keys().copied().collect();
        ids.sort();
        let new: HashMap<TypeId, TypeId> = ids
            .iter()
            .zip(1..)
            .map(|(old, new)| (*old, TypeId(new)))
            .collect();
        // What is not kept is referred to as `void`.
        let renumber = |old: TypeId| new.get(&old).copied().unwrap_or(TypeId::VOID);
        let mut builder = BtfBuilder::new();
        for id in ids {
            let ty = self.kernel.get(id)?;
            match ty.contents() {
                Contents::Struct(_) => {
                    let members = self.members(ty, renumber);
                    builder.add_struct(ty.name(), ty.size().unwrap_or(0), &members)
                }
                Contents::Union(_) => {
                    let members = self.members(ty, renumber);
                    builder.add_union(ty.name(), ty.size().unwrap_or(0), &members)
                }
                Contents::Enum(list) => {
                    let enumerators: Vec<Enumerator<'_>> =
                        self.some(id, list.enumerators()).collect();
                    builder.add_enum(ty.name(), list.size, list.is_signed, &enumerators)
                }
                _ => builder.add_copy(ty, renumber)?,
            };
        }
        Ok(builder)
    }

    fn members<'t>(&'t self, ty: Type<'t>, renumber: impl Fn(TypeId) -> TypeId) -> Vec<Member<'t>> {
        self.some(ty.id(), ty.members())
            .map(|member| Member {
                ty: renumber(member.ty),
                ..member
            })
            .collect()
    }

    /// Those elements of a type that are kept.
    fn some<T>(&self, id: TypeId, elements: impl Iterator<Item = T>) -> impl Iterator<Item = T> {
        let kept = self.elements.get(&id);
        (0..)
            .zip(elements)
            .filter(move |(index, _)| kept.is_some_and(|kept| kept.contains(index)))
            .map(|(_, element)| element)
    }
}
