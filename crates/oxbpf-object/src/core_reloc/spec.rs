//! What a relocation is about, on one side: in the object's types or in the kernel's.

use std::fmt;

use super::error::ErrorKind;
use super::kind::{CoreRelocKind, Subject};
use crate::btf::{Array, Btf, Contents, CoreRelo, Kind, TypeId};
use crate::limits::MAX_CORE_SPEC_LEN;

/// A type and, for relocations about a field or an enumerator, the way to it.
#[derive(Debug, Clone)]
pub(super) struct Spec<'a> {
    pub(super) btf: &'a Btf,
    pub(super) kind: CoreRelocKind,
    pub(super) root: TypeId,
    /// The steps that a programmer would write: named members and elements. The first is always
    /// the element `[0]` of a pointer to the root, or the enumerator.
    pub(super) steps: Vec<Step<'a>>,
    /// All steps, those into anonymous members too, as in the access string.
    pub(super) path: Vec<u32>,
    /// Where the field is, from the start of the root.
    pub(super) bit_offset: u64,
}

/// One step of a [`Spec`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Step<'a> {
    /// For a member or enumerator, the type that has it; for an element, its own type.
    pub(super) ty: TypeId,
    pub(super) index: u32,
    /// Name of the member or enumerator.
    pub(super) name: Option<&'a str>,
}

