//! A program before it is loaded.

use crate::kernel::{AttachType, ProgramFlags, ProgramType};
use crate::section_name::SectionDef;

/// A program before it is loaded.
#[derive(Clone, Debug, PartialEq)]
pub struct ProgramSpec {
    /// Name: that of its function.
    pub name: String,
    /// Section that it is from, without a leading `?`: `kprobe/sys_execve`.
    pub section: String,
    /// What it is loaded as. `None` if the section name does not tell: someone has to, before it can be loaded.
    pub prog_type: Option<ProgramType>,
    /// Where it is to be attached, as far as the load wants to know.
    pub attach_type: Option<AttachType>,
    /// What it is to be attached to, as the section name says: `sys_execve`.
    pub attach_to: Option<String>,
    /// Position of the program in the same collection that `attach_to` names a function of, for `freplace`, `fentry`, `fexit`
    /// and `fmod_ret`. `None` leaves it to the loader to find it by that name.
    pub target_program: Option<usize>,
    /// Flags of the load.
    pub flags: ProgramFlags,
    /// Whether it is loaded with the rest.
    pub autoload: bool,
    /// Whether it is attached with the rest, where its section says to what.
    pub autoattach: bool,
    /// Position of its function.
    pub function: usize,
    /// The row of the section name table that matched.
    pub section_def: Option<&'static SectionDef>,
}

impl Default for ProgramSpec {
    fn default() -> Self {
        ProgramSpec {
            name: String::new(),
            section: String::new(),
            prog_type: None,
            attach_type: None,
            attach_to: None,
            target_program: None,
            flags: ProgramFlags::empty(),
            autoload: true,
            autoattach: true,
            function: 0,
            section_def: None,
        }
    }
}
