//! What each library asks of the kernel to load an object, and what the kernel says to each program alone.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;

use oxbpf::object::ProgramType;
use oxbpf::object::spec::CollectionSpec;
use oxbpf::{Error, ErrorKind, Loader, ProgramReport};

use crate::compare::{self, Difference};
use crate::libbpf::{Object, Options};
use crate::record::{CreatedMap, LoadedProgram, Recording, record};

/// Bytes of a name in the kernel, without its NUL (`BPF_OBJ_NAME_LEN`).
pub(crate) const KERNEL_NAME: usize = 15;

/// What a program is taken for whose section does not tell: somebody has to say something.
pub(crate) const UNKNOWN_SECTION: ProgramType = ProgramType::XDP;

/// How many programs were compared, and how many of them the kernel took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) programs: usize,
    pub(crate) loaded: usize,
    pub(crate) maps: usize,
}

/// Why a load failed.
struct Failed {
    /// The errno; of ours, if the kernel was not asked, those by which libbpf may tell of the like.
    errnos: Vec<i32>,
    why: String,
}

impl Failed {
    fn is_like(&self, other: &Failed) -> bool {
        self.errnos.iter().any(|errno| other.errnos.contains(errno))
    }
}

/// One load by one library.
struct Attempt {
    result: Result<(), Failed>,
    maps: BTreeMap<String, CreatedMap>,
    /// By their names in the kernel, of several the last.
    programs: BTreeMap<String, LoadedProgram>,
}

impl Attempt {
    fn new(spec: &CollectionSpec, (result, recording): (Result<(), Failed>, Recording)) -> Attempt {
        let mut attempt = Attempt {
            result,
            maps: BTreeMap::new(),
            programs: BTreeMap::new(),
        };
        for map in recording.maps {
            // Probes for what the kernel has.
            let probe = map.name.is_empty() || map.name.starts_with("libbpf_") || map.name == "arr";
            if probe && spec.map(&map.name).is_none() {
                continue;
            }
            let mut name = map.name.clone();
            // One that failed is tried again with less.
            while attempt.maps.get(&name).is_some_and(|map| map.errno == 0) {
                name.push('\'');
            }
            attempt.maps.insert(name, map);
        }
        for mut program in recording.programs {
            // A log that has no room comes after the verdict.
            if let (libc::ENOSPC, Some(before)) =
                (program.errno, attempt.programs.get(&program.name))
            {
                program.errno = before.errno;
            }
            attempt.programs.insert(program.name.clone(), program);
        }
        attempt
    }
}

/// Loads the object whole, then each program alone of which the kernel has not been asked by both.
pub(crate) fn compare(
    bytes: &[u8],
    spec: &CollectionSpec,
    pins: &Path,
) -> (Counts, Vec<Difference>) {
    let mut found = Vec::new();
    let mut counts = Counts::default();
    let theirs = by_libbpf(bytes, spec, pins, None);
    let ours = by_oxbpf(spec, pins, None);
    match (&theirs.result, &ours.result) {
        (Ok(()), Err(ours)) => found.push(Difference::new("load", "yes", &ours.why)),
        (Err(theirs), Ok(())) => found.push(Difference::new("load", &theirs.why, "yes")),
        (Err(theirs), Err(ours)) if !theirs.is_like(ours) => {
            found.push(Difference::new("load: errno", &theirs.why, &ours.why));
        }
        _ => {}
    }
    found.extend(maps(&theirs, &ours, &mut counts));

    let reports = reports(spec, pins);
    for (position, program) in spec.programs().iter().enumerate() {
        let kernel_name: String = program.name.chars().take(KERNEL_NAME).collect();
        let names = spec.programs().iter();
        let unique = names
            .filter(|other| other.name.starts_with(&kernel_name))
            .count()
            == 1;
        let in_whole = |attempt: &Attempt| {
            let program = attempt.programs.get(&kernel_name).filter(|_| unique);
            program.filter(|program| program.errno == 0).cloned()
        };
        let verdicts = match (in_whole(&theirs), in_whole(&ours)) {
            (Some(theirs), Some(ours)) => (Ok(theirs), Ok(ours)),
            _ => {
                let theirs = by_libbpf(bytes, spec, pins, Some(position));
                let ours = by_oxbpf(spec, pins, Some(position));
                found.extend(alone_maps(&theirs, &ours));
                (verdict(theirs, &kernel_name), verdict(ours, &kernel_name))
            }
        };
        counts.programs += 1;
        let report = reports
            .as_ref()
            .ok()
            .and_then(|reports| reports.get(position));
        let report = report.cloned().unwrap_or_else(|| match &reports {
            Ok(_) => "no report".to_owned(),
            Err(error) => format!("not asked: {error}"),
        });
        let alone = match &verdicts.1 {
            Ok(ours) => compare::errno(ours.errno),
            Err(_) => "not asked".to_owned(),
        };
        let agree = match alone.as_str() {
            // Alone it fails with the object's maps. Here it may do without the one that fails.
            "not asked" => true,
            verdict => verdict == report,
        };
        if !agree {
            let subject = format!("program {}: report of all", program.name);
            found.push(Difference::new(subject, alone, report));
        }
        let subject = format!("program {}: verdict", program.name);
        match verdicts {
            (Ok(theirs), Ok(ours)) => {
                counts.loaded += usize::from(ours.errno == 0);
                found.extend(compare::loaded(&program.name, &theirs, &ours));
            }
            (Err(theirs), Err(ours)) if !theirs.is_like(&ours) => {
                let subject = format!("{subject}: errno");
                found.push(Difference::new(subject, theirs.why, ours.why));
            }
            (Err(_), Err(_)) => {}
            (Ok(theirs), Err(ours)) => {
                let theirs = compare::errno(theirs.errno);
                found.push(Difference::new(subject, theirs, not_asked(&ours)));
            }
            (Err(theirs), Ok(ours)) => {
                let ours = compare::errno(ours.errno);
                found.push(Difference::new(subject, not_asked(&theirs), ours));
            }
        }
    }
    found.sort();
    found.dedup();
    (counts, found)
}

