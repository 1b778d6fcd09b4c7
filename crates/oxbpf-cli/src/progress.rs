//! What is told meanwhile, on a terminal, of work that takes more than a second.

use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How long nothing is said.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often at most something is said.
const PERIOD: Duration = Duration::from_millis(100);

/// The count of what has been done, on a line of standard error that is taken back at the end.
#[derive(Debug)]
pub(crate) struct Progress {
    what: &'static str,
    total: usize,
    is_shown: bool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    done: usize,
    next: Instant,
    is_on_screen: bool,
}

impl Progress {
    /// Of so many things. They are shown only to people.
    pub(crate) fn new(what: &'static str, total: usize) -> Progress {
        Progress {
            what,
            total,
            is_shown: io::stderr().is_terminal(),
            state: Mutex::new(State {
                done: 0,
                next: Instant::now() + PATIENCE,
                is_on_screen: false,
            }),
        }
    }

    /// One more is done.
    pub(crate) fn step(&self, name: &str) {
        let Ok(mut state) = self.state.lock() else {
            return;
        };
        state.done += 1;
        let now = Instant::now();
        if self.is_shown && now >= state.next {
            state.next = now + PERIOD;
            state.is_on_screen = true;
            let (done, total, what) = (state.done, self.total, self.what);
            let line = format!("{done} of {total} {what}: {name}");
            let _ = write!(io::stderr(), "\r\x1b[K{}", crate::table::cut(&line, 79));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.state.get_mut().is_ok_and(|state| state.is_on_screen) {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
