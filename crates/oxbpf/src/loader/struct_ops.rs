//! `struct_ops`: structures of functions that the kernel calls, fitted from the object's declaration to the kernel's.

use std::collections::HashMap;
use std::os::fd::{AsFd, AsRawFd};

use oxbpf_object::btf::{Btf, Contents, Kind, Member, Type, TypeId};
use oxbpf_object::core_reloc::essential_name;
use oxbpf_object::kernel::ProgramType;
use oxbpf_object::spec::{CollectionSpec, DataKind, MapSpec, SlotRef};

use super::faults::Faults;
use super::kernel::Kernel;
use crate::error::{Error, ErrorKind, Result};
use crate::link::StructOps;
use crate::map::Map;
use crate::program::Program;
use crate::suggest;

/// What stands before the name of a structure in that of the value which the kernel keeps it in.
const VALUE_PREFIX: &str = "bpf_struct_ops_";

/// The `struct_ops` maps to be created and their programs, by position in the spec, as this kernel wants them.
#[derive(Debug, Default)]
pub(super) struct StructOpsPlan {
    pub(super) maps: HashMap<usize, Value>,
    pub(super) programs: HashMap<usize, Slot>,
    /// Programs of structures that could not be fitted, with the structure's name.
    unfitted: HashMap<usize, String>,
}

/// The value of a map.
#[derive(Clone, Debug)]
pub(super) struct Value {
    /// Its type in the kernel's types, or in those of the module at a position in the load's list.
    pub(super) value_type: TypeId,
    pub(super) module: Option<usize>,
    /// Its bytes, without functions.
    pub(super) bytes: Vec<u8>,
    /// Where which program goes.
    pub(super) functions: Vec<(usize, usize)>,
}

impl Value {
    /// The structure with its functions, ready to be attached.
    pub(super) fn with_programs(mut self, map: Map, programs: &[Option<Program>]) -> StructOps {
        let mut kept = Vec::new();
        for (offset, program) in self.functions {
            let Some(Some(program)) = programs.get(program) else {
                continue;
            };
            // A pointer's room; the kernel reads a whole one.
            let descriptor = (program.as_fd().as_raw_fd() as u64).to_ne_bytes();
            if let Some(place) = self.bytes.get_mut(offset..offset + descriptor.len()) {
                place.copy_from_slice(&descriptor);
                kept.push(program.clone());
            }
        }
        StructOps::new(map, self.bytes, kept)
    }
}

/// The function that a program implements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    /// The structure, in the kernel's types or in those of a module.
    pub(super) structure: TypeId,
    pub(super) module: Option<usize>,
    /// The number of the member.
    pub(super) member: u32,
}

impl StructOpsPlan {
    /// Fits all structures whose maps are to be created; those that cannot be fitted are switched off if the load keeps
    /// going. Programs are switched on where such a map names them, and off where none does: without a structure, a
    /// program cannot be loaded.
    pub(super) fn new(
        kernel: &Kernel<'_>,
        spec: &mut CollectionSpec,
        faults: &mut Faults,
    ) -> Result<Self> {
        let mut plan = Self::default();
        let wanted: Vec<usize> = (0..)
            .zip(spec.maps())
            .filter(|(_, map)| is_struct_ops(map) && map.autocreate)
            .map(|(position, _)| position)
            .collect();
        for position in wanted {
            let Some(map) = spec.maps().get(position) else {
                continue;
            };
            if let Err(error) = plan.fit(kernel, spec, position, map) {
                let error = error.context(format!("fitting `{}` to the kernel", map.name));
                faults.of_map(position, error)?;
                for (_, reference) in &map.values {
                    if let SlotRef::Program(program) = reference {
                        plan.unfitted.insert(*program, map.name.clone());
                    }
                }
                if let Some(map) = spec.maps_mut().get_mut(position) {
                    map.autocreate = false;
                }
            }
        }
        for (position, program) in spec.programs_mut().iter_mut().enumerate() {
            if program.prog_type == Some(ProgramType::STRUCT_OPS) {
                program.autoload =
                    plan.programs.contains_key(&position) || plan.unfitted.contains_key(&position);
            }
        }
        Ok(plan)
    }

    /// Why a program cannot be loaded for want of its place in a structure.
    pub(super) fn failure(&self, program: usize) -> Option<Error> {
        if self.programs.contains_key(&program) {
            return None;
        }
        let structure = self.unfitted.get(&program)?;
        Some(
            Error::new(
                ErrorKind::Unsupported,
                "looking up the function it implements",
            )
            .with_reason(format!("`{structure}` could not be fitted to the kernel")),
        )
    }

