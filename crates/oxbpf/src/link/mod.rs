//! Attaching programs, and what keeps them attached.

pub(crate) mod syscall_name;
