//! What a relocation asks, answered for one side.

use super::error::ErrorKind;
use super::kind::CoreRelocKind;
use super::spec::{Fault, Spec, Step};
use crate::Endian;
use crate::btf::{Contents, Member, Type, TypeId};
use crate::limits::MAX_TYPE_DEPTH;

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) value: u64,
    /// Whether the compiler must have come to the same, so that it can be checked.
    pub(super) certain: bool,
    /// For the offset of a field: what an instruction that accesses it there moves.
    pub(super) access: Option<Access>,
}

/// What is moved by a load or store of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Access {
    /// In bytes; for an array, of one element.
    pub(super) size: u64,
    pub(super) nature: Nature,
}

/// What tells whether an access may change its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nature {
    Pointer,
    Unsigned,
    Other,
}

impl Answer {
    fn certain(value: u64) -> Answer {
        Answer {
            value,
            certain: true,
            access: None,
        }
    }
}

/// The answer where what is asked about is there.
pub(super) fn answer(spec: &Spec<'_>) -> Result<Answer, Fault> {
    let kind = spec.kind;
    match kind {
        CoreRelocKind::FIELD_EXISTS
        | CoreRelocKind::TYPE_EXISTS
        | CoreRelocKind::TYPE_MATCHES
        | CoreRelocKind::ENUMVAL_EXISTS => Ok(Answer::certain(1)),
        CoreRelocKind::TYPE_ID_LOCAL | CoreRelocKind::TYPE_ID_TARGET => Ok(Answer {
            // Linkers renumber types without changing instructions.
            certain: false,
            ..Answer::certain(spec.root.0.into())
        }),
        CoreRelocKind::TYPE_SIZE => {
            let size = spec.btf.size_of(spec.root).map_err(Fault::Types)?;
            Ok(Answer::certain(size))
        }
        CoreRelocKind::ENUMVAL_VALUE => enumerator_value(spec),
        _ => match spec.steps.last() {
            Some(step) if step.name.is_some() => member(spec, step),
            Some(step) => element(spec, step),
            None => Err(Fault::Kind(ErrorKind::UnknownKind(kind))),
        },
    }
}

/// The answer where it is not; `None` if there is none to give.
pub(super) fn absent(kind: CoreRelocKind) -> Option<Answer> {
    match kind {
        CoreRelocKind::FIELD_EXISTS
        | CoreRelocKind::TYPE_EXISTS
        | CoreRelocKind::TYPE_MATCHES
        | CoreRelocKind::TYPE_ID_TARGET
        | CoreRelocKind::TYPE_SIZE
        | CoreRelocKind::ENUMVAL_EXISTS => Some(Answer::certain(0)),
        _ => None,
    }
}

fn enumerator_value(spec: &Spec<'_>) -> Result<Answer, Fault> {
    let no_such = Fault::Kind(ErrorKind::BadAccess("no such enumerator"));
    let Some(step) = spec.steps.first() else {
        return Err(no_such);
    };
    let ty = spec.btf.get(step.ty).map_err(Fault::Types)?;
    match ty.enumerators().nth(step.index as usize) {
        // Negative ones in two's complement, as the register will hold them.
        Some(enumerator) => Ok(Answer::certain(enumerator.value as u64)),
        None => Err(no_such),
    }
}

/// About an element of an array, or all that a pointer points to.
fn element(spec: &Spec<'_>, step: &Step<'_>) -> Result<Answer, Fault> {
    match spec.kind {
        CoreRelocKind::FIELD_BYTE_OFFSET => Ok(Answer {
            access: Some(access(spec, step.ty)?),
            ..Answer::certain(spec.bit_offset / 8)
        }),
        CoreRelocKind::FIELD_BYTE_SIZE => {
            let size = spec.btf.size_of(step.ty).map_err(Fault::Types)?;
            Ok(Answer::certain(size))
        }
        _ => Err(Fault::Kind(ErrorKind::NotForElement)),
    }
}

/// The bytes to load to get at a field, and the bits of it.
#[derive(Debug, Clone, Copy)]
struct Extent {
    byte_offset: u64,
    byte_size: u64,
    bit_offset: u64,
    bit_size: u64,
}

