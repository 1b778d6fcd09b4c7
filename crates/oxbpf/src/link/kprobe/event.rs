//! The perf event of a kprobe: from the PMU, or through tracefs.

use std::ffi::CString;
use std::os::fd::OwnedFd;

use rustix::io::Errno;

use super::super::perf_event::everywhere;
use super::super::probe_pmu::ProbePmu;
use super::{Place, ProbeSource};
use crate::sys::perf::{PERF_TYPE_TRACEPOINT, PerfEventAttr, perf_event_open};
use crate::tracefs::{self, KPROBE_EVENTS, ProbeEvent};
use crate::{Error, ErrorKind, kallsyms};

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
    let pmu = ProbePmu::find("kprobe").ok_or(Unopened::NoSource)?;
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
