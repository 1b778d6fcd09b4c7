//! Loading programs: descriptors filled in, attach targets looked up, verified in parallel.

use std::cell::Cell;
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::thread;

use oxbpf_object::spec::{CollectionSpec, DataKind, ProgramSpec, RelocTarget};

use super::attach_target::Target;
use super::authority::Authority;
use super::descriptors::{MapName, References};
use super::externs::Externs;
use super::kernel::Kernel;
use super::levels::{Levels, Own};
use super::maps::Maps;
use super::plan::Planned;
use super::report::ProgramReport;
use super::struct_ops::StructOpsPlan;
use super::{Loader, descriptors, fallback, jump_tables, missing};
use crate::btf::ObjectBtf;
use crate::error::{Error, ErrorKind, Result};
use crate::parallel;
use crate::program::{AttachInfo, LogLevel, Measured, Program, ProgramLoad, Signature};

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
    /// Why the kernel does not take the object's types, if it does not.
    pub(super) refused_types: Option<&'a Error>,
    pub(super) authority: &'a Authority,
    /// The programs loaded so far, by position in the spec.
    pub(super) loaded: &'a [Option<Program>],
    /// Whether to go on after a failure, and what logs are to say then.
    pub(super) keep_going: Option<LogLevel>,
}

/// What came of the planned programs.
pub(super) struct Loaded {
    /// The programs by position in the spec.
    pub(super) programs: Vec<Option<Program>>,
    /// One for each that was planned, in the order of the plan.
    pub(super) reports: Vec<ProgramReport>,
}

/// Loads the planned programs, level by level.
///
/// # Errors
///
/// The first failure on the lowest level that has one, unless the load is to keep going.
pub(super) fn load(context: Context<'_>, mut plan: Vec<Planned>) -> Result<Loaded> {
    let mut outcomes: Vec<Option<Measured>> = plan
        .iter_mut()
        .map(|planned| planned.failure.take().map(Measured::failed))
        .collect();
    let levels = Levels::of(context.loader, context.spec, &plan);
    let threads = match plan.len() {
        // Counting the CPUs costs more than is to be won.
        0 | 1 => 1,
        _ => threads(context.loader),
    };
    let keeps_going = context.keep_going.is_some();
    let stops = |measured: &Measured| !keeps_going && measured.result.is_err();
    let mut loaded = vec![None; context.spec.programs().len()];
    for level in 0..levels.len() {
        let ready: Vec<(usize, &Planned)> = levels
            .positions(level)
            .filter(|position| outcomes.get(*position).is_some_and(Option::is_none))
            .filter_map(|position| Some((position, plan.get(position)?)))
            .collect();
        let context = Context {
            loaded: &loaded,
            ..context
        };
        let work = |(position, planned): &(usize, &Planned)| {
            load_one(context, planned, levels.own(*position))
        };
        let answers = parallel::in_order(&ready, threads, work, stops);
        for ((position, planned), measured) in ready.into_iter().zip(answers) {
            let measured = match measured.result {
                Err(error) if !keeps_going => return Err(error),
                result => Measured { result, ..measured },
            };
            if let Some(place) = loaded.get_mut(planned.index) {
                *place = measured.result.as_ref().ok().cloned();
            }
            if let Some(place) = outcomes.get_mut(position) {
                *place = Some(measured);
            }
        }
    }
    let reports = plan
        .iter()
        .zip(outcomes)
        .filter_map(|(planned, measured)| Some(report(context.spec, planned, measured?)));
    Ok(Loaded {
        reports: reports.collect(),
        programs: loaded,
    })
}

fn report(spec: &CollectionSpec, planned: &Planned, measured: Measured) -> ProgramReport {
    let unknown = ProgramSpec::default();
    let program = spec.programs().get(planned.index).unwrap_or(&unknown);
    ProgramReport {
        name: program.name.clone(),
        section: program.section.clone(),
        program_type: program.prog_type,
        attach_type: program.attach_type,
        insns: planned.assembled.insns.len(),
        result: measured.result,
        load_time: measured.time,
        accepted_log: measured.log,
    }
}

fn threads(loader: &Loader) -> usize {
    let threads = loader
        .threads
        .or_else(|| thread::available_parallelism().ok());
    threads.map_or(1, NonZeroUsize::get)
}

fn load_one(context: Context<'_>, planned: &Planned, own: &Own) -> Measured {
    let Some(program) = context.spec.programs().get(planned.index) else {
        return Measured::failed(Error::new(ErrorKind::InvalidObject, "loading a program"));
    };
    let mut measured = request(context, planned, program, own).unwrap_or_else(|error| {
        Measured::failed(error.context(format!("loading program `{}`", program.name)))
    });
    measured.result = measured
        .result
        .map_err(|error| missing::explain(error, context, planned));
    if let Ok(program) = &measured.result {
        bind_constants(context, planned, program);
    }
    measured
}

