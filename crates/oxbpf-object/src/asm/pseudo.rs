//! Values of [`Insn::src`](super::Insn::src) that change what an immediate means.
//!
//! Source: the `BPF_PSEUDO_*` constants of `linux/bpf.h`.

/// 64-bit load: the immediate is a map's file descriptor; the map's address is loaded.
#[doc(alias = "BPF_PSEUDO_MAP_FD")]
pub const MAP_FD: u8 = 1;

/// 64-bit load: a map's file descriptor and an offset into its first value; the value's address
/// is loaded. Linux 5.2.
#[doc(alias = "BPF_PSEUDO_MAP_VALUE")]
pub const MAP_VALUE: u8 = 2;

/// 64-bit load: the BTF id of a kernel variable (and the descriptor of its module's BTF, 0 for
/// vmlinux); the variable's address is loaded. Linux 5.10.
#[doc(alias = "BPF_PSEUDO_BTF_ID")]
pub const BTF_ID: u8 = 3;

/// 64-bit load: distance to a subprogram, as in a call; the subprogram's address is loaded.
/// Linux 5.13.
#[doc(alias = "BPF_PSEUDO_FUNC")]
pub const FUNC: u8 = 4;

/// As [`MAP_FD`], with an index into the `fd_array` given to program load. Linux 5.14.
#[doc(alias = "BPF_PSEUDO_MAP_IDX")]
pub const MAP_IDX: u8 = 5;

/// As [`MAP_VALUE`], with an index into the `fd_array` given to program load. Linux 5.14.
#[doc(alias = "BPF_PSEUDO_MAP_IDX_VALUE")]
pub const MAP_IDX_VALUE: u8 = 6;

/// Call: the immediate is the distance to a subprogram, in slots after the call. Linux 4.16.
#[doc(alias = "BPF_PSEUDO_CALL")]
pub const CALL: u8 = 1;

/// Call: the immediate is the BTF id of a kernel function. Linux 5.13.
#[doc(alias = "BPF_PSEUDO_KFUNC_CALL")]
pub const KFUNC_CALL: u8 = 2;
