//! Names that all objects can see: which definition of each counts.

use std::collections::{HashMap, HashSet};

use object::elf;

use super::compare;
use super::input::Input;
use super::sections::Sections;
use super::{Error, ErrorKind};
use crate::btf::TypeId;
use crate::elf::file::Symbol;
use crate::limits::MAX_ITEMS;

/// What one name stands for.
pub(super) struct Global<'a> {
    pub(super) name: &'a str,
    /// The object that defines it; of one that nothing defines, one that declares it.
    pub(super) object: usize,
    pub(super) symbol: Symbol<'a>,
    pub(super) defined: bool,
    /// Whether every object that mentions it says that it is weak.
    pub(super) weak: bool,
    /// Whether any object says so.
    pub(super) hidden: bool,
    /// The object that has the type of it that counts, and the type there.
    pub(super) ty: Option<(usize, TypeId)>,
}

#[derive(Default)]
pub(super) struct Globals<'a> {
    pub(super) all: Vec<Global<'a>>,
    named: HashMap<&'a str, usize>,
    /// How many pairs of types were compared.
    steps: usize,
}

impl<'a> Globals<'a> {
    pub(super) fn resolve(
        inputs: &[Input<'a>],
        sections: &Sections<'a>,
    ) -> Result<Globals<'a>, Error> {
        let mut globals = Globals::default();
        for (object, input) in inputs.iter().enumerate() {
            let mut names = HashSet::new();
            for (_, symbol) in input.file.symbols() {
                if symbol.is_local() || is_left_out(sections, object, &symbol) {
                    continue;
                }
                let in_object = |error: Error| error.in_object(&input.name);
                let name = symbol.name().map_err(|error| in_object(error.into()))?;
                if !names.insert(name) {
                    let message = "the object has two symbols of this name that others can see";
                    return Err(
                        in_object(Error::new(ErrorKind::Duplicate, message)).at_symbol(name)
                    );
                }
                if symbol.section.is_none() && !symbol.undefined {
                    let message = "it is in no section: was a variable left without an initial value by an old compiler?";
                    return Err(
                        in_object(Error::new(ErrorKind::Unsupported, message)).at_symbol(name)
                    );
                }
                globals
                    .add(inputs, object, name, symbol)
                    .map_err(|(error, other)| {
                        let error = match inputs.get(other) {
                            Some(other) => error.in_object(&other.name),
                            None => error,
                        };
                        in_object(error).at_symbol(name)
                    })?;
            }
        }
        Ok(globals)
    }

    /// One more object that mentions a name. An error comes with the object that was there before.
    fn add(
        &mut self,
        inputs: &[Input<'a>],
        object: usize,
        name: &'a str,
        symbol: Symbol<'a>,
    ) -> Result<(), (Error, usize)> {
        let input = inputs.get(object);
        let ty = input.and_then(|input| Some((object, input.type_of(name)?)));
        let new = Global {
            name,
            object,
            symbol,
            defined: !symbol.undefined,
            weak: symbol.binding == elf::STB_WEAK,
            hidden: symbol.hidden,
            ty,
        };
        let index = *self.named.entry(name).or_insert(self.all.len());
        let Some(known) = self.all.get_mut(index) else {
            if self.all.len() >= MAX_ITEMS {
                let message = format!("there are more than {MAX_ITEMS} names");
                return Err((Error::new(ErrorKind::Limit, message), object));
            }
            self.all.push(new);
            return Ok(());
        };
        let is_strong = |symbol: &Symbol<'_>| symbol.binding != elf::STB_WEAK;
        if known.defined && new.defined && is_strong(&known.symbol) && is_strong(&symbol) {
            let message = "both objects define it, and neither as `__weak`";
            return Err((Error::new(ErrorKind::Duplicate, message), known.object));
        }
        if let (Some((other, theirs)), Some((_, ours))) = (known.ty, ty) {
            if other != object {
                if let (Some(a), Some(b)) = (inputs.get(other), input) {
                    compare::check((a, theirs), (b, ours), name, &mut self.steps)
                        .map_err(|error| (error, other))?;
                }
            }
        }
        known.weak &= new.weak;
        known.hidden |= new.hidden;
        let rank = |ty: Option<(usize, TypeId)>| {
            ty.and_then(|(object, ty)| Some(inputs.get(object)?.rank(ty)))
        };
        let counts = match (known.defined, new.defined) {
            (false, true) => true,
            (true, true) => !is_strong(&known.symbol) && is_strong(&symbol),
            (false, false) => rank(new.ty) > rank(known.ty),
            (true, false) => false,
        };
        if counts {
            known.object = new.object;
            known.symbol = new.symbol;
            known.defined = new.defined;
            known.ty = new.ty.or(known.ty);
        } else if known.ty.is_none() {
            known.ty = new.ty;
        }
        Ok(())
    }

    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.named.get(name).copied()
    }

    pub(super) fn get(&self, name: &str) -> Option<&Global<'a>> {
        self.all.get(self.position(name)?)
    }
}

/// Whether a symbol is in a section that is left out.
fn is_left_out(sections: &Sections<'_>, object: usize, symbol: &Symbol<'_>) -> bool {
    symbol.section.is_some_and(|section| {
        sections
            .place(object, section)
            .is_none_or(|place| place.repeated)
    })
}
