//! Records as values.

use std::fmt;
use std::time::Duration;

use super::Events;
use crate::error::Result;

/// An iterator over copies of records. It ends when none came within its timeout; asked
/// again, it goes on.
pub struct Records<'a> {
    events: &'a mut dyn Events,
    timeout: Option<Duration>,
}

impl<'a> Records<'a> {
    pub(super) fn new(events: &'a mut dyn Events, timeout: Option<Duration>) -> Self {
        Self { events, timeout }
    }
}

impl Iterator for Records<'_> {
    type Item = Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        let read = |events: &mut dyn Events| {
            let record = events.next().transpose()?;
            Some(record.map(|record| record.to_vec()))
        };
        read(self.events).or_else(|| match self.events.wait(self.timeout) {
            Ok(true) => read(self.events),
            Ok(false) => None,
            Err(error) => Some(Err(error)),
        })
    }
}

impl fmt::Debug for Records<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records")
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
