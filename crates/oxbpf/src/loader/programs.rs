//! Loading programs: descriptors filled in, attach targets looked up, verified in parallel.

use std::num::NonZeroUsize;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use oxbpf_object::asm::opcode::{class, jmp};
use oxbpf_object::asm::{Insn, pseudo};
use oxbpf_object::btf::TypeId;
use oxbpf_object::kernel::{AttachType, ProgramType};
use oxbpf_object::spec::{CollectionSpec, ProgramSpec, RelocTarget};

use super::Loader;
use super::externs::{Externs, Resolved};
use super::kernel::Kernel;
use super::maps::Maps;
use super::plan::Planned;
use super::struct_ops::StructOpsPlan;
use crate::btf::{self, ObjectBtf};
use crate::error::{Error, ErrorKind, Result};
use crate::program::{AttachInfo, Program, ProgramLoad, VerifierError};

/// What all programs of a load have in common.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) loader: &'a Loader,
    pub(super) kernel: &'a Kernel<'a>,
    pub(super) spec: &'a CollectionSpec,
    pub(super) externs: &'a Externs,
    pub(super) struct_ops: &'a StructOpsPlan,
    pub(super) maps: &'a Maps,
    pub(super) btf: Option<&'a ObjectBtf>,
}

/// Loads the planned programs. The result has one entry for each position of the spec.
pub(super) fn load(context: Context<'_>, plan: Vec<Planned>) -> Result<Vec<Option<Program>>> {
    let mut programs = vec![None; context.spec.programs().len()];
    for (planned, loaded) in plan.iter().zip(load_all(context, &plan)) {
        if let Some(place) = programs.get_mut(planned.index) {
            *place = Some(loaded?);
        }
    }
    Ok(programs)
}

