//! From slots to [`Op`] and back.
//!
//! Decoding first reads only the fields that carry meaning, then encodes the result and compares.
//! A field that comes out different was reserved and not zero. So there is no list of reserved
//! fields to keep, and whatever decodes encodes back to the same bytes by construction.

use super::error::{Error, ErrorKind};
use super::insn::Insn;
use super::op::{AluOp, AtomicOp, Callee, Cond, Extend, Imm64, Op, SwapTo};
use super::opcode::{alu, atomic, class, jmp, mode, size, source};
use super::operand::{Narrow, Operand, Reg, Size, SwapBits, Width};
use super::pseudo;
use crate::kernel::Helper;

/// Offset of a 64-bit move that makes it a cast between address spaces.
const ADDR_SPACE_CAST: i16 = 1;

/// The same for the address of this CPU's copy (`BPF_ADDR_PERCPU`).
const PERCPU_ADDRESS: i16 = -1;

const GOTO: u8 = class::JMP | jmp::JA;
const GOTO_LONG: u8 = class::JMP32 | jmp::JA;
const GOTO_REG: u8 = class::JMP | jmp::JA | source::X;
const MAY_GOTO: u8 = class::JMP | jmp::JCOND;
const CALL: u8 = class::JMP | jmp::CALL;
const EXIT: u8 = class::JMP | jmp::EXIT;
const LD_IMM64: u8 = class::LD | mode::IMM | size::DW;

/// The atomic classes encode their width as a size.
fn atomic_width(code: u8) -> Option<Width> {
    match code & size::MASK {
        size::W => Some(Width::Bits32),
        size::DW => Some(Width::Bits64),
        _ => None,
    }
}

fn reg(field: &'static str, number: u8) -> Result<Reg, ErrorKind> {
    Reg::from_number(number).ok_or(ErrorKind::NoSuchRegister { field, number })
}

fn operand(insn: Insn) -> Result<Operand, ErrorKind> {
    match insn.code & source::MASK {
        source::X => Ok(Operand::Reg(reg("src", insn.src)?)),
        _ => Ok(Operand::Imm(insn.imm)),
    }
}

fn alu_op(insn: Insn) -> Result<Op, ErrorKind> {
    let unknown = ErrorKind::UnknownOpcode { code: insn.code };
    let width = match insn.class() {
        class::ALU => Width::Bits32,
        _ => Width::Bits64,
    };
    let dst = reg("dst", insn.dst)?;
    let operation = insn.code & alu::MASK;
    if operation == alu::NEG {
        return Ok(Op::Neg { width, dst });
    }
    if operation == alu::END {
        let class_and_source = insn.code & (class::MASK | source::MASK);
        let to = SwapTo::find(|(bits, _)| bits == class_and_source).ok_or(unknown)?;
        let bits = SwapBits::find(|bits| bits == insn.imm)
            .ok_or(ErrorKind::SwapBits { bits: insn.imm })?;
        return Ok(Op::Swap { to, bits, dst });
    }
    if operation == alu::MOV && insn.code & source::MASK == source::X && insn.off != 0 {
        let src = reg("src", insn.src)?;
        if width == Width::Bits64 && insn.off == ADDR_SPACE_CAST {
            let [to_high, to_low, from_high, from_low] = insn.imm.to_be_bytes();
            return Ok(Op::AddrSpaceCast {
                dst,
                src,
                to: u16::from_be_bytes([to_high, to_low]),
                from: u16::from_be_bytes([from_high, from_low]),
            });
        }
        if width == Width::Bits64 && insn.off == PERCPU_ADDRESS {
            return Ok(Op::PercpuAddress { dst, src });
        }
        let extend = Extend::find(|(w, off, _)| w == width && off == insn.off)
            .ok_or(ErrorKind::MoveKind { off: insn.off })?;
        return Ok(Op::MovSx { extend, dst, src });
    }
    // A wrong offset falls back to the unsigned operation, so that the comparison reports it.
    let op = AluOp::find(|(bits, off, _)| bits == operation && off == insn.off)
        .or_else(|| AluOp::find(|(bits, ..)| bits == operation))
        .ok_or(unknown)?;
    Ok(Op::Alu {
        op,
        width,
        dst,
        src: operand(insn)?,
    })
}

