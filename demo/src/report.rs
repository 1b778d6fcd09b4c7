//! What a person, or a program, reads.

use std::io::{self, Write};
use std::time::Duration;

use jiff::Zoned;
use serde_json::json;

/// Writes a line a time, and a summary at the end.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    function: &'a str,
    json: bool,
    lines: u64,
    last: u64,
}

impl<'a> Report<'a> {
    pub(crate) fn new(function: &'a str, json: bool) -> Self {
        Self {
            function,
            json,
            lines: 0,
            last: 0,
        }
    }

    /// How many lines have been written.
    pub(crate) fn lines(&self) -> u64 {
        self.lines
    }

    /// Time, function, total, and what came since the last line.
    pub(crate) fn line(&mut self, total: u64) -> io::Result<()> {
        let now = Zoned::now();
        let delta = total.saturating_sub(self.last);
        let mut out = io::stdout().lock();
        if self.json {
            let time = now.timestamp().to_string();
            let line = json!({
                "time": time, "function": self.function, "total": total, "delta": delta,
            });
            writeln!(out, "{line}")?;
        } else {
            let time = now.strftime("%H:%M:%S");
            writeln!(out, "{time}  {}  total {total}  (+{delta})", self.function)?;
        }
        // A line a second is for somebody who waits for it, at the end of a pipe too.
        out.flush()?;
        self.last = total;
        self.lines += 1;
        Ok(())
    }

    /// The whole run in one line; to standard error, so that standard output holds nothing but lines.
    pub(crate) fn summary(&self, total: u64, elapsed: Duration) -> io::Result<()> {
        let seconds = elapsed.as_secs_f64();
        let rate = total as f64 / seconds.max(f64::MIN_POSITIVE);
        let calls = if total == 1 { "call" } else { "calls" };
        writeln!(
            io::stderr(),
            "{}: {total} {calls} in {seconds:.1} s ({rate:.1}/s); detached",
            self.function,
        )
    }
}
