//! Making BTF: from nothing, as a continuation of other BTF, or as a copy to be changed.

use std::collections::HashMap;

use super::edit::{placing, with_linkage};
use super::header::{
    HEADER_SIZE, HEADER_SIZE_WITH_LAYOUT, LAYOUT_ENTRY_SIZE, MAGIC, VERSION, info_kind, info_vlen,
};
use super::kind::Word;
use super::{
    Array, Btf, DeclTag, Enumerator, Error, FuncLinkage, Int, Kind, Member, Param, SectionVar,
    Type, TypeId, TypeTag, VarLinkage,
};
use crate::Endian;

/// Makes BTF type by type and gives its bytes in either byte order.
///
/// A type may refer to one that is added later: ids are given out in order, see [`next_id`](BtfBuilder::next_id).
/// What cannot be expressed (a name with a NUL in it, too many members) is told at the end, by [`to_bytes`](BtfBuilder::to_bytes).
///
/// ```
/// use oxbpf_object::Endian;
/// use oxbpf_object::btf::{Btf, BtfBuilder, Kind, Member};
///
/// let mut types = BtfBuilder::new();
/// let int = types.add_signed("int", 4);
/// let member = |name, bit_offset| Member { name, ty: int, bit_offset, bitfield_size: 0 };
/// types.add_struct("point", 8, &[member("x", 0), member("y", 32)]);
///
/// let btf = Btf::parse(types.to_bytes(Endian::Big)?)?;
/// let point = btf.get(btf.find("point", Kind::STRUCT).unwrap())?;
/// assert_eq!(point.members().nth(1).unwrap().byte_offset(), 4);
/// # Ok::<_, oxbpf_object::btf::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct BtfBuilder {
    base: Option<Btf>,
    /// All records. BTF consists of 32-bit words, so that byte order matters only at the end.
    words: Vec<u32>,
    /// Where each record starts in `words`.
    starts: Vec<usize>,
    strings: Vec<u8>,
    /// The strings added here, without those of a copied or continued BTF.
    offsets: HashMap<Box<[u8]>, u32>,
    /// `struct btf_layout` by kind.
    layouts: Vec<(u8, u8, u16)>,
    error: Option<Error>,
}

impl Default for BtfBuilder {
    fn default() -> BtfBuilder {
        BtfBuilder::new()
    }
}

impl BtfBuilder {
    /// No types yet.
    pub fn new() -> BtfBuilder {
        BtfBuilder {
            base: None,
            words: Vec::new(),
            starts: Vec::new(),
            strings: vec![0],
            offsets: HashMap::new(),
            layouts: Vec::new(),
            error: None,
        }
    }

    /// No types yet but those of `base`, which the new ones continue.
    pub fn split(base: &Btf) -> BtfBuilder {
        let error = base.unread().cloned();
        BtfBuilder {
            base: Some(base.clone()),
            strings: Vec::new(),
            error,
            ..BtfBuilder::new()
        }
    }

    /// All types of `btf`, with the same ids, and all its strings at the same offsets, so that its `.BTF.ext` stays true.
    ///
    /// # Errors
    ///
    /// When some of `btf` could not be read ([`Btf::unread`]).
    pub fn copy_of(btf: &Btf) -> Result<BtfBuilder, Error> {
        if let Some(error) = btf.unread() {
            return Err(error.clone());
        }
        let endian = btf.endian();
        let mut copy = BtfBuilder {
            base: btf.base().cloned(),
            strings: btf.strings().to_vec(),
            ..BtfBuilder::new()
        };
        for (_, ty) in btf.types() {
            copy.starts.push(copy.words.len());
            let words = ty.raw().chunks_exact(4);
            copy.words
                .extend(words.map(|word| endian.read_u32(word, 0).unwrap_or(0)));
        }
        let layouts = btf
            .part(&btf.0.header.layouts)
            .chunks_exact(LAYOUT_ENTRY_SIZE);
        copy.layouts
            .extend(layouts.filter_map(|entry| match *entry {
                [fixed, element, ..] => Some((fixed, element, endian.read_u16(entry, 2)?)),
                _ => None,
            }));
        Ok(copy)
    }

    /// The id that the next type will have.
    pub fn next_id(&self) -> TypeId {
        TypeId(
            self.first_id()
                .0
                .saturating_add(u32::try_from(self.starts.len()).unwrap_or(u32::MAX)),
        )
    }

