//! One user a ring.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, ErrorKind, Result};
use crate::map::Map;

/// The ids of the rings that this process reads or writes.
static CLAIMED: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// The right to be the only one of this process that reads, or writes, a ring: two would give back
/// each other's records, which are borrowed.
#[derive(Debug)]
pub(super) struct Claim(u32);

impl Claim {
    pub(super) fn new(map: &Map, doing: &str) -> Result<Self> {
        let id = map.info()?.id;
        let mut claimed = CLAIMED.lock().unwrap_or_else(PoisonError::into_inner);
        if claimed.insert(id) {
            return Ok(Self(id));
        }
        Err(
            Error::new(ErrorKind::AlreadyExists, format!("{doing} {map}"))
                .with_reason("another part of this process has it open")
                .with_remedy("share that one, or drop it first"),
        )
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut claimed = CLAIMED.lock().unwrap_or_else(PoisonError::into_inner);
        claimed.remove(&self.0);
    }
}
