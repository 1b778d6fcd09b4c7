//! The limit on locked memory, which kernels before 5.11 charge maps and programs to.

use std::sync::atomic::{AtomicBool, Ordering};

use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::feature;

/// Makes a call that the kernel may charge to the limit on locked memory, and makes it again
/// with the limit raised if that was in its way.
pub(crate) fn with_memory<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    match call() {
        Err(Errno::PERM) if raise() => call(),
        answer => answer,
    }
}

/// Raises the limit as far as this process may, if the kernel goes by it. Whether there is more
/// room than before.
pub(crate) fn raise() -> bool {
    static RAISED: AtomicBool = AtomicBool::new(false);
    let limit = getrlimit(Resource::Memlock);
    if limit.current.is_none() || !feature::charges_memlock() {
        return false;
    }
    // Threads of one load may get here together: all of them try again.
    if RAISED.swap(true, Ordering::Relaxed) {
        return true;
    }
    let unlimited = Rlimit {
        current: None,
        maximum: None,
    };
    let up_to_maximum = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Memlock, unlimited).is_ok()
        || (limit.current != limit.maximum && setrlimit(Resource::Memlock, up_to_maximum).is_ok())
}

/// What to do when the limit could not be raised; `None` if it is not what is in the way.
pub(crate) fn remedy() -> Option<String> {
    let limit = getrlimit(Resource::Memlock).current?;
    feature::charges_memlock().then(|| {
        format!(
            "this kernel charges BPF to the limit on locked memory, which is {limit} bytes: raise \
             it (`ulimit -l unlimited`, or LimitMEMLOCK=infinity in a systemd unit)"
        )
    })
}
