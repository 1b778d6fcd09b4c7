//! The lists that the kernel keeps with a program: instructions, machine code, functions, lines.

use std::os::fd::BorrowedFd;

use super::Result;
use super::command::{address_mut, obj_info, obj_info_raw};
use super::uapi;

/// What belongs to a program. A list is empty where there is none, or where this process may not see it.
#[derive(Debug, Default)]
pub(crate) struct ProgLists {
    pub(crate) info: uapi::ProgInfo,
    /// Instructions as the verifier left them, 8 bytes each.
    pub(crate) xlated: Vec<u8>,
    pub(crate) jited: Vec<u8>,
    /// Of each function, its address and the length of its machine code.
    pub(crate) ksyms: Vec<u64>,
    pub(crate) func_lens: Vec<u32>,
    pub(crate) func_info: Vec<uapi::FuncInfo>,
    pub(crate) line_info: Vec<uapi::LineInfo>,
    /// The address of the machine code of each line.
    pub(crate) jited_lines: Vec<u64>,
    pub(crate) tags: Vec<[u8; 8]>,
}

/// Everything there is of a program.
pub(crate) fn prog_lists(fd: BorrowedFd<'_>) -> Result<ProgLists> {
    // Once for the lengths. A program does not change.
    let has: uapi::ProgInfo = obj_info(fd)?;
    fn of<T: Clone + Default>(count: u32) -> Vec<T> {
        vec![T::default(); count as usize]
    }
    let mut lists = ProgLists {
        xlated: of(has.xlated_prog_len),
        jited: of(has.jited_prog_len),
        ksyms: of(has.nr_jited_ksyms),
        func_lens: of(has.nr_jited_func_lens),
        func_info: of(has.nr_func_info),
        line_info: of(has.nr_line_info),
        jited_lines: of(has.nr_jited_line_info),
        tags: of(has.nr_prog_tags),
        info: has,
    };
    let mut info = uapi::ProgInfo {
        xlated_prog_len: has.xlated_prog_len,
        xlated_prog_insns: address_mut(&mut lists.xlated),
        jited_prog_len: has.jited_prog_len,
        jited_prog_insns: address_mut(&mut lists.jited),
        nr_jited_ksyms: has.nr_jited_ksyms,
        jited_ksyms: address_mut(&mut lists.ksyms),
        nr_jited_func_lens: has.nr_jited_func_lens,
        jited_func_lens: address_mut(&mut lists.func_lens),
        nr_func_info: has.nr_func_info,
        func_info_rec_size: size_of::<uapi::FuncInfo>() as u32,
        func_info: address_mut(&mut lists.func_info),
        nr_line_info: has.nr_line_info,
        line_info_rec_size: size_of::<uapi::LineInfo>() as u32,
        line_info: address_mut(&mut lists.line_info),
        nr_jited_line_info: has.nr_jited_line_info,
        jited_line_info_rec_size: size_of::<u64>() as u32,
        jited_line_info: address_mut(&mut lists.jited_lines),
        nr_prog_tags: has.nr_prog_tags,
        prog_tags: address_mut(&mut lists.tags),
        ..Default::default()
    };
    // SAFETY: each list has as many elements, of the size named or known, as is said beside its address.
    unsafe { obj_info_raw(fd, &mut info) }?;
    lists.xlated.truncate(info.xlated_prog_len as usize);
    lists.jited.truncate(info.jited_prog_len as usize);
    lists.ksyms.truncate(info.nr_jited_ksyms as usize);
    lists.func_lens.truncate(info.nr_jited_func_lens as usize);
    lists.func_info.truncate(info.nr_func_info as usize);
    lists.line_info.truncate(info.nr_line_info as usize);
    lists.jited_lines.truncate(info.nr_jited_line_info as usize);
    lists.tags.truncate(info.nr_prog_tags as usize);
    Ok(lists)
}
