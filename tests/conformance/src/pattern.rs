//! Patterns of the selftests' messages: text, with POSIX expressions in double braces (`offset {{[0-9]+}}`).

use std::ffi::CString;
use std::fmt;
use std::ops::Range;
use std::rc::Rc;

/// A pattern, compiled.
#[derive(Clone)]
pub(crate) struct Pattern {
    text: String,
    /// `None` for mere text.
    expression: Option<Rc<Expression>>,
}

struct Expression(Box<libc::regex_t>);

impl Pattern {
    pub(crate) fn new(text: &str) -> Pattern {
        Pattern {
            text: text.to_owned(),
            expression: text
                .contains("{{")
                .then(|| Expression::new(&posix(text)))
                .flatten()
                .map(Rc::new),
        }
    }

    /// Where the first match in `text` is.
    pub(crate) fn find(&self, text: &str) -> Option<Range<usize>> {
        match &self.expression {
            Some(expression) => expression.find(text),
            None => {
                let start = text.find(&self.text)?;
                Some(start..start + self.text.len())
            }
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

/// The whole as one extended expression.
fn posix(pattern: &str) -> String {
    let mut expression = String::new();
    for (position, part) in pattern.split("{{").enumerate() {
        let (inside, outside) = match position {
            0 => ("", part),
            _ => part.split_once("}}").unwrap_or((part, "")),
        };
        expression.push_str(inside);
        for letter in outside.chars() {
            if ".[]\\()*+?{}|^$".contains(letter) {
                expression.push('\\');
            }
            expression.push(letter);
        }
    }
    expression
}

impl Expression {
    fn new(text: &str) -> Option<Expression> {
        let text = CString::new(text).ok()?;
        // SAFETY: all zero bytes are a `regex_t` to be filled.
        let mut compiled: Box<libc::regex_t> = Box::new(unsafe { std::mem::zeroed() });
        let flags = libc::REG_EXTENDED | libc::REG_NEWLINE;
        // SAFETY: both pointers are good; it is compiled in place, and freed when dropped.
        match unsafe { libc::regcomp(&raw mut *compiled, text.as_ptr(), flags) } {
            0 => Some(Expression(compiled)),
            _ => None,
        }
    }

    fn find(&self, text: &str) -> Option<Range<usize>> {
        let text = CString::new(text.replace('\0', " ")).ok()?;
        let mut place = libc::regmatch_t { rm_so: 0, rm_eo: 0 };
        // SAFETY: the expression is compiled, the text ends with a NUL, and there is room for one place.
        let found =
            unsafe { libc::regexec(&raw const *self.0, text.as_ptr(), 1, &raw mut place, 0) };
        let place = usize::try_from(place.rm_so).ok()?..usize::try_from(place.rm_eo).ok()?;
        (found == 0).then_some(place)
    }
}

impl Drop for Expression {
    fn drop(&mut self) {
        // SAFETY: it was compiled, and nobody uses it any more.
        unsafe { libc::regfree(&raw mut *self.0) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_text_and_braces_hold_expressions() {
        assert_eq!(Pattern::new("a.b").find("axb a.b"), Some(4..7));
        let pattern = Pattern::new("off {{-?[0-9]+}} (max)");
        assert_eq!(pattern.find("off x (max), off -12 (max)"), Some(13..26));
        assert_eq!(pattern.find("off -12 max"), None);
        assert_eq!(Pattern::new("{{a|b}}c").find("bc"), Some(0..2));
    }
}
