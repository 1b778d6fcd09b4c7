//! From attaching to detaching: whatever comes out meanwhile is shown.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use oxbpf::ring::Events;
use oxbpf::tracefs::{PrintedLine, TracePipe};
use oxbpf::{Collection, PerfBuffer, RingBuffer};
use oxbpf_object::asm::Insn;
use oxbpf_object::btf::Value;
use oxbpf_object::{CollectionSpec, Helper, MapType};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::json;

use super::attach::{self, Attached};
use super::event::{EventTypes, is_ring};
use super::maps::{Options, Shown};
use super::places::Places;
use super::reason;
use super::stop::Stop;
use crate::Verdict;
use crate::command::RunArgs;
use crate::output::{Output, counted};
use crate::progress::Progress;
use crate::value;

/// How many records are shown before the others, and signals, have their turn.
const AT_A_TIME: usize = 256;

/// How often what was printed before is read away, at most.
const PASSES: usize = 16;

/// The time between two looks at maps, unless `--interval` says otherwise.
const INTERVAL: Duration = Duration::from_secs(1);

/// Where records come from.
struct Source {
    name: String,
    events: Box<dyn Events>,
}

/// A run.
pub(super) struct Session<'r> {
    args: &'r RunArgs,
    output: &'r Output,
    attached: Attached,
    types: EventTypes,
    sources: Vec<Source>,
    printed: Option<TracePipe>,
    maps: Shown,
    /// Whether maps are looked at while it runs.
    refreshes: bool,
    start: Instant,
    tally: Tally,
}

/// What has been shown.
#[derive(Default)]
struct Tally {
    events: u64,
    lines: u64,
    refreshes: u64,
    has_shown_maps: bool,
    lost: BTreeMap<String, u64>,
}

