//! Instructions in the notation of the kernel's verifier.
//!
//! Where the verifier prints what it has resolved (addresses), the text here shows what stands in
//! the instruction, as `bpftool prog dump xlated` does: `r1 = map[fd:3]`.

use std::fmt::{self, Display, Formatter};

use super::insn::Insn;
use super::op::{AtomicOp, Callee, Imm64, Op};
use super::operand::{Operand, Reg, Size, Width};
use super::walk::ops;
use crate::kernel::Helper;

/// Names of what instructions give only numbers for, beyond the kernel's helpers.
pub trait Names {
    /// The name of a kernel function; `module` as in [`Callee::Kfunc`].
    fn kfunc(&self, btf_id: i32, module: i16) -> Option<&str> {
        let _ = (btf_id, module);
        None
    }
}

/// Knows no name.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoNames;

impl Names for NoNames {}

impl Display for Op {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.text(&NoNames).fmt(f)
    }
}

impl Op {
    /// The instruction as the verifier writes it, without slot number and opcode.
    pub fn text<'a>(self, names: &'a dyn Names) -> impl Display + 'a {
        Text { op: self, names }
    }
}

/// A program as the verifier writes it, one line per instruction: slot, opcode, text.
///
/// What cannot be decoded is shown as raw fields, with the reason.
pub fn listing<'a>(insns: &'a [Insn], names: &'a dyn Names) -> impl Display + 'a {
    Listing { insns, names }
}

struct Listing<'a> {
    insns: &'a [Insn],
    names: &'a dyn Names,
}

impl Display for Listing<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (slot, op) in ops(self.insns) {
            let insn = self.insns.get(slot).copied().unwrap_or_default();
            write!(f, "{slot}: ({:02x}) ", insn.code)?;
            match op {
                Ok(op) => writeln!(f, "{}", op.text(self.names))?,
                Err(error) => writeln!(
                    f,
                    "dst={} src={} off={} imm={:#x} ; {}",
                    insn.dst,
                    insn.src,
                    insn.off,
                    insn.imm,
                    error.kind()
                )?,
            }
        }
        Ok(())
    }
}

struct Text<'a> {
    op: Op,
    names: &'a dyn Names,
}

/// A register as 32-bit operations call it, `w3`, or 64-bit ones, `r3`.
fn sized(width: Width, reg: Reg) -> impl Display {
    let letter = match width {
        Width::Bits32 => 'w',
        Width::Bits64 => 'r',
    };
    SizedReg(letter, reg.number())
}

struct SizedReg(char, u8);

impl Display for SizedReg {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.0, self.1)
    }
}

/// `(u32 *)(r1 +8)`
struct Place(&'static str, Reg, i16);

impl Display for Place {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "({} *)({} {:+})", self.0, self.1, self.2)
    }
}

fn place(size: Size, base: Reg, off: i16) -> Place {
    Place(size.row().2, base, off)
}

