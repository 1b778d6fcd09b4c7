//! Having the kernel measure how often programs run and how long.

use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::thread::CapabilitySet;

use crate::{Error, ErrorKind, Result, denied, sys};

/// `BPF_STATS_RUN_TIME`, the only kind there is.
const RUN_TIME: u32 = 0;

/// As long as this lives, the kernel measures of all programs how often they run and how long:
/// [`ProgramInfo::run_count`](super::ProgramInfo::run_count) and [`run_time`](super::ProgramInfo::run_time). It costs some tens of
/// nanoseconds a run.
///
/// Since Linux 5.8. Needs CAP_SYS_ADMIN.
///
/// ```no_run
/// # fn main() -> oxbpf::Result<()> {
/// # let program: oxbpf::Program = unimplemented!();
/// let measuring = oxbpf::program::RunStats::enable()?;
/// std::thread::sleep(std::time::Duration::from_secs(1));
/// println!("{} runs", program.info()?.run_count);
/// drop(measuring);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "nothing is measured any more as soon as this is dropped"]
pub struct RunStats(#[allow(dead_code)] OwnedFd);

impl RunStats {
    /// Begins to measure, if nobody does so already.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::PermissionDenied`] without CAP_SYS_ADMIN.
    #[doc(alias = "BPF_ENABLE_STATS")]
    pub fn enable() -> Result<Self> {
        sys::enable_stats(RUN_TIME).map(Self).map_err(|errno| {
            let error = Error::syscall(errno, "having run times measured");
            match errno {
                Errno::INVAL => error.with_kind(ErrorKind::Unsupported).with_remedy(
                    "that takes Linux 5.8; before, set sysctl kernel.bpf_stats_enabled",
                ),
                _ => denied::explain(error, CapabilitySet::SYS_ADMIN),
            }
        })
    }
}
