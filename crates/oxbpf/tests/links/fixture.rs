//! Programs from C, one for each place to attach to.

use oxbpf::object::CollectionSpec;
use oxbpf::{Collection, Error, Link, Loadable, Loader, Program};

use super::{TIMES, alone, getpgid};

/// Some of the programs of `tracing.bpf.c`, loaded. They count what the thread does that loaded them.
pub(crate) struct Fixture {
    pub(crate) collection: Collection,
}

/// The object, of which nothing is to be loaded yet.
pub(crate) fn spec() -> CollectionSpec {
    fixtures::tracing::Spec::embedded()
        .unwrap()
        .into_spec()
        .unwrap()
}

/// The same, with these programs to be loaded.
pub(crate) fn spec_with(programs: &[&str]) -> CollectionSpec {
    let mut spec = spec();
    for name in programs {
        spec.program_mut(name).unwrap().autoload = true;
    }
    spec
}

#[allow(dead_code)]
impl Fixture {
    pub(crate) fn load(programs: &[&str]) -> Result<Self, Error> {
        Self::load_spec(spec_with(programs), &Loader::new())
    }

    pub(crate) fn load_spec(spec: CollectionSpec, loader: &Loader) -> Result<Self, Error> {
        alone();
        let collection = loader.load(spec)?;
        let thread = rustix::thread::gettid().as_raw_nonzero().get();
        // Not all programs look at whom they see.
        if let Ok(target) = collection.variable::<i32>("target") {
            target.store(thread).unwrap();
        }
        Ok(Self { collection })
    }

    pub(crate) fn program(&self, name: &str) -> Program {
        self.collection.program(name).unwrap()
    }

    pub(crate) fn get(&self, variable: &str) -> u64 {
        let variable = self.collection.variable::<u64>(variable).unwrap();
        variable.load().unwrap()
    }

    /// How often programs ran while the event happened [`TIMES`] times.
    pub(crate) fn runs(&self, event: impl Fn()) -> u64 {
        let before = self.get("runs");
        for _ in 0..TIMES {
            event();
        }
        self.get("runs") - before
    }

    /// Makes sure that the link's program runs because of getpgid(2), and no longer once it is detached.
    #[track_caller]
    pub(crate) fn counts(&self, link: Link) {
        assert_eq!(self.runs(getpgid), TIMES);
        link.detach().unwrap();
        assert_eq!(self.runs(getpgid), 0);
    }
}
