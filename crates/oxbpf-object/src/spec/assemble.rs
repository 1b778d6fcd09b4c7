//! Putting a program together: its function and all that it calls, one after the other.

use std::collections::BTreeSet;

use std::collections::HashMap;
use std::fmt::{self, Write as _};

use super::{CollectionSpec, CoreRelo, Function, JumpTable, LineInfo, Reloc, RelocTarget};
use crate::asm::{Insn, pseudo};
use crate::btf::TypeId;
use crate::printable::Printable;

/// A program in one piece, with calls settled. Positions are in slots from the start of the program.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Assembled {
    /// The instructions.
    pub insns: Vec<Insn>,
    /// What is still open: references to maps and externs, first instruction first.
    pub relocs: Vec<Reloc>,
    /// Where each function starts and its type, or nothing if one of them has no type: the kernel wants all or none.
    #[doc(alias = "bpf_func_info")]
    pub func_info: Vec<(usize, TypeId)>,
    /// Source lines, or nothing if a function starts without one: the kernel wants a line for each start, or none at all.
    #[doc(alias = "bpf_line_info")]
    pub line_info: Vec<LineInfo>,
    /// Places that depend on the kernel's types.
    pub core_relos: Vec<CoreRelo>,
    /// Tables of places to jump to.
    pub jump_tables: Vec<JumpTable>,
    /// Where each function starts and its position in the collection.
    pub functions: Vec<(usize, usize)>,
}

impl Assembled {
    /// The positions of the maps that the program uses, each once, in their order. Where a program is signed, its instructions
    /// name a map by the position in this list.
    #[must_use]
    pub fn maps(&self) -> Vec<usize> {
        let used = self.relocs.iter().filter_map(|reloc| match reloc.target {
            RelocTarget::Map(map) | RelocTarget::MapValue { map, .. } => Some(map),
            _ => None,
        });
        let used: BTreeSet<usize> = used.collect();
        used.into_iter().collect()
    }
}

/// Why a program could not be put together. Does not happen to collections read from an object and left as they were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssembleError {
    program: String,
    problem: String,
}

impl AssembleError {
    pub(super) fn new(program: &str, problem: String) -> Self {
        Self {
            program: program.to_owned(),
            problem,
        }
    }
}

impl fmt::Display for AssembleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Printable(f), "program `{}`: {}", self.program, self.problem)
    }
}

impl std::error::Error for AssembleError {}

impl CollectionSpec {
    /// Puts a program together: the function it enters, then each function that is called or whose address is taken, in the order in
    /// which a walk through the calls first meets them (as libbpf does).
    ///
    /// Takes time in proportion to the size of the result.
    ///
    /// # Errors
    ///
    /// When the program, or something that it refers to, is not there.
    pub fn assemble(&self, program: usize) -> Result<Assembled, AssembleError> {
        let Some(spec) = self.programs.get(program) else {
            let problem = format!("there are only {} programs", self.programs.len());
            return Err(AssembleError {
                program: format!("#{program}"),
                problem,
            });
        };
        let mut layout = Layout {
            spec: self,
            starts: HashMap::new(),
            result: Assembled::default(),
        };
        let assembled = layout.run(spec.function);
        assembled
            .map(|()| layout.result)
            .map_err(|problem| AssembleError {
                program: spec.name.clone(),
                problem,
            })
    }
}

struct Layout<'s> {
    spec: &'s CollectionSpec,
    /// Where the functions met so far start.
    starts: HashMap<usize, usize>,
    result: Assembled,
}

impl<'s> Layout<'s> {
    fn run(&mut self, entry: usize) -> Result<(), String> {
        self.place_with_callees(entry)?;
        if let Some(callback) = self.function(entry)?.exception_callback {
            self.place_with_callees(callback)?;
        }
        self.settle()
    }

