//! Where C places the members of a structure, and what makes it place them where BTF says.

use crate::btf::{Btf, Contents, Int, Member, Type, TypeId};
use crate::limits::{MAX_C_NESTING, MAX_TYPE_DEPTH};

/// How to declare a structure or union.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) means: Means,
    /// The alignment that results, in bytes.
    pub(super) align: u32,
}

/// What it takes to give a structure or union its layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Means {
    /// Nothing but padding.
    Padding,
    /// No alignment of members: `packed`.
    Packed,
    /// A higher alignment than its members', for a union larger than them.
    Aligned,
    /// C cannot: members overlap, or are incomplete.
    Bytes,
}

/// The shapes of structures and unions found so far.
#[derive(Debug)]
pub(super) struct Shapes<'a> {
    btf: &'a Btf,
    known: Vec<Option<Shape>>,
}

/// What a structure that is met inside itself is taken for.
const INSIDE_ITSELF: Shape = Shape {
    means: Means::Bytes,
    align: 1,
};

impl<'a> Shapes<'a> {
    pub(super) fn new(btf: &'a Btf) -> Shapes<'a> {
        Shapes {
            btf,
            known: vec![None; btf.end().0 as usize],
        }
    }

    /// The shape of a structure or union.
    pub(super) fn of(&mut self, ty: Type<'a>) -> Shape {
        self.shape(ty, 0)
    }

    fn shape(&mut self, ty: Type<'a>, depth: usize) -> Shape {
        let slot = ty.id().0 as usize;
        if let Some(Some(shape)) = self.known.get(slot) {
            return *shape;
        }
        if depth > MAX_C_NESTING {
            return INSIDE_ITSELF;
        }
        self.remember(slot, INSIDE_ITSELF);
        let shape = match ty.contents() {
            Contents::Union(union) => self.union_shape(union.size, ty, depth),
            _ => self.struct_shape(ty.size().unwrap_or(0), ty, depth),
        };
        let shape = shape.unwrap_or(Shape {
            means: Means::Bytes,
            align: 1,
        });
        self.remember(slot, shape);
        shape
    }

    fn remember(&mut self, slot: usize, shape: Shape) {
        if let Some(known) = self.known.get_mut(slot) {
            *known = Some(shape);
        }
    }

    fn struct_shape(&mut self, size: u32, ty: Type<'a>, depth: usize) -> Option<Shape> {
        let mut at = 0u64;
        let mut align = 1;
        let mut packed = false;
        for member in ty.members() {
            let Some(place) = self.place(&member, depth)? else {
                continue;
            };
            // A bit-field lies within one unit of its type, another member at a multiple of its alignment.
            packed |= place.natural(place.offset, false) != place.offset;
            align = place.align.max(align);
            if place.offset < at {
                return None;
            }
            at = place.end();
        }
        if at > u64::from(size).saturating_mul(8) {
            return None;
        }
        packed |= size.checked_rem(align) != Some(0);
        Some(if packed {
            Shape {
                means: Means::Packed,
                align: 1,
            }
        } else {
            Shape {
                means: Means::Padding,
                align,
            }
        })
    }

    fn union_shape(&mut self, size: u32, ty: Type<'a>, depth: usize) -> Option<Shape> {
        let mut end = 0u64;
        let mut align = 1;
        for member in ty.members() {
            let Some(place) = self.place(&member, depth)? else {
                continue;
            };
            if place.offset != 0 {
                return None;
            }
            align = place.align.max(align);
            end = place.end().div_ceil(8).max(end);
        }
        let size = u64::from(size);
        if end.next_multiple_of(align.into()) == size {
            return Some(Shape {
                means: Means::Padding,
                align,
            });
        }
        if end == size {
            return Some(Shape {
                means: Means::Packed,
                align: 1,
            });
        }
        let mut aligns = (0..32)
            .map(|bit| 1u32 << bit)
            .skip_while(|&higher| higher <= align);
        let align = aligns.find(|&higher| end.next_multiple_of(higher.into()) == size)?;
        Some(Shape {
            means: Means::Aligned,
            align,
        })
    }

    /// Where a member is. `Some(None)` if it takes no declaration: bits without a name are padding.
    pub(super) fn place(&mut self, member: &Member<'a>, depth: usize) -> Option<Option<Place>> {
        if member.name.is_empty() && inline_composite(self.btf, member).is_none() {
            return Some(None);
        }
        let size = self.btf.size_of(member.ty).ok()?.checked_mul(8)?;
        let align = self.align(member.ty, depth)?;
        let (offset, bits) = match (member.bitfield_size, self.old_bit_field(member.ty)) {
            (0, Some(int)) => (
                u64::from(member.bit_offset).saturating_add(int.bit_offset.into()),
                int.bits,
            ),
            (bits, _) => (member.bit_offset.into(), bits),
        };
        let place = Place {
            offset,
            bits,
            size,
            align,
        };
        let is_possible = if bits == 0 {
            offset % 8 == 0
        } else {
            u64::from(bits) <= size
        };
        Some(Some(place)).filter(|_| is_possible)
    }

    /// The integer type of a bit-field, where the type is what describes it.
    fn old_bit_field(&self, id: TypeId) -> Option<Int> {
        match self.btf.skip_modifiers_and_typedefs(id).ok()?.contents() {
            Contents::Int(int)
                if int.bit_offset != 0 || u32::from(int.bits) != int.size.saturating_mul(8) =>
            {
                Some(int)
            }
            _ => None,
        }
    }

    /// The alignment that C gives a type, in bytes; `None` if it cannot have one.
    fn align(&mut self, id: TypeId, depth: usize) -> Option<u32> {
        let mut ty = self.btf.get(id).ok()?;
        for _ in 0..MAX_TYPE_DEPTH {
            let next = match ty.contents() {
                Contents::Struct(_) | Contents::Union(_) => {
                    return Some(self.shape(ty, depth.saturating_add(1)).align);
                }
                Contents::Int(int) => return Some(if is_c_int(ty, int) { int.size } else { 1 }),
                Contents::Float(size) => return Some(if is_c_float(ty) { size } else { 1 }),
                Contents::Enum(list) => {
                    return Some(list.size)
                        .filter(|size| size.is_power_of_two() && ty.element_count() > 0);
                }
                Contents::Ptr(_) => return Some(self.btf.pointer_size().into()),
                Contents::Array(array) => array.element,
                _ => ty.target()?,
            };
            ty = self.btf.get(next).ok()?;
        }
        None
    }
}

/// Where a member is, in bits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) offset: u64,
    /// The number of bits of a bit-field; 0 if it is not one.
    pub(super) bits: u8,
    size: u64,
    align: u32,
}