fn jump_op(insn: Insn) -> Result<Op, ErrorKind> {
    let unknown = ErrorKind::UnknownOpcode { code: insn.code };
    match insn.code {
        GOTO => return Ok(Op::Goto { distance: insn.off }),
        GOTO_LONG => return Ok(Op::GotoLong { distance: insn.imm }),
        GOTO_REG => {
            return Ok(Op::GotoReg {
                target: reg("dst", insn.dst)?,
            });
        }
        MAY_GOTO => return Ok(Op::MayGoto { distance: insn.off }),
        EXIT => return Ok(Op::Exit),
        CALL => {
            return match insn.src {
                0 => Ok(Op::Call(Callee::Helper(Helper(insn.imm as u32)))),
                pseudo::CALL => Ok(Op::Call(Callee::Subprogram(insn.imm))),
                pseudo::KFUNC_CALL => Ok(Op::Call(Callee::Kfunc {
                    btf_id: insn.imm,
                    module: insn.off,
                })),
                src => Err(ErrorKind::UnknownPseudo { what: "call", src }),
            };
        }
        _ => {}
    }
    let cond = Cond::find(|(bits, _)| bits == insn.code & jmp::MASK).ok_or(unknown)?;
    Ok(Op::Jump {
        cond,
        width: match insn.class() {
            class::JMP32 => Width::Bits32,
            _ => Width::Bits64,
        },
        left: reg("dst", insn.dst)?,
        right: operand(insn)?,
        distance: insn.off,
    })
}

fn memory_op(insn: Insn) -> Result<Op, ErrorKind> {
    let unknown = ErrorKind::UnknownOpcode { code: insn.code };
    let Insn { code, off, imm, .. } = insn;
    let dst = || reg("dst", insn.dst);
    let src = || reg("src", insn.src);
    let size = Size::of(code);
    Ok(match (insn.class(), code & mode::MASK) {
        (class::LD, mode::ABS) => Op::LoadAbs {
            size: Narrow::of(code).ok_or(unknown)?,
            offset: imm,
        },
        (class::LD, mode::IND) => Op::LoadInd {
            size: Narrow::of(code).ok_or(unknown)?,
            index: src()?,
            offset: imm,
        },
        (class::LDX, mode::MEM) => Op::Load {
            size,
            dst: dst()?,
            base: src()?,
            off,
        },
        (class::LDX, mode::MEMSX) => Op::LoadSx {
            size: Narrow::of(code).ok_or(unknown)?,
            dst: dst()?,
            base: src()?,
            off,
        },
        (class::ST, mode::MEM) => Op::Store {
            size,
            base: dst()?,
            off,
            src: Operand::Imm(imm),
        },
        (class::STX, mode::MEM) => Op::Store {
            size,
            base: dst()?,
            off,
            src: Operand::Reg(src()?),
        },
        (class::STX, mode::ATOMIC) => match imm {
            atomic::LOAD_ACQ => Op::LoadAcquire {
                size,
                dst: dst()?,
                base: src()?,
                off,
            },
            atomic::STORE_REL => Op::StoreRelease {
                size,
                base: dst()?,
                off,
                src: src()?,
            },
            _ => Op::Atomic {
                op: AtomicOp::find(|(bits, _)| bits == imm)
                    .ok_or(ErrorKind::UnknownAtomic { imm })?,
                width: atomic_width(code).ok_or(ErrorKind::AtomicSize {
                    bytes: size.bytes(),
                })?,
                base: dst()?,
                off,
                src: src()?,
            },
        },
        _ => return Err(unknown),
    })
}

fn wide_op(first: Insn, second: Insn) -> Result<Op, ErrorKind> {
    let (low, high) = (first.imm, second.imm);
    let value = match first.src {
        0 => Imm64::Value((u64::from(high as u32) << 32) | u64::from(low as u32)),
        pseudo::MAP_FD => Imm64::MapFd(low),
        pseudo::MAP_VALUE => Imm64::MapValue {
            fd: low,
            offset: high as u32,
        },
        pseudo::BTF_ID => Imm64::KernelVariable {
            btf_id: low,
            module_fd: high,
        },
        pseudo::FUNC => Imm64::Subprogram(low),
        pseudo::MAP_IDX => Imm64::MapIndex(low),
        pseudo::MAP_IDX_VALUE => Imm64::MapIndexValue {
            index: low,
            offset: high as u32,
        },
        src => {
            return Err(ErrorKind::UnknownPseudo {
                what: "64-bit load",
                src,
            });
        }
    };
    Ok(Op::LoadImm64 {
        dst: reg("dst", first.dst)?,
        value,
    })
}

