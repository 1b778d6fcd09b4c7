//! Rust source in the making: text that is written once, line by line. A tree of tokens that is then
//! printed takes ten times as long, and build scripts are not optimised.

use std::{
    borrow::Cow,
    fmt::{Arguments, Write},
};

/// Lines of Rust, indented by what they are in.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Code {
    text: String,
    depth: usize,
    /// Whether what comes next is apart from what is there.
    is_apart: bool,
}

/// A line, as `format!` would write it.
macro_rules! line {
    ($code:expr, $($line:tt)+) => { $code.line(format_args!($($line)+)) };
}

/// A line that opens what the next lines are in, without its brace.
macro_rules! open {
    ($code:expr, $($line:tt)+) => { $code.open(format_args!($($line)+)) };
}

pub(super) use {line, open};

impl Code {
    /// Source that is to be in so many blocks.
    pub(super) fn within(depth: usize) -> Self {
        Self {
            depth,
            ..Self::default()
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    pub(super) fn line(&mut self, line: Arguments<'_>) {
        self.start();
        // A string takes whatever it is given.
        let _ = self.text.write_fmt(line);
        self.text.push('\n');
    }

    pub(super) fn open(&mut self, head: Arguments<'_>) {
        self.line(format_args!("{head} {{"));
        self.indent();
    }

    pub(super) fn close(&mut self) {
        self.close_with("");
    }

    /// Closes a block, and goes on behind its brace.
    pub(super) fn close_with(&mut self, rest: &str) {
        self.outdent();
        self.is_apart = false;
        self.line(format_args!("}}{rest}"));
    }

    pub(super) fn indent(&mut self) {
        self.depth += 1;
    }

    pub(super) fn outdent(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// Keeps the next line apart from what is above it, unless it is the first in its block.
    pub(super) fn gap(&mut self) {
        self.is_apart = true;
    }

    /// A documentation comment.
    pub(super) fn doc(&mut self, text: &str) {
        for line in text.lines() {
            match line {
                "" => self.line(format_args!("///")),
                line => self.line(format_args!("/// {}", printable(line))),
            }
        }
    }

    /// Lines that were written for this place.
    pub(super) fn append(&mut self, other: &Self) {
        if !other.is_empty() {
            self.separate();
            self.text.push_str(&other.text);
        }
    }

    fn start(&mut self) {
        self.separate();
        for _ in 0..self.depth {
            self.text.push_str("    ");
        }
    }

    fn separate(&mut self) {
        let is_first = self.text.is_empty() || self.text.ends_with("{\n");
        if self.is_apart && !is_first {
            self.text.push('\n');
        }
        self.is_apart = false;
    }
}

/// A line without what rustc refuses in a comment: what the C source says in one, or calls a section,
/// may hold anything.
fn printable(line: &str) -> Cow<'_, str> {
    let is_refused =
        |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if !line.contains(is_refused) {
        return Cow::Borrowed(line);
    }
    let shown = line.chars().map(|c| {
        if is_refused(c) {
            c.escape_default().to_string()
        } else {
            c.to_string()
        }
    });
    Cow::Owned(shown.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_indented_and_items_apart() {
        let mut code = Code::default();
        code.gap();
        code.doc("What it is.\n\nMore of it.");
        open!(code, "mod {}", "a");
        code.gap();
        line!(code, "use b;");
        code.gap();
        open!(code, "fn c()");
        code.close_with(",");
        code.gap();
        code.close();
        assert_eq!(
            code.into_text(),
            "/// What it is.\n///\n/// More of it.\nmod a {\n    use b;\n\n    fn c() {\n    },\n}\n"
        );
    }

    #[test]
    fn comments_stay_comments() {
        let mut code = Code::default();
        code.doc("a\rb\u{202e}c");
        let text = code.into_text();
        assert_eq!(text.lines().count(), 1);
        assert!(!text.contains(['\r', '\u{202e}']), "{text:?}");
    }
}
