//! Relocating the functions of an object.

use std::collections::HashMap;

use super::Targets;
use super::answer::{Answer, absent, answer};
use super::candidates::{Candidate, Candidates};
use super::error::{Error, ErrorKind};
use super::kind::CoreRelocKind;
use super::matching::{self, Mismatch};
use super::missing::{Missing, MissingReason};
use super::patch::{self, Patched};
use super::spec::Spec;
use crate::asm::Insn;
use crate::btf::{self, Btf, TypeId};
use crate::limits::MAX_CORE_TRIALS;
use crate::spec::CoreRelo;

/// Adapts the instructions of one object to one kernel.
///
/// One serves all functions of the object: what was found for one is not looked for again.
///
/// ```
/// use oxbpf_object::btf::Btf;
/// use oxbpf_object::core_reloc::CoreReloc;
/// use oxbpf_object::spec::Function;
///
/// fn relocate(object: &Btf, functions: &mut [Function], kernel: Btf) -> Result<(), Box<dyn std::error::Error>> {
///     let mut core = CoreReloc::new(object, &kernel);
///     core.announce(functions.iter().flat_map(|f| &f.core_relos).map(|relo| relo.record));
///     for function in functions {
///         for missing in core.relocate(&mut function.insns, &function.core_relos)? {
///             println!("{}: {missing}", function.name);
///         }
///     }
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct CoreReloc<'t> {
    local: Btf,
    targets: &'t dyn Targets,
    candidates: Candidates,
    /// Candidates by the object's type. Those that once did not fit are dropped as soon as others did.
    fitting: HashMap<TypeId, Vec<Candidate>>,
    /// Answers by type, access string and kind.
    known: HashMap<(TypeId, u32, u32), Outcome>,
    /// How many candidates may still be tried.
    trials: usize,
}

/// What a relocation means, for people. See [`CoreReloc::explain`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The relocation in libbpf's notation: `<byte_off> [12] struct task_struct.pid (0:5 @ offset 8)`.
    pub local: String,
    /// The same for the kernel's type; `None` if it has none that fits.
    pub target: Option<String>,
    /// The answer for the object.
    pub local_value: u64,
    /// The answer for the kernel; `None` if there is none, so that the instruction gets poisoned.
    pub target_value: Option<u64>,
}

/// What a relocation comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Outcome {
    local: Answer,
    target: Result<Answer, Mismatch>,
}

