//! What the type information says about sections, variables and externs, and what it leaves to the symbols.

use std::collections::HashMap;

use object::elf;

use super::file::{File, Section, Symbol};
use super::{Error, ErrorKind, limit};
use crate::btf::{Btf, Contents, Func, FuncLinkage, Kind, Type, TypeId, Var, VarLinkage};
use crate::limits::MAX_NAME;

pub(crate) struct Types<'b> {
    pub(crate) btf: &'b Btf,
    /// The sections that have variables, by id.
    pub(crate) sections: Vec<TypedSection<'b>>,
    /// Positions of the sections by name.
    named: HashMap<&'b str, usize>,
    /// Variables and functions that are defined elsewhere.
    pub(crate) externs: HashMap<&'b str, TypeId>,
    /// Functions with a note naming the function that handles their exceptions.
    pub(crate) exception_callbacks: Vec<(TypeId, &'b str)>,
}

pub(crate) struct TypedSection<'b> {
    /// The `DATASEC`.
    pub(crate) id: TypeId,
    pub(crate) name: &'b str,
    /// The section of the file. Externs have none.
    pub(crate) section: Option<&'b Section<'b>>,
    /// Its variables if it is in the file, lowest offset first, put where the symbols say unless the linker has done so.
    pub(crate) variables: Vec<Placed<'b>>,
}

/// A variable where it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placed<'b> {
    pub(crate) name: &'b str,
    /// The `VAR`.
    pub(crate) var: TypeId,
    /// The type of the variable.
    pub(crate) ty: TypeId,
    pub(crate) offset: u32,
    pub(crate) size: u32,
    pub(crate) linkage: VarLinkage,
    /// Whether it is to be made static: only its own object is to see it.
    pub(crate) hidden: bool,
}

impl<'b> Types<'b> {
    pub(crate) fn new(btf: &'b Btf, file: &'b File<'b>) -> Result<Self, Error> {
        const EXCEPTION_CALLBACK: &str = "exception_callback:";
        let mut types = Types {
            btf,
            sections: Vec::new(),
            named: HashMap::new(),
            externs: HashMap::new(),
            exception_callbacks: Vec::new(),
        };
        let wanted = [Kind::DATASEC, Kind::VAR, Kind::FUNC, Kind::DECL_TAG];
        for (id, ty) in btf.types().filter(|(_, ty)| wanted.contains(&ty.kind())) {
            match ty.contents() {
                Contents::DataSection(_) => {
                    let name = name_of(ty)?;
                    types.named.entry(name).or_insert(types.sections.len());
                    let section = file.section_named(name);
                    types.sections.push(TypedSection {
                        id,
                        name,
                        section,
                        variables: Vec::new(),
                    });
                }
                Contents::Var(Var {
                    linkage: VarLinkage::EXTERN,
                    ..
                })
                | Contents::Func(Func {
                    linkage: FuncLinkage::EXTERN,
                    ..
                }) => {
                    types.externs.entry(name_of(ty)?).or_insert(id);
                }
                Contents::DeclTag(tag) => {
                    if let Some(callback) = ty.name().strip_prefix(EXCEPTION_CALLBACK) {
                        types.exception_callbacks.push((tag.target, callback));
                    }
                }
                _ => {}
            }
        }
        if types.sections.is_empty() {
            return Ok(types);
        }
        let symbols = visible_symbols(file)?;
        let mut count = 0usize;
        for typed in &mut types.sections {
            if let Some(section) = typed.section {
                count = count.saturating_add(btf.get(typed.id)?.variables().len());
                limit(count, "variables")?;
                typed.variables = place(btf, file, typed.id, section, &symbols)
                    .map_err(|error| error.in_section(section.name))?;
            }
        }
        Ok(types)
    }

    pub(crate) fn section(&self, name: &str) -> Option<&TypedSection<'b>> {
        self.named
            .get(name)
            .and_then(|&index| self.sections.get(index))
    }
}

/// The structure that a type is, through typedefs and modifiers.
pub(crate) fn structure(btf: &Btf, id: TypeId) -> Result<Type<'_>, Error> {
    let ty = btf.skip_modifiers_and_typedefs(id)?;
    match ty.kind() {
        Kind::STRUCT => Ok(ty),
        other => Err(Error::map(format!(
            "its type is of kind {other} instead of struct"
        ))),
    }
}

/// The name of a type that is about to be copied.
fn name_of(ty: Type<'_>) -> Result<&str, Error> {
    match ty.name() {
        name if name.len() > MAX_NAME => Err(Error::new(
            ErrorKind::Limit,
            format!(
                ".BTF: the name of type {} is longer than {MAX_NAME} bytes",
                ty.id()
            ),
        )),
        name => Ok(name),
    }
}

