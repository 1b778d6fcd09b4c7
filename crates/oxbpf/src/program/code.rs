//! A loaded program as the kernel has it: instructions, machine code, and the lines of C that they came from.

use std::os::fd::AsFd;

use oxbpf_object::Endian;
use oxbpf_object::asm::Insn;
use oxbpf_object::btf::{Btf, LineInfo, TypeId};
use rustix::thread::CapabilitySet;

use super::Program;
use crate::sys::{self, ObjectKind};
use crate::{Error, ErrorKind, Result, denied};

/// A loaded program as the kernel has it; see [`Program::code`].
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ProgramCode {
    /// The instructions as the verifier left them: some replaced, dead ones gone.
    #[doc(alias = "xlated_prog_insns")]
    pub insns: Vec<Insn>,
    /// The machine code of all functions, one after the other; empty without the JIT, and where the kernel hides addresses
    /// from this process (sysctl `kernel.kptr_restrict`).
    #[doc(alias = "jited_prog_insns")]
    pub machine_code: Vec<u8>,
    /// The functions: the program itself, then those that it calls.
    pub functions: Vec<CodeFunction>,
    /// Where lines of C begin, in the order of the instructions.
    pub lines: Vec<CodeLine>,
}

/// A function of a loaded program.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct CodeFunction {
    /// Its name in C, if it was loaded with types.
    pub name: Option<String>,
    /// Where it begins, as a position in [`ProgramCode::insns`]; `None` if it was loaded without types and is not the first.
    pub insn: Option<usize>,
    /// The hash of its instructions.
    pub tag: [u8; 8],
    /// The address of its machine code; `None` without the JIT, or where addresses are hidden from this process.
    pub address: Option<u64>,
    /// Where its machine code is in [`ProgramCode::machine_code`].
    pub machine_code: std::ops::Range<usize>,
}

/// Where the code of a line of C begins.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct CodeLine {
    /// As a position in [`ProgramCode::insns`].
    pub insn: usize,
    /// As an address of machine code; `None` without the JIT, or where addresses are hidden from this process.
    pub address: Option<u64>,
    /// The name of the file.
    pub file: String,
    /// The number of the line.
    pub line: u32,
    /// The column.
    pub column: u32,
    /// The text of the line, with its indentation.
    pub text: String,
}

impl Program {
    /// Its instructions, its machine code, and the lines of C that they came from.
    ///
    /// Since Linux 4.13; lines since 5.0. Needs CAP_SYS_ADMIN or, since 5.8, CAP_PERFMON.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::PermissionDenied`] where the kernel does not show them to this process.
    #[doc(alias = "BPF_OBJ_GET_INFO_BY_FD")]
    pub fn code(&self) -> Result<ProgramCode> {
        let doing = || format!("reading the code of {self}");
        let lists =
            sys::prog_lists(self.as_fd()).map_err(|errno| Error::syscall(errno, doing()))?;
        if lists.xlated.is_empty() {
            let error = Error::new(ErrorKind::PermissionDenied, doing());
            let needed = CapabilitySet::PERFMON;
            return Err(match denied::capabilities_missing(needed).is_empty() {
                true => error
                    .with_reason("the kernel does not show it")
                    .with_remedy("set sysctl kernel.kptr_restrict to 0 or 1, net.core.bpf_jit_harden to 0 or 1"),
                false => error.with_remedy("run it as root, or with CAP_PERFMON"),
            });
        }
        let btf = self.loaded_btf(lists.info.btf_id);
        let name = |type_id: u32| -> Option<String> {
            let ty = btf.as_ref()?.get(TypeId(type_id)).ok()?;
            Some(ty.name().to_owned())
        };
        let insns = lists
            .xlated
            .chunks_exact(Insn::SIZE)
            .filter_map(|slot| Some(Insn::decode(slot.try_into().ok()?, Endian::NATIVE)));
        let count = [
            lists.func_lens.len(),
            lists.func_info.len(),
            lists.tags.len(),
        ];
        let mut end = 0usize;
        let functions = (0..count.into_iter().max().unwrap_or(0)).map(|at| {
            let info = lists.func_info.get(at);
            let begin = end;
            end = begin.saturating_add(lists.func_lens.get(at).map_or(0, |len| *len as usize));
            CodeFunction {
                name: info.and_then(|info| name(info.type_id)),
                insn: match info {
                    Some(info) => Some(info.insn_off as usize),
                    None => (at == 0).then_some(0),
                },
                tag: lists.tags.get(at).copied().unwrap_or_default(),
                address: lists.ksyms.get(at).copied().filter(|address| *address != 0),
                machine_code: begin..end,
            }
        });
        let lines = lists.line_info.iter().enumerate().map(|(at, info)| {
            let record = LineInfo {
                insn_off: info.insn_off,
                file_name_off: info.file_name_off,
                line_off: info.line_off,
                line_col: info.line_col,
            };
            let text = |of: fn(LineInfo, &Btf) -> &str| {
                btf.as_ref()
                    .map_or_else(String::new, |btf| of(record, btf).to_owned())
            };
            CodeLine {
                insn: info.insn_off as usize,
                address: lists
                    .jited_lines
                    .get(at)
                    .copied()
                    .filter(|address| *address != 0),
                file: text(LineInfo::file),
                line: record.line(),
                column: record.column(),
                text: text(LineInfo::text),
            }
        });
        Ok(ProgramCode {
            insns: insns.collect(),
            functions: functions.collect(),
            lines: lines.collect(),
            machine_code: lists.jited,
        })
    }

    /// The types that it was loaded with, as far as this process may see them.
    fn loaded_btf(&self, id: u32) -> Option<Btf> {
        let fd = sys::fd_by_id(ObjectKind::Btf, id, 0).ok()?;
        Btf::parse(sys::btf_bytes(fd.as_fd()).ok()?).ok()
    }
}