impl Place {
    /// Where C places the member if all before it end at `at`.
    pub(super) fn natural(&self, at: u64, packed: bool) -> u64 {
        let unit = match (self.bits, packed) {
            (0, true) => 8,
            (0, false) => u64::from(self.align).saturating_mul(8),
            (_, true) => return at,
            (bits, false) => {
                let used = at.checked_rem(self.size).unwrap_or(0);
                if used.saturating_add(bits.into()) <= self.size {
                    return at;
                }
                self.size
            }
        };
        at.checked_next_multiple_of(unit).unwrap_or(at)
    }

    /// Where the member ends.
    pub(super) fn end(&self) -> u64 {
        let length = if self.bits == 0 {
            self.size
        } else {
            self.bits.into()
        };
        self.offset.saturating_add(length)
    }
}

/// The structure or union of a member without a name, whose members count as those of the outer one.
pub(super) fn inline_composite<'a>(btf: &'a Btf, member: &Member<'_>) -> Option<Type<'a>> {
    let ty = btf
        .skip_modifiers_and_typedefs(member.ty)
        .ok()
        .filter(|_| member.name.is_empty())?;
    matches!(ty.contents(), Contents::Struct(_) | Contents::Union(_)).then_some(ty)
}

/// Whether the name of an integer type is one of C's.
pub(super) fn is_c_int(ty: Type<'_>, int: Int) -> bool {
    let is_word = |word| {
        matches!(
            word,
            "char" | "short" | "int" | "long" | "signed" | "unsigned" | "_Bool" | "__int128"
        )
    };
    int.size.is_power_of_two() && int.size <= 16 && ty.name().split(' ').all(is_word)
}

/// Whether a floating-point type is one that C has for BPF.
pub(super) fn is_c_float(ty: Type<'_>) -> bool {
    matches!(
        (ty.name(), ty.size()),
        ("float", Some(4)) | ("double", Some(8))
    )
}