/// Defined symbols that other objects can see, by name.
fn visible_symbols<'b>(file: &File<'b>) -> Result<HashMap<&'b str, Symbol<'b>>, Error> {
    let mut symbols = HashMap::new();
    for (_, symbol) in file.symbols() {
        if symbol.section.is_some()
            && !symbol.is_local()
            && matches!(symbol.kind, elf::STT_OBJECT | elf::STT_NOTYPE)
        {
            symbols.insert(symbol.name()?, symbol);
        }
    }
    Ok(symbols)
}

fn place<'b>(
    btf: &'b Btf,
    file: &File<'_>,
    id: TypeId,
    section: &Section<'_>,
    symbols: &HashMap<&str, Symbol<'_>>,
) -> Result<Vec<Placed<'b>>, Error> {
    let Contents::DataSection(contents) = btf.get(id)?.contents() else {
        return Ok(Vec::new());
    };
    let placed_by_linker = contents.size != 0;
    let mut placed = Vec::with_capacity(contents.variables().len());
    for entry in contents.variables() {
        let ty = btf.get(entry.ty)?;
        let name = name_of(ty)?;
        let wrong = |what: String| Error::new(ErrorKind::TypeInfo, what).at_symbol(name);
        let Contents::Var(var) = ty.contents() else {
            return Err(wrong(format!(
                "the type information lists a {} among the variables",
                ty.kind()
            )));
        };
        let mut variable = Placed {
            name,
            var: entry.ty,
            ty: var.ty,
            offset: entry.offset,
            size: entry.size,
            linkage: var.linkage,
            hidden: false,
        };
        if var.linkage != VarLinkage::STATIC && var.linkage != VarLinkage::EXTERN {
            let symbol = symbols
                .get(name)
                .filter(|symbol| symbol.section == Some(section.index));
            let symbol = symbol.ok_or_else(|| {
                wrong(
                    "the type information has this variable, but there is no symbol for it"
                        .to_owned(),
                )
            })?;
            variable.hidden = symbol.hidden;
            if !placed_by_linker {
                variable.offset = u32::try_from(symbol.value).map_err(|_| {
                    wrong(format!(
                        "its symbol is at offset {}, beyond 4 GiB",
                        symbol.value
                    ))
                })?;
            }
        }
        if u64::from(variable.offset).saturating_add(variable.size.into()) > section.size {
            let (size, offset) = (variable.size, variable.offset);
            return Err(wrong(format!(
                "its {size} bytes at offset {offset} reach past the end of the section, which has {} bytes",
                section.size
            )));
        }
        placed.push(variable);
    }
    placed.sort_by_key(|variable| variable.offset);
    if overlap(&placed).is_some() && !placed_by_linker {
        place_static(&mut placed, file, section);
    }
    match overlap(&placed) {
        Some((first, second)) => {
            let message = format!("the type information has it overlap `{}`", first.name);
            Err(Error::new(ErrorKind::TypeInfo, message).at_symbol(second.name))
        }
        None => Ok(placed),
    }
}

/// Puts static variables where the symbols say, as far as their names are unique: GCC leaves their places open too.
fn place_static(placed: &mut [Placed<'_>], file: &File<'_>, section: &Section<'_>) {
    let mut symbols: HashMap<&str, Option<u64>> = HashMap::new();
    for symbol in file
        .symbols_in(section.index)
        .filter(|symbol| symbol.is_local() && symbol.kind == elf::STT_OBJECT)
    {
        let Ok(name) = symbol.name() else { continue };
        symbols
            .entry(name)
            .and_modify(|value| *value = None)
            .or_insert(Some(symbol.value));
    }
    for variable in placed
        .iter_mut()
        .filter(|variable| variable.linkage == VarLinkage::STATIC)
    {
        let offset = symbols
            .get(variable.name)
            .and_then(|value| u32::try_from((*value)?).ok());
        let inside =
            |offset: &u32| u64::from(*offset).saturating_add(variable.size.into()) <= section.size;
        variable.offset = offset.filter(inside).unwrap_or(variable.offset);
    }
    placed.sort_by_key(|variable| variable.offset);
}

/// Two variables that take the same bytes, of those that are more than declared.
fn overlap<'p, 'b>(placed: &'p [Placed<'b>]) -> Option<(&'p Placed<'b>, &'p Placed<'b>)> {
    let mut defined = placed
        .iter()
        .filter(|variable| variable.linkage != VarLinkage::EXTERN);
    let mut last = defined.next()?;
    for variable in defined {
        if last.offset.saturating_add(last.size) > variable.offset {
            return Some((last, variable));
        }
        last = variable;
    }
    None
}
