//! What a program is to be attached to, as far as the kernel wants to know it at load.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use oxbpf_object::btf::TypeId;
use oxbpf_object::kernel::{AttachType, ProgramType};
use oxbpf_object::spec::ProgramSpec;

use super::programs::Context;
use crate::btf;
use crate::error::{Error, ErrorKind, Result};

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
