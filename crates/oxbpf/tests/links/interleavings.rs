//! Attaching, detaching, pinning and dropping links of many kinds from several threads, in an order that chance has made.
//!
//! The seed is printed; `OXBPF_SEED` runs one again. The kernel's share of the order stays its own.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use oxbpf::link::{Cgroup, Links, Tcx};
use oxbpf::{Collection, Link, Loadable, Loader, Program};

use super::leftovers::attach_by_builder;
use super::*;
use crate::common::{own_bpffs, own_cgroup};

const THREADS: u64 = 4;
const STEPS: usize = 120;

/// Numbers out of a seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) as usize % limit
    }

    /// Takes one of several out.
    fn take<T>(&mut self, from: &mut Vec<T>) -> Option<T> {
        match from.len() {
            0 => None,
            count => Some(from.swap_remove(self.below(count))),
        }
    }
}

/// What can be attached here: a name, and how.
struct Kind {
    name: String,
    attach: Box<dyn Fn() -> Result<Link, Error> + Sync>,
}

/// Whether another thread has the place, or the one link that a program may have. That is no failure.
fn is_taken(error: &Error) -> bool {
    let is_busy = error
        .to_string()
        .contains(&format!("(os error {})", libc::EBUSY));
    is_busy || error.kind() == ErrorKind::AlreadyExists
}

/// A network that only the calling thread and those that it starts are in.
#[allow(unsafe_code)]
fn own_network() {
    // SAFETY: takes only the network of this thread apart.
    unsafe { rustix::thread::unshare_unsafe(rustix::thread::UnshareFlags::NEWNET) }.unwrap();
}

/// Everything that this kernel attaches of some programs.
fn kinds(
    tracing: &[Program],
    iterators: &[Program],
    places: &fixtures::places::Objects,
) -> Vec<Kind> {
    let kind = |name: &str, attach: Box<dyn Fn() -> Result<Link, Error> + Sync>| Kind {
        name: name.to_owned(),
        attach,
    };
    let mut all = Vec::new();
    for program in tracing {
        let program = program.clone();
        let name = program.name().to_owned();
        all.push(kind(&name, Box::new(move || attach_by_builder(&program))));
    }
    for program in iterators {
        let program = program.clone();
        let name = program.name().to_owned();
        all.push(kind(&name, Box::new(move || program.attach())));
    }
    let received = Program::clone(&places.programs.count_received);
    all.push(kind(
        "tcx in",
        Box::new(move || Tcx::ingress("lo").attach(&received)),
    ));
    let sent = Program::clone(&places.programs.count_sent);
    all.push(kind(
        "tcx out",
        Box::new(move || Tcx::egress("lo").attach(&sent)),
    ));
    let of_group = Program::clone(&places.programs.count_of_group);
    let attach = move || {
        let group = fs::File::open(own_cgroup()).unwrap();
        Cgroup::new(&group).attach(&of_group)
    };
    all.push(kind("control group", Box::new(attach)));
    // Twice, since what can be attached only once is of no use here.
    let attach_twice = |kind: &Kind| (kind.attach)()?.detach().and_then(|()| (kind.attach)());
    all.retain(|kind| match attach_twice(kind) {
        Ok(link) => link.detach().is_ok(),
        Err(error) => {
            println!("not here: {}: {error}", kind.name);
            false
        }
    });
    all
}