impl<'r> Session<'r> {
    pub(super) fn new(
        spec: &CollectionSpec,
        collection: &Collection,
        types: EventTypes,
        places: &Places<'_>,
        args: &'r RunArgs,
        output: &'r Output,
    ) -> anyhow::Result<Session<'r>> {
        let mut sources = Vec::new();
        for (name, map) in collection.maps() {
            if !is_ring(map.map_type()) || !spec.map(name).is_some_and(|m| m.autocreate) {
                continue;
            }
            let events: Box<dyn Events> = match map.map_type() {
                MapType::RINGBUF => Box::new(RingBuffer::new(map.clone())?),
                _ => Box::new(PerfBuffer::new(map.clone())?),
            };
            sources.push(Source {
                name: name.to_owned(),
                events,
            });
        }
        let printed = prints(spec).then(|| {
            let mut pipe = TracePipe::open()?;
            // What programs before this one printed is not what comes out of it. Others may go on printing.
            for _ in 0..PASSES {
                let mut is_empty = true;
                pipe.for_each(|_| is_empty = false)?;
                if is_empty {
                    break;
                }
            }
            Ok::<_, oxbpf::Error>(pipe)
        });
        let printed = printed.transpose();
        let printed = printed.unwrap_or_else(|error| {
            output.note(format_args!("  no bpf_printk: {error}"));
            None
        });
        let options = Options {
            rows: args.rows,
            per_cpu: args.per_cpu,
            all: !args.maps.is_empty(),
        };
        let maps = Shown::new(spec, collection, &args.maps, options)?;
        // An object that sends records keeps its maps to itself, unless they are asked for.
        let is_asked = !args.maps.is_empty() || args.interval.is_some();
        let refreshes = !maps.is_empty() && (is_asked || sources.is_empty());
        let progress = Progress::of(format!("attaching `{}`", spec.name));
        let attached = attach::attach(spec, collection, places);
        drop(progress);
        let session = Session {
            args,
            output,
            attached,
            types,
            sources,
            printed,
            maps,
            refreshes,
            start: Instant::now(),
            tally: Tally::default(),
        };
        session.announce();
        Ok(session)
    }

    fn announce(&self) {
        let Attached { names, not, .. } = &self.attached;
        let all = names.len() + not.len();
        self.output
            .note(format_args!("attached {} of {all} programs", names.len()));
        reason::tell(not, self.output);
        let is_silent = self.attached.texts.is_empty() && self.sources.is_empty();
        if is_silent && self.printed.is_none() && !self.refreshes {
            self.output
                .note("there is nothing to show: no records, no bpf_printk, no maps");
        }
    }

    /// Shows what comes, until it is enough.
    pub(super) fn run(mut self, stop: &Stop) -> anyhow::Result<Verdict> {
        if self.attached.names.is_empty() {
            let why = reason::most_common(self.attached.not.iter().map(|(_, why)| why));
            let why = why.map_or(String::new(), |why| format!(": {why}"));
            self.output.error(&anyhow::anyhow!(
                "nothing is attached, so nothing will come{why}"
            ));
            return Ok(Verdict::No);
        }
        for text in &self.attached.texts {
            match self.output.is_json {
                true => writeln!(io::stdout(), "{}", json!({"iterator": text}))?,
                false => write!(io::stdout(), "{text}")?,
            }
        }
        let is_read = !self.attached.texts.is_empty();
        if is_read && self.attached.texts.len() == self.attached.names.len() {
            // Iterators have said all they have to say.
            return self.finish();
        }
        let interval = self.args.interval.unwrap_or(INTERVAL);
        let mut next = self.start + interval;
        let end = self.args.duration.map(|duration| self.start + duration);
        loop {
            let deadline = match (self.refreshes, end) {
                (true, Some(end)) => Some(next.min(end)),
                (true, None) => Some(next),
                (false, end) => end,
            };
            let is_stopped = self.wait(stop, deadline)?;
            self.drain()?;
            let now = Instant::now();
            if self.refreshes && now >= next {
                // Deadlines are absolute, so that they do not drift.
                next += interval;
                self.refresh()?;
            }
            if is_stopped || end.is_some_and(|end| now >= end) || self.is_enough() {
                break;
            }
        }
        self.finish()
    }

    /// Waits for something to come, or to stop, or for the deadline; whether to stop.
    fn wait(&self, stop: &Stop, deadline: Option<Instant>) -> anyhow::Result<bool> {
        let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        let timeout = left.map(|left| Timespec {
            tv_sec: left.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        });
        let readers: Vec<BorrowedFd<'_>> = self
            .sources
            .iter()
            .map(|source| source.events.as_fd())
            .chain(self.printed.as_ref().map(AsFd::as_fd))
            .collect();
        let mut fds = vec![PollFd::new(stop, PollFlags::IN)];
        fds.extend(readers.iter().map(|fd| PollFd::new(fd, PollFlags::IN)));
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(io::Error::from(errno).into()),
        }
        Ok(!fds[0].revents().is_empty())
    }

    /// Shows the records and lines that are there.
    fn drain(&mut self) -> anyhow::Result<()> {
        let mut out = io::BufWriter::new(io::stdout().lock());
        let mut failed = None;
        let time = self.start.elapsed();
        let shows_names = self.sources.len() > 1;
        for source in &mut self.sources {
            let left = match self.args.count {
                Some(count) => count
                    .saturating_sub(self.tally.events)
                    .min(AT_A_TIME as u64),
                None => AT_A_TIME as u64,
            };
            let (name, types, output) = (&source.name, &self.types, self.output);
            let (tally, failed) = (&mut self.tally, &mut failed);
            let mut show = |record: oxbpf::ring::Record<'_>| {
                tally.events += 1;
                let value = types.understand(name, record.bytes());
                let shown = if output.is_json {
                    let seconds = time.as_secs_f64();
                    let line = json!({"event": name, "time": seconds, "data": value::json(&value)});
                    writeln!(out, "{line}")
                } else {
                    let name = if shows_names { name } else { "" };
                    event_line(time, name, &value, &mut out)
                };
                if let Err(error) = shown {
                    failed.get_or_insert(error);
                }
            };
            source.events.for_each(left as usize, &mut show)?;
            let lost = source.events.lost();
            if lost > 0 {
                tally.lost.insert(source.name.clone(), lost);
            }
        }
        if let Some(pipe) = &mut self.printed {
            let (tally, output) = (&mut self.tally, self.output);
            let most = self.args.count.unwrap_or(u64::MAX);
            pipe.for_each(|line| {
                if tally.events + tally.lines >= most {
                    return;
                }
                tally.lines += 1;
                let shown = printed_line(&line, output, &mut out);
                if let Err(error) = shown {
                    failed.get_or_insert(error);
                }
            })?;
        }
        match failed {
            Some(error) => Err(error.into()),
            None => Ok(out.flush()?),
        }
    }

    fn refresh(&mut self) -> anyhow::Result<()> {
        let mut out = io::stdout().lock();
        let head = format!("-- {:.0} s", self.start.elapsed().as_secs_f64());
        self.tally.has_shown_maps |= self.maps.show(&head, self.output, &mut out)?;
        self.tally.refreshes += 1;
        Ok(())
    }

    fn is_enough(&self) -> bool {
        let Some(count) = self.args.count else {
            return false;
        };
        let shown = match self.refreshes {
            true => self.tally.refreshes,
            false => self.tally.events + self.tally.lines,
        };
        shown >= count
    }

    /// Detaches, shows what there is at the end, and says what there was.
    fn finish(mut self) -> anyhow::Result<Verdict> {
        let attached = std::mem::take(&mut self.attached);
        let count = attached.names.len();
        attached.links.detach()?;
        // Whatever was on its way.
        if !self.is_enough() {
            self.drain()?;
        }
        if self.refreshes {
            let mut out = io::stdout().lock();
            self.tally.has_shown_maps |= self.maps.show("-- at the end", self.output, &mut out)?;
        }
        let mut parts = Vec::new();
        if !self.sources.is_empty() {
            parts.push(counted(self.tally.events, "record"));
        }
        if self.printed.is_some() {
            parts.push(counted(self.tally.lines, "line"));
        }
        if self.refreshes && !self.tally.has_shown_maps {
            parts.push("nothing in its maps".to_owned());
        }
        for (name, lost) in &self.tally.lost {
            parts.push(format!("{lost} lost in {name}"));
        }
        parts.push(format!("{:.1} s", self.start.elapsed().as_secs_f64()));
        self.output.note(format_args!(
            "{}; detached {}",
            parts.join(", "),
            counted(count, "program")
        ));
        Ok(Verdict::Yes)
    }
}