    fn fit(
        &mut self,
        kernel: &Kernel<'_>,
        spec: &CollectionSpec,
        position: usize,
        map: &MapSpec,
    ) -> Result<()> {
        let invalid =
            |why: &str| Error::new(ErrorKind::InvalidObject, "reading it").with_reason(why);
        let (Some(btf), Some(local), Some(data)) = (&spec.btf, map.value_type, &map.data) else {
            return Err(invalid("it has no type or no contents"));
        };
        let local = btf
            .get(local)
            .map_err(|e| invalid("its type cannot be read").with_source(e))?;
        let target = Target::find(kernel, essential_name(local.name()))?;
        let mut value = Value {
            value_type: target.value.id(),
            module: target.module,
            bytes: vec![0; target.value.size().unwrap_or(0) as usize],
            functions: Vec::new(),
        };
        let mut programs: HashMap<u32, usize> = HashMap::new();
        for (offset, reference) in &map.values {
            if let SlotRef::Program(program) = reference {
                programs.insert(*offset, *program);
            }
        }
        for member in local.members() {
            let name = member.name;
            let here = |e: Error| e.context(format!("member `{name}`"));
            let program = programs.remove(&member.byte_offset());
            let contents = contents_of(btf, &member, &data.contents).map_err(here)?;
            let Some((index, found)) = target.member(name) else {
                // What this kernel does not know may be there as long as nothing is asked of it; a program in it is not loaded.
                if program.is_none() && contents.iter().any(|byte| *byte != 0) {
                    return Err(here(unknown(&target, name)));
                }
                continue;
            };
            let place = check(btf, &member, &target, &found).map_err(here)?;
            if let Some(program) = program {
                check_program(spec, program, place.is_function).map_err(here)?;
                self.assign(spec, program, target.slot(index))
                    .map_err(here)?;
                value.functions.push((place.offset, program));
            } else if !place.is_pointer {
                let range = place.offset..place.offset + contents.len();
                let kept = value.bytes.get_mut(range);
                kept.ok_or_else(|| here(broken(&target)))?
                    .copy_from_slice(contents);
            }
        }
        if let Some((offset, _)) = programs.into_iter().next() {
            return Err(invalid(&format!(
                "a program at byte {offset}, where no member begins"
            )));
        }
        self.maps.insert(position, value);
        Ok(())
    }

    /// A program may be in several structures, but only as the same function.
    fn assign(&mut self, spec: &CollectionSpec, program: usize, slot: Slot) -> Result<()> {
        match self.programs.insert(program, slot) {
            Some(other) if other != slot => {
                let name = spec.programs().get(program).map_or("?", |p| &p.name);
                Err(Error::new(
                    ErrorKind::InvalidObject,
                    format!("assigning program `{name}`"),
                )
                .with_reason("it is another function in another structure already")
                .with_remedy("write a program for each"))
            }
            _ => Ok(()),
        }
    }
}

pub(super) fn is_struct_ops(map: &MapSpec) -> bool {
    map.data
        .as_ref()
        .is_some_and(|data| data.kind == DataKind::StructOps)
}

/// A structure as the kernel has it.
struct Target<'k> {
    btf: &'k Btf,
    module: Option<usize>,
    /// `struct bpf_struct_ops_NAME`: bookkeeping, and the structure.
    value: Type<'k>,
    structure: Type<'k>,
    /// Where the structure is in the value, in bytes.
    offset: usize,
}

/// Where a member goes.
struct Place {
    /// Bytes from the start of the value.
    offset: usize,
    is_pointer: bool,
    is_function: bool,
}

impl<'k> Target<'k> {
    fn find(kernel: &'k Kernel<'_>, name: &str) -> Result<Self> {
        let value_name = format!("{VALUE_PREFIX}{name}");
        let (value, module) = kernel.find(&value_name, Kind::STRUCT)?.ok_or_else(|| {
            Error::new(
                ErrorKind::Unsupported,
                format!("looking up `struct {name}`"),
            )
            .with_reason(
                "neither this kernel nor one of its loaded modules lets programs implement it",
            )
        })?;
        let btf = value.btf();
        let structure = btf
            .find(name, Kind::STRUCT)
            .and_then(|id| btf.get(id).ok())
            .ok_or_else(|| no_structure(name))?;
        let mut members = value.members();
        let data = members
            .find(|member| member.ty == structure.id())
            .ok_or_else(|| no_structure(name))?;
        Ok(Self {
            btf,
            module,
            value,
            structure,
            offset: data.byte_offset() as usize,
        })
    }

