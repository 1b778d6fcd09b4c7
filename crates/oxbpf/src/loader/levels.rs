//! Which programs of an object attach to others of it, and so are loaded after them.

use oxbpf_object::kernel::{AttachType, ProgramType};
use oxbpf_object::spec::{CollectionSpec, ProgramSpec};

use super::Loader;
use super::plan::Planned;
use crate::error::{Error, ErrorKind, Result};

/// For each planned program, when it is loaded, and what it may attach to.
#[derive(Debug, Default)]
pub(super) struct Levels {
    level: Vec<usize>,
    own: Vec<Own>,
}

/// The program of the same object that another may attach to.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) enum Own {
    /// None has a function of that name.
    #[default]
    None,
    /// The one at this position in the spec.
    One(usize),
    /// Several have it. Their positions in the spec.
    Several(Vec<usize>),
}

impl Own {
    /// The position of the program.
    ///
    /// # Errors
    ///
    /// Where there are several.
    pub(super) fn position(&self, spec: &CollectionSpec) -> Result<Option<usize>> {
        match self {
            Self::None => Ok(None),
            Self::One(position) => Ok(Some(*position)),
            Self::Several(positions) => {
                let names: Vec<_> = positions
                    .iter()
                    .filter_map(|position| spec.programs().get(*position))
                    .map(|program| format!("`{}`", program.name))
                    .collect();
                Err(
                    Error::new(ErrorKind::InvalidInput, "choosing what it attaches to")
                        .with_reason(format!("{} all have that function", names.join(", ")))
                        .with_remedy("set its `target_program`"),
                )
            }
        }
    }
}

/// What programs attach to. What attaches to functions can itself be attached to only by what comes later in here, so
/// nobody waits for himself.
#[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
enum Rank {
    Elsewhere,
    Replacement,
    Tracing,
}

fn rank(program: &ProgramSpec) -> Rank {
    const AT_FUNCTIONS: [AttachType; 4] = [
        AttachType::TRACE_FENTRY,
        AttachType::TRACE_FEXIT,
        AttachType::MODIFY_RETURN,
        AttachType::TRACE_FSESSION,
    ];
    match program.prog_type {
        Some(ProgramType::EXT) => Rank::Replacement,
        Some(ProgramType::TRACING)
            if program
                .attach_type
                .is_some_and(|attach_type| AT_FUNCTIONS.contains(&attach_type)) =>
        {
            Rank::Tracing
        }
        _ => Rank::Elsewhere,
    }
}

impl Levels {
    pub(super) fn of(loader: &Loader, spec: &CollectionSpec, plan: &[Planned]) -> Self {
        let ranks: Vec<Rank> = plan
            .iter()
            .map(|planned| {
                spec.programs()
                    .get(planned.index)
                    .map_or(Rank::Elsewhere, rank)
            })
            .collect();
        let own: Vec<Own> = plan
            .iter()
            .zip(&ranks)
            .map(|(planned, rank)| match spec.programs().get(planned.index) {
                Some(program)
                    if *rank > Rank::Elsewhere && !loader.targets.contains_key(&program.name) =>
                {
                    let candidates = plan.iter().zip(&ranks).filter(|(_, other)| *other < rank);
                    own_target(spec, program, candidates.map(|(planned, _)| planned))
                }
                _ => Own::None,
            })
            .collect();
        let mut level = vec![0; plan.len()];
        // Those of a rank wait only for those of lower ones.
        for current in [Rank::Replacement, Rank::Tracing] {
            for (position, own) in own.iter().enumerate() {
                if ranks.get(position) != Some(&current) {
                    continue;
                }
                let Own::One(target) = own else {
                    continue;
                };
                let target = plan.iter().position(|planned| planned.index == *target);
                let after = target
                    .and_then(|target| level.get(target))
                    .map(|level| level + 1);
                if let (Some(after), Some(level)) = (after, level.get_mut(position)) {
                    *level = after;
                }
            }
        }
        Self { level, own }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.level.iter().max().map_or(0, |highest| highest + 1)
    }

    /// The positions in the plan that are on a level.
    pub(super) fn positions(&self, level: usize) -> impl Iterator<Item = usize> + '_ {
        let places = self.level.iter().enumerate();
        places.filter_map(move |(position, its)| (*its == level).then_some(position))
    }

    /// What the program at a position in the plan may attach to.
    pub(super) fn own(&self, position: usize) -> &Own {
        const NONE: &Own = &Own::None;
        self.own.get(position).unwrap_or(NONE)
    }
}

/// The program of the same object with the function that `program` attaches to; the one whose own function that is, if
/// others have it among their subprograms.
fn own_target<'a>(
    spec: &CollectionSpec,
    program: &ProgramSpec,
    candidates: impl Iterator<Item = &'a Planned>,
) -> Own {
    let Some(name) = &program.attach_to else {
        return Own::None;
    };
    let is_named = |function: usize| {
        spec.functions()
            .get(function)
            .is_some_and(|f| f.name == *name)
    };
    let mut found = Vec::new();
    for planned in candidates {
        if program
            .target_program
            .is_some_and(|target| target != planned.index)
        {
            continue;
        }
        let mut functions = planned.assembled.functions.iter();
        let Some((start, _)) = functions.find(|(_, function)| is_named(*function)) else {
            continue;
        };
        if *start == 0 {
            return Own::One(planned.index);
        }
        found.push(planned.index);
    }
    match found[..] {
        [] => Own::None,
        [one] => Own::One(one),
        _ => Own::Several(found),
    }
}