    /// The id of the first type that is not the base's.
    pub(super) fn first_id(&self) -> TypeId {
        self.base.as_ref().map_or(TypeId(1), Btf::end)
    }

    /// The string at an offset; empty if there is none.
    pub(super) fn string(&self, offset: u32) -> &[u8] {
        let first = self.base.as_ref().map_or(0, Btf::strings_end);
        let own = offset
            .checked_sub(first)
            .and_then(|start| self.strings.get(start as usize..));
        match (own, &self.base) {
            (Some(rest), _) => rest.split(|&byte| byte == 0).next().unwrap_or_default(),
            (None, Some(base)) => base.string(offset).unwrap_or_default(),
            (None, None) => &[],
        }
    }

    /// The offset of a string, which is added unless it was before.
    pub fn add_string(&mut self, string: &str) -> u32 {
        self.add_string_bytes(string.as_bytes())
    }

    pub(crate) fn add_string_bytes(&mut self, string: &[u8]) -> u32 {
        if string.is_empty() {
            return 0;
        }
        if let Some(&offset) = self.offsets.get(string) {
            return offset;
        }
        if string.contains(&0) {
            self.fail(Error::NulInName {
                name: String::from_utf8_lossy(string).into_owned(),
            });
        }
        let first = self.base.as_ref().map_or(0, Btf::strings_end);
        let offset = u32::try_from(self.strings.len())
            .ok()
            .and_then(|length| first.checked_add(length));
        let Some(offset) = offset else {
            self.fail(Error::TooLong);
            return 0;
        };
        self.strings.extend_from_slice(string);
        self.strings.push(0);
        self.offsets.insert(string.into(), offset);
        offset
    }

    /// The first error is the one to tell of.
    fn fail(&mut self, error: Error) {
        self.error.get_or_insert(error);
    }

    fn add(&mut self, kind: Kind, name: &str, third: u32, rest: &[u32]) -> TypeId {
        self.add_record(
            kind,
            name,
            Info {
                flag: false,
                count: 0,
            },
            third,
            rest.iter().copied(),
        )
    }

    fn add_record(
        &mut self,
        kind: Kind,
        name: &str,
        info: Info,
        third: u32,
        rest: impl IntoIterator<Item = u32>,
    ) -> TypeId {
        let id = self.next_id();
        if id.0 == u32::MAX {
            self.fail(Error::TooManyTypes);
        }
        let count = u32::try_from(info.count)
            .ok()
            .filter(|&count| count <= info_vlen(u32::MAX))
            .unwrap_or_else(|| {
                self.fail(Error::TooManyElements {
                    id,
                    count: info.count,
                });
                0
            });
        let name = self.add_string(name);
        self.starts.push(self.words.len());
        let info = u32::from(info.flag) << 31 | u32::from(kind.0) << 24 | count;
        self.words.extend([name, info, third]);
        self.words.extend(rest);
        id
    }

    /// Adds an integer, character or boolean of any description.
    pub fn add_int(&mut self, name: &str, int: Int) -> TypeId {
        let encoding =
            u32::from(int.is_signed) | u32::from(int.is_char) << 1 | u32::from(int.is_bool) << 2;
        let data = encoding << 24 | u32::from(int.bit_offset) << 16 | u32::from(int.bits);
        self.add(Kind::INT, name, int.size, &[data])
    }

    /// Adds a signed integer of `size` bytes.
    pub fn add_signed(&mut self, name: &str, size: u8) -> TypeId {
        self.add_int(
            name,
            Int {
                is_signed: true,
                ..Int::unsigned(size)
            },
        )
    }

    /// Adds an unsigned integer of `size` bytes.
    pub fn add_unsigned(&mut self, name: &str, size: u8) -> TypeId {
        self.add_int(name, Int::unsigned(size))
    }

    /// Adds a pointer to a type.
    pub fn add_ptr(&mut self, target: TypeId) -> TypeId {
        self.add(Kind::PTR, "", target.0, &[])
    }

    /// Adds an array. The kernel wants its index to be an integer.
    pub fn add_array(&mut self, array: Array) -> TypeId {
        self.add(
            Kind::ARRAY,
            "",
            0,
            &[array.element.0, array.index.0, array.len],
        )
    }

