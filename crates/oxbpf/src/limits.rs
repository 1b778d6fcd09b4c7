//! How much of anything this crate does before it gives up.

/// How many times the keys of a changing map are gone through from the start before an
/// iteration ends with [`ErrorKind::IterationAborted`](crate::ErrorKind::IterationAborted).
/// Each new start means that somebody deleted the very key the iteration stood at.
pub const MAX_ITERATION_RESTARTS: u32 = 16;
