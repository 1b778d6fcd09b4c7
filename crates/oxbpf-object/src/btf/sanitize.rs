//! Making an object's BTF acceptable to a kernel.
//!
//! The kernel checks BTF more strictly than compilers make it, and refuses kinds that came after it. Programs load all the same with
//! BTF that says less, as long as the ids in `.BTF.ext` and in map definitions stay true: so types are changed in place, none removed.

use bitflags::bitflags;

use super::header::{info_kind, info_vlen};
use super::{
    Btf, BtfBuilder, Contents, Error, Func, FuncLinkage, Kind, SectionVar, TypeId, Var, VarLinkage,
};

bitflags! {
    /// What a kernel accepts in the BTF of an object.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub struct SupportedKinds: u32 {
        /// Functions and their prototypes. Since 4.20.
        const FUNC = 1 << 0;
        /// Variables and sections. Since 5.2.
        const DATASEC = 1 << 1;
        /// Functions that are not static. Since 5.6.
        const GLOBAL_FUNC = 1 << 2;
        /// Floating-point numbers. Since 5.13.
        const FLOAT = 1 << 3;
        /// Notes on declarations. Since 5.16.
        const DECL_TAG = 1 << 4;
        /// Notes on types. Since 5.17.
        const TYPE_TAG = 1 << 5;
        /// Enumerations of 64 bits, and signs of enumerations. Since 6.0.
        const ENUM64 = 1 << 6;
        /// Names of sections that start with `?`. Since 6.12.
        const QUESTION_MARK_DATASEC = 1 << 7;
        /// The lengths of records beside the types. Since 7.1.
        const LAYOUT = 1 << 8;
    }
}

/// The section of what the kernel and its modules define.
const KSYMS: &str = ".ksyms";

/// The size that variables of `.ksyms` are given: that of `int`.
const KSYM_SIZE: u32 = 4;

impl Btf {
    /// Whether there is something that [`settle_externs`](BtfBuilder::settle_externs) would change.
    pub fn has_externs(&self) -> bool {
        self.types().any(|(_, ty)| match ty.kind() {
            Kind::VAR | Kind::FUNC => matches!(
                ty.contents(),
                Contents::Var(Var {
                    linkage: VarLinkage::EXTERN,
                    ..
                }) | Contents::Func(Func {
                    linkage: FuncLinkage::EXTERN,
                    ..
                })
            ),
            Kind::DATASEC => ty.name() == KSYMS,
            _ => false,
        })
    }
}

impl BtfBuilder {
    /// Turns what is external into what the kernel accepts, given the BTF that this is a copy of.
    ///
    /// The kernel knows neither external variables and functions nor functions in sections. So all become global, unnamed parameters
    /// of the functions get a name, and in the section `.ksyms`, where the compiler has put no sizes, there are then only variables of
    /// type `int`, one after the other. Do this before [`sanitize`](BtfBuilder::sanitize).
    ///
    /// # Errors
    ///
    /// When a type that a section or a function refers to is not there.
    pub fn settle_externs(&mut self, original: &Btf) -> Result<(), Error> {
        for (id, ty) in original.types() {
            match ty.contents() {
                Contents::Var(var) if var.linkage == VarLinkage::EXTERN => {
                    self.set_var_linkage(id, VarLinkage::GLOBAL)?
                }
                Contents::Func(func) if func.linkage == FuncLinkage::EXTERN => {
                    self.set_func_linkage(id, FuncLinkage::GLOBAL)?;
                    self.name_params(func.proto)?;
                }
                _ => {}
            }
        }
        let Some(section) = original.find(KSYMS, Kind::DATASEC) else {
            return Ok(());
        };
        let int = self.int_of(original);
        let mut stand_in = None;
        let mut variables = Vec::new();
        let mut offset = 0u32;
        for variable in original.get(section)?.variables() {
            let ty = if original.get(variable.ty)?.kind() == Kind::FUNC {
                *stand_in
                    .get_or_insert_with(|| self.add_var("extern_function", int, VarLinkage::GLOBAL))
            } else {
                if let [_, _, ty, _] = self.record_of_kind(variable.ty, Kind::VAR)? {
                    *ty = int.0;
                }
                variable.ty
            };
            variables.push(SectionVar {
                ty,
                offset,
                size: KSYM_SIZE,
            });
            offset = offset.saturating_add(KSYM_SIZE);
        }
        self.set_data_section(section, offset, &variables)
    }

    /// An `int`, which `.ksyms` need not have.
    fn int_of(&mut self, original: &Btf) -> TypeId {
        let mut types = original.types().map(|(_, ty)| ty);
        match types.find(|ty| ty.kind() == Kind::INT && ty.size() == Some(KSYM_SIZE)) {
            Some(int) => int.id(),
            None => self.add_signed("int", KSYM_SIZE as u8),
        }
    }

    fn name_params(&mut self, proto: TypeId) -> Result<(), Error> {
        let name = self.add_string("unnamed");
        for_elements(
            Some(self.record_of_kind(proto, Kind::FUNC_PROTO)?),
            |param| match param {
                // Neither name nor type: that is `...`.
                [0, 0] => {}
                [unnamed @ 0, _] => *unnamed = name,
                _ => {}
            },
        );
        Ok(())
    }

