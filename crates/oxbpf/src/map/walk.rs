//! From key to key, where a map has no batches.

use super::Map;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::MAX_ITERATION_RESTARTS;

/// Steps from key to key.
///
/// The kernel finds the key after a given one, and begins again at the first when the given
/// one is gone. It does not say when it does so. Here it is noticed when the first key comes up
/// again, or when more keys came up than the map can hold.
#[derive(Debug)]
pub(super) struct Walk {
    state: State,
    /// The key that was handed out.
    current: Vec<u8>,
    /// The one after it: fetched before, so that the user may remove the former.
    ahead: Vec<u8>,
    first: Vec<u8>,
    restarts: u32,
    steps_left: u64,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Start,
    /// There is a key in `ahead`.
    Between,
    Done,
}

impl Walk {
    pub(super) fn new(map: &Map) -> Self {
        let key = vec![0; map.key_size() as usize];
        Self {
            state: State::Start,
            current: key.clone(),
            ahead: key.clone(),
            first: key,
            restarts: 0,
            steps_left: most_steps(map),
        }
    }

    /// Goes to the next key, if there is one. Ends after the last key, and after an error.
    pub(super) fn advance(&mut self, map: &Map) -> Result<bool> {
        let found = match std::mem::replace(&mut self.state, State::Done) {
            State::Start => {
                let found = map.next_key_into(None, &mut self.ahead)?;
                self.first.copy_from_slice(&self.ahead);
                found
            }
            State::Between => true,
            State::Done => false,
        };
        if !found {
            return Ok(false);
        }
        std::mem::swap(&mut self.current, &mut self.ahead);
        self.steps_left = self.steps_left.saturating_sub(1);
        if map.next_key_into(Some(&self.current), &mut self.ahead)? {
            self.restarts += u32::from(self.ahead == self.first);
            if self.restarts > MAX_ITERATION_RESTARTS || self.steps_left == 0 {
                return Err(aborted(map));
            }
            self.state = State::Between;
        }
        Ok(true)
    }

    /// Begins again at the first key, unless it has done so too often.
    pub(super) fn begin_again(&mut self) -> bool {
        self.restarts += 1;
        self.state = State::Start;
        self.restarts <= MAX_ITERATION_RESTARTS
    }

    /// The key that [`Walk::advance`] went to.
    pub(super) fn key(&self) -> &[u8] {
        &self.current
    }
}

/// How many entries may come up before a pass must have begun again too often.
pub(super) fn most_steps(map: &Map) -> u64 {
    match u64::from(map.max_entries()) {
        // What has no bound of its own, such as storage.
        0 => u64::MAX,
        room => room.saturating_mul(u64::from(MAX_ITERATION_RESTARTS) + 1),
    }
}

#[cold]
pub(super) fn aborted(map: &Map) -> Error {
    Error::new(ErrorKind::IterationAborted, format!("going through {map}"))
        .with_reason("keys are removed faster than they can be gone through")
}
