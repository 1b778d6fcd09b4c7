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
        let by_option = match &attachable {
            Attachable::Program(loaded) => places.attach(loaded),
            _ => None,
        };
        match by_option {
            Some(Ok(links)) => {
                let name = attachable.name().to_owned();
                attached.links.extend(links);
                attached.names.push(name);
                continue;
            }
            Some(Err(error)) => {
                let name = attachable.name().to_owned();
                attached.not.push((name, error.to_string()));
                continue;
            }
            None => {}
        }
        for attachment in attach_each([attachable]) {
            match attachment.outcome {
                Outcome::Attached(link) => {
                    let name = attachment.name.clone();
                    taken.extend(place.clone().map(|place| (place, (name, rank))));
                    let is_iterator = program.is_some_and(|p| p.section.starts_with("iter"));
                    if is_iterator {
                        let mut text = Vec::new();
                        let read = link.read_iter().map(|mut iter| iter.read_to_end(&mut text));
                        if let Err(error) = read {
                            attached
                                .not
                                .push((attachment.name.clone(), error.to_string()));
                        }
                        attached
                            .texts
                            .push(String::from_utf8_lossy(&text).into_owned());
                    }
                    attached.add(attachment.name, link);
                }
                Outcome::Skipped(reason) => {
                    let remedy = match attachable {
                        Attachable::Program(program) => places::hint(program),
                        _ => String::new(),
                    };
                    attached
                        .not
                        .push((attachment.name, format!("{reason}{remedy}")));
                }
                Outcome::Failed(error) => {
                    attached.not.push((attachment.name, error.to_string()));
                }
            }
        }
    }
    attached
}

impl Attached {
    fn add(&mut self, name: String, link: Link) {
        self.names.push(name);
        self.links.push(link);
    }
}
