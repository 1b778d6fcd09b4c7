//! Text for people out of names that files give.
//!
//! A name in a damaged or hostile object may hold anything, and errors quote it. On a terminal a control character can
//! move the cursor, change the title or hide what follows.

use std::fmt::{self, Write};

/// Passes text on, with control characters written as escapes.
#[allow(missing_debug_implementations)] // It lives as long as something is written.
pub struct Printable<'a, 'f>(
    /// Where it goes.
    pub &'a mut fmt::Formatter<'f>,
);

impl Write for Printable<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some(at) = rest.find(char::is_control) {
            let (plain, special) = rest.split_at_checked(at).unwrap_or((rest, ""));
            self.0.write_str(plain)?;
            let mut chars = special.chars();
            if let Some(control) = chars.next() {
                write!(self.0, "{}", control.escape_debug())?;
            }
            rest = chars.as_str();
        }
        self.0.write_str(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Hostile(&'static str);

    impl fmt::Display for Hostile {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            Printable(f).write_str(self.0)
        }
    }

    #[test]
    fn control_characters_are_written_out() {
        let text = |text| Hostile(text).to_string();
        assert_eq!(text("a plain näme"), "a plain näme");
        assert_eq!(text("a\nb\x1b]0;title\x07"), "a\\nb\\u{1b}]0;title\\u{7}");
        assert_eq!(text("\u{9b}31m"), "\\u{9b}31m");
    }
}
