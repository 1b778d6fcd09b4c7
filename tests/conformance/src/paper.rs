//! Instructions as they are once laid out and fitted to a kernel's types, with nothing loaded: for kernels that are not
//! running, and for objects of the other byte order.

use std::path::Path;

use oxbpf::object::asm::Insn;
use oxbpf::object::btf::Btf;
use oxbpf::object::core_reloc::CoreReloc;
use oxbpf::object::spec::{CollectionSpec, RelocTarget};

use crate::compare::{self, Difference};
use crate::libbpf::{Object, Options, Program};
use crate::opened::section_or_name;
use crate::record::Code;

/// What libbpf puts, with the map's position added, where a map is not created (`poison_map_ldimm64`).
const POISONED_MAP: i32 = 2_001_000_000;

/// The types to fit programs to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Types<'a> {
    /// How they are called in what is reported.
    pub(crate) name: &'a str,
    /// `None` for the running kernel's.
    pub(crate) file: Option<&'a Path>,
    pub(crate) btf: &'a Btf,
}

/// Compares all programs. Gives how many were compared, too.
pub(crate) fn compare(
    bytes: &[u8],
    spec: &CollectionSpec,
    types: Types<'_>,
) -> (usize, Vec<Difference>) {
    let mut found = Vec::new();
    let mut compared = 0;
    let mut core = spec.btf.as_ref().map(|btf| CoreReloc::new(btf, types.btf));
    if let Some(core) = &mut core {
        let relos = spec.functions().iter().flat_map(|f| &f.core_relos);
        core.announce(relos.map(|relo| relo.record));
    }
    let whole = prepared(bytes, spec, types, None);
    for (position, program) in spec.programs().iter().enumerate() {
        let subject = format!("program {} for {}", program.name, types.name);
        // libbpf relocates them only for a structure that the running kernel has; that is for loading to compare.
        if program.section.starts_with("struct_ops") {
            continue;
        }
        let theirs = match &whole {
            Some((object, programs)) => {
                match programs.iter().find(|(name, _)| *name == program.name) {
                    Some((_, insns)) if program.autoload => {
                        Some(their_code(object, spec, position, insns))
                    }
                    _ => alone(bytes, spec, types, position),
                }
            }
            None => alone(bytes, spec, types, position),
        };
        let ours = our_code(spec, position, &mut core);
        match (theirs, ours) {
            (Some(theirs), Ok(ours)) => {
                compared += 1;
                found.extend(compare::code(&subject, &theirs, &ours));
            }
            (Some(_), Err(error)) => found.push(Difference::new(subject, "relocates it", error)),
            // What libbpf refuses here may be an extern, which we look up when loading.
            (None, Ok(_)) if !spec.externs().is_empty() => {}
            (None, Ok(_)) => found.push(Difference::new(subject, "refuses it", "relocates it")),
            (None, Err(_)) => compared += 1,
        }
    }
    (compared, found)
}

/// The maps' names and descriptors, and the instructions of the programs that were relocated.
type Prepared = (Maps, Vec<(String, Vec<Insn>)>);
type Maps = Vec<(String, i32)>;

/// The names of the maps and the instructions of the programs, of all or of one, by libbpf.
fn prepared(
    bytes: &[u8],
    spec: &CollectionSpec,
    types: Types<'_>,
    only: Option<usize>,
) -> Option<Prepared> {
    let options = Options {
        name: &spec.name,
        btf: types.file,
        ..Options::default()
    };
    let object = Object::open(bytes, options).ok()?;
    for map in object.maps() {
        map.set_autocreate(false);
    }
    let is_it = |program: &Program<'_>| {
        let position = spec
            .programs()
            .iter()
            .position(|ours| ours.name == program.name());
        only == position
    };
    for program in object.programs() {
        if only.is_some() {
            program.set_autoload(is_it(&program));
        }
    }
    object.prepare().ok()?;
    let maps = object.maps();
    let maps = maps
        .iter()
        .map(|map| (section_or_name(map), map.fd()))
        .collect();
    let programs = object.programs().into_iter();
    let programs = programs
        .filter(Program::autoload)
        .map(|program| (program.name(), program.insns()));
    Some((maps, programs.collect()))
}

fn alone(bytes: &[u8], spec: &CollectionSpec, types: Types<'_>, position: usize) -> Option<Code> {
    let (maps, programs) = prepared(bytes, spec, types, Some(position))?;
    let (_, insns) = programs.first()?;
    Some(their_code(&maps, spec, position, insns))
}

/// libbpf's instructions, with maps by name and externs left out.
fn their_code(
    maps: &[(String, i32)],
    spec: &CollectionSpec,
    position: usize,
    insns: &[Insn],
) -> Code {
    let mut code = Code {
        insns: insns.to_vec(),
        ..Code::default()
    };
    let relocs = spec.assemble(position).unwrap_or_default().relocs;
    for reloc in relocs {
        if let RelocTarget::Map(_) | RelocTarget::MapValue { .. } = reloc.target {
            let name = insns.get(reloc.insn).and_then(|insn| map_of(maps, insn));
            let name = name.unwrap_or("nowhere");
            code.symbols.insert(reloc.insn, format!("map {name}"));
        }
        leave_out(&mut code.insns, reloc.insn);
    }
    code
}

/// The map that an instruction refers to: by its descriptor, or by its position where it is not created. Settings of the
/// kernel's configuration are no map for libbpf that could be left out.
fn map_of<'m>(maps: &'m [(String, i32)], insn: &Insn) -> Option<&'m str> {
    let map = match insn.is_wide() {
        true => maps.iter().find(|(_, fd)| *fd == insn.imm),
        false => maps.get(usize::try_from(insn.imm.checked_sub(POISONED_MAP)?).ok()?),
    };
    map.map(|(name, _)| name.as_str())
}

fn our_code(
    spec: &CollectionSpec,
    position: usize,
    core: &mut Option<CoreReloc<'_>>,
) -> Result<Code, String> {
    let mut assembled = spec.assemble(position).map_err(|error| error.to_string())?;
    if let Some(core) = core {
        let relocated = core.relocate(&mut assembled.insns, &assembled.core_relos);
        relocated.map_err(|error| error.to_string())?;
    }
    let mut code = Code {
        insns: assembled.insns,
        ..Code::default()
    };
    for reloc in &assembled.relocs {
        if let RelocTarget::Map(map) | RelocTarget::MapValue { map, .. } = reloc.target {
            let name = spec.maps().get(map).map_or("?", |map| &map.name);
            code.symbols.insert(reloc.insn, format!("map {name}"));
        }
        leave_out(&mut code.insns, reloc.insn);
    }
    Ok(code)
}

/// Makes nothing of an instruction that refers to what is there only after a load.
fn leave_out(insns: &mut [Insn], slot: usize) {
    // A poisoned wide instruction is the same call twice.
    let slots = match insns.get(slot..) {
        Some([first, second, ..]) if first.is_wide() || first == second => 2,
        _ => 1,
    };
    for insn in insns.iter_mut().skip(slot).take(slots) {
        *insn = Insn::default();
    }
}