/// `   1.234  events  pid=1 comm="init"`.
fn event_line(
    time: Duration,
    name: &str,
    value: &Value<'_>,
    out: &mut dyn Write,
) -> io::Result<()> {
    write!(out, "{:>9.3}", time.as_secs_f64())?;
    if !name.is_empty() {
        write!(out, "  {name}")?;
    }
    match value {
        Value::Struct(members) => {
            for (n, (member, value)) in members.iter().enumerate() {
                let space = if n == 0 { "  " } else { " " };
                match value {
                    // The words of a command line.
                    Value::Text(text) if text.contains(&0) => {
                        let words: Vec<u8> = text
                            .iter()
                            .map(|b| if *b == 0 { b' ' } else { *b })
                            .collect();
                        write!(out, "{space}{member}={}", Value::Text(&words))?;
                    }
                    value => write!(out, "{space}{member}={value}")?,
                }
            }
            writeln!(out)
        }
        Value::Bytes(bytes) => writeln!(out, "  {} bytes: {}", bytes.len(), bytes_line(bytes)),
        value => writeln!(out, "  {value}"),
    }
}

/// Bytes of no known type: the first in hexadecimal, and whatever in all of them looks like text.
fn bytes_line(bytes: &[u8]) -> String {
    const MOST: usize = 64;
    const TEXTS: usize = 8;
    /// Shorter ones are numbers that happen to look like text.
    const SHORTEST: usize = 3;
    let some = bytes.get(..MOST).unwrap_or(bytes);
    let mut line = Value::Bytes(some).to_string();
    if some.len() < bytes.len() {
        line.push_str("...");
    }
    let texts = bytes
        .split(|byte| !matches!(byte, b' '..=b'~'))
        .filter(|text| text.len() >= SHORTEST);
    for text in texts.take(TEXTS) {
        line.push_str(&format!(" {}", Value::Text(text)));
    }
    line
}

fn printed_line(line: &PrintedLine, output: &Output, out: &mut dyn Write) -> io::Result<()> {
    let PrintedLine {
        task,
        pid,
        cpu,
        time,
        text,
        ..
    } = line;
    if output.is_json {
        let seconds = time.as_secs_f64();
        let line = json!({"printk": text, "task": task, "pid": pid, "cpu": cpu, "time": seconds});
        return writeln!(out, "{line}");
    }
    writeln!(out, "{task}-{pid} [{cpu}] {text}")
}

/// Whether a program calls `bpf_printk`.
fn prints(spec: &CollectionSpec) -> bool {
    let is_printk = |insn: &Insn| {
        let id = insn.imm as u32;
        insn.is_helper_call() && (id == Helper::TRACE_PRINTK.0 || id == Helper::TRACE_VPRINTK.0)
    };
    let mut functions = spec.functions().iter();
    functions.any(|function| function.insns.iter().any(is_printk))
}