fn member(spec: &Spec<'_>, step: &Step<'_>) -> Result<Answer, Fault> {
    let owner = spec.btf.get(step.ty).map_err(Fault::Types)?;
    let member = owner.members().nth(step.index as usize);
    let member = member.ok_or(Fault::Kind(ErrorKind::BadAccess("no such member")))?;
    let ty = spec
        .btf
        .skip_modifiers_and_typedefs(member.ty)
        .map_err(Fault::Types)?;
    let bitfield = member.bitfield_size > 0;
    let extent = extent(spec, member, ty)?;
    // How to load a bit-field is left to compilers, so that they may differ.
    let layout = |value| Answer {
        certain: !bitfield,
        ..Answer::certain(value)
    };
    Ok(match spec.kind {
        CoreRelocKind::FIELD_BYTE_OFFSET => Answer {
            access: match bitfield {
                true => None,
                false => Some(access(spec, ty.id())?),
            },
            ..layout(extent.byte_offset)
        },
        CoreRelocKind::FIELD_BYTE_SIZE => layout(extent.byte_size),
        CoreRelocKind::FIELD_SIGNED => Answer::certain(is_signed(ty).into()),
        CoreRelocKind::FIELD_LSHIFT_U64 => layout(left_shift(extent, spec.btf.endian())?),
        CoreRelocKind::FIELD_RSHIFT_U64 => Answer::certain(
            64u64
                .checked_sub(extent.bit_size)
                .ok_or(Fault::Kind(ErrorKind::WideBitfield))?,
        ),
        kind => return Err(Fault::Kind(ErrorKind::UnknownKind(kind))),
    })
}

fn is_signed(ty: Type<'_>) -> bool {
    match ty.contents() {
        Contents::Enum(it) => it.is_signed,
        Contents::Int(int) => int.is_signed,
        _ => false,
    }
}

/// A bit-field is loaded by the smallest aligned load, of its own type's size or larger, that
/// has all of it.
fn extent(spec: &Spec<'_>, member: Member<'_>, ty: Type<'_>) -> Result<Extent, Fault> {
    let bit_offset = spec.bit_offset;
    let wide = || Fault::Kind(ErrorKind::WideBitfield);
    if member.bitfield_size == 0 {
        let byte_size = spec.btf.size_of(ty.id()).map_err(Fault::Types)?;
        return Ok(Extent {
            byte_offset: bit_offset / 8,
            byte_size,
            bit_offset,
            bit_size: byte_size.checked_mul(8).ok_or_else(wide)?,
        });
    }
    let bit_size = u64::from(member.bitfield_size);
    let end = bit_offset.checked_add(bit_size).ok_or_else(wide)?;
    let smallest = u64::from(ty.size().unwrap_or(0));
    [1u64, 2, 4, 8]
        .into_iter()
        .filter(|size| *size >= smallest)
        .find_map(|byte_size| {
            let bits = byte_size.checked_mul(8)?;
            let start = bit_offset.checked_sub(bit_offset.checked_rem(bits)?)?;
            (end <= start.checked_add(bits)?).then_some(Extent {
                byte_offset: start / 8,
                byte_size,
                bit_offset,
                bit_size,
            })
        })
        .ok_or_else(wide)
}

/// The number of bits above the field in a 64-bit register that the loaded bytes were put into.
fn left_shift(extent: Extent, endian: Endian) -> Result<u64, Fault> {
    let Extent {
        byte_offset,
        byte_size,
        bit_offset,
        bit_size,
    } = extent;
    let shift = || {
        // Bits of the load before the field; big-endian ones are counted from the top.
        let before = bit_offset.checked_sub(byte_offset.checked_mul(8)?)?;
        match endian {
            Endian::Little => 64u64.checked_sub(before.checked_add(bit_size)?),
            Endian::Big => 8u64
                .checked_sub(byte_size)?
                .checked_mul(8)?
                .checked_add(before),
        }
    };
    shift().ok_or(Fault::Kind(ErrorKind::WideBitfield))
}

fn access(spec: &Spec<'_>, ty: TypeId) -> Result<Access, Fault> {
    let resolve = |id| {
        spec.btf
            .skip_modifiers_and_typedefs(id)
            .map_err(Fault::Types)
    };
    let field = resolve(ty)?;
    let nature = match field.contents() {
        Contents::Ptr(_) => Nature::Pointer,
        Contents::Int(int) if !int.is_signed => Nature::Unsigned,
        _ => Nature::Other,
    };
    let mut innermost = field;
    for _ in 0..MAX_TYPE_DEPTH {
        match innermost.contents() {
            Contents::Array(array) => innermost = resolve(array.element)?,
            _ => break,
        }
    }
    Ok(Access {
        size: spec.btf.size_of(innermost.id()).map_err(Fault::Types)?,
        nature,
    })
}
