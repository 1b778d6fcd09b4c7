//! Arrays of instruction positions.

use std::marker::PhantomData;

use oxbpf_object::kernel::MapType;

use super::view::{check_key, check_kind, check_value, view};
use super::{Entries, Map, Plain, UpdateFlags};
use crate::error::Result;

/// Positions of instructions of one program, which the kernel keeps right while it rewrites the program: for jump tables
/// and for tools. `BPF_MAP_TYPE_INSN_ARRAY`, Linux 6.19.
///
/// The positions are set and the map is [frozen](Map::freeze) before the program is loaded that refers to it; from then
/// on the map tells where these instructions went.
#[doc(alias = "BPF_MAP_TYPE_INSN_ARRAY")]
pub struct InsnArray {
    map: Map,
    types: PhantomData<()>,
}

view!(InsnArray);

/// Where an instruction is.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
#[doc(alias = "bpf_insn_array_value")]
pub struct InsnPosition {
    /// The slot it had in the program that was loaded.
    pub original: u32,
    /// The slot it has after the verifier rewrote the program; `u32::MAX` if it was removed.
    pub translated: u32,
    /// Its byte in the machine code, 0 without that.
    pub jited: u32,
}

/// `struct bpf_insn_array_value`: the three, and padding.
type Raw = [u32; 4];

impl InsnArray {
    /// Makes a view of a map.
    ///
    /// # Errors
    ///
    /// [`WrongKind`](crate::ErrorKind::WrongKind) if it is of another kind.
    pub fn new(map: Map) -> Result<Self> {
        check_kind(&map, &[MapType::INSN_ARRAY])?;
        check_key::<u32>(&map)?;
        check_value::<Raw>(&map)?;
        Ok(Self::of(map))
    }

    /// How many positions there are.
    #[must_use]
    #[allow(clippy::len_without_is_empty)] // The kernel makes no empty arrays.
    pub fn len(&self) -> u32 {
        self.map.max_entries()
    }

    /// Sets which slot of the program to be loaded an index stands for.
    ///
    /// # Errors
    ///
    /// [`BadIndex`](crate::ErrorKind::BadIndex) if there is no such index; otherwise as [`Map::set`].
    pub fn set(&self, index: u32, slot: u32) -> Result<()> {
        let raw: Raw = [slot, 0, 0, 0];
        self.map
            .set(index.bytes(), raw.bytes(), UpdateFlags::empty())
    }

    /// Where the instruction of an index is.
    ///
    /// # Errors
    ///
    /// As [`Array::get`](super::Array::get).
    pub fn get(&self, index: u32) -> Result<InsnPosition> {
        let mut raw: Raw = [0; 4];
        self.map.get_at(index, raw.bytes_mut())?;
        Ok(position(raw))
    }

    /// Goes through the positions, in the order of their indices.
    #[must_use]
    pub fn iter(&self) -> Entries<'_, InsnPosition> {
        Entries::read(&self.map, |_, value| Raw::from_bytes(value).map(position))
    }
}

fn position([original, translated, jited, _]: Raw) -> InsnPosition {
    InsnPosition {
        original,
        translated,
        jited,
    }
}
