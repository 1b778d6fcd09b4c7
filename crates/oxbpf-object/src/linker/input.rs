//! One object to link, and what its types say of the names that others can see.

use std::collections::{HashMap, HashSet};

use super::Error;
use crate::btf::{Btf, Contents, FuncLinkage, TypeId, VarLinkage};
use crate::elf::file::{File, Section};

pub(super) struct Input<'a> {
    pub(super) name: String,
    pub(super) file: File<'a>,
    pub(super) btf: Option<Btf>,
    /// The data of `.BTF.ext`.
    pub(super) ext: Option<&'a [u8]>,
    /// Functions and variables that are not static, by name.
    pub(super) visible: HashMap<Vec<u8>, TypeId>,
    /// In which section, that is not in the file, an extern is declared to be.
    pub(super) declared_in: HashMap<TypeId, String>,
    /// The variables of `.maps`.
    pub(super) maps: HashSet<TypeId>,
}

impl<'a> Input<'a> {
    pub(super) fn new(name: &str, bytes: &'a [u8]) -> Result<Input<'a>, Error> {
        let in_object = |error: Error| error.in_object(name);
        let file = File::parse(bytes).map_err(|error| in_object(error.into()))?;
        let data = |name| {
            file.section_named(name)
                .map(|section: &Section<'a>| section.data)
        };
        let btf = match data(".BTF") {
            Some(data) => {
                let btf = Btf::parse(data.to_vec()).map_err(|error| in_object(error.into()))?;
                if let Some(unread) = btf.unread() {
                    return Err(in_object(unread.clone().into()));
                }
                Some(btf)
            }
            None => None,
        };
        let mut input = Input {
            name: name.to_owned(),
            ext: data(".BTF.ext"),
            file,
            visible: HashMap::new(),
            declared_in: HashMap::new(),
            maps: HashSet::new(),
            btf: None,
        };
        if let Some(btf) = &btf {
            input.look_at(btf).map_err(in_object)?;
        }
        input.btf = btf;
        Ok(input)
    }

    fn look_at(&mut self, btf: &Btf) -> Result<(), Error> {
        for (id, ty) in btf.types() {
            let shown = match ty.contents() {
                Contents::Var(var) => var.linkage != VarLinkage::STATIC,
                Contents::Func(func) => func.linkage != FuncLinkage::STATIC,
                _ => false,
            };
            if shown {
                self.visible.entry(ty.name_bytes()?.to_vec()).or_insert(id);
            }
        }
        for (_, ty) in btf.types() {
            let is_maps = ty.is_named(".maps");
            for entry in ty.variables() {
                if is_maps {
                    self.maps.insert(entry.ty);
                }
                let variable = btf.get(entry.ty)?;
                let (is_static, is_extern) = match variable.contents() {
                    Contents::Var(var) => (
                        var.linkage == VarLinkage::STATIC,
                        var.linkage == VarLinkage::EXTERN,
                    ),
                    Contents::Func(func) => (false, func.linkage == FuncLinkage::EXTERN),
                    _ => continue,
                };
                if is_extern {
                    self.declared_in.insert(entry.ty, ty.name().to_owned());
                }
                if !is_static {
                    // Of several the one in a section is meant.
                    self.visible
                        .insert(variable.name_bytes()?.to_vec(), entry.ty);
                }
            }
        }
        Ok(())
    }

    pub(super) fn type_of(&self, name: &str) -> Option<TypeId> {
        self.visible.get(name.as_bytes()).copied()
    }

    /// How much more it means to be declared where this extern is than elsewhere: sections that a loader resolves count, and
    /// `.extern`, where clang puts all others, does not.
    pub(super) fn rank(&self, ty: TypeId) -> u8 {
        match self.declared_in.get(&ty).map(String::as_str) {
            Some(".extern") => 1,
            Some(_) => 2,
            None => 0,
        }
    }
}