/// Loads programs on as many threads as the loader may use. After a failure no further ones are
/// begun; what was not begun is missing at the end.
fn load_all(context: Context<'_>, plan: &[Planned]) -> Vec<Result<Program>> {
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    // They are taken in order, so all that come before a failure have been begun, and the first
    // failure in that order is among the results.
    let work = || {
        let mut done = Vec::new();
        while !failed.load(Ordering::Relaxed) {
            let position = next.fetch_add(1, Ordering::Relaxed);
            let Some(planned) = plan.get(position) else {
                break;
            };
            let result = load_one(context, planned);
            failed.fetch_or(result.is_err(), Ordering::Relaxed);
            done.push((position, result));
        }
        done
    };
    // Threads of this load alone: namespaces and credentials belong to threads, so those of a
    // pool might be somebody else's.
    let helpers = match plan.len() {
        // Counting the CPUs costs more than is to be won.
        0 | 1 => 0,
        programs => threads(context.loader).min(programs) - 1,
    };
    let mut done = thread::scope(|scope| {
        let spawned: Vec<_> = (0..helpers)
            // Where no thread can be started, this one does all the work.
            .map_while(|_| thread::Builder::new().spawn_scoped(scope, work).ok())
            .collect();
        let mut done = work();
        for thread in spawned {
            match thread.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_unstable_by_key(|(position, _)| *position);
    done.into_iter().map(|(_, result)| result).collect()
}

fn threads(loader: &Loader) -> usize {
    let threads = loader
        .threads
        .or_else(|| thread::available_parallelism().ok());
    threads.map_or(1, NonZeroUsize::get)
}

fn load_one(context: Context<'_>, planned: &Planned) -> Result<Program> {
    let Some(program) = context.spec.programs().get(planned.index) else {
        return Err(Error::new(ErrorKind::InvalidObject, "loading a program"));
    };
    let doing = || format!("loading program `{}`", program.name);
    let program_type = program.prog_type.ok_or_else(|| {
        Error::new(ErrorKind::InvalidObject, doing())
            .with_reason(format!(
                "section `{}` does not tell what kind of program it is",
                program.section
            ))
            .with_remedy("set its `prog_type`, or `autoload` to false")
    })?;
    let mut insns = planned.assembled.insns.clone();
    for reloc in &planned.assembled.relocs {
        fill_in(context, &mut insns, reloc.insn, reloc.target).map_err(|e| e.context(doing()))?;
    }
    let target = Target::of(context, planned.index, program, program_type)
        .map_err(|e| e.context(doing()))?;
    let modules = module_descriptors(context).map_err(|e| e.context(doing()))?;
    ProgramLoad {
        name: &program.name,
        program_type,
        insns: &insns,
        license: &context.spec.license,
        attach: AttachInfo {
            section: program.section.clone(),
            target: program.attach_to.clone(),
            attach_type: target.member.or(program.attach_type),
            by_hand: !program.autoattach,
        },
        flags: program.flags,
        attach_btf_id: target.btf_id,
        attach_btf: target.module.or(target.btf.as_ref().map(AsFd::as_fd)),
        attach_program: target.program,
        btf: context.btf.map(AsFd::as_fd),
        types: context.spec.btf.as_ref(),
        func_info: &planned.assembled.func_info,
        line_info: &planned.assembled.line_info,
        kernel_version: context.spec.kernel_version,
        fd_array: &modules,
        token: None,
    }
    .load()
    .map_err(|e| explain_missing(e, context, planned))
}

/// The descriptors that calls of modules' functions name by number. 0 is no number, but wants a descriptor too.
fn module_descriptors<'a>(context: Context<'a>) -> Result<Vec<BorrowedFd<'a>>> {
    let numbered = context.externs.modules();
    if numbered.is_empty() {
        return Ok(Vec::new());
    }
    let modules = context.kernel.modules()?;
    let descriptors = numbered.first().into_iter().chain(numbered);
    Ok(descriptors
        .filter_map(|&module| Some(modules.get(module)?.fd.as_fd()))
        .collect())
}

/// Where the verifier stopped at an instruction that asks for what is not there, says that
/// instead of speaking of an unknown function.
fn explain_missing(error: Error, context: Context<'_>, planned: &Planned) -> Error {
    let Some(insn) = error.verifier().and_then(VerifierError::insn) else {
        return error;
    };
    let missing = planned.missing.iter().find(|missing| missing.insn == insn);
    let reason = missing
        .map(ToString::to_string)
        .or_else(|| missing_reference(context, planned, insn));
    match reason {
        Some(reason) => error.with_reason(reason),
        None => error,
    }
}

/// What an instruction refers to, if it is not there.
fn missing_reference(context: Context<'_>, planned: &Planned, insn: usize) -> Option<String> {
    let mut relocs = planned.assembled.relocs.iter();
    let reloc = relocs.find(|reloc| reloc.insn == insn)?;
    match reloc.target {
        RelocTarget::Map(map) | RelocTarget::MapValue { map, .. } => {
            let created = context.maps.get(map)?.is_some();
            let name = &context.spec.maps().get(map)?.name;
            (!created).then(|| format!("it uses map `{name}`, which was not created"))
        }
        RelocTarget::Extern(position) => {
            let name = &context.spec.externs().get(position)?.name;
            match context.externs.get(context.spec, position) {
                Ok(Resolved::Missing) => Some(format!(
                    "kernel function `{name}` does not exist on this kernel"
                )),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Helpers that do not exist, from these numbers on: instructions that refer to what is not there call them, with its
/// position added. As libbpf has it, so that dumps look alike.
mod poison {
    pub(super) const MAP: i32 = 2_001_000_000;
    pub(super) const FUNCTION: i32 = 2_002_000_000;
}

/// A call that the verifier refuses, if it can be reached.
fn poisoned(base: i32, position: usize) -> Insn {
    Insn {
        code: class::JMP | jmp::CALL,
        imm: base.saturating_add(i32::try_from(position).unwrap_or_default()),
        ..Insn::default()
    }
}

/// Puts into an instruction what it refers to.
fn fill_in(
    context: Context<'_>,
    insns: &mut [Insn],
    slot: usize,
    target: RelocTarget,
) -> Result<()> {
    let doing = || format!("relocating instruction {slot}");
    let Some([insn, rest @ ..]) = insns.get_mut(slot..) else {
        return Err(Error::new(ErrorKind::InvalidObject, doing()));
    };
    match target {
        RelocTarget::Map(map) | RelocTarget::MapValue { map, .. } => {
            let Some(made) = context.maps.get(map).and_then(Option::as_ref) else {
                for slot in [Some(insn), rest.first_mut()].into_iter().flatten() {
                    *slot = poisoned(poison::MAP, map);
                }
                return Ok(());
            };
            insn.src = pseudo::MAP_FD;
            insn.imm = made.map.as_fd().as_raw_fd();
            if let RelocTarget::MapValue { offset, .. } = target {
                let start = made.arena.as_ref().map_or(0, |(_, start)| *start);
                insn.src = pseudo::MAP_VALUE;
                if let Some(second) = rest.first_mut() {
                    second.imm = offset.wrapping_add(start) as i32;
                }
            }
        }
        RelocTarget::Extern(position) => {
            let resolved = context.externs.get(context.spec, position)?;
            match (insn.is_call(), rest) {
                (true, _) => call_extern(context, insn, position, resolved).ok_or_else(|| {
                    let name = context
                        .spec
                        .externs()
                        .get(position)
                        .map_or("?", |e| &e.name);
                    Error::new(ErrorKind::InvalidObject, doing())
                        .with_reason(format!("it calls `{name}`, which is no function"))
                })?,
                (false, [second, ..]) => {
                    let (src, low, high) = load_extern(context, resolved)?;
                    (insn.src, insn.imm, second.imm) = (src, low, high);
                }
                (false, []) => return Err(Error::new(ErrorKind::InvalidObject, doing())),
            }
        }
        // Laid out already.
        _ => {}
    }
    Ok(())
}

/// Makes a call one of a kernel function. `None` if the extern is something else.
fn call_extern(
    context: Context<'_>,
    call: &mut Insn,
    position: usize,
    resolved: Resolved,
) -> Option<()> {
    match resolved {
        Resolved::Typed { btf_id, module } => {
            let number = match module {
                Some(module) => i16::try_from(context.externs.module_number(module)?).ok()?,
                None => 0,
            };
            call.src = pseudo::KFUNC_CALL;
            call.imm = btf_id as i32;
            call.off = number;
        }
        Resolved::Missing => *call = poisoned(poison::FUNCTION, position),
        Resolved::Address(_) | Resolved::Kconfig => return None,
    }
    Some(())
}

/// The kind of the load of an extern's address, and the halves of what it loads.
fn load_extern(context: Context<'_>, resolved: Resolved) -> Result<(u8, i32, i32)> {
    Ok(match resolved {
        Resolved::Typed { btf_id, module } => {
            let modules = match module {
                Some(_) => context.kernel.modules()?,
                None => &[],
            };
            let module = module.and_then(|module| modules.get(module));
            let descriptor = module.map_or(0, |module| module.fd.as_raw_fd());
            (pseudo::BTF_ID, btf_id as i32, descriptor)
        }
        Resolved::Address(address) => (0, address as i32, (address >> 32) as i32),
        Resolved::Missing | Resolved::Kconfig => (0, 0, 0),
    })
}

/// What a program names as its attach target, as the kernel wants to know it at load.
#[derive(Default)]
struct Target<'a> {
    btf_id: TypeId,
    btf: Option<OwnedFd>,
    /// A module's BTF that the load keeps open.
    module: Option<BorrowedFd<'a>>,
    program: Option<BorrowedFd<'a>>,
    /// The number of a member, which is told in place of an attach type.
    member: Option<AttachType>,
}

impl<'a> Target<'a> {
    fn of(
        context: Context<'a>,
        position: usize,
        program: &ProgramSpec,
        program_type: ProgramType,
    ) -> Result<Target<'a>> {
        if let Some(slot) = context.struct_ops.programs.get(&position) {
            let module = match slot.module {
                Some(module) => context.kernel.modules()?.get(module),
                None => None,
            };
            return Ok(Self {
                btf_id: slot.structure,
                module: module.map(|module| module.fd.as_fd()),
                member: Some(AttachType(slot.member)),
                ..Self::default()
            });
        }
        if ![ProgramType::TRACING, ProgramType::LSM, ProgramType::EXT].contains(&program_type) {
            return Ok(Self::default());
        }
        let name = program.attach_to.as_deref().ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, "looking up what it attaches to")
                .with_reason(format!("its section `{}` names nothing", program.section))
                .with_remedy("set its `attach_to`")
        })?;
        if let Some(target) = context.loader.targets.get(&program.name) {
            return Ok(Self {
                btf_id: btf::program_function(target, name)?,
                program: Some(target.as_fd()),
                ..Self::default()
            });
        }
        if program_type == ProgramType::EXT {
            return Err(
                Error::new(ErrorKind::InvalidInput, "looking up what it replaces")
                    .with_reason("it replaces a function of another program, and none was named")
                    .with_remedy("give the loaded program to `Loader::target_program`"),
            );
        }
        // The running kernel's own types, whatever the programs were relocated against.
        let kernel = context.kernel.running()?;
        let attach_type = program.attach_type.unwrap_or_default();
        let found = btf::attach_target(kernel, attach_type, name)?;
        Ok(Self {
            btf_id: found.btf_id,
            btf: found.module,
            ..Self::default()
        })
    }
}