    fn member(&self, name: &str) -> Option<(u32, Member<'k>)> {
        (0..)
            .zip(self.structure.members())
            .find(|(_, member)| member.name == name)
    }

    fn slot(&self, member: u32) -> Slot {
        Slot {
            structure: self.structure.id(),
            module: self.module,
            member,
        }
    }
}

fn no_structure(name: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("looking up `struct {name}`"),
    )
    .with_reason("this kernel's types do not hold it")
}

fn broken(target: &Target<'_>) -> Error {
    Error::new(ErrorKind::InvalidObject, "placing it").with_reason(format!(
        "this kernel's types of `struct {}` contradict each other",
        target.structure.name()
    ))
}

#[cold]
fn unknown(target: &Target<'_>, name: &str) -> Error {
    let names = target.structure.members().map(|member| member.name);
    let error = Error::new(ErrorKind::Unsupported, "setting it").with_reason(format!(
        "`struct {}` of this kernel has no member `{name}`",
        target.structure.name()
    ));
    match suggest::did_you_mean(&suggest::nearest(name, names)) {
        Some(remedy) => error.with_remedy(remedy),
        None => error.with_remedy("leave it 0 on this kernel"),
    }
}

/// The bytes of a member.
fn contents_of<'d>(btf: &Btf, member: &Member<'_>, data: &'d [u8]) -> Result<&'d [u8]> {
    let size = btf.size_of(member.ty).ok();
    let start = member.byte_offset() as usize;
    size.and_then(|size| data.get(start..)?.get(..usize::try_from(size).ok()?))
        .ok_or_else(|| {
            Error::new(ErrorKind::InvalidObject, "reading it")
                .with_reason("it lies outside of its structure")
        })
}

/// Makes sure that a member means the same here and there.
fn check(
    local: &Btf,
    member: &Member<'_>,
    target: &Target<'_>,
    found: &Member<'_>,
) -> Result<Place> {
    let differs = |why: String| {
        Error::new(ErrorKind::Unsupported, "comparing it with the kernel's").with_reason(why)
    };
    if member.bitfield_size != 0 || found.bitfield_size != 0 {
        return Err(differs("bit-fields are not supported".into()));
    }
    let unreadable = |e| differs("its type cannot be read".into()).with_source(e);
    let ours = local
        .skip_modifiers_and_typedefs(member.ty)
        .map_err(unreadable)?;
    let theirs = target
        .btf
        .skip_modifiers_and_typedefs(found.ty)
        .map_err(unreadable)?;
    if ours.kind() != theirs.kind() {
        return Err(differs(format!(
            "it is a {} here, but a {} there",
            ours.kind(),
            theirs.kind()
        )));
    }
    let size = |btf: &Btf, ty| btf.size_of(ty).map_err(unreadable);
    let (our_size, their_size) = (size(local, member.ty)?, size(target.btf, found.ty)?);
    if our_size != their_size {
        return Err(differs(format!(
            "it has {our_size} bytes here, but {their_size} there"
        )));
    }
    let function = match theirs.contents() {
        Contents::Ptr(pointed) => target
            .btf
            .skip_modifiers_and_typedefs(pointed)
            .is_ok_and(|ty| ty.kind() == Kind::FUNC_PROTO),
        _ => false,
    };
    Ok(Place {
        offset: target.offset + found.byte_offset() as usize,
        is_pointer: theirs.kind() == Kind::PTR,
        is_function: function,
    })
}

fn check_program(spec: &CollectionSpec, program: usize, is_function: bool) -> Result<()> {
    let program = spec.programs().get(program).ok_or_else(|| {
        Error::new(ErrorKind::InvalidObject, "assigning its program")
            .with_reason(format!("there is no program {program}"))
    })?;
    let doing = || format!("assigning program `{}`", program.name);
    if program.prog_type != Some(ProgramType::STRUCT_OPS) {
        return Err(Error::new(ErrorKind::InvalidObject, doing())
            .with_reason("it is no program for structures")
            .with_remedy("put it into SEC(\"struct_ops\")"));
    }
    if !is_function {
        return Err(Error::new(ErrorKind::Unsupported, doing())
            .with_reason("the kernel has no pointer to a function there"));
    }
    Ok(())
}