    /// Replaces what a kernel refuses by what it accepts, keeping all ids.
    ///
    /// Without [`FUNC`](SupportedKinds::FUNC), functions become typedefs of enumerations; without [`DATASEC`](SupportedKinds::DATASEC),
    /// sections become structures and variables integers of one byte; notes on declarations become such integers, notes on types
    /// `const`, floating-point numbers empty structures, and 64-bit enumerations unions. Without [`LAYOUT`](SupportedKinds::LAYOUT),
    /// types of kinds that are unknown here become empty structures.
    pub fn sanitize(&mut self, kinds: SupportedKinds) {
        use SupportedKinds as Has;
        if !kinds.contains(Has::LAYOUT) {
            self.drop_layouts();
        }
        let end = self.next_id();
        let mut one_byte = None;
        for id in (self.first_id().0..end.0).map(TypeId) {
            let Some([name, info, third, rest @ ..]) = self.record_mut(id) else {
                break;
            };
            let (kind, count) = (info_kind(*info), info_vlen(*info));
            let to = |kind: Kind, count: u32| u32::from(kind.0) << 24 | count;
            // A note may be on a variable or function, and not on what they are replaced by.
            let notes = Has::DECL_TAG | Has::DATASEC | Has::FUNC;
            match kind {
                Kind::VAR if !kinds.contains(Has::DATASEC) => int_of_one_byte(info, third, rest),
                Kind::DECL_TAG if !kinds.contains(notes) => int_of_one_byte(info, third, rest),
                Kind::DATASEC if !kinds.contains(Has::DATASEC) => {
                    *info = to(Kind::STRUCT, count);
                    self.replace_in_name(id, &['.', '?']);
                    self.variables_to_members(id);
                }
                Kind::DATASEC if !kinds.contains(Has::QUESTION_MARK_DATASEC) => {
                    self.replace_in_name(id, &['?'])
                }
                Kind::FUNC_PROTO if !kinds.contains(Has::FUNC) => {
                    // The parameters become enumerators, which must have names.
                    (*info, *third) = (to(Kind::ENUM, count), 4);
                    let unnamed = self.add_string("unnamed");
                    for_elements(self.record_mut(id), |[name, _]| {
                        *name = if *name == 0 { unnamed } else { *name }
                    });
                }
                Kind::FUNC if !kinds.contains(Has::FUNC) => *info = to(Kind::TYPEDEF, 0),
                Kind::FUNC if !kinds.contains(Has::GLOBAL_FUNC) => {
                    *info = to(Kind::FUNC, FuncLinkage::STATIC.0)
                }
                // A structure cannot be named `float`.
                Kind::FLOAT if !kinds.contains(Has::FLOAT) => {
                    (*name, *info) = (0, to(Kind::STRUCT, 0))
                }
                Kind::TYPE_TAG if !kinds.contains(Has::TYPE_TAG) => {
                    (*name, *info) = (0, to(Kind::CONST, 0))
                }
                Kind::ENUM if !kinds.contains(Has::ENUM64) => *info = to(Kind::ENUM, count),
                Kind::ENUM64 if !kinds.contains(Has::ENUM64) => {
                    *info = to(Kind::UNION, count);
                    let int = *one_byte.get_or_insert_with(|| self.add_unsigned("enum64_value", 1));
                    for_elements(self.record_mut(id), |[_, ty, offset]| {
                        (*ty, *offset) = (int.0, 0)
                    });
                }
                _ => {}
            }
        }
    }

    fn replace_in_name(&mut self, id: TypeId, chars: &[char]) {
        let Some(&mut [name, ..]) = self.record_mut(id) else {
            return;
        };
        let replaced = String::from_utf8_lossy(self.string(name)).replace(chars, "_");
        let replaced = self.add_string(&replaced);
        if let Some([name, ..]) = self.record_mut(id) {
            *name = replaced;
        }
    }

    /// Makes members of a structure from the variables of a section, with their names.
    fn variables_to_members(&mut self, id: TypeId) {
        let mut variables = self
            .record_mut(id)
            .map(|record| record.to_vec())
            .unwrap_or_default();
        for_elements(Some(&mut variables), |[name, ty, offset]| {
            // The words of a variable are type, offset, size.
            let (variable, at) = (TypeId(*name), *ty);
            let variable_name = self
                .record_mut(variable)
                .and_then(|record| record.first().copied());
            (*name, *ty, *offset) = (variable_name.unwrap_or(0), variable.0, at.saturating_mul(8));
        });
        if let Some(record) = self.record_mut(id) {
            record.copy_from_slice(&variables);
        }
    }
}

fn int_of_one_byte(info: &mut u32, size: &mut u32, rest: &mut [u32]) {
    // A larger one might be larger than the variable, and not fit its section.
    (*info, *size) = (u32::from(Kind::INT.0) << 24, 1);
    rest.fill(8);
}

fn for_elements<const WORDS: usize>(
    record: Option<&mut [u32]>,
    mut change: impl FnMut(&mut [u32; WORDS]),
) {
    let elements = record
        .and_then(|record| record.get_mut(3..))
        .unwrap_or_default();
    for element in elements.chunks_exact_mut(WORDS) {
        if let Some(words) = element.first_chunk_mut() {
            change(words);
        }
    }
}
