//! What all ways to attach to many places by one link have in common.

use crate::limits::MAX_FUNCTIONS;
use crate::{Error, ErrorKind, Result};

/// Makes sure that there are places, not too many, and a cookie for each or none at all.
pub(super) fn check(places: usize, cookies: usize) -> Result<()> {
    if places == 0 {
        return Err(invalid("no function is named"));
    }
    if places > MAX_FUNCTIONS {
        let reason = format!("{places} functions are more than {MAX_FUNCTIONS}");
        return Err(invalid(reason).with_kind(ErrorKind::LimitExceeded));
    }
    if cookies != 0 && cookies != places {
        return Err(invalid(format!(
            "{cookies} cookies are given for {places} functions"
        )));
    }
    Ok(())
}

/// Makes sure that nobody gives cookies to a pattern.
pub(super) fn check_pattern(cookies: &[u64]) -> Result<()> {
    if cookies.is_empty() {
        return Ok(());
    }
    Err(
        invalid("a pattern's functions have no order to give cookies in")
            .with_remedy("name the functions"),
    )
}

/// A pattern that nothing matches.
pub(super) fn nothing_matches(pattern: &str, what: &str) -> Error {
    Error::new(ErrorKind::NotFound, "looking for functions")
        .with_reason(format!("no function {what} matches `{pattern}`"))
}

pub(super) fn invalid(reason: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidInput, "looking at the functions").with_reason(reason)
}
