//! What a program is to be attached to, as far as the kernel wants to know it at load.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use oxbpf_object::btf::TypeId;
use oxbpf_object::kernel::{AttachType, ProgramType};
use oxbpf_object::spec::ProgramSpec;

use super::levels::Own;
use super::programs::Context;
use crate::btf;
use crate::error::{Error, ErrorKind, Result};
use crate::program::Program;

/// What a program names as its attach target, as the kernel wants to know it at load.
#[derive(Default)]
pub(super) struct Target<'a> {
    pub(super) btf_id: TypeId,
    pub(super) btf: Option<OwnedFd>,
    /// A module's BTF that the load keeps open.
    pub(super) module: Option<BorrowedFd<'a>>,
    pub(super) program: Option<BorrowedFd<'a>>,
    /// The number of a member, which is told in place of an attach type.
    pub(super) member: Option<AttachType>,
}

impl<'a> Target<'a> {
    pub(super) fn of(
        context: Context<'a>,
        position: usize,
        program: &ProgramSpec,
        program_type: ProgramType,
        own: &Own,
    ) -> Result<Target<'a>> {
        if let Some(slot) = context.struct_ops.programs.get(&position) {
            let module = context.kernel.module(slot.module)?;
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
        // What these are attached to is said when they are; only a module is told now.
        if program.attach_type.is_some_and(is_multi) {
            let module = program
                .attach_to
                .as_deref()
                .and_then(|to| to.split_once(':'));
            return Ok(Self {
                btf: match module {
                    Some((module, _)) => btf::module(context.kernel.running()?, module)?,
                    None => None,
                },
                ..Self::default()
            });
        }
        let name = program.attach_to.as_deref().ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, "looking up what it attaches to")
                .with_reason(format!("its section `{}` names nothing", program.section))
                .with_remedy("set its `attach_to`")
        })?;
        if let Some(target) = context.loader.targets.get(&program.name) {
            return Self::in_program(target, name);
        }
        let is_replacement = program_type == ProgramType::EXT;
        if is_replacement || program.target_program.is_some() {
            return own_target(context, own, name)?.ok_or_else(|| no_target(context, program));
        }
        // The running kernel's own types, whatever the programs were relocated against.
        let found = context.kernel.running().and_then(|kernel| {
            btf::attach_target(kernel, program.attach_type.unwrap_or_default(), name)
        });
        match found {
            Ok(found) => Ok(Self {
                btf_id: found.btf_id,
                btf: found.module,
                ..Self::default()
            }),
            Err(error) => own_target(context, own, name)?.ok_or(error),
        }
    }

    fn in_program(target: &'a Program, function: &str) -> Result<Self> {
        Ok(Self {
            btf_id: btf::program_function(target, function)?,
            program: Some(target.as_fd()),
            ..Self::default()
        })
    }
}

/// The function of another program of the object; `None` if none has one of that name.
fn own_target<'a>(context: Context<'a>, own: &Own, name: &str) -> Result<Option<Target<'a>>> {
    let Some(position) = own.position(context.spec)? else {
        return Ok(None);
    };
    match context.loaded.get(position) {
        Some(Some(target)) => Target::in_program(target, name).map(Some),
        _ => {
            let target = context.spec.programs().get(position);
            Err(
                Error::new(ErrorKind::NotFound, "looking up what it attaches to").with_reason(
                    format!(
                        "it attaches to program `{}`, which was not loaded",
                        target.map_or("?", |target| &target.name)
                    ),
                ),
            )
        }
    }
}

fn no_target(context: Context<'_>, program: &ProgramSpec) -> Error {
    let name = program.attach_to.as_deref().unwrap_or("?");
    let error = Error::new(ErrorKind::InvalidInput, "looking up what it attaches to");
    let target = program
        .target_program
        .and_then(|target| context.spec.programs().get(target));
    match target {
        Some(target) => error
            .with_reason(format!(
                "program `{}` is not to be loaded, cannot be attached to, or has no function `{name}`",
                target.name
            ))
            .with_remedy("see to its `autoload`, or name another `target_program`"),
        None => error
            .with_reason(format!(
                "it replaces function `{name}` of another program, which no program to be loaded with it has"
            ))
            .with_remedy("give the loaded program to `Loader::target_program`"),
    }
}

/// Whether programs of an attach type are attached to many functions that BTF describes.
fn is_multi(attach_type: AttachType) -> bool {
    [
        AttachType::TRACE_FENTRY_MULTI,
        AttachType::TRACE_FEXIT_MULTI,
        AttachType::TRACE_FSESSION_MULTI,
    ]
    .contains(&attach_type)
}