impl Display for Text<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.op {
            Op::Alu {
                op,
                width,
                dst,
                src,
            } => {
                write!(f, "{} {} ", sized(width, dst), op.row().2)?;
                match src {
                    Operand::Reg(src) => write!(f, "{}", sized(width, src)),
                    Operand::Imm(imm) => write!(f, "{imm}"),
                }
            }
            Op::Neg { width, dst } => {
                write!(f, "{} = -{}", sized(width, dst), sized(width, dst))
            }
            Op::MovSx { extend, dst, src } => {
                let (width, _, ty) = extend.row();
                write!(f, "{} = ({ty}){}", sized(width, dst), sized(width, src))
            }
            Op::Swap { to, bits, dst } => {
                write!(f, "{dst} = {}{} {dst}", to.row().1, bits.row())
            }
            Op::AddrSpaceCast { dst, src, to, from } => {
                write!(f, "{dst} = addr_space_cast({src}, {to}, {from})")
            }
            Op::PercpuAddress { dst, src } => write!(f, "{dst} = &(void __percpu *)({src})"),
            Op::Jump {
                cond,
                width,
                left,
                right,
                distance,
            } => {
                write!(f, "if {} {} ", sized(width, left), cond.row().1)?;
                match right {
                    Operand::Reg(right) => write!(f, "{}", sized(width, right))?,
                    Operand::Imm(imm) => write!(f, "{imm:#x}")?,
                }
                write!(f, " goto pc{distance:+}")
            }
            Op::Goto { distance } => write!(f, "goto pc{distance:+}"),
            Op::GotoLong { distance } => write!(f, "gotol pc{distance:+}"),
            Op::GotoReg { target } => write!(f, "gotox {target}"),
            Op::MayGoto { distance } => write!(f, "may_goto pc{distance:+}"),
            Op::Call(Callee::Helper(id)) => {
                let name = match id {
                    Helper::UNSPEC => "bpf_unspec",
                    _ => id.name().unwrap_or("unknown"),
                };
                write!(f, "call {name}#{}", id.0 as i32)
            }
            Op::Call(Callee::Subprogram(distance)) => write!(f, "call pc{distance:+}"),
            Op::Call(Callee::Kfunc { btf_id, module }) => {
                let name = self.names.kfunc(btf_id, module);
                write!(f, "call {}#{btf_id}", name.unwrap_or("kernel-function"))
            }
            Op::Exit => f.write_str("exit"),
            Op::LoadAbs { size, offset } => {
                write!(f, "r0 = *({} *)skb[{offset}]", Size::from(size).row().2)
            }
            Op::LoadInd {
                size,
                index,
                offset,
            } => {
                let ty = Size::from(size).row().2;
                write!(f, "r0 = *({ty} *)skb[{index} + {offset}]")
            }
            Op::Load {
                size,
                dst,
                base,
                off,
            } => write!(f, "{dst} = *{}", place(size, base, off)),
            Op::LoadSx {
                size,
                dst,
                base,
                off,
            } => write!(f, "{dst} = *{}", Place(size.row().1, base, off)),
            Op::Store {
                size,
                base,
                off,
                src,
            } => {
                write!(f, "*{} = ", place(size, base, off))?;
                match src {
                    Operand::Reg(src) => write!(f, "{src}"),
                    Operand::Imm(imm) => write!(f, "{imm}"),
                }
            }
            Op::Atomic {
                op,
                width,
                base,
                off,
                src,
            } => {
                let (size, suffix) = match width {
                    Width::Bits32 => (Size::W, ""),
                    Width::Bits64 => (Size::DW, "64"),
                };
                let place = place(size, base, off);
                let name = op.row().1;
                match op {
                    AtomicOp::Add | AtomicOp::Or | AtomicOp::And | AtomicOp::Xor => {
                        write!(f, "lock *{place} {name} {src}")
                    }
                    AtomicOp::CmpXchg => {
                        write!(f, "r0 = atomic{suffix}_{name}({place}, r0, {src})")
                    }
                    _ => write!(f, "{src} = atomic{suffix}_{name}({place}, {src})"),
                }
            }
            Op::LoadAcquire {
                size,
                dst,
                base,
                off,
            } => write!(f, "{dst} = load_acquire({})", place(size, base, off)),
            Op::StoreRelease {
                size,
                base,
                off,
                src,
            } => write!(f, "store_release({}, {src})", place(size, base, off)),
            Op::LoadImm64 { dst, value } => write!(f, "{dst} = {value}"),
        }
    }
}

impl Display for Imm64 {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match *self {
            Imm64::Value(value) => write!(f, "{value:#x}"),
            Imm64::MapFd(fd) => write!(f, "map[fd:{fd}]"),
            Imm64::MapValue { fd, offset } => write!(f, "map[fd:{fd}][0]+{offset}"),
            Imm64::KernelVariable {
                btf_id,
                module_fd: 0,
            } => write!(f, "variable[btf:{btf_id}]"),
            Imm64::KernelVariable { btf_id, module_fd } => {
                write!(f, "variable[btf:{btf_id}, module fd:{module_fd}]")
            }
            Imm64::Subprogram(distance) => write!(f, "subprog[{distance:+}]"),
            Imm64::MapIndex(index) => write!(f, "map[idx:{index}]"),
            Imm64::MapIndexValue { index, offset } => write!(f, "map[idx:{index}][0]+{offset}"),
        }
    }
}
