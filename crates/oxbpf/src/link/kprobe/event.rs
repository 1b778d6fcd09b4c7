//! The perf event of a kprobe: from the PMU, or through tracefs.

use std::ffi::CString;
use std::fs;
use std::os::fd::OwnedFd;

use rustix::io::Errno;

use super::super::perf_event::everywhere;
use super::{Place, ProbeSource};
use crate::sys::perf::{PERF_TYPE_TRACEPOINT, PerfEventAttr, perf_event_open};
use crate::tracefs::{self, KPROBE_EVENTS, ProbeEvent};
use crate::{Error, ErrorKind, kallsyms};

/// Where the PMU says how to use it.
const PMU: &str = "/sys/bus/event_source/devices/kprobe";

/// An open event and, where it was made through tracefs, the probe there.
pub(super) type Opened = (OwnedFd, Option<ProbeEvent>);

/// Why there is no event.
#[derive(Debug)]
pub(super) enum Unopened {
    /// There is no way to make one: no PMU, no `kprobe_events`.
    NoSource,
    /// The kernel does not make this one.
    Refused(Errno),
    /// Something else went wrong.
    Failed(Error),
}

impl From<Errno> for Unopened {
    fn from(errno: Errno) -> Self {
        Self::Refused(errno)
    }
}

/// What kind of event is wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub(super) source: ProbeSource,
    pub(super) returns: bool,
    /// Only tracefs knows it.
    pub(super) max_active: Option<u32>,
}

/// Opens an event at `place`.
pub(super) fn open(request: Request, place: Place<'_>) -> Result<Opened, Unopened> {
    match request.source {
        ProbeSource::Pmu => by_pmu(request, place),
        ProbeSource::Tracefs => by_tracefs(request, place),
        ProbeSource::Auto => match by_pmu(request, place) {
            Err(Unopened::NoSource) => by_tracefs(request, place),
            answer => answer,
        },
    }
}

fn by_pmu(request: Request, place: Place<'_>) -> Result<Opened, Unopened> {
    let pmu = Pmu::find().ok_or(Unopened::NoSource)?;
    let (symbol, config2) = match place {
        Place::Symbol(symbol, offset) => {
            let symbol = CString::new(symbol).map_err(|_| Errno::INVAL)?;
            (Some(symbol), offset)
        }
        Place::Address(address) => (None, address),
    };
    let attr = PerfEventAttr {
        r#type: pmu.event_type,
        config: if request.returns { pmu.returns } else { 0 },
        config2,
        flags: PerfEventAttr::DISABLED,
        ..Default::default()
    };
    let event = perf_event_open(&attr, symbol.as_deref(), everywhere())?;
    Ok((event, None))
}

/// What sysfs says of the PMU.
#[derive(Debug, Eq, PartialEq)]
struct Pmu {
    event_type: u32,
    /// The bit of `config` that asks for a kretprobe.
    returns: u64,
}

impl Pmu {
    fn find() -> Option<Self> {
        let read = |file: &str| fs::read_to_string(format!("{PMU}/{file}")).ok();
        Self::parse(&read("type")?, &read("format/retprobe")?)
    }

    fn parse(event_type: &str, retprobe: &str) -> Option<Self> {
        let bit: u32 = retprobe.trim().strip_prefix("config:")?.parse().ok()?;
        Some(Self {
            event_type: event_type.trim().parse().ok()?,
            returns: 1u64.checked_shl(bit)?,
        })
    }
}

fn by_tracefs(request: Request, place: Place<'_>) -> Result<Opened, Unopened> {
    if let Place::Address(address) = place {
        // tracefs takes any address, for the sake of modules that may come, and the probe would never be hit.
        if let Ok(None) = kallsyms::function_at(address) {
            return Err(Unopened::Refused(Errno::INVAL));
        }
    }
    let tracefs = tracefs::open().map_err(Unopened::Failed)?;
    let kind = match (request.returns, request.max_active) {
        (false, _) => "p".to_owned(),
        (true, None) => "r".to_owned(),
        (true, Some(calls)) => format!("r{calls}"),
    };
    let location = match place {
        Place::Symbol(symbol, 0) => symbol.to_owned(),
        Place::Symbol(symbol, offset) => format!("{symbol}+{offset}"),
        Place::Address(address) => format!("{address:#x}"),
    };
    let probe = ProbeEvent::create(&tracefs, KPROBE_EVENTS, &kind, &location).map_err(|errno| {
        let missing = errno == Errno::NOENT
            && tracefs
                .open_file(KPROBE_EVENTS, rustix::fs::OFlags::PATH)
                .is_err();
        if missing {
            Unopened::NoSource
        } else {
            Unopened::Refused(errno)
        }
    })?;
    let attr = PerfEventAttr {
        r#type: PERF_TYPE_TRACEPOINT,
        config: probe.id(),
        flags: PerfEventAttr::DISABLED,
        ..Default::default()
    };
    // Not "refused": that this event is not there would be no word about the function.
    let event = perf_event_open(&attr, None, everywhere()).map_err(|errno| {
        let doing = format!(
            "opening the perf event of probe `{}` in tracefs",
            probe.name()
        );
        let error = Error::syscall(errno, doing);
        Unopened::Failed(match error.kind() {
            ErrorKind::PermissionDenied => super::super::permission::explain_perf(error),
            _ => error,
        })
    })?;
    Ok((event, Some(probe)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_sysfs_says_of_the_pmu() {
        let pmu = Pmu::parse("6\n", "config:0\n").unwrap();
        assert_eq!((pmu.event_type, pmu.returns), (6, 1));
        assert_eq!(Pmu::parse("6\n", "config:5\n").unwrap().returns, 32);
        for (event_type, retprobe) in [("", "config:0"), ("6", "config1:0"), ("6", "config:64")] {
            assert_eq!(Pmu::parse(event_type, retprobe), None);
        }
    }
}
