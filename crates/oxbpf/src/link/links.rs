//! Many links at once.

use std::sync::{Mutex, PoisonError};

use super::Link;
use crate::limits::MAX_DETACHING_THREADS;
use crate::{Result, parallel};

/// Many links, which are detached together: faster than one after the other, as far as the kernel lets several
/// wait at once.
///
/// ```no_run
/// # fn attach(_: &str) -> oxbpf::Result<oxbpf::Link> { unimplemented!() }
/// # fn main() -> oxbpf::Result<()> {
/// let functions = ["vfs_read", "vfs_write", "vfs_fsync"];
/// let links: oxbpf::Links = functions.into_iter().map(attach).collect::<oxbpf::Result<_>>()?;
/// links.detach()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
#[must_use = "the programs are detached as soon as their links are dropped"]
pub struct Links(Vec<Link>);

impl Links {
    /// No links yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn push(&mut self, link: Link) {
        self.0.push(link);
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The links, in the order in which they were added.
    pub fn iter(&self) -> std::slice::Iter<'_, Link> {
        self.0.iter()
    }

    /// Detaches all programs. One that fails does not keep the others from being detached.
    ///
    /// # Errors
    ///
    /// The failure of the link that was added first of those which failed; see [`Link::detach`].
    pub fn detach(mut self) -> Result<()> {
        each_at_once(std::mem::take(&mut self.0), Link::detach)
            .into_iter()
            .collect()
    }
}

impl Drop for Links {
    fn drop(&mut self) {
        each_at_once(std::mem::take(&mut self.0), drop);
    }
}

impl Extend<Link> for Links {
    fn extend<I: IntoIterator<Item = Link>>(&mut self, links: I) {
        self.0.extend(links);
    }
}

impl FromIterator<Link> for Links {
    fn from_iter<I: IntoIterator<Item = Link>>(links: I) -> Self {
        Self(links.into_iter().collect())
    }
}

impl IntoIterator for Links {
    type Item = Link;
    type IntoIter = std::vec::IntoIter<Link>;

    fn into_iter(mut self) -> Self::IntoIter {
        std::mem::take(&mut self.0).into_iter()
    }
}

impl<'a> IntoIterator for &'a Links {
    type Item = &'a Link;
    type IntoIter = std::slice::Iter<'a, Link>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Does `work` on all items, several at a time; the answers are in the order of the items.
fn each_at_once<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let items: Vec<_> = items
        .into_iter()
        .map(|item| Mutex::new(Some(item)))
        .collect();
    let take = |item: &Mutex<Option<T>>| {
        let taken = item.lock().unwrap_or_else(PoisonError::into_inner).take();
        taken.map(&work)
    };
    let answers = parallel::in_order(&items, MAX_DETACHING_THREADS, take, |_| false);
    answers.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_in_the_order_of_the_items() {
        for length in [
            0,
            1,
            2,
            MAX_DETACHING_THREADS,
            MAX_DETACHING_THREADS + 1,
            1000,
        ] {
            let items: Vec<usize> = (0..length).collect();
            let doubled: Vec<usize> = items.iter().map(|n| n * 2).collect();
            assert_eq!(each_at_once(items, |n| n * 2), doubled);
        }
    }

    #[test]
    fn waits_for_many_at_once() {
        let pause = std::time::Duration::from_millis(20);
        let start = std::time::Instant::now();
        each_at_once(vec![(); MAX_DETACHING_THREADS], |()| {
            std::thread::sleep(pause)
        });
        assert!(start.elapsed() < pause * (MAX_DETACHING_THREADS as u32) / 2);
    }
}
