//! What the relocations of an object lead to in some kernel's types, without relocating anything.

use super::candidates::Candidates;
use super::compat::Pair;
use super::error::{Error, ErrorKind};
use super::kind::{CoreRelocKind, Subject};
use super::matching;
use super::spec::Spec;
use crate::asm::Insn;
use crate::btf::{self, Btf, TypeId};
use crate::spec::CollectionSpec;

/// A kernel's types, asked about an object's relocations.
#[derive(Debug)]
pub(crate) struct Lookup<'a> {
    local: &'a Btf,
    target: &'a Btf,
    candidates: Candidates,
}

/// A place in a kernel's types: a type, and a field or an enumerator in it.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    spec: Spec<'a>,
}

/// What is asked about a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Question {
    /// About a field.
    Field,
    /// About a type: whether there is one of the same nature, or how large it is.
    Type,
    /// Whether there is a type with the same members.
    SameType,
    /// About an enumerator.
    Enumerator,
    /// About the object's own types.
    Local,
}

/// What a relocation asks.
pub(crate) fn question(relo: btf::CoreRelo) -> Question {
    match CoreRelocKind(relo.kind) {
        CoreRelocKind::TYPE_ID_LOCAL => Question::Local,
        CoreRelocKind::TYPE_MATCHES => Question::SameType,
        kind => match kind.subject() {
            Some(Subject::Field) | None => Question::Field,
            Some(Subject::Type) => Question::Type,
            Some(Subject::Enumerator) => Question::Enumerator,
        },
    }
}

/// Every relocation of an object, each question once.
pub(crate) fn relocations(object: &CollectionSpec) -> Vec<btf::CoreRelo> {
    let functions = object.functions().iter();
    let mut relos: Vec<_> = functions
        .flat_map(|function| &function.core_relos)
        .map(|relo| relo.record)
        .collect();
    relos.sort_by_key(|relo| (relo.type_id, relo.access_str_off, relo.kind));
    relos.dedup_by_key(|relo| (relo.type_id, relo.access_str_off, relo.kind));
    relos
}

impl<'a> Lookup<'a> {
    pub(crate) fn new(
        local: &'a Btf,
        target: &'a Btf,
        relos: impl IntoIterator<Item = btf::CoreRelo>,
    ) -> Lookup<'a> {
        let mut candidates = Candidates::default();
        candidates.announce(local, relos);
        Lookup {
            local,
            target,
            candidates,
        }
    }

    /// What a relocation is about, in the object's own types.
    pub(crate) fn local(&self, relo: btf::CoreRelo) -> Result<Place<'a>, Error> {
        Spec::parse(self.local, relo)
            .map(|spec| Place { spec })
            .map_err(|kind| self.failed(relo, kind))
    }

    /// All places that fit; none if the kernel has nothing of the kind, or the question is not about the kernel.
    pub(crate) fn find(&mut self, relo: btf::CoreRelo) -> Result<Vec<Place<'a>>, Error> {
        self.places(relo).map_err(|kind| self.failed(relo, kind))
    }

    fn places(&mut self, relo: btf::CoreRelo) -> Result<Vec<Place<'a>>, ErrorKind> {
        let local = Spec::parse(self.local, relo)?;
        if local.kind == CoreRelocKind::TYPE_ID_LOCAL {
            return Ok(Vec::new());
        }
        let found = self.candidates.of(self.local, relo, self.target)?;
        let mut places = Vec::new();
        for candidate in found.iter() {
            if let Ok(spec) = matching::find(&local, self.target, candidate.id)? {
                places.push(Place { spec });
            }
        }
        Ok(places)
    }

    fn failed(&self, relo: btf::CoreRelo, kind: ErrorKind) -> Error {
        Error {
            insn: (relo.insn_off as usize) / Insn::SIZE,
            relocation: super::relocator::describe(self.local, relo),
            kind,
        }
    }
}

impl<'a> Place<'a> {
    /// The type that it is in, or all of it.
    pub(crate) fn root(&self) -> TypeId {
        self.spec.root
    }

    /// The members on the way to the field, members without names among them: each the structure or union, and the position in it.
    pub(crate) fn members(&self) -> Vec<(TypeId, u32)> {
        let mut members = Vec::new();
        let mut at = self.spec.root;
        // The first step is to an element of a pointer to the root.
        for &index in self.spec.path.get(1..).unwrap_or_default() {
            let Ok(ty) = self.spec.btf.skip_modifiers_and_typedefs(at) else {
                break;
            };
            at = match ty.contents() {
                btf::Contents::Struct(composite) | btf::Contents::Union(composite) => {
                    members.push((ty.id(), index));
                    match composite.members().nth(index as usize) {
                        Some(member) => member.ty,
                        None => break,
                    }
                }
                btf::Contents::Array(array) => array.element,
                _ => break,
            };
        }
        members
    }

    /// The enumeration, and the position in it.
    pub(crate) fn enumerator(&self) -> Option<(TypeId, u32)> {
        let step = self.spec.steps.first()?;
        step.name.map(|_| (step.ty, step.index))
    }

    /// What the type is called: `struct task_struct`.
    pub(crate) fn type_name(&self) -> String {
        self.spec.root_name()
    }

    /// The way to the field: `se.vruntime`, `comm[3]`.
    pub(crate) fn field_name(&self) -> String {
        self.spec.field_name()
    }

    /// Where the field is, in bits from the start of the type.
    pub(crate) fn bit_offset(&self) -> u64 {
        self.spec.bit_offset
    }

    /// The type of the field, and how many bits it has if it is a bit-field.
    pub(crate) fn field(&self, btf: &Btf) -> Option<(TypeId, u8)> {
        let step = self.spec.steps.last()?;
        match step.name {
            Some(_) => {
                let owner = btf.get(step.ty).ok()?;
                let member = owner.members().nth(step.index as usize)?;
                Some((member.ty, member.bitfield_size))
            }
            None => Some((step.ty, 0)),
        }
    }

    /// The value of the enumerator.
    pub(crate) fn enumerator_value(&self) -> Option<i128> {
        let (list, index) = self.enumerator()?;
        let list = self.spec.btf.get(list).ok()?;
        let enumerator = list.enumerators().nth(index as usize)?;
        Some(enumerator.value)
    }
}

/// Whether a field of the one type can be read as one of the other.
pub(crate) fn fields_are_compatible(
    local: &Btf,
    local_type: TypeId,
    target: &Btf,
    target_type: TypeId,
) -> Result<bool, ErrorKind> {
    Pair::new(local, target).fields(local_type, target_type)
}
