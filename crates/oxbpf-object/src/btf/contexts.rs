//! Arguments of global functions that are the program's context, for kernels that know it by nothing but its type.
//!
//! C notes such an argument (`__arg_ctx`), whatever its type: a function may be of use to programs of several kinds. Linux 6.8
//! reads the note. Kernels before it take an argument for the context only if it points to the structure by which the context of
//! that kind of program goes, so for them the function gets such a type.

use std::collections::HashMap;

use super::{Btf, BtfBuilder, Contents, Error, FuncLinkage, Kind, Param, TypeId};

/// The note on an argument.
const NOTE: &str = "arg:ctx";

impl Btf {
    /// The arguments that are noted as a program's context (`__arg_ctx`): their positions, by function.
    pub fn context_arguments(&self) -> HashMap<TypeId, Vec<u32>> {
        let mut arguments: HashMap<TypeId, Vec<u32>> = HashMap::new();
        for (_, ty) in self.types().filter(|(_, ty)| ty.kind() == Kind::DECL_TAG) {
            if let (Contents::DeclTag(tag), true) = (ty.contents(), ty.is_named(NOTE)) {
                if let Some(position) = tag.component {
                    arguments.entry(tag.target).or_default().push(position);
                }
            }
        }
        arguments
    }
}

impl BtfBuilder {
    /// Adds copies of those of the `functions` of `original` that have [arguments noted as context](Btf::context_arguments), in
    /// which these point to a structure called `context`. The builder has the types of `original`, with their ids. Gives the
    /// copies by function; none if there is nothing to change.
    ///
    /// # Errors
    ///
    /// When a function refers to types that are not there.
    pub fn add_functions_of_context(
        &mut self,
        original: &Btf,
        functions: impl IntoIterator<Item = TypeId>,
        context: &str,
    ) -> Result<HashMap<TypeId, TypeId>, Error> {
        let noted = original.context_arguments();
        let mut copies = HashMap::new();
        let mut pointer = None;
        for function in functions {
            let (Some(positions), false) = (noted.get(&function), copies.contains_key(&function))
            else {
                continue;
            };
            let ty = original.get(function)?;
            let Contents::Func(func) = ty.contents() else {
                continue;
            };
            // Static ones are verified along with their callers, which knows better than any type.
            if func.linkage != FuncLinkage::GLOBAL {
                continue;
            }
            let proto = original.get(func.proto)?;
            let pointer = *pointer.get_or_insert_with(|| {
                let structure = self.add_struct(context, 0, &[]);
                self.add_ptr(structure)
            });
            let params: Vec<Param<'_>> = (0u32..)
                .zip(proto.params())
                .map(|(position, param)| match positions.contains(&position) {
                    true => Param {
                        ty: pointer,
                        ..param
                    },
                    false => param,
                })
                .collect();
            let result = proto.target().unwrap_or_default();
            let proto = self.add_func_proto(result, &params);
            copies.insert(function, self.add_func(ty.name(), proto, func.linkage));
        }
        Ok(copies)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Endian;
    use crate::btf::DeclTag;

    #[test]
    fn only_global_functions_with_the_note_are_copied() {
        let mut types = BtfBuilder::new();
        let int = types.add_signed("int", 4);
        let anything = types.add_ptr(TypeId::VOID);
        let param = |name, ty| Param { name, ty };
        let proto = types.add_func_proto(int, &[param("n", int), param("ctx", anything)]);
        let mut function = |name, linkage, noted: bool| {
            let function = types.add_func(name, proto, linkage);
            if noted {
                let tag = DeclTag {
                    target: function,
                    component: Some(1),
                    is_attribute: false,
                };
                types.add_decl_tag("arg:ctx", tag);
            }
            function
        };
        let noted = function("noted", FuncLinkage::GLOBAL, true);
        let of_its_own = function("of_its_own", FuncLinkage::STATIC, true);
        let plain = function("plain", FuncLinkage::GLOBAL, false);

        let original = Btf::parse(types.to_bytes(Endian::NATIVE).unwrap()).unwrap();
        assert_eq!(original.context_arguments()[&noted], [1]);
        let mut copy = BtfBuilder::copy_of(&original).unwrap();
        let functions = [plain, noted, of_its_own, noted];
        let copies = copy.add_functions_of_context(&original, functions, "xdp_md");
        let copies = copies.unwrap();
        assert_eq!(copies.keys().collect::<Vec<_>>(), [&noted]);

        let changed = Btf::parse(copy.to_bytes(Endian::NATIVE).unwrap()).unwrap();
        let function = changed.get(copies[&noted]).unwrap();
        assert_eq!(function.name(), "noted");
        let text = changed.declaration(function.target().unwrap(), "noted");
        assert_eq!(text, "int noted(int, struct xdp_md *)");
        assert_eq!(changed.get(noted).unwrap().target(), Some(proto));

        let mut copy = BtfBuilder::copy_of(&original).unwrap();
        let before = copy.next_id();
        let copies = copy.add_functions_of_context(&original, [plain], "xdp_md");
        assert!(copies.unwrap().is_empty());
        assert_eq!(copy.next_id(), before);
    }
}
