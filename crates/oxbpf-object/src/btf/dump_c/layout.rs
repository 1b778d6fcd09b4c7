//! Where C places the members of a structure, and what makes it place them where BTF says.

use crate::btf::{Btf, Contents, Int, Kind, RawMember, Type, TypeId};
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

/// What cannot be expressed, and what a structure is taken for that is met inside itself.
const BYTES: Shape = Shape {
    means: Means::Bytes,
    align: 1,
};

/// What C makes of a type as a member.
#[derive(Debug, Clone, Copy)]
struct Layout {
    /// In bits.
    size: u64,
    /// In bytes.
    align: u32,
    /// The integer that makes the member a bit-field, where its type is what says so.
    bit_field: Option<Int>,
}

/// Something for some ids, found quickly.
#[derive(Debug)]
struct Table<T> {
    /// By id: 0, or one more than a position in `values`.
    positions: Vec<u32>,
    values: Vec<T>,
}

impl<T: Copy> Table<T> {
    fn new(ids: usize) -> Table<T> {
        Table {
            positions: vec![0; ids],
            values: Vec::new(),
        }
    }

    fn get(&self, id: TypeId) -> Option<T> {
        let position = self.positions.get(id.0 as usize)?.checked_sub(1)?;
        self.values.get(position as usize).copied()
    }

    fn insert(&mut self, id: TypeId, value: T) {
        self.values.push(value);
        if let Some(position) = self.positions.get_mut(id.0 as usize) {
            *position = self.values.len() as u32;
        }
    }
}

/// The layouts of types found so far.
#[derive(Debug)]
pub(super) struct Layouts<'a> {
    btf: &'a Btf,
    shapes: Table<Shape>,
    layouts: Table<Option<Layout>>,
}

impl<'a> Layouts<'a> {
    pub(super) fn new(btf: &'a Btf) -> Layouts<'a> {
        let ids = btf.end().0 as usize;
        Layouts {
            btf,
            shapes: Table::new(ids),
            layouts: Table::new(ids),
        }
    }

    /// The shape of a structure or union.
    pub(super) fn shape(&mut self, ty: Type<'a>) -> Shape {
        self.shape_within(ty, 0)
    }

    /// Where a member is. `Some(None)` if it takes no declaration: bits without a name are padding.
    pub(super) fn place(&mut self, member: &RawMember) -> Option<Option<Place>> {
        self.place_within(member, 0)
    }

    fn shape_within(&mut self, ty: Type<'a>, depth: usize) -> Shape {
        if let Some(shape) = self.shapes.get(ty.id()) {
            return shape;
        }
        if depth > MAX_C_NESTING {
            return BYTES;
        }
        self.shapes.insert(ty.id(), BYTES);
        let size = ty.size().unwrap_or(0);
        let shape = match ty.kind() {
            Kind::UNION => self.union_shape(ty, size, depth),
            _ => self.struct_shape(ty, size, depth),
        };
        let shape = shape.unwrap_or(BYTES);
        self.shapes.insert(ty.id(), shape);
        shape
    }

    fn struct_shape(&mut self, ty: Type<'a>, size: u32, depth: usize) -> Option<Shape> {
        let mut at = 0u64;
        let mut align = 1;
        let mut packed = false;
        for member in ty.raw_members() {
            let Some(place) = self.place_within(&member, depth)? else {
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
        Some(match packed {
            true => Shape {
                means: Means::Packed,
                align: 1,
            },
            false => Shape {
                means: Means::Padding,
                align,
            },
        })
    }

    fn union_shape(&mut self, ty: Type<'a>, size: u32, depth: usize) -> Option<Shape> {
        let mut end = 0u64;
        let mut align = 1;
        for member in ty.raw_members() {
            let Some(place) = self.place_within(&member, depth)? else {
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

    fn place_within(&mut self, member: &RawMember, depth: usize) -> Option<Option<Place>> {
        if member.name_offset == 0 && inline_composite(self.btf, member).is_none() {
            return Some(None);
        }
        let Layout {
            size,
            align,
            bit_field,
        } = self.layout(member.ty, depth)?;
        let (offset, bits) = match (member.bitfield_size, bit_field) {
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

    /// The layout of a type; `None` if it cannot be that of a member.
    fn layout(&mut self, id: TypeId, depth: usize) -> Option<Layout> {
        if let Some(layout) = self.layouts.get(id) {
            return layout;
        }
        let layout = self.find_layout(id, depth);
        self.layouts.insert(id, layout);
        layout
    }

    fn find_layout(&mut self, id: TypeId, depth: usize) -> Option<Layout> {
        let mut ty = self.btf.get(id).ok()?;
        for _ in 0..MAX_TYPE_DEPTH {
            let mut bit_field = None;
            let align = match ty.contents() {
                Contents::Struct(_) | Contents::Union(_) => {
                    self.shape_within(ty, depth.saturating_add(1)).align
                }
                Contents::Int(int) => {
                    bit_field = Some(int).filter(|int| {
                        int.bit_offset != 0 || u32::from(int.bits) != int.size.saturating_mul(8)
                    });
                    if is_c_int(ty, int) { int.size } else { 1 }
                }
                Contents::Float(size) => match is_c_float(ty) {
                    true => size,
                    false => 1,
                },
                Contents::Enum(list) if list.size.is_power_of_two() && ty.element_count() > 0 => {
                    list.size
                }
                Contents::Ptr(_) => self.btf.pointer_size().into(),
                Contents::Array(array) => {
                    ty = self.btf.get(array.element).ok()?;
                    continue;
                }
                _ => {
                    ty = self.btf.get(ty.target()?).ok()?;
                    continue;
                }
            };
            return Some(Layout {
                size: self.btf.size_of(id).ok()?.checked_mul(8)?,
                align,
                bit_field,
            });
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
pub(super) fn inline_composite<'a>(btf: &'a Btf, member: &RawMember) -> Option<Type<'a>> {
    if member.name_offset != 0 {
        return None;
    }
    let ty = btf.skip_modifiers_and_typedefs(member.ty).ok()?;
    matches!(ty.kind(), Kind::STRUCT | Kind::UNION).then_some(ty)
}

/// Whether the name of an integer type is one of C's.
pub(super) fn is_c_int(ty: Type<'_>, int: Int) -> bool {
    let is_word = |word: &[u8]| {
        matches!(
            word,
            b"char"
                | b"short"
                | b"int"
                | b"long"
                | b"signed"
                | b"unsigned"
                | b"_Bool"
                | b"__int128"
        )
    };
    int.size.is_power_of_two()
        && int.size <= 16
        && ty
            .name()
            .as_bytes()
            .split(|&byte| byte == b' ')
            .all(is_word)
}

/// Whether a floating-point type is one that C has for BPF.
pub(super) fn is_c_float(ty: Type<'_>) -> bool {
    matches!(
        (ty.name(), ty.size()),
        ("float", Some(4)) | ("double", Some(8))
    )
}
