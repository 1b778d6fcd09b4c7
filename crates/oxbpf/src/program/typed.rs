//! Programs whose kind the compiler knows.

use std::marker::PhantomData;
use std::ops::Deref;

use oxbpf_object::kernel::ProgramType;

use super::Program;
use crate::error::{Error, ErrorKind, Result};

/// A kind of program, by how it is attached. Sealed: the kinds are those of this module.
pub trait ProgramKind: sealed::Sealed {
    /// The type that such programs have.
    const TYPE: ProgramType;

    /// What such a program is called in messages.
    const NAME: &'static str;

    /// Whether programs of a type are of this kind.
    #[must_use]
    fn includes(program_type: ProgramType) -> bool {
        program_type == Self::TYPE
    }
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal, $type:ident $(or $($other:ident)+)?;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $kind(());

        impl sealed::Sealed for $kind {}

        impl ProgramKind for $kind {
            const TYPE: ProgramType = ProgramType::$type;
            const NAME: &'static str = $name;

            $(fn includes(program_type: ProgramType) -> bool {
                [Self::TYPE, $(ProgramType::$other),+].contains(&program_type)
            })?
        }
    )*};
}

kinds! {
    /// `kprobe`, `kretprobe`, `ksyscall`, `kprobe.multi` and their kin.
    KprobeKind = "kprobe", KPROBE;
    /// `tracepoint`.
    TracepointKind = "tracepoint", TRACEPOINT;
    /// `raw_tracepoint`, and its writable form.
    RawTracepointKind = "raw tracepoint", RAW_TRACEPOINT or RAW_TRACEPOINT_WRITABLE;
    /// `fentry`, `fexit`, `fmod_ret`, `fsession`, `tp_btf`, `iter`.
    TracingKind = "tracing program", TRACING;
    /// `lsm`, `lsm_cgroup`.
    LsmKind = "program at a hook of the security modules", LSM;
    /// `freplace`.
    ExtensionKind = "replacement of a function", EXT;
    /// `perf_event`.
    PerfEventKind = "program on a perf event", PERF_EVENT;
    /// `syscall`.
    SyscallKind = "syscall program", SYSCALL;
    /// `uprobe`, `uretprobe`, `usdt` and their kin, which the kernel loads as it does kprobes.
    UprobeKind = "uprobe", KPROBE;
    /// `xdp`, and those that run in device and CPU maps.
    XdpKind = "XDP program", XDP;
    /// `tc`, `tcx`, `netkit`, `classifier`, `action`.
    TcKind = "program of traffic control", SCHED_CLS or SCHED_ACT;
    /// `socket`.
    SocketFilterKind = "socket filter", SOCKET_FILTER;
    /// `cgroup/…`, `cgroup_skb/…`, `sockops`.
    CgroupKind = "program of a cgroup", CGROUP_SKB or
        CGROUP_SOCK CGROUP_SOCK_ADDR CGROUP_SOCKOPT CGROUP_SYSCTL CGROUP_DEVICE SOCK_OPS;
    /// `sk_lookup`.
    SkLookupKind = "socket lookup", SK_LOOKUP;
    /// `sk_skb`, for the streams of sockets in a map.
    SkSkbKind = "stream program of a socket map", SK_SKB;
    /// `sk_msg`, for what sockets in a map send.
    SkMsgKind = "message program of a socket map", SK_MSG;
    /// `sk_reuseport`.
    SkReuseportKind = "choice among sockets of a port", SK_REUSEPORT;
    /// `flow_dissector`.
    FlowDissectorKind = "flow dissector", FLOW_DISSECTOR;
    /// `netfilter`.
    NetfilterKind = "netfilter hook", NETFILTER;
    /// `lirc_mode2`.
    LircKind = "infrared decoder", LIRC_MODE2;
    /// `lwt_in`, `lwt_out`, `lwt_xmit`, `lwt_seg6local`.
    LwtKind = "program of a route", LWT_IN or LWT_OUT LWT_XMIT LWT_SEG6LOCAL;
    /// `struct_ops`.
    StructOpsKind = "function of a structure", STRUCT_OPS;
}

/// A [`Program`] of a known kind: what does not fit it does not compile.
pub struct Typed<K> {
    program: Program,
    kind: PhantomData<fn() -> K>,
}

impl<K: ProgramKind> Typed<K> {
    /// Makes sure that a program is of this kind.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::WrongKind`] names both kinds if it is not.
    pub fn new(program: Program) -> Result<Self> {
        if !K::includes(program.program_type()) {
            return Err(
                Error::new(ErrorKind::WrongKind, format!("using {program}")).with_reason(format!(
                    "it is of type {}, not a {}",
                    program.program_type(),
                    K::NAME
                )),
            );
        }
        Ok(Self {
            program,
            kind: PhantomData,
        })
    }
}

impl<K> Typed<K> {
    /// The program, its kind forgotten.
    #[must_use]
    pub fn into_program(self) -> Program {
        self.program
    }
}

impl<K: ProgramKind> TryFrom<Program> for Typed<K> {
    type Error = Error;

    fn try_from(program: Program) -> Result<Self> {
        Self::new(program)
    }
}

impl<K> From<Typed<K>> for Program {
    fn from(typed: Typed<K>) -> Self {
        typed.program
    }
}

impl<K> Deref for Typed<K> {
    type Target = Program;

    fn deref(&self) -> &Program {
        &self.program
    }
}

impl<K> Clone for Typed<K> {
    fn clone(&self) -> Self {
        Self {
            program: self.program.clone(),
            kind: PhantomData,
        }
    }
}

impl<K: ProgramKind> std::fmt::Debug for Typed<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple(K::NAME).field(&self.program).finish()
    }
}
