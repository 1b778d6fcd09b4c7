//! Whether a load ends with the first thing that goes wrong.

use oxbpf_object::spec::CollectionSpec;

use crate::error::{Error, Result};
use crate::program::LogLevel;

/// What a load does about single maps and programs that fail.
#[derive(Debug)]
pub(super) struct Faults {
    /// How much the logs of accepted programs are to say, if the load goes on; else the first failure ends it.
    keep_going: Option<LogLevel>,
    /// The maps that failed, by position in the spec.
    maps: Vec<(usize, Error)>,
}

impl Faults {
    /// None yet.
    pub(super) fn new(keep_going: Option<LogLevel>) -> Self {
        Self {
            keep_going,
            maps: Vec::new(),
        }
    }

    /// Notes that a map failed.
    ///
    /// # Errors
    ///
    /// The same one, if the load is to end.
    pub(super) fn of_map(&mut self, position: usize, error: Error) -> Result<()> {
        match self.keep_going {
            Some(_) => {
                self.maps.push((position, error));
                Ok(())
            }
            None => Err(error),
        }
    }

    /// The maps that failed, by name.
    pub(super) fn into_named(self, spec: &CollectionSpec) -> Vec<(String, Error)> {
        let named = |(position, error): (usize, Error)| {
            let map = spec.maps().get(position);
            (map.map_or_else(String::new, |map| map.name.clone()), error)
        };
        self.maps.into_iter().map(named).collect()
    }
}