/// The first field in which a slot differs from what its meaning encodes to.
fn compare(slot: usize, got: Insn, expected: Insn) -> Result<(), Error> {
    if got.code != expected.code {
        let code = got.code;
        return Err(Error::new(slot, ErrorKind::UnknownOpcode { code }));
    }
    let fields = [
        ("dst", i64::from(got.dst), i64::from(expected.dst)),
        ("src", i64::from(got.src), i64::from(expected.src)),
        ("off", i64::from(got.off), i64::from(expected.off)),
        ("imm", i64::from(got.imm), i64::from(expected.imm)),
    ];
    match fields
        .into_iter()
        .find(|(_, got, expected)| got != expected)
    {
        None => Ok(()),
        Some((field, value, _)) => Err(Error::new(
            slot,
            ErrorKind::ReservedField {
                code: got.code,
                field,
                value,
            },
        )),
    }
}

impl Op {
    /// Reads the instruction at the start of `insns`, and says how many slots it takes (1 or 2).
    ///
    /// # Errors
    /// The opcode, a register or a mode is unknown; a field that must be zero is not; or the
    /// second slot of a 64-bit load is missing. The error's slot counts from the start of `insns`.
    pub fn decode(insns: &[Insn]) -> Result<(Op, usize), Error> {
        let Some((&first, rest)) = insns.split_first() else {
            return Err(Error::new(0, ErrorKind::Missing));
        };
        let op = match first.class() {
            class::ALU | class::ALU64 => alu_op(first),
            class::JMP | class::JMP32 => jump_op(first),
            class::LD if first.code == LD_IMM64 => match rest.first() {
                Some(&second) => wide_op(first, second),
                None => return Err(Error::new(1, ErrorKind::NoSecondSlot)),
            },
            _ => memory_op(first),
        }
        .map_err(|kind| Error::new(0, kind))?;

        let (canonical, second) = op.to_slots();
        compare(0, first, canonical)?;
        match (second, rest.first()) {
            (Some(expected), Some(&got)) => {
                let imm_only = Insn {
                    imm: got.imm,
                    ..Insn::default()
                };
                if got != imm_only {
                    return Err(Error::new(1, ErrorKind::NoSecondSlot));
                }
                compare(1, got, expected).map(|()| (op, 2))
            }
            _ => Ok((op, 1)),
        }
    }

    /// Appends the instruction's one or two slots.
    pub fn encode(self, insns: &mut Vec<Insn>) {
        let (first, second) = self.to_slots();
        insns.push(first);
        insns.extend(second);
    }

    /// Number of slots that the instruction takes: 2 for a 64-bit load, else 1.
    pub fn slots(self) -> usize {
        match self {
            Op::LoadImm64 { .. } => 2,
            _ => 1,
        }
    }