/// What one thread does. Gives the kinds that it attached.
fn play(mut dice: Dice, kinds: &[Kind], pins: &Path, map: &Map) -> BTreeSet<usize> {
    let mut held: Vec<Link> = Vec::new();
    let mut maps: Vec<Map> = Vec::new();
    let mut attached = BTreeSet::new();
    for _ in 0..STEPS {
        match dice.below(10) {
            0..=3 => {
                let number = dice.below(kinds.len());
                let kind = &kinds[number];
                match (kind.attach)() {
                    Ok(link) => {
                        attached.insert(number);
                        held.push(link);
                    }
                    Err(error) => assert!(is_taken(&error), "{}: {error}", kind.name),
                }
            }
            4 => drop(dice.take(&mut held)),
            5 => {
                if let Some(link) = dice.take(&mut held) {
                    link.detach().unwrap();
                }
            }
            // A pin keeps a link, which is then held anew.
            6 => {
                if let Some(mut link) = dice.take(&mut held) {
                    let pin = pins.join(format!("{}", dice.below(usize::MAX)));
                    match link.pin(&pin) {
                        Ok(()) => {
                            drop(link);
                            link = Link::open_pinned(&pin).unwrap();
                            link.unpin().unwrap();
                        }
                        // What is no link of the kernel has no name.
                        Err(error) => assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}"),
                    }
                    held.push(link);
                }
            }
            // Several at once.
            7 => {
                let links: Links = held.drain(held.len() / 2..).collect();
                match dice.below(2) {
                    0 => drop(links),
                    _ => links.detach().unwrap(),
                }
            }
            8 => maps.push(Map::from_id(map.info().unwrap().id).unwrap()),
            _ => maps.truncate(dice.below(3)),
        }
    }
    attached
}

/// Gives the ids of the programs that there were.
fn in_places_of_our_own(seed: u64) -> Vec<u32> {
    let bpffs = own_bpffs();
    own_network();
    let load = |mut spec: oxbpf::object::CollectionSpec| -> Collection {
        for program in spec.programs_mut() {
            program.autoload = true;
        }
        Loader::new().keep_going(spec).unwrap().collection
    };
    let tracing = load(super::fixture::spec());
    let iterators = fixtures::iters::Spec::embedded().unwrap();
    let iterators = load(iterators.into_spec().unwrap());
    let places = fixtures::places::Spec::embedded().unwrap();
    let places = Loader::new().load(places).unwrap();
    let programs = |collection: &Collection| -> Vec<Program> {
        collection
            .programs()
            .map(|(_, program)| program.clone())
            .collect()
    };
    let (in_tracing, in_iterators) = (programs(&tracing), programs(&iterators));
    let all = in_tracing.iter().chain(&in_iterators);
    let mut ids: Vec<u32> = all.map(|program| program.info().unwrap().id).collect();
    ids.push(places.programs.count_received.info().unwrap().id);
    let kinds = kinds(&in_tracing, &in_iterators, &places);
    println!("{} kinds", kinds.len());
    assert!(kinds.len() >= 8, "of {} kinds", kinds.len());
    let map = tracing.maps().next().unwrap().1.clone();
    let attached: BTreeSet<usize> = std::thread::scope(|scope| {
        let (kinds, bpffs, map) = (&kinds, &bpffs, &map);
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| scope.spawn(move || play(Dice(seed ^ thread << 56), kinds, bpffs, map)))
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    assert!(
        attached.len() > kinds.len() / 2,
        "{} of {}",
        attached.len(),
        kinds.len()
    );
    // What the kernel itself pins has a dot.
    let pins = fs::read_dir(&bpffs).unwrap().flatten();
    let mut names = pins.map(|pin| pin.file_name().into_string().unwrap());
    assert_eq!(names.find(|name| !name.contains('.')), None);
    ids
}

#[test]
fn nothing_is_left_of_any_order_of_attaching_and_detaching() {
    alone();
    let given = std::env::var("OXBPF_SEED").ok();
    let seed = given.and_then(|seed| seed.parse().ok()).unwrap_or_else(|| {
        let now = std::time::UNIX_EPOCH.elapsed().unwrap();
        now.as_nanos() as u64
    });
    println!("OXBPF_SEED={seed}");
    // What is kept for good is there before anybody counts.
    let _ = std::thread::spawn(move || in_places_of_our_own(!seed))
        .join()
        .unwrap();
    let before = (descriptors(), probes());
    // On a thread whose mounts and network go with it.
    let ids = std::thread::spawn(move || in_places_of_our_own(seed))
        .join()
        .unwrap();
    let is_left = |id: &&u32| Program::from_id(**id).is_ok();
    let start = Instant::now();
    // The kernel may free programs a little later.
    while ids.iter().any(|id| is_left(&id)) || (descriptors(), probes()) != before {
        let left: Vec<_> = ids.iter().filter(is_left).collect();
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "programs {left:?}; {:?} instead of {before:?}",
            (descriptors(), probes())
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}
