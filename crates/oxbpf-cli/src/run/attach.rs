//! Attaching everything by what its section says.

use std::collections::HashMap;
use std::io::Read;

use oxbpf::link::{Attachable, Link, Outcome, attach_each};
use oxbpf::{Collection, Links};
use oxbpf_object::CollectionSpec;
use oxbpf_object::spec::ProgramSpec;

use super::places::{self, Places};

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Attached {
    pub(super) links: Links,
    pub(super) names: Vec<String>,
    /// What is not attached, and why.
    pub(super) not: Vec<(String, String)>,
    /// What iterators wrote.
    pub(super) texts: Vec<String>,
}

/// Where a program is attached, whichever way: programs for the same place do the same, and kernels differ in which they can.
fn place(program: &ProgramSpec) -> Option<(&'static str, String)> {
    let (kind, _) = program.section.split_once('/')?;
    let what = match kind.trim_end_matches(".s") {
        "kprobe" | "fentry" | "ksyscall" => "entry",
        "kretprobe" | "fexit" | "kretsyscall" => "exit",
        "raw_tp" | "raw_tracepoint" | "tp_btf" => "tracepoint",
        _ => return None,
    };
    Some((what, program.attach_to.clone()?))
}

/// How good a way is: programs that know the types of their arguments come first.
fn rank(program: &ProgramSpec) -> u8 {
    let kind = program.section.split('/').next().unwrap_or_default();
    match kind.trim_end_matches(".s") {
        "fentry" | "fexit" | "tp_btf" => 0,
        _ => 1,
    }
}

/// Attaches what can be. Of programs that do the same in different ways the best that can be attached is.
pub(super) fn attach(
    spec: &CollectionSpec,
    collection: &Collection,
    places: &Places<'_>,
) -> Attached {
    let mut attached = Attached::default();
    let programs: HashMap<&str, &ProgramSpec> = spec
        .programs()
        .iter()
        .map(|program| (program.name.as_str(), program))
        .collect();
    let program_of = |attachable: &Attachable<'_>| match attachable {
        Attachable::Program(program) => programs.get(program.name()).copied(),
        _ => None,
    };
    let mut all: Vec<_> = collection.attachables().collect();
    all.sort_by_key(|attachable| program_of(attachable).map_or(0, rank));
    let mut taken: HashMap<(&str, String), (String, u8)> = HashMap::new();
    for attachable in all {
        let program = program_of(&attachable);
        let place = program.and_then(place);
        let rank = program.map_or(0, rank);
        if let Some((other, their_rank)) = place.as_ref().and_then(|place| taken.get(place))
            && *their_rank != rank
        {
            let why = format!("`{other}` is attached to the same");
            attached.not.push((attachable.name().to_owned(), why));
            continue;
        }
        let name = attachable.name().to_owned();
        let by_option = match &attachable {
            Attachable::Program(loaded) => places.attach(loaded),
            _ => None,
        };
        let links = match by_option {
            Some(links) => links.map_err(|error| error.to_string()),
            None => by_section(attachable),
        };
        match links {
            Ok(links) => {
                taken.extend(place.map(|place| (place, (name.clone(), rank))));
                let is_iterator = program.is_some_and(|p| p.section.starts_with("iter"));
                attached.add(name, links, is_iterator);
            }
            Err(why) => attached.not.push((name, why)),
        }
    }
    attached
}

/// As the section says; what is missing in it is named with the option that says it.
fn by_section(attachable: Attachable<'_>) -> Result<Vec<Link>, String> {
    let mut links = Vec::new();
    for attachment in attach_each([attachable]) {
        match (attachment.outcome, &attachable) {
            (Outcome::Attached(link), _) => links.push(link),
            (Outcome::Skipped(reason), Attachable::Program(program)) => {
                return Err(format!("{reason}{}", places::hint(program)));
            }
            (Outcome::Skipped(reason), _) => return Err(reason),
            (Outcome::Failed(error), Attachable::Program(program))
                if !places::is_target(program) =>
            {
                return Err(format!("{error}{}", places::hint(program)));
            }
            (Outcome::Failed(error), _) => return Err(error.to_string()),
        }
    }
    Ok(links)
}

impl Attached {
    fn add(&mut self, name: String, links: Vec<Link>, is_iterator: bool) {
        for link in links.iter().filter(|_| is_iterator) {
            let mut text = Vec::new();
            let read = link.read_iter().map(|mut iter| iter.read_to_end(&mut text));
            if let Err(error) = read {
                self.not.push((name.clone(), error.to_string()));
            }
            let text = String::from_utf8_lossy(&text).into_owned();
            self.texts.push(text);
        }
        self.names.push(name);
        self.links.extend(links);
    }
}
