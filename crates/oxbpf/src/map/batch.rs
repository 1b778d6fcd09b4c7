//! Many elements with one system call. Linux 5.6; which maps have it depends on the kernel.

use rustix::io::Errno;

use super::walk::{aborted, most_steps};
use super::{Map, UpdateFlags};
use crate::error::{ENOTSUPP, Error, ErrorKind, Result};
use crate::limits::{BATCH_BYTES, BATCH_LEAST, MAX_INTERRUPTIONS};
use crate::sys::{BatchRead, Cursor};

/// Elements read in batches, in memory that is used again for each.
#[derive(Debug)]
pub(super) struct Batches {
    command: BatchRead,
    keys: Vec<u8>,
    values: Vec<u8>,
    place: Vec<u8>,
    started: bool,
    key_len: usize,
    value_len: usize,
    /// How many elements of the batch there are, and were handed out.
    filled: usize,
    taken: usize,
    /// Whether the kernel has said that there are no more.
    ended: bool,
    steps_left: u64,
}

impl Batches {
    /// Reads the first batch; `None` where this map cannot be read so.
    pub(super) fn open(map: &Map, command: BatchRead) -> Result<Option<Self>> {
        let key_len = map.key_size() as usize;
        let Ok(value_len) = map.value_len() else {
            return Ok(None);
        };
        if key_len == 0 || value_len == 0 {
            return Ok(None);
        }
        let count = (BATCH_BYTES / (key_len + value_len))
            .max(BATCH_LEAST)
            .min(map.max_entries().max(1) as usize);
        let mut this = Self {
            command,
            keys: vec![0; count * key_len],
            values: vec![0; count * value_len],
            place: vec![0; map.fd().cursor_len()],
            started: false,
            key_len,
            value_len,
            filled: 0,
            taken: 0,
            ended: false,
            steps_left: most_steps(map),
        };
        match this.fill(map) {
            Ok(()) => Ok(Some(this)),
            Err(errno) if is_unsupported(errno) => Ok(None),
            Err(errno) => Err(this.explain(map, errno)),
        }
    }

    /// Goes to the next element, if there is one. Ends after the last one, and after an error.
    pub(super) fn advance(&mut self, map: &Map) -> Result<bool> {
        while self.taken == self.filled {
            if self.ended {
                return Ok(false);
            }
            if let Err(errno) = self.fill(map) {
                self.ended = true;
                return Err(self.explain(map, errno));
            }
        }
        self.taken += 1;
        self.steps_left = self.steps_left.saturating_sub(1);
        if self.steps_left == 0 {
            (self.ended, self.filled) = (true, self.taken);
            return Err(aborted(map));
        }
        Ok(true)
    }

    /// The element that [`Batches::advance`] went to.
    pub(super) fn element(&self) -> (&[u8], &[u8]) {
        let at = self.taken.saturating_sub(1);
        let part =
            |all, len| -> &[u8] { <[u8]>::get(all, at * len..(at + 1) * len).unwrap_or_default() };
        (
            part(&self.keys, self.key_len),
            part(&self.values, self.value_len),
        )
    }

    fn fill(&mut self, map: &Map) -> Result<(), Errno> {
        (self.filled, self.taken) = (0, 0);
        let mut attempts = 0;
        loop {
            let mut cursor = Cursor {
                place: &mut self.place,
                started: self.started,
            };
            let (count, answer) =
                map.fd()
                    .read_batch(self.command, &mut cursor, &mut self.keys, &mut self.values);
            self.started = cursor.started;
            self.filled = count;
            match answer {
                Ok(()) => return Ok(()),
                Err(Errno::NOENT) => {
                    self.ended = true;
                    return Ok(());
                }
                // A bucket with more elements than there is room for.
                Err(Errno::NOSPC) => self.grow(map)?,
                // An element was removed while it was read, again and again.
                Err(Errno::INTR) if count > 0 => return Ok(()),
                Err(Errno::INTR) if attempts < MAX_INTERRUPTIONS => attempts += 1,
                Err(errno) => return Err(errno),
            }
        }
    }

