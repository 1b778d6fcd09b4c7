//! Which instructions and which programs the verifier takes.

use oxbpf_object::asm::{self, Cond, Extend, Insn, Op, Reg, Size};
use oxbpf_object::kernel::ProgramType;

use super::{Support, ending, load};

/// A program to try, and what it shows.
pub(super) struct Probe {
    pub(super) name: &'static str,
    pub(super) kernel: (u8, u8),
    build: fn() -> Vec<Insn>,
}

impl Probe {
    pub(super) fn ask(&self) -> Support {
        Support::of(load(ProgramType::SOCKET_FILTER, &(self.build)()))
    }
}

fn program(ops: impl IntoIterator<Item = Op>) -> Vec<Insn> {
    ending(&asm::program(ops))
}

/// `r0 = 0`, `r1 = 0`, then these.
fn with_numbers(ops: impl IntoIterator<Item = Op>) -> Vec<Insn> {
    let zeros = [asm::mov(Reg::R0, 0), asm::mov(Reg::R1, 0)];
    program(zeros.into_iter().chain(ops))
}

/// Levels of the instruction set, as `clang -mcpu=` names them.
pub(super) const ISA: &[Probe] = &[
    Probe {
        name: "v1",
        kernel: (3, 18),
        build: || program([]),
    },
    Probe {
        // Jumps if less.
        name: "v2",
        kernel: (4, 14),
        build: || with_numbers([asm::jump(Cond::Lt, Reg::R1, 1, 0)]),
    },
    Probe {
        // Jumps that look at half a register.
        name: "v3",
        kernel: (5, 1),
        build: || with_numbers([asm::jump32(Cond::Lt, Reg::R1, 1, 0)]),
    },
    Probe {
        // Moves that keep the sign, long jumps, signed division.
        name: "v4",
        kernel: (6, 6),
        build: || {
            with_numbers([
                asm::mov_sx(Extend::S8To64, Reg::R0, Reg::R1),
                asm::goto_long(0),
            ])
        },
    },
];

/// Single instructions that came after the levels.
pub(super) const INSTRUCTIONS: &[Probe] = &[
    Probe {
        name: "atomic operations that fetch",
        kernel: (5, 12),
        build: || {
            let word = asm::store(Size::DW, Reg::R10, -8, 0);
            let fetch = asm::atomic(
                asm::AtomicOp::FetchAdd,
                asm::Width::Bits64,
                Reg::R10,
                -8,
                Reg::R1,
            );
            with_numbers([word, fetch])
        },
    },
    Probe {
        name: "may_goto",
        kernel: (6, 9),
        build: || with_numbers([asm::may_goto(0)]),
    },
    Probe {
        name: "load_acquire and store_release",
        kernel: (6, 15),
        build: || {
            let word = asm::store(Size::DW, Reg::R10, -8, 0);
            with_numbers([word, asm::load_acquire(Size::DW, Reg::R1, Reg::R10, -8)])
        },
    },
];

/// What a verifier can follow.
pub(super) const PROGRAMS: &[Probe] = &[
    Probe {
        name: "large programs (over 4096 instructions)",
        kernel: (5, 2),
        build: || program((0..4100).map(|_| asm::mov(Reg::R0, 1))),
    },
    Probe {
        name: "bounded loops",
        kernel: (5, 3),
        build: || {
            let body = [
                asm::mov(Reg::R0, 10),
                asm::sub(Reg::R0, 1),
                asm::jump(Cond::Ne, Reg::R0, 0, -2),
            ];
            program(body)
        },
    },
    Probe {
        name: "calls of functions",
        kernel: (4, 16),
        build: || {
            let main = [asm::call_subprogram(1), asm::exit()];
            program(main)
        },
    },
];