/// Constants stay with every program of the object, whether it uses them or not: tools look there for what is noted of it
/// (`bpftool prog` shows variables of `.rodata` called `bpf_metadata_…`). A program is as good without them.
fn bind_constants(context: Context<'_>, planned: &Planned, program: &Program) {
    for (position, (map, made)) in context.spec.maps().iter().zip(context.maps).enumerate() {
        let is_constants = map
            .data
            .as_ref()
            .is_some_and(|data| data.kind == DataKind::Rodata);
        let is_used = || {
            let mut relocs = planned.assembled.relocs.iter();
            relocs.any(|reloc| matches!(reloc.target, RelocTarget::MapValue { map, .. } if map == position))
        };
        if let (true, Some(made)) = (is_constants && !is_used(), made) {
            // Kernels before 5.10 do not have it.
            let _ = program.bind_map(&made.map);
        }
    }
}

/// How a program's instructions name maps: by descriptor or, where it is signed, by position among those it uses, since a
/// signature is over bytes that do not change.
struct MapsNamed<'a> {
    maps: &'a Maps,
    /// Those it uses, if it is signed.
    used: Option<Vec<usize>>,
}

impl<'a> MapsNamed<'a> {
    fn name(&self, position: usize) -> Option<(MapName, u32)> {
        let made = self.maps.get(position)?.as_ref()?;
        let name = match &self.used {
            Some(used) => MapName::among(used, position)?,
            None => MapName::Descriptor(made.map.as_fd().as_raw_fd()),
        };
        Some((name, made.start))
    }

    /// The descriptors that those positions stand for. Some map's stands where there is none: nobody asks for it.
    fn descriptors(&self) -> Vec<BorrowedFd<'a>> {
        let used = self.used.iter().flatten();
        let made: Vec<_> = used
            .map(|position| self.maps.get(*position).and_then(Option::as_ref))
            .collect();
        let Some(any) = made.iter().copied().flatten().next() else {
            return Vec::new();
        };
        let made = made.into_iter().map(|made| made.unwrap_or(any));
        made.map(|made| made.map.as_fd()).collect()
    }
}

fn request(
    context: Context<'_>,
    planned: &Planned,
    program: &ProgramSpec,
    own: &Own,
) -> Result<Measured> {
    let program_type = program.prog_type.ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidObject,
            "telling what kind of program it is",
        )
        .with_reason(format!("section `{}` does not say", program.section))
        .with_remedy("set its `prog_type`, or `autoload` to false")
    })?;
    let signature = context.loader.signatures.get(&program.name);
    let named = MapsNamed {
        maps: context.maps,
        used: signature.map(|_| planned.assembled.maps()),
    };
    let jump_tables = jump_tables::create(&planned.assembled.jump_tables, context.authority)?;
    let references = References {
        kernel: context.kernel,
        spec: context.spec,
        externs: context.externs,
        map: &|position| named.name(position),
        jump_tables: &jump_tables,
        before_modules: named.descriptors().len(),
    };
    let mut insns = planned.assembled.insns.clone();
    for reloc in &planned.assembled.relocs {
        descriptors::fill_in(&references, &mut insns, reloc.insn, reloc.target)?;
    }
    let target = Target::of(context, planned.index, program, program_type, own)?;
    let mut fd_array = named.descriptors();
    fd_array.extend(descriptors::of_modules(context)?);
    let mut load = ProgramLoad {
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
        fd_array: &fd_array,
        token: None,
        signature: signature.map(|(bytes, keyring)| Signature {
            bytes,
            keyring: *keyring,
        }),
    };
    let mut measured = ask(context, &load);
    let older;
    if let Err(error) = &measured.result {
        if let Some(insns) = fallback::instead_of(&insns, error) {
            older = insns;
            load.insns = &older;
            measured = ask(context, &load);
        }
    }
    if let Err(error) = &measured.result {
        if let Some((btf, functions)) = fallback::with_contexts(&load, error) {
            let load = ProgramLoad {
                btf: Some(btf.as_fd()),
                func_info: &functions,
                ..load.clone()
            };
            measured = ask(context, &load);
        }
    }
    Ok(measured)
}

fn ask(context: Context<'_>, load: &ProgramLoad<'_>) -> Measured {
    let told = Cell::default();
    let result = context.authority.call(|token| {
        let load = ProgramLoad {
            token,
            ..load.clone()
        };
        let Some(level) = context.keep_going else {
            return load.load();
        };
        let Measured { result, log, time } = load.load_measured(level);
        told.set((log, time));
        result
    });
    let (log, time) = told.take();
    Measured { result, log, time }
}