impl<'a> Spec<'a> {
    pub(super) fn new(btf: &'a Btf, kind: CoreRelocKind, root: TypeId) -> Spec<'a> {
        Spec {
            btf,
            kind,
            root,
            steps: Vec::new(),
            path: Vec::new(),
            bit_offset: 0,
        }
    }

    /// Reads a relocation of an object with these types.
    pub(super) fn parse(btf: &'a Btf, relo: CoreRelo) -> Result<Spec<'a>, ErrorKind> {
        let kind = CoreRelocKind(relo.kind);
        let subject = kind.subject().ok_or(ErrorKind::UnknownKind(kind))?;
        let access = btf
            .string(relo.access_str_off)
            .map_err(ErrorKind::LocalTypes)?;
        let mut spec = Spec::new(btf, kind, relo.type_id);
        let root = btf
            .skip_modifiers_and_typedefs(relo.type_id)
            .map_err(ErrorKind::LocalTypes)?;
        match subject {
            Subject::Type if access == b"0" => {}
            Subject::Type => return Err(ErrorKind::BadAccess("for a type it must be 0")),
            Subject::Enumerator => {
                let index = match parse_access(access)?[..] {
                    [index] => index,
                    _ => return Err(ErrorKind::BadAccess("an enumerator is one number")),
                };
                let enumerator = root.enumerators().nth(index as usize);
                let enumerator = enumerator.ok_or(ErrorKind::BadAccess("no such enumerator"))?;
                spec.path.push(index);
                spec.steps.push(Step {
                    ty: root.id(),
                    index,
                    name: Some(enumerator.name),
                });
            }
            Subject::Field => {
                let path = parse_access(access)?;
                let (first, rest) = path
                    .split_first()
                    .ok_or(ErrorKind::BadAccess("it is empty"))?;
                spec.enter_element(root.id(), *first)
                    .map_err(|fault| fault.of_object())?;
                let mut at = root.id();
                let mut steps = spec.steps.len();
                for index in rest {
                    steps = spec.steps.len();
                    at = spec.follow(at, *index)?;
                }
                // Only steps with names can be found again in other types.
                if !rest.is_empty() && spec.steps.len() == steps {
                    return Err(ErrorKind::BadAccess("it ends at an anonymous member"));
                }
            }
        }
        Ok(spec)
    }

    /// One step of an access string: into a member or an element of `at`.
    fn follow(&mut self, at: TypeId, index: u32) -> Result<TypeId, ErrorKind> {
        let ty = self
            .btf
            .skip_modifiers_and_typedefs(at)
            .map_err(ErrorKind::LocalTypes)?;
        match ty.contents() {
            Contents::Struct(composite) | Contents::Union(composite) => {
                let member = composite.members().nth(index as usize);
                let member = member.ok_or(ErrorKind::BadAccess("no such member"))?;
                self.enter_member(ty.id(), index, member.name, member.bit_offset.into())
                    .map_err(|fault| fault.of_object())?;
                Ok(member.ty)
            }
            Contents::Array(array) => {
                if !self.has_element(array, index) {
                    return Err(ErrorKind::BadAccess("an index is past the end of an array"));
                }
                let element = self
                    .btf
                    .skip_modifiers_and_typedefs(array.element)
                    .map_err(ErrorKind::LocalTypes)?;
                self.enter_element(element.id(), index)
                    .map_err(|fault| fault.of_object())?;
                Ok(element.id())
            }
            _ => Err(ErrorKind::BadAccess(
                "it goes into something that is no structure, union or array",
            )),
        }
    }

    /// Whether the array that the last step led to can be indexed so far. A flexible array, the
    /// last member of its structure and without a length, has no end.
    pub(super) fn has_element(&self, array: Array, index: u32) -> bool {
        index < array.len || (array.len == 0 && self.is_at_last_member())
    }

    fn is_at_last_member(&self) -> bool {
        let Some(Step {
            ty,
            index,
            name: Some(_),
        }) = self.steps.last()
        else {
            return false;
        };
        let count = self.btf.get(*ty).map_or(0, |ty| ty.element_count());
        index.checked_add(1) == Some(count)
    }

    /// Adds the step to an element of type `ty`.
    pub(super) fn enter_element(&mut self, ty: TypeId, index: u32) -> Result<(), Fault> {
        let bits = match index {
            0 => 0,
            _ => self
                .btf
                .size_of(ty)
                .map_err(Fault::Types)?
                .checked_mul(index.into())
                .and_then(|bytes| bytes.checked_mul(8))
                .ok_or(Fault::Kind(ErrorKind::BadAccess("its offset is too large")))?,
        };
        self.enter(index, bits)?;
        self.steps.push(Step {
            ty,
            index,
            name: None,
        });
        Ok(())
    }

    /// Adds the step to a member of the structure or union `ty`.
    pub(super) fn enter_member(
        &mut self,
        ty: TypeId,
        index: u32,
        name: &'a str,
        bits: u64,
    ) -> Result<(), Fault> {
        self.enter(index, bits)?;
        if !name.is_empty() {
            self.steps.push(Step {
                ty,
                index,
                name: Some(name),
            });
        }
        Ok(())
    }

    fn enter(&mut self, index: u32, bits: u64) -> Result<(), Fault> {
        if self.path.len() >= MAX_CORE_SPEC_LEN {
            return Err(Fault::Kind(ErrorKind::TooLong));
        }
        self.path.push(index);
        self.bit_offset = self
            .bit_offset
            .checked_add(bits)
            .ok_or(Fault::Kind(ErrorKind::BadAccess("its offset is too large")))?;
        Ok(())
    }

    /// `struct task_struct` or `enum bpf_cmd`: the root, as a programmer calls it.
    pub(super) fn root_name(&self) -> String {
        match self.btf.get(self.root) {
            Ok(ty) => match ty.kind() {
                Kind::STRUCT | Kind::UNION => format!("{} {}", ty.kind(), ty.name()),
                Kind::ENUM | Kind::ENUM64 => format!("enum {}", ty.name()),
                _ => ty.name().to_owned(),
            },
            Err(_) => format!("type {}", self.root),
        }
    }

    /// `se.vruntime` or `comm[3]`: the way to the field, as a programmer writes it.
    pub(super) fn field_name(&self) -> String {
        let mut name = String::new();
        self.write_field(&mut name).unwrap_or_default();
        name.strip_prefix('.').unwrap_or(&name).to_owned()
    }

    fn write_field(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for (position, step) in self.steps.iter().enumerate() {
            match step.name {
                Some(name) => write!(out, ".{name}")?,
                None if position > 0 || step.index > 0 => write!(out, "[{}]", step.index)?,
                None => {}
            }
        }
        Ok(())
    }
}

/// What can go wrong on either side.
#[derive(Debug)]
pub(super) enum Fault {
    Types(crate::btf::Error),
    Kind(ErrorKind),
}

impl Fault {
    pub(super) fn of_object(self) -> ErrorKind {
        match self {
            Fault::Types(error) => ErrorKind::LocalTypes(error),
            Fault::Kind(kind) => kind,
        }
    }

    pub(super) fn of_target(self) -> ErrorKind {
        match self {
            Fault::Types(error) => ErrorKind::TargetTypes(error),
            Fault::Kind(kind) => kind,
        }
    }
}

/// The numbers of an access string, `0:2:1`.
fn parse_access(access: &[u8]) -> Result<Vec<u32>, ErrorKind> {
    let parts = access.split(|&byte| byte == b':');
    if parts.clone().count() > MAX_CORE_SPEC_LEN {
        return Err(ErrorKind::TooLong);
    }
    parts
        .map(|part| {
            std::str::from_utf8(part)
                .ok()
                .filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
                .and_then(|part| part.parse().ok())
        })
        .collect::<Option<Vec<u32>>>()
        .ok_or(ErrorKind::BadAccess(
            "it is not numbers with colons between",
        ))
}

/// In libbpf's notation: `<byte_off> [12] struct task_struct.pid (0:5 @ offset 8)`.
impl fmt::Display for Spec<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, name) = match self.btf.get(self.root) {
            Ok(ty) => (ty.kind(), ty.name()),
            Err(_) => (Kind::VOID, ""),
        };
        let name = if name.is_empty() { "<anon>" } else { name };
        write!(f, "<{}> [{}] {kind} {name}", self.kind, self.root)?;
        match self.kind.subject() {
            Some(Subject::Enumerator) => {
                let step = self.steps.first();
                let enumerator = step.and_then(|step| {
                    let ty = self.btf.get(step.ty).ok()?;
                    ty.enumerators().nth(step.index as usize)
                });
                match enumerator {
                    Some(enumerator) => write!(f, "::{} = {}", enumerator.name, enumerator.value),
                    None => Ok(()),
                }
            }
            Some(Subject::Field) => {
                self.write_field(f)?;
                f.write_str(" (")?;
                for (position, index) in self.path.iter().enumerate() {
                    let colon = if position > 0 { ":" } else { "" };
                    write!(f, "{colon}{index}")?;
                }
                write!(f, " @ offset {}", self.bit_offset / 8)?;
                match self.bit_offset % 8 {
                    0 => f.write_str(")"),
                    bits => write!(f, ".{bits})"),
                }
            }
            _ => Ok(()),
        }
    }
}
