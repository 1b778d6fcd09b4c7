//! What programs print with `bpf_printk`.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::limits::{MAX_TRACE_LINE, MAX_TRACE_READS};
use crate::{Error, Result};

/// What stands before the text in a line that a BPF program printed.
const PRINTK: &str = "bpf_trace_printk: ";

/// What all programs of this machine print with `bpf_printk` (`bpf_trace_printk`, `bpf_trace_vprintk`), as it comes.
///
/// There is one stream of it on a machine: a line that was read here does not come to another reader. It can be polled for
/// reading, and never blocks.
///
/// ```no_run
/// # fn main() -> oxbpf::Result<()> {
/// use oxbpf::tracefs::TracePipe;
///
/// let mut pipe = TracePipe::open()?;
/// pipe.for_each(|line| println!("{}: {}", line.task, line.text))?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[doc(alias = "bpf_trace_printk")]
pub struct TracePipe {
    pipe: OwnedFd,
    /// The start of a line whose end has not come yet.
    rest: Vec<u8>,
}

/// A line that a program printed.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct PrintedLine {
    /// The name of the thread that the program interrupted or served; `<...>` if it is not known any more.
    pub task: String,
    /// The number of the thread.
    pub pid: u32,
    /// The CPU.
    pub cpu: u32,
    /// When, after boot.
    pub time: Duration,
    /// What the program printed.
    pub text: String,
}

impl TracePipe {
    /// Opens the stream.
    ///
    /// # Errors
    /// Where tracefs cannot be opened or its `trace_pipe` cannot be read: both take root.
    pub fn open() -> Result<Self> {
        let doing = "opening what programs print (`trace_pipe` in tracefs)";
        let tracefs = super::open()?;
        let flags = OFlags::RDONLY | OFlags::NONBLOCK;
        let pipe = tracefs
            .open_file("trace_pipe", flags)
            .map_err(|errno| match errno {
                Errno::BUSY => Error::syscall(errno, doing).with_reason("another program reads it"),
                errno => Error::syscall(errno, doing),
            })?;
        Ok(Self {
            pipe,
            rest: Vec::new(),
        })
    }

    /// Hands over the lines that are there now, or as many as come in [`MAX_TRACE_READS`] reads. Lines that others than BPF programs write are left out.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn for_each(&mut self, mut each: impl FnMut(PrintedLine)) -> Result<()> {
        let mut chunk = [0; 4096];
        // Programs may print faster than lines are handed over: whoever polls has to have a turn.
        for _ in 0..MAX_TRACE_READS {
            let read = match rustix::io::read(&self.pipe, &mut chunk) {
                Ok(read) => read,
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => return Ok(()),
                Err(errno) => return Err(Error::syscall(errno, "reading what programs print")),
            };
            if read == 0 {
                return Ok(());
            }
            self.rest.extend_from_slice(&chunk[..read]);
            while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.rest.drain(..=end).collect();
                if let Some(line) = parse(&String::from_utf8_lossy(&line[..end])) {
                    each(line);
                }
            }
            if self.rest.len() > MAX_TRACE_LINE {
                self.rest.clear();
            }
        }
        Ok(())
    }
}

impl AsFd for TracePipe {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}

/// Understands `  bash-123  [000] d..21 12.345678: bpf_trace_printk: text`, if a program printed it.
fn parse(line: &str) -> Option<PrintedLine> {
    let (head, text) = line.split_once(PRINTK)?;
    // A name may have blanks and brackets in it, what follows it has its form.
    let (task, rest) = head.rsplit_once(" [")?;
    let (name, pid) = task.trim().rsplit_once('-')?;
    let (cpu, rest) = rest.split_once(']')?;
    let time = rest.split_whitespace().last()?.trim_end_matches(':');
    let time: f64 = time.parse().ok()?;
    Some(PrintedLine {
        task: name.to_owned(),
        pid: pid.trim().parse().ok()?,
        cpu: cpu.parse().ok()?,
        time: Duration::try_from_secs_f64(time).ok()?,
        text: text.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn understands_lines_of_programs_and_no_others() {
        let line = "  my [x] prog-123     [002] d..21   345.000250: bpf_trace_printk: a: b [c]";
        let expected = PrintedLine {
            task: "my [x] prog".to_owned(),
            pid: 123,
            cpu: 2,
            time: Duration::from_micros(345_000_250),
            text: "a: b [c]".to_owned(),
        };
        assert_eq!(parse(line), Some(expected));
        assert_eq!(
            parse("<...>-1 [000] ..... 1.5: bpf_trace_printk: ")
                .unwrap()
                .pid,
            1
        );
        assert_eq!(parse("bash-1 [000] ..... 1.5: sys_enter: NR 1"), None);
        assert_eq!(parse("bpf_trace_printk: "), None);
        assert_eq!(parse(""), None);
    }
}