    /// Adds a structure of `size` bytes.
    pub fn add_struct(&mut self, name: &str, size: u32, members: &[Member<'_>]) -> TypeId {
        self.add_composite(Kind::STRUCT, name, size, members)
    }

    /// Adds a union of `size` bytes.
    pub fn add_union(&mut self, name: &str, size: u32, members: &[Member<'_>]) -> TypeId {
        self.add_composite(Kind::UNION, name, size, members)
    }

    fn add_composite(
        &mut self,
        kind: Kind,
        name: &str,
        size: u32,
        members: &[Member<'_>],
    ) -> TypeId {
        // With the flag, an offset has 24 bits and the size of a bit-field the 8 above.
        let flag = members.iter().any(|member| member.bitfield_size != 0);
        if members
            .iter()
            .any(|member| flag && member.bit_offset >= 1 << 24)
        {
            let id = self.next_id();
            self.fail(Error::TooFarBitField { id });
        }
        let mut words = Vec::with_capacity(members.len().saturating_mul(3));
        for member in members {
            let offset = u32::from(member.bitfield_size) << 24 | member.bit_offset;
            words.extend([self.add_string(member.name), member.ty.0, offset]);
        }
        self.add_record(
            kind,
            name,
            Info {
                flag,
                count: members.len(),
            },
            size,
            words,
        )
    }

    /// Adds an enumeration of `size` bytes, of the kind that its values need: [`Kind::ENUM64`] where one does not fit 32 bits.
    pub fn add_enum(
        &mut self,
        name: &str,
        size: u32,
        is_signed: bool,
        enumerators: &[Enumerator<'_>],
    ) -> TypeId {
        let fits =
            |low: i128, high: i128| enumerators.iter().all(|e| (low..=high).contains(&e.value));
        let narrow = match is_signed {
            true => fits(i32::MIN.into(), i32::MAX.into()),
            false => fits(0, u32::MAX.into()),
        };
        let wide = match is_signed {
            true => fits(i64::MIN.into(), i64::MAX.into()),
            false => fits(0, u64::MAX.into()),
        };
        if !wide {
            let id = self.next_id();
            self.fail(Error::EnumeratorOutOfRange { id });
        }
        let kind = if narrow { Kind::ENUM } else { Kind::ENUM64 };
        let mut words = Vec::with_capacity(enumerators.len().saturating_mul(3));
        for enumerator in enumerators {
            let bits = enumerator.value as u64;
            words.extend([self.add_string(enumerator.name), bits as u32]);
            words.extend(Some((bits >> 32) as u32).filter(|_| !narrow));
        }
        self.add_record(
            kind,
            name,
            Info {
                flag: is_signed,
                count: enumerators.len(),
            },
            size,
            words,
        )
    }

    /// Adds a structure, or a union, that is declared only.
    pub fn add_fwd(&mut self, name: &str, is_union: bool) -> TypeId {
        self.add_record(
            Kind::FWD,
            name,
            Info {
                flag: is_union,
                count: 0,
            },
            0,
            [],
        )
    }

    /// Adds another name for a type.
    pub fn add_typedef(&mut self, name: &str, target: TypeId) -> TypeId {
        self.add(Kind::TYPEDEF, name, target.0, &[])
    }

    /// Adds a type, `volatile`.
    pub fn add_volatile(&mut self, target: TypeId) -> TypeId {
        self.add(Kind::VOLATILE, "", target.0, &[])
    }

    /// Adds a type, `const`.
    pub fn add_const(&mut self, target: TypeId) -> TypeId {
        self.add(Kind::CONST, "", target.0, &[])
    }

    /// Adds a pointer type, `restrict`.
    pub fn add_restrict(&mut self, target: TypeId) -> TypeId {
        self.add(Kind::RESTRICT, "", target.0, &[])
    }

    /// Adds a function.
    pub fn add_func(&mut self, name: &str, proto: TypeId, linkage: FuncLinkage) -> TypeId {
        self.add_record(
            Kind::FUNC,
            name,
            Info {
                flag: false,
                count: linkage.0 as usize,
            },
            proto.0,
            [],
        )
    }

    /// Adds the parameters and result of a function.
    pub fn add_func_proto(&mut self, result: TypeId, params: &[Param<'_>]) -> TypeId {
        let mut words = Vec::with_capacity(params.len().saturating_mul(2));
        for param in params {
            words.extend([self.add_string(param.name), param.ty.0]);
        }
        self.add_record(
            Kind::FUNC_PROTO,
            "",
            Info {
                flag: false,
                count: params.len(),
            },
            result.0,
            words,
        )
    }

    /// Adds a global variable.
    pub fn add_var(&mut self, name: &str, ty: TypeId, linkage: VarLinkage) -> TypeId {
        self.add(Kind::VAR, name, ty.0, &[linkage.0])
    }

    /// Adds a section of `size` bytes. The kernel wants its variables by ascending offset.
    pub fn add_data_section(&mut self, name: &str, size: u32, variables: &[SectionVar]) -> TypeId {
        let words = variables
            .iter()
            .flat_map(|variable| [variable.ty.0, variable.offset, variable.size]);
        self.add_record(
            Kind::DATASEC,
            name,
            Info {
                flag: false,
                count: variables.len(),
            },
            size,
            words,
        )
    }

    /// Adds a floating-point number of `size` bytes.
    pub fn add_float(&mut self, name: &str, size: u32) -> TypeId {
        self.add(Kind::FLOAT, name, size, &[])
    }

    /// Adds a note on a declaration.
    pub fn add_decl_tag(&mut self, note: &str, tag: DeclTag) -> TypeId {
        let info = Info {
            flag: tag.is_attribute,
            count: 0,
        };
        self.add_record(
            Kind::DECL_TAG,
            note,
            info,
            tag.target.0,
            [tag.component.unwrap_or(u32::MAX)],
        )
    }

    /// Adds a note on a type.
    pub fn add_type_tag(&mut self, note: &str, tag: TypeTag) -> TypeId {
        self.add_record(
            Kind::TYPE_TAG,
            note,
            Info {
                flag: tag.is_attribute,
                count: 0,
            },
            tag.target.0,
            [],
        )
    }

    /// Adds a copy of a type of other BTF, each type that it refers to replaced by what `map` says.
    ///
    /// # Errors
    ///
    /// When a name of it cannot be read, or its kind is unknown, so that it is not known what in it refers to others.
    pub fn add_copy(
        &mut self,
        ty: Type<'_>,
        mut map: impl FnMut(TypeId) -> TypeId,
    ) -> Result<TypeId, Error> {
        let mut words = Vec::with_capacity(ty.raw().len() / 4);
        for (word, value) in ty.words()? {
            words.push(match word {
                Word::Name => self.add_string_bytes(ty.btf().string(value)?),
                Word::Type => map(TypeId(value)).0,
                Word::Data => value,
            });
        }
        let id = self.next_id();
        self.starts.push(self.words.len());
        self.words.extend(words);
        Ok(id)
    }

    /// Adds copies of all types of other BTF, and tells by how much their ids have grown.
    ///
    /// # Errors
    ///
    /// As [`add_copy`](BtfBuilder::add_copy), or when `other` is split or some of it could not be read ([`Btf::unread`]).
    pub fn append(&mut self, other: &Btf) -> Result<u32, Error> {
        if let Some(error) = other.unread() {
            return Err(error.clone());
        }
        if other.base().is_some() {
            return Err(Error::Split);
        }
        let growth = self.next_id().0.saturating_sub(1);
        for (_, ty) in other.types() {
            self.add_copy(ty, |id| match id {
                TypeId::VOID => id,
                id => TypeId(id.0.saturating_add(growth)),
            })?;
        }
        Ok(growth)
    }

    /// The data of `.BTF` in the given byte order.
    ///
    /// # Errors
    ///
    /// The first thing added that could not be expressed; or there are more than 4 GiB.
    pub fn to_bytes(&self, endian: Endian) -> Result<Vec<u8>, Error> {
        if let Some(error) = &self.error {
            return Err(error.clone());
        }
        let header_len = if self.layouts.is_empty() {
            HEADER_SIZE
        } else {
            HEADER_SIZE_WITH_LAYOUT
        };
        let length = |count: usize, size: usize| {
            count
                .checked_mul(size)
                .and_then(|length| u32::try_from(length).ok())
                .ok_or(Error::TooLong)
        };
        let types_len = length(self.words.len(), 4)?;
        let layouts_len = length(self.layouts.len(), LAYOUT_ENTRY_SIZE)?;
        let strings_len = length(self.strings.len(), 1)?;
        let strings_off = types_len.checked_add(layouts_len).ok_or(Error::TooLong)?;
        let total = strings_off.checked_add(strings_len).ok_or(Error::TooLong)?;

        let mut bytes = Vec::with_capacity((total as usize).saturating_add(header_len));
        let half = |value: u16| match endian {
            Endian::Little => value.to_le_bytes(),
            Endian::Big => value.to_be_bytes(),
        };
        let word = |value: u32| match endian {
            Endian::Little => value.to_le_bytes(),
            Endian::Big => value.to_be_bytes(),
        };
        bytes.extend(half(MAGIC));
        bytes.extend([VERSION, 0]);
        for field in [
            header_len as u32,
            0,
            types_len,
            strings_off,
            strings_len,
            types_len,
            layouts_len,
        ] {
            bytes.extend(word(field));
        }
        bytes.truncate(header_len);
        bytes.extend(self.words.iter().flat_map(|&value| word(value)));
        for &(fixed, element, flags) in &self.layouts {
            bytes.extend([fixed, element]);
            bytes.extend(half(flags));
        }
        bytes.extend_from_slice(&self.strings);
        Ok(bytes)
    }

    /// The types made so far, to be read, in the byte order of this machine.
    ///
    /// # Errors
    ///
    /// As [`to_bytes`](BtfBuilder::to_bytes).
    pub fn build(&self) -> Result<Btf, Error> {
        let bytes = self.to_bytes(Endian::NATIVE)?;
        Btf::parse_shared(std::sync::Arc::new(bytes), self.base.as_ref())
    }

    /// Puts what the compiler left open into a section: its size, and where its variables are. They get sorted by offset.
    ///
    /// # Errors
    ///
    /// When `section` is not a section of this builder, or has another number of variables.
    pub fn set_data_section(
        &mut self,
        section: TypeId,
        size: u32,
        variables: &[SectionVar],
    ) -> Result<(), Error> {
        let words = placing(size, variables);
        match self.record_of_kind(section, Kind::DATASEC)? {
            [_, _, old @ ..] if old.len() == words.len() => old.copy_from_slice(&words),
            _ => {
                return Err(Error::NoSuchRecord {
                    id: section,
                    kind: Kind::DATASEC,
                });
            }
        }
        Ok(())
    }

    /// Says anew who can call a function.
    ///
    /// # Errors
    ///
    /// When `func` is not a function of this builder.
    pub fn set_func_linkage(&mut self, func: TypeId, linkage: FuncLinkage) -> Result<(), Error> {
        if let [_, info, ..] = self.record_of_kind(func, Kind::FUNC)? {
            *info = with_linkage(*info, linkage);
        }
        Ok(())
    }

    /// Says anew who can refer to a variable.
    ///
    /// # Errors
    ///
    /// When `var` is not a variable of this builder.
    pub fn set_var_linkage(&mut self, var: TypeId, linkage: VarLinkage) -> Result<(), Error> {
        if let [.., last] = self.record_of_kind(var, Kind::VAR)? {
            *last = linkage.0;
        }
        Ok(())
    }

    pub(super) fn record_of_kind(&mut self, id: TypeId, kind: Kind) -> Result<&mut [u32], Error> {
        self.record_mut(id)
            .filter(|record| record.get(1).is_some_and(|&info| info_kind(info) == kind))
            .ok_or(Error::NoSuchRecord { id, kind })
    }

    /// The words of a type's record.
    pub(super) fn record_mut(&mut self, id: TypeId) -> Option<&mut [u32]> {
        let position = id.0.checked_sub(self.first_id().0)? as usize;
        let start = *self.starts.get(position)?;
        let end = self
            .starts
            .get(position.saturating_add(1))
            .copied()
            .unwrap_or(self.words.len());
        self.words.get_mut(start..end)
    }

    /// Leaves out the lengths of records. Those that can be stepped over by nothing else become empty structures.
    pub(super) fn drop_layouts(&mut self) {
        self.layouts.clear();
        let is_known = |start: &usize| {
            let info = start.checked_add(1).and_then(|at| self.words.get(at));
            info.is_some_and(|&info| info_kind(info).record().is_some())
        };
        // As a rule.
        if self.starts.iter().all(is_known) {
            return;
        }
        let ends = self.starts.iter().skip(1).copied();
        let ends = ends.chain([self.words.len()]);
        let mut words = Vec::with_capacity(self.words.len());
        let mut starts = Vec::with_capacity(self.starts.len());
        for (&start, end) in self.starts.iter().zip(ends) {
            starts.push(words.len());
            match self.words.get(start..end).filter(|_| is_known(&start)) {
                Some(record) => words.extend_from_slice(record),
                None => words.extend([0, u32::from(Kind::STRUCT.0) << 24, 0]),
            }
        }
        (self.words, self.starts) = (words, starts);
    }
}

/// What goes into the `info` word beside the kind.
struct Info {
    flag: bool,
    count: usize,
}