    fn function(&self, index: usize) -> Result<&'s Function, String> {
        self.spec.functions.get(index).ok_or_else(|| {
            format!(
                "it needs function #{index}, but there are only {}",
                self.spec.functions.len()
            )
        })
    }

    fn place(&mut self, index: usize) -> Result<&'s [Reloc], String> {
        let function = self.function(index)?;
        let start = self.result.insns.len();
        self.starts.insert(index, start);
        self.result.functions.push((start, index));
        self.result.insns.extend_from_slice(&function.insns);
        Ok(&function.relocs)
    }

    /// Places a function and, depth first, what it calls, unless that has a place.
    fn place_with_callees(&mut self, index: usize) -> Result<(), String> {
        if self.starts.contains_key(&index) {
            return Ok(());
        }
        let mut callers = vec![self.place(index)?.iter()];
        while let Some(relocs) = callers.last_mut() {
            let Some(reloc) = relocs.next() else {
                callers.pop();
                continue;
            };
            if let RelocTarget::Call(callee) | RelocTarget::FunctionAddress(callee) = reloc.target {
                if !self.starts.contains_key(&callee) {
                    callers.push(self.place(callee)?.iter());
                }
            }
        }
        Ok(())
    }

    /// Settles calls and collects what belongs to the instructions, all functions being placed.
    fn settle(&mut self) -> Result<(), String> {
        let mut typed = true;
        let mut lined = true;
        for (start, index) in std::mem::take(&mut self.result.functions) {
            let function = self.function(index)?;
            let first_table = self.result.jump_tables.len();
            for table in &function.jump_tables {
                self.result.jump_tables.push(moved(table, start));
            }
            for reloc in &function.relocs {
                let insn = start.saturating_add(reloc.insn);
                let wrong = |what: &str| {
                    format!(
                        "function `{}`, instruction {}: {what}",
                        function.name, reloc.insn
                    )
                };
                let (RelocTarget::Call(callee) | RelocTarget::FunctionAddress(callee)) =
                    reloc.target
                else {
                    let target = match reloc.target {
                        RelocTarget::JumpTable(table) => {
                            RelocTarget::JumpTable(first_table.saturating_add(table))
                        }
                        target => target,
                    };
                    self.result.relocs.push(Reloc { insn, target });
                    continue;
                };
                let target = self.starts.get(&callee).copied().unwrap_or(0);
                let distance = (target as i64)
                    .saturating_sub(insn as i64)
                    .saturating_sub(1);
                let distance = i32::try_from(distance)
                    .map_err(|_| wrong("the function it refers to is too far away"))?;
                match (
                    reloc.target,
                    self.result.insns.get_mut(insn..).unwrap_or_default(),
                ) {
                    (RelocTarget::Call(_), [call, ..]) if call.is_call() => {
                        call.src = pseudo::CALL;
                        call.imm = distance;
                    }
                    (RelocTarget::FunctionAddress(_), [low, high, ..]) if low.is_wide() => {
                        low.src = pseudo::FUNC;
                        low.imm = distance;
                        high.imm = 0;
                    }
                    _ => return Err(wrong("it cannot refer to a function")),
                }
            }
            typed &= function.func_type.is_some();
            self.result
                .func_info
                .push((start, function.func_type.unwrap_or(TypeId::VOID)));
            lined &= function
                .line_info
                .first()
                .is_some_and(|line| line.insn == 0);
            let lines = function.line_info.iter().map(|line| LineInfo {
                insn: start.saturating_add(line.insn),
                ..*line
            });
            self.result.line_info.extend(lines);
            let relos = function.core_relos.iter().map(|relo| CoreRelo {
                insn: start.saturating_add(relo.insn),
                ..*relo
            });
            self.result.core_relos.extend(relos);
            self.result.functions.push((start, index));
        }
        if !typed {
            self.result.func_info.clear();
        }
        if !lined {
            self.result.line_info.clear();
        }
        self.result.line_info.dedup_by_key(|line| line.insn);
        Ok(())
    }
}

/// A function's table, in a program in which the function starts at a slot.
fn moved(table: &JumpTable, start: usize) -> JumpTable {
    let start = u32::try_from(start).unwrap_or(u32::MAX);
    let targets = table.targets.iter();
    JumpTable {
        offset: table.offset,
        targets: targets.map(|slot| slot.saturating_add(start)).collect(),
    }
}
