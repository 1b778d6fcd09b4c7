//! What is told meanwhile, on a terminal, of work that takes more than a second.

use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::table::cut;

/// How long nothing is said.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often it is said anew.
const PERIOD: Duration = Duration::from_millis(200);

/// What is being done, on a line of standard error that is taken back at the end. A thread of its own says it, since the work
/// may be a single system call.
#[derive(Debug)]
pub(crate) struct Progress {
    state: Arc<Mutex<State>>,
    teller: Option<(Sender<()>, JoinHandle<()>)>,
}

#[derive(Debug)]
struct State {
    /// `objects`, or the whole work if it is one piece.
    what: String,
    total: usize,
    done: usize,
    /// What was begun last.
    name: String,
}

impl State {
    fn line(&self, seconds: u64) -> String {
        let State {
            what,
            total,
            done,
            name,
        } = self;
        match total {
            0 => format!("{what}, {seconds} s"),
            _ => format!("{done} of {total} {what}, {seconds} s: {name}"),
        }
    }
}

impl Progress {
    /// Of work that is one piece: `loading x`.
    pub(crate) fn of(what: impl Into<String>) -> Progress {
        Progress::counting(what, 0)
    }

    /// Of so many things.
    pub(crate) fn counting(what: impl Into<String>, total: usize) -> Progress {
        let state = State {
            what: what.into(),
            total,
            done: 0,
            name: String::new(),
        };
        let state = Arc::new(Mutex::new(state));
        // Only people want to know. Where no thread can be had, nothing is told.
        let teller = io::stderr().is_terminal().then(|| {
            let (sender, done) = channel();
            let state = state.clone();
            let tell = move || {
                let start = Instant::now();
                let mut wait = PATIENCE;
                while done.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                    let state = state.lock().unwrap_or_else(PoisonError::into_inner);
                    let line = state.line(start.elapsed().as_secs());
                    let _ = write!(io::stderr(), "\r\x1b[K{}", cut(&line, room()));
                    wait = PERIOD;
                }
                if wait == PERIOD {
                    let _ = write!(io::stderr(), "\r\x1b[K");
                }
            };
            let thread = thread::Builder::new().spawn(tell).ok();
            thread.map(|thread| (sender, thread))
        });
        Progress {
            state,
            teller: teller.flatten(),
        }
    }

    /// The next is begun.
    pub(crate) fn begin(&self, name: impl Into<String>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.name = name.into();
    }

    /// One more is done.
    pub(crate) fn step(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.done += 1;
    }
}

/// The columns of the terminal, but for the last: some go to the next line after it.
fn room() -> usize {
    let size = rustix::termios::tcgetwinsize(io::stderr());
    let columns = size.map_or(0, |size| usize::from(size.ws_col));
    if columns == 0 { 79 } else { columns - 1 }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((sender, thread)) = self.teller.take() {
            drop(sender);
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::State;

    #[test]
    fn what_is_done_is_counted_if_there_is_more_than_one_thing() {
        let mut state = State {
            what: "objects".to_owned(),
            total: 9,
            done: 3,
            name: "a.o".to_owned(),
        };
        assert_eq!(state.line(2), "3 of 9 objects, 2 s: a.o");
        state.total = 0;
        state.what = "loading `a`".to_owned();
        assert_eq!(state.line(1), "loading `a`, 1 s");
    }
}
