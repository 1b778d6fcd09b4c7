//! Loading programs: descriptors filled in, attach targets looked up, verified in parallel.

use std::num::NonZeroUsize;
use std::os::fd::AsFd;
use std::thread;

use oxbpf_object::spec::{CollectionSpec, ProgramSpec};

use super::attach_target::Target;
use super::externs::Externs;
use super::kernel::Kernel;
use super::maps::Maps;
use super::plan::Planned;
use super::report::ProgramReport;
use super::struct_ops::StructOpsPlan;
use super::{Loader, descriptors, missing, parallel};
use crate::btf::ObjectBtf;
use crate::error::{Error, ErrorKind, Result};
use crate::program::{AttachInfo, LogLevel, Measured, ProgramLoad};

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
    /// Whether to go on after a failure, and what logs are to say then.
    pub(super) keep_going: Option<LogLevel>,
}

/// Loads the planned programs. One report for each of them, in the order of the plan.
///
/// # Errors
///
/// The first failure, unless the load is to keep going.
pub(super) fn load(context: Context<'_>, plan: Vec<Planned>) -> Result<Vec<ProgramReport>> {
    let mut failures = Vec::with_capacity(plan.len());
    let plan: Vec<_> = plan
        .into_iter()
        .map(|mut planned| {
            failures.push(planned.failure.take());
            planned
        })
        .collect();
    let mut ready: Vec<usize> = (0..plan.len()).collect();
    ready.retain(|position| failures.get(*position).is_none_or(Option::is_none));
    let threads = match ready.len() {
        // Counting the CPUs costs more than is to be won.
        0 | 1 => 1,
        _ => threads(context.loader),
    };
    let stops = |measured: &Measured| context.keep_going.is_none() && measured.result.is_err();
    let work = |position: &usize| match plan.get(*position) {
        Some(planned) => load_one(context, planned),
        None => Measured::failed(Error::new(ErrorKind::InvalidObject, "loading a program")),
    };
    let mut loaded = parallel::in_order(&ready, threads, work, stops).into_iter();
    let mut reports = Vec::with_capacity(plan.len());
    for (planned, failure) in plan.iter().zip(failures) {
        let measured = match failure {
            Some(failure) => Measured::failed(failure),
            // None are left only behind a failure, which ends this.
            None => match loaded.next() {
                Some(measured) => measured,
                None => break,
            },
        };
        if stops(&measured) {
            return measured.result.map(|_| reports);
        }
        reports.push(report(context.spec, planned, measured));
    }
    Ok(reports)
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

fn load_one(context: Context<'_>, planned: &Planned) -> Measured {
    let Some(program) = context.spec.programs().get(planned.index) else {
        return Measured::failed(Error::new(ErrorKind::InvalidObject, "loading a program"));
    };
    let mut measured = request(context, planned, program).unwrap_or_else(|error| {
        Measured::failed(error.context(format!("loading program `{}`", program.name)))
    });
    measured.result = measured
        .result
        .map_err(|error| missing::explain(error, context, planned));
    measured
}

fn request(context: Context<'_>, planned: &Planned, program: &ProgramSpec) -> Result<Measured> {
    let program_type = program.prog_type.ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidObject,
            "telling what kind of program it is",
        )
        .with_reason(format!("section `{}` does not say", program.section))
        .with_remedy("set its `prog_type`, or `autoload` to false")
    })?;
    let mut insns = planned.assembled.insns.clone();
    for reloc in &planned.assembled.relocs {
        descriptors::fill_in(context, &mut insns, reloc.insn, reloc.target)?;
    }
    let target = Target::of(context, planned.index, program, program_type)?;
    let modules = descriptors::of_modules(context)?;
    let load = ProgramLoad {
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
    };
    Ok(match context.keep_going {
        Some(level) => load.load_measured(level),
        None => Measured::unmeasured(load.load()),
    })
}
