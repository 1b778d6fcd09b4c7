//! Doing many things at once, on threads that are there for nothing else.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

/// Does `work` on all items, as many at a time as there are threads, in the order of the items. If one
/// answer says to `stop`, no further items are begun; their answers are missing at the end.
///
/// The threads are of this call alone: namespaces and credentials belong to threads, so those of a pool
/// might be somebody else's. Where none can be started, this one does all the work.
pub(crate) fn in_order<T: Sync, R: Send>(
    items: &[T],
    threads: usize,
    work: impl Fn(&T) -> R + Sync,
    stop: impl Fn(&R) -> bool + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let stopped = AtomicBool::new(false);
    // They are taken in order, so all that come before one that stops have been begun, and the first of those
    // is among the answers.
    let worker = || {
        let mut done = Vec::new();
        while !stopped.load(Ordering::Relaxed) {
            let position = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(position) else {
                break;
            };
            let answer = work(item);
            stopped.fetch_or(stop(&answer), Ordering::Relaxed);
            done.push((position, answer));
        }
        done
    };
    let helpers = threads.min(items.len()).saturating_sub(1);
    let mut done = thread::scope(|scope| {
        let spawned: Vec<_> = (0..helpers)
            .map_while(|_| thread::Builder::new().spawn_scoped(scope, worker).ok())
            .collect();
        let mut done = worker();
        for thread in spawned {
            match thread.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_unstable_by_key(|(position, _)| *position);
    done.into_iter().map(|(_, answer)| answer).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_in_order_up_to_what_stops() {
        let items: Vec<usize> = (0..100).collect();
        for threads in [1, 3] {
            let all = in_order(&items, threads, |item| item * 2, |_| false);
            assert_eq!(all, (0..100).map(|item| item * 2).collect::<Vec<_>>());
            let some = in_order(&items, threads, |item| *item, |answer| *answer == 10);
            assert!(
                some.len() < 100 && some.iter().copied().take(11).eq(0..11),
                "{some:?}"
            );
        }
        assert!(in_order(&[], 4, |item: &u8| *item, |_| false).is_empty());
    }
}