    /// Makes room for twice as many elements. A bucket has not more than all of the map.
    fn grow(&mut self, map: &Map) -> Result<(), Errno> {
        let count = self.keys.len() / self.key_len;
        // While elements are replaced, there are a few more than fit.
        if count > 2 * map.max_entries() as usize + BATCH_LEAST {
            return Err(Errno::NOSPC);
        }
        self.keys.resize(2 * count * self.key_len, 0);
        self.values.resize(2 * count * self.value_len, 0);
        Ok(())
    }

    #[cold]
    fn explain(&self, map: &Map, errno: Errno) -> Error {
        let doing = match self.command {
            BatchRead::Keep => "going through",
            BatchRead::Remove => "draining",
        };
        map.explain(doing, errno, self.key_len, Some(self.value_len))
    }
}

/// Whether an answer may mean that elements of this map can only be had one by one.
fn is_unsupported(errno: Errno) -> bool {
    matches!(errno, Errno::INVAL | Errno::OPNOTSUPP) || errno.raw_os_error() == ENOTSUPP
}

impl Map {
    /// Sets the values of many keys, one after the other; where the kernel can, with one system call for all of them.
    ///
    /// `keys` and `values` hold as many of each, one behind the other, each with the bytes that [`Map::set`] takes.
    ///
    /// # Errors
    ///
    /// As [`Map::set`], for the first that cannot be set; those before it were.
    #[doc(alias = "BPF_MAP_UPDATE_BATCH")]
    pub fn set_batch(&self, keys: &[u8], values: &[u8], flags: UpdateFlags) -> Result<()> {
        let value_len = self.value_len()?;
        let key_len = self.key_size() as usize;
        let count = self.check_batch(keys, key_len, "keys")?;
        if self.check_batch(values, value_len, "values")? != count {
            return Err(
                Error::new(ErrorKind::WrongSize, format!("writing to {self}"))
                    .with_reason("there are not as many keys as values"),
            );
        }
        let (mut done, mut one_by_one) = (0, false);
        while done < count {
            let (keys, values) = (&keys[done * key_len..], &values[done * value_len..]);
            if !one_by_one {
                let (set, answer) = self.fd().update_batch(keys, values, flags.bits());
                done += set;
                match answer {
                    Ok(()) => return Ok(()),
                    // The one at fault says why better than the whole; it also may be the batch that is.
                    Err(_) if set > 0 => continue,
                    Err(errno) => one_by_one = is_unsupported(errno),
                }
            }
            self.set(&keys[..key_len], &values[..value_len], flags)
                .map_err(|error| match done {
                    0 => error,
                    _ => error.context(format!("after {done} of {count} entries")),
                })?;
            done += 1;
        }
        Ok(())
    }

    /// Removes many keys; how many of them were there. Where the kernel can, this is one system call.
    ///
    /// `keys` holds them one behind the other.
    ///
    /// # Errors
    ///
    /// As [`Map::remove`]; the keys before the one that cannot be removed are gone.
    #[doc(alias = "BPF_MAP_DELETE_BATCH")]
    pub fn remove_batch(&self, keys: &[u8]) -> Result<usize> {
        let key_len = self.key_size() as usize;
        let count = self.check_batch(keys, key_len, "keys")?;
        let (mut done, mut removed, mut one_by_one) = (0, 0, false);
        while done < count {
            let keys = &keys[done * key_len..];
            if !one_by_one {
                let (gone, answer) = self.fd().delete_batch(keys);
                done += gone;
                removed += gone;
                match answer {
                    Ok(()) => break,
                    Err(Errno::NOENT) => {
                        done += 1;
                        continue;
                    }
                    Err(_) if gone > 0 => continue,
                    Err(errno) => one_by_one = is_unsupported(errno),
                }
            }
            removed += usize::from(self.remove(&keys[..key_len])?);
            done += 1;
        }
        Ok(removed)
    }

    fn check_batch(&self, bytes: &[u8], len: usize, what: &str) -> Result<usize> {
        match (bytes.len().checked_div(len), bytes.len().checked_rem(len)) {
            (Some(count), Some(0)) => Ok(count),
            _ => Err(
                Error::new(ErrorKind::WrongSize, format!("using {self}")).with_reason(format!(
                    "its {what} have {len} bytes, {} are no multiple of that",
                    bytes.len()
                )),
            ),
        }
    }
}