/// What the kernel was asked for this program; if it was not, why.
fn verdict(mut attempt: Attempt, kernel_name: &str) -> Result<LoadedProgram, Failed> {
    let asked = attempt.programs.remove(kernel_name);
    asked.ok_or_else(|| match attempt.result {
        Ok(()) => Failed {
            errnos: vec![0],
            why: "it was not to be loaded".to_owned(),
        },
        Err(failed) => failed,
    })
}

fn not_asked(failed: &Failed) -> String {
    format!("not asked: {}", failed.why)
}

/// The errno of an error; if the kernel was not asked, those by which libbpf tells of the like: it knows several for what is
/// not there.
fn errnos_of(error: &Error) -> Vec<i32> {
    let like: &[i32] = match (error.raw_os_error(), error.kind()) {
        (Some(errno), _) => return vec![errno],
        (_, ErrorKind::NotFound) => &[libc::ESRCH, libc::EINVAL, libc::ENOENT],
        (_, ErrorKind::Unsupported) => &[libc::EOPNOTSUPP, libc::ESRCH, libc::EINVAL],
        (_, ErrorKind::PermissionDenied) => &[libc::EPERM, libc::EACCES],
        _ => &[libc::EINVAL],
    };
    like.to_vec()
}

/// Maps of a whole load. Where one library gave up before the kernel was asked for a map, there is nothing to compare.
fn maps(theirs: &Attempt, ours: &Attempt, counts: &mut Counts) -> Vec<Difference> {
    let mut found = Vec::new();
    for (name, map) in &theirs.maps {
        match ours.maps.get(name) {
            Some(our_map) => {
                counts.maps += 1;
                found.extend(compare::created(name, map, our_map));
            }
            None if ours.result.is_ok() => {
                found.push(Difference::new(
                    format!("created map {name}"),
                    "is there",
                    "is not there",
                ));
            }
            None => {}
        }
    }
    for name in ours.maps.keys() {
        if !theirs.maps.contains_key(name) && theirs.result.is_ok() {
            found.push(Difference::new(
                format!("created map {name}"),
                "is not there",
                "is there",
            ));
        }
    }
    found
}

/// Maps for one program: we leave out variables that only others use.
fn alone_maps(theirs: &Attempt, ours: &Attempt) -> Vec<Difference> {
    let both = ours
        .maps
        .iter()
        .filter_map(|(name, map)| Some((name, theirs.maps.get(name)?, map)));
    both.flat_map(|(name, theirs, ours)| compare::created(name, theirs, ours))
        .collect()
}

fn by_oxbpf(object: &CollectionSpec, pins: &Path, only: Option<usize>) -> Attempt {
    let mut spec = object.clone();
    for (position, program) in spec.programs_mut().iter_mut().enumerate() {
        if let Some(only) = only {
            program.autoload = position == only;
        }
        program.prog_type.get_or_insert(UNKNOWN_SECTION);
    }
    let pins = Pins::new(pins);
    let recorded = record(|| {
        let loader = Loader::new().pin_root(pins.0).threads(NonZeroUsize::MIN);
        loader.load(spec).map(drop).map_err(|error| Failed {
            errnos: errnos_of(&error),
            why: format!("{error:#}"),
        })
    });
    Attempt::new(object, recorded)
}

/// What a load that keeps going says of each program. It has to be what each gets to hear alone.
fn reports(spec: &CollectionSpec, pins: &Path) -> Result<Vec<String>, String> {
    let mut spec = spec.clone();
    for program in spec.programs_mut() {
        program.autoload = true;
        program.prog_type.get_or_insert(UNKNOWN_SECTION);
    }
    let pins = Pins::new(pins);
    let load = Loader::new()
        .pin_root(pins.0)
        .threads(NonZeroUsize::MIN)
        .keep_going(spec);
    let load = load.map_err(|error| format!("{error:#}"))?;
    let verdict = |report: &ProgramReport| match (&report.result, report.errno()) {
        (Ok(_), _) => compare::errno(0),
        (Err(_), Some(errno)) => compare::errno(errno),
        (Err(error), None) => format!("not asked: {error:#}"),
    };
    Ok(load.programs.iter().map(verdict).collect())
}

fn by_libbpf(bytes: &[u8], spec: &CollectionSpec, pins: &Path, only: Option<usize>) -> Attempt {
    let pins = Pins::new(pins);
    let options = Options {
        name: &spec.name,
        pin_root: Some(pins.0),
        ..Options::default()
    };
    let recorded = record(|| {
        let failed = |errno| Failed {
            errnos: vec![errno],
            why: compare::errno(errno),
        };
        let object = Object::open(bytes, options).map_err(failed)?;
        let only = only.and_then(|only| spec.programs().get(only));
        for program in object.programs() {
            if let Some(only) = only {
                program.set_autoload(program.name() == only.name);
            }
            if program.program_type() == 0 {
                program.set_type(UNKNOWN_SECTION.0);
            }
        }
        object.load().map_err(failed)
    });
    Attempt::new(spec, recorded)
}

/// A directory for pinned maps, empty before and after.
pub(crate) struct Pins<'a>(pub(crate) &'a Path);

impl Pins<'_> {
    pub(crate) fn new(directory: &Path) -> Pins<'_> {
        let _ = std::fs::create_dir_all(directory);
        Pins(directory)
    }
}

impl Drop for Pins<'_> {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(self.0);
    }
}
