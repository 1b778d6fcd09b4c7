//! Loading programs: descriptors filled in, attach targets looked up, verified in parallel.

use std::num::NonZeroUsize;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use oxbpf_object::asm::{Insn, pseudo};
use oxbpf_object::btf::TypeId;
use oxbpf_object::kernel::ProgramType;
use oxbpf_object::spec::{CollectionSpec, ExternSpec, ProgramSpec, RelocTarget};

use super::Loader;
use super::maps::Maps;
use super::plan::Planned;
use crate::btf::{self, KernelBtf, ObjectBtf};
use crate::error::{Error, ErrorKind, Result};
use crate::program::{AttachInfo, Program, ProgramLoad, VerifierError};

/// What all programs of a load have in common.
#[derive(Clone, Copy)]
struct Context<'a> {
    loader: &'a Loader,
    spec: &'a CollectionSpec,
    maps: &'a Maps,
    btf: Option<&'a ObjectBtf>,
}

/// Loads the planned programs. The result has one entry for each position of the spec.
pub(super) fn load(
    loader: &Loader,
    spec: &CollectionSpec,
    plan: Vec<Planned>,
    maps: &Maps,
    btf: Option<&ObjectBtf>,
) -> Result<Vec<Option<Program>>> {
    let context = Context {
        loader,
        spec,
        maps,
        btf,
    };
    let mut programs = vec![None; spec.programs().len()];
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
    let target = Target::of(context, program, program_type).map_err(|e| e.context(doing()))?;
    ProgramLoad {
        name: &program.name,
        program_type,
        insns: &insns,
        license: &context.spec.license,
        attach: AttachInfo {
            section: program.section.clone(),
            target: program.attach_to.clone(),
            attach_type: program.attach_type,
        },
        flags: program.flags,
        attach_btf_id: target.btf_id,
        attach_btf: target.btf.as_ref().map(AsFd::as_fd),
        attach_program: target.program,
        btf: context.btf.map(AsFd::as_fd),
        types: context.spec.btf.as_ref(),
        func_info: &planned.assembled.func_info,
        line_info: &planned.assembled.line_info,
        kernel_version: context.spec.kernel_version,
        fd_array: &[],
        token: None,
    }
    .load()
    .map_err(|e| explain_missing(e, planned))
}

/// Where the verifier stopped at an instruction that asks for what this kernel has not, says that
/// instead of speaking of an unknown function.
fn explain_missing(error: Error, planned: &Planned) -> Error {
    let insn = error.verifier().and_then(VerifierError::insn);
    match planned
        .missing
        .iter()
        .find(|missing| Some(missing.insn) == insn)
    {
        Some(missing) => error.with_reason(missing.to_string()),
        None => error,
    }
}

/// Puts into an instruction what it refers to.
fn fill_in(
    context: Context<'_>,
    insns: &mut [Insn],
    slot: usize,
    target: RelocTarget,
) -> Result<()> {
    let Some([insn, rest @ ..]) = insns.get_mut(slot..) else {
        return Err(Error::new(
            ErrorKind::InvalidObject,
            format!("relocating instruction {slot}"),
        ));
    };
    let map_at = |position: usize| {
        let made = context.maps.get(position).and_then(Option::as_ref);
        made.map(|map| map.as_fd().as_raw_fd()).ok_or_else(|| {
            let name = context.spec.maps().get(position).map_or("?", |m| &m.name);
            Error::new(
                ErrorKind::NotFound,
                format!("relocating instruction {slot}"),
            )
            .with_reason(format!("it uses map `{name}`, which was not created"))
            .with_remedy("set `autocreate` of the map")
        })
    };
    match target {
        RelocTarget::Map(map) => {
            insn.src = pseudo::MAP_FD;
            insn.imm = map_at(map)?;
        }
        RelocTarget::MapValue { map, offset } => {
            insn.src = pseudo::MAP_VALUE;
            insn.imm = map_at(map)?;
            if let Some(second) = rest.first_mut() {
                second.imm = offset as i32;
            }
        }
        RelocTarget::Extern(position) => {
            return Err(unresolved(context.spec.externs().get(position)));
        }
        // Laid out already.
        _ => {}
    }
    Ok(())
}

fn unresolved(symbol: Option<&ExternSpec>) -> Error {
    let name = symbol.map_or("?", |symbol| &symbol.name);
    Error::new(ErrorKind::Unsupported, format!("resolving extern `{name}`")).with_reason(
        "symbols of the kernel (`__ksym`, `__kconfig`) are not supported by this version of oxbpf",
    )
}

/// What a program names as its attach target, as the kernel wants to know it at load.
#[derive(Default)]
struct Target<'a> {
    btf_id: TypeId,
    btf: Option<OwnedFd>,
    program: Option<BorrowedFd<'a>>,
}

impl<'a> Target<'a> {
    fn of(
        context: Context<'a>,
        program: &ProgramSpec,
        program_type: ProgramType,
    ) -> Result<Target<'a>> {
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
                btf: None,
                program: Some(target.as_fd()),
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
        let kernel = KernelBtf::running()?;
        let attach_type = program.attach_type.unwrap_or_default();
        let found = btf::attach_target(&kernel, attach_type, name)?;
        Ok(Self {
            btf_id: found.btf_id,
            btf: found.module,
            program: None,
        })
    }
}