    fn to_slots(self) -> (Insn, Option<Insn>) {
        let insn = match self {
            Op::LoadImm64 { dst, value } => {
                let (first, second) = wide_slots(dst, value);
                return (first, Some(second));
            }
            Op::Alu {
                op,
                width,
                dst,
                src,
            } => {
                let (bits, off, _) = op.row();
                with_operand(alu_class(width) | bits, dst, src, off)
            }
            Op::Neg { width, dst } => Insn {
                code: alu_class(width) | alu::NEG,
                dst: dst.number(),
                ..Insn::default()
            },
            Op::MovSx { extend, dst, src } => {
                let (width, off, _) = extend.row();
                with_operand(alu_class(width) | alu::MOV, dst, Operand::Reg(src), off)
            }
            Op::Swap { to, bits, dst } => Insn {
                code: to.row().0 | alu::END,
                dst: dst.number(),
                imm: bits.row(),
                ..Insn::default()
            },
            Op::AddrSpaceCast { dst, src, to, from } => {
                let ([t0, t1], [f0, f1]) = (to.to_be_bytes(), from.to_be_bytes());
                Insn {
                    imm: i32::from_be_bytes([t0, t1, f0, f1]),
                    ..with_operand(
                        class::ALU64 | alu::MOV,
                        dst,
                        Operand::Reg(src),
                        ADDR_SPACE_CAST,
                    )
                }
            }
            Op::PercpuAddress { dst, src } => with_operand(
                class::ALU64 | alu::MOV,
                dst,
                Operand::Reg(src),
                PERCPU_ADDRESS,
            ),
            Op::Jump {
                cond,
                width,
                left,
                right,
                distance,
            } => {
                let class = match width {
                    Width::Bits32 => class::JMP32,
                    Width::Bits64 => class::JMP,
                };
                with_operand(class | cond.row().0, left, right, distance)
            }
            Op::Goto { distance } => Insn {
                code: GOTO,
                off: distance,
                ..Insn::default()
            },
            Op::GotoLong { distance } => Insn {
                code: GOTO_LONG,
                imm: distance,
                ..Insn::default()
            },
            Op::GotoReg { target } => Insn {
                code: GOTO_REG,
                dst: target.number(),
                ..Insn::default()
            },
            Op::MayGoto { distance } => Insn {
                code: MAY_GOTO,
                off: distance,
                ..Insn::default()
            },
            Op::Call(callee) => {
                let (src, off, imm) = match callee {
                    Callee::Helper(id) => (0, 0, id.0 as i32),
                    Callee::Subprogram(distance) => (pseudo::CALL, 0, distance),
                    Callee::Kfunc { btf_id, module } => (pseudo::KFUNC_CALL, module, btf_id),
                };
                Insn {
                    code: CALL,
                    dst: 0,
                    src,
                    off,
                    imm,
                }
            }
            Op::Exit => Insn {
                code: EXIT,
                ..Insn::default()
            },
            Op::LoadAbs { size, offset } => Insn {
                code: class::LD | mode::ABS | Size::from(size).row().0,
                imm: offset,
                ..Insn::default()
            },
            Op::LoadInd {
                size,
                index,
                offset,
            } => Insn {
                code: class::LD | mode::IND | Size::from(size).row().0,
                src: index.number(),
                imm: offset,
                ..Insn::default()
            },
            Op::Load {
                size,
                dst,
                base,
                off,
            } => memory(class::LDX | mode::MEM, size, dst, base, off, 0),
            Op::LoadSx {
                size,
                dst,
                base,
                off,
            } => memory(class::LDX | mode::MEMSX, size.into(), dst, base, off, 0),
            Op::Store {
                size,
                base,
                off,
                src: Operand::Reg(src),
            } => memory(class::STX | mode::MEM, size, base, src, off, 0),
            Op::Store {
                size,
                base,
                off,
                src: Operand::Imm(imm),
            } => memory(class::ST | mode::MEM, size, base, Reg::R0, off, imm),
            Op::Atomic {
                op,
                width,
                base,
                off,
                src,
            } => {
                let (imm, _) = op.row();
                let size = match width {
                    Width::Bits32 => Size::W,
                    Width::Bits64 => Size::DW,
                };
                memory(class::STX | mode::ATOMIC, size, base, src, off, imm)
            }
            Op::LoadAcquire {
                size,
                dst,
                base,
                off,
            } => {
                let code = class::STX | mode::ATOMIC;
                memory(code, size, dst, base, off, atomic::LOAD_ACQ)
            }
            Op::StoreRelease {
                size,
                base,
                off,
                src,
            } => {
                let code = class::STX | mode::ATOMIC;
                memory(code, size, base, src, off, atomic::STORE_REL)
            }
        };
        (insn, None)
    }
}

fn alu_class(width: Width) -> u8 {
    match width {
        Width::Bits32 => class::ALU,
        Width::Bits64 => class::ALU64,
    }
}

fn with_operand(code: u8, dst: Reg, operand: Operand, off: i16) -> Insn {
    let (source, src, imm) = match operand {
        Operand::Reg(src) => (source::X, src.number(), 0),
        Operand::Imm(imm) => (source::K, 0, imm),
    };
    Insn {
        code: code | source,
        dst: dst.number(),
        src,
        off,
        imm,
    }
}

fn memory(code: u8, size: Size, dst: Reg, src: Reg, off: i16, imm: i32) -> Insn {
    Insn {
        code: code | size.row().0,
        dst: dst.number(),
        src: src.number(),
        off,
        imm,
    }
}

fn wide_slots(dst: Reg, value: Imm64) -> (Insn, Insn) {
    let (src, low, high) = match value {
        Imm64::Value(value) => {
            let [h0, h1, h2, h3, l0, l1, l2, l3] = value.to_be_bytes();
            let low = i32::from_be_bytes([l0, l1, l2, l3]);
            (0, low, i32::from_be_bytes([h0, h1, h2, h3]))
        }
        Imm64::MapFd(fd) => (pseudo::MAP_FD, fd, 0),
        Imm64::MapValue { fd, offset } => (pseudo::MAP_VALUE, fd, offset as i32),
        Imm64::KernelVariable { btf_id, module_fd } => (pseudo::BTF_ID, btf_id, module_fd),
        Imm64::Subprogram(distance) => (pseudo::FUNC, distance, 0),
        Imm64::MapIndex(index) => (pseudo::MAP_IDX, index, 0),
        Imm64::MapIndexValue { index, offset } => (pseudo::MAP_IDX_VALUE, index, offset as i32),
    };
    let first = Insn {
        code: LD_IMM64,
        dst: dst.number(),
        src,
        off: 0,
        imm: low,
    };
    let second = Insn {
        imm: high,
        ..Insn::default()
    };
    (first, second)
}