impl<'t> CoreReloc<'t> {
    /// For an object with these types. The kernel's are opened when first needed.
    pub fn new(local: &Btf, targets: &'t dyn Targets) -> CoreReloc<'t> {
        CoreReloc {
            local: local.clone(),
            targets,
            candidates: Candidates::default(),
            fitting: HashMap::new(),
            known: HashMap::new(),
            trials: MAX_CORE_TRIALS,
        }
    }

    /// Tells which relocations will come, so that all their types are looked for in one pass over
    /// the kernel's. Without it each new name costs a pass.
    pub fn announce(&mut self, relos: impl IntoIterator<Item = btf::CoreRelo>) {
        self.candidates.announce(&self.local, relos);
    }

    /// Relocates the instructions of one function, or of a whole program. The positions of the
    /// relocations count from the start of `insns`.
    ///
    /// An instruction that needs something which the kernel has not is replaced by a call of
    /// [`POISON`](super::POISON) and told in the result.
    ///
    /// # Errors
    /// The kernel's types cannot be had, or they or the object are broken, or the answer is not
    /// clear: see [`ErrorKind`]. Instructions before the one at fault are relocated then.
    pub fn relocate(
        &mut self,
        insns: &mut [Insn],
        relos: &[CoreRelo],
    ) -> Result<Vec<Missing>, Error> {
        let mut missing = Vec::new();
        for CoreRelo { insn, record } in relos {
            let reason = self
                .relocate_one(insns, *insn, *record)
                .map_err(|kind| Error {
                    insn: *insn,
                    relocation: describe(&self.local, *record),
                    kind,
                })?;
            if let Some(reason) = reason {
                patch::poison(insns, *insn);
                if let Ok(spec) = Spec::parse(&self.local, *record) {
                    missing.push(Missing::new(*insn, &spec, reason));
                }
            }
        }
        Ok(missing)
    }

    /// What a relocation means in the object and on this kernel.
    ///
    /// # Errors
    /// As [`relocate`](Self::relocate), where it is not about instructions.
    pub fn explain(&mut self, relo: btf::CoreRelo) -> Result<Explanation, Error> {
        let mut target = None;
        let outcome = self
            .resolve(relo, |spec| target = Some(spec.to_string()))
            .map_err(|kind| Error {
                insn: (relo.insn_off as usize) / Insn::SIZE,
                relocation: describe(&self.local, relo),
                kind,
            })?;
        Ok(Explanation {
            local: describe(&self.local, relo),
            target,
            local_value: outcome.local.value,
            target_value: outcome.target.ok().map(|answer| answer.value),
        })
    }

    fn relocate_one(
        &mut self,
        insns: &mut [Insn],
        at: usize,
        relo: btf::CoreRelo,
    ) -> Result<Option<MissingReason>, ErrorKind> {
        let slots = insns.len();
        if at >= slots {
            return Err(ErrorKind::NoSuchInsn { slots });
        }
        let key = (relo.type_id, relo.access_str_off, relo.kind);
        let outcome = match self.known.get(&key) {
            Some(outcome) => *outcome,
            None => {
                let outcome = self.resolve(relo, |_| {})?;
                self.known.insert(key, outcome);
                outcome
            }
        };
        match outcome.target {
            Err(mismatch) => Ok(Some(mismatch.into())),
            Ok(target) => match patch::patch(insns, at, outcome.local, target)? {
                Patched::Done => Ok(None),
                Patched::WrongAccess => Ok(Some(MissingReason::OtherSize)),
            },
        }
    }

    /// The answers for both sides; shows the kernel's type that was chosen.
    fn resolve(
        &mut self,
        relo: btf::CoreRelo,
        show: impl FnOnce(&Spec<'_>),
    ) -> Result<Outcome, ErrorKind> {
        let local = Spec::parse(&self.local, relo)?;
        let local_answer = answer(&local).map_err(|fault| fault.of_object())?;
        if local.kind == CoreRelocKind::TYPE_ID_LOCAL {
            return Ok(Outcome {
                local: local_answer,
                target: Ok(local_answer),
            });
        }
        let fitting = match self.fitting.get(&relo.type_id) {
            Some(fitting) => fitting.clone(),
            None => {
                let found = self.candidates.of(&self.local, relo, self.targets)?;
                found.to_vec()
            }
        };

        self.trials = self
            .trials
            .checked_sub(fitting.len())
            .ok_or(ErrorKind::TooManyTrials)?;
        let mut matching = Vec::new();
        let mut chosen: Option<(Spec<'_>, Answer)> = None;
        let mut closest = Mismatch::NoType;
        for candidate in &fitting {
            let Some(btf) = self.candidates.btf(*candidate) else {
                continue;
            };
            let spec = match matching::find(&local, btf, candidate.id)? {
                Ok(spec) => spec,
                Err(mismatch) => {
                    closest = closest.max(mismatch);
                    continue;
                }
            };
            let answer = answer(&spec).map_err(|fault| fault.of_target())?;
            matching.push(*candidate);
            match &mut chosen {
                None => chosen = Some((spec, answer)),
                // The offset counts even where something else was asked: a type with the field
                // elsewhere is not the same type.
                Some((first, known))
                    if known.value != answer.value || first.bit_offset != spec.bit_offset =>
                {
                    return Err(ErrorKind::Ambiguous {
                        one: format!("{first} gives {}", known.value),
                        other: format!("{spec} gives {}", answer.value),
                    });
                }
                // Of two sizes none is right for an instruction that accesses the field.
                Some((_, known)) => {
                    if known.access.map(|a| a.size) != answer.access.map(|a| a.size) {
                        known.access = None;
                    }
                }
            }
        }
        let kind = local.kind;
        let target = match chosen {
            Some((spec, answer)) => {
                show(&spec);
                Ok(answer)
            }
            None => absent(kind).ok_or(closest),
        };
        let fitting = match matching.is_empty() {
            true => fitting,
            false => matching,
        };
        self.fitting.insert(relo.type_id, fitting);
        Ok(Outcome {
            local: local_answer,
            target,
        })
    }
}

/// A relocation for an error message, as well as it can be read.
pub(super) fn describe(local: &Btf, relo: btf::CoreRelo) -> String {
    match Spec::parse(local, relo) {
        Ok(spec) => spec.to_string(),
        Err(_) => {
            let name = local.get(relo.type_id).map_or("", |ty| ty.name());
            let name = if name.is_empty() { "<anon>" } else { name };
            let kind = CoreRelocKind(relo.kind);
            let access = relo.access(local);
            format!("<{kind}> [{}] {name} + {access}", relo.type_id)
        }
    }
}
