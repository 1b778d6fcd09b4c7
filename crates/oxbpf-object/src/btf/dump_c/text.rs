//! Text being written.

use std::fmt;

/// Text as bytes, since most of it comes from the strings of BTF, which are not known to be text.
#[derive(Debug, Default)]
pub(super) struct Text(Vec<u8>);

impl Text {
    pub(super) fn push(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    pub(super) fn push_bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn push_number(&mut self, number: impl fmt::Display) {
        let _ = fmt::Write::write_fmt(self, format_args!("{number}"));
    }

    pub(super) fn start_line(&mut self, indent: usize) {
        self.0.push(b'\n');
        self.0.extend(std::iter::repeat_n(b'\t', indent));
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn ends_with(&self, end: u8) -> bool {
        self.0.last() == Some(&end)
    }

    /// Drops the last byte.
    pub(super) fn pop(&mut self) {
        self.0.pop();
    }

    pub(super) fn split_off(&mut self, start: usize) -> Vec<u8> {
        self.0.split_off(start)
    }

    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    pub(super) fn into_string(self) -> String {
        String::from_utf8(self.0).unwrap_or_default()
    }
}

impl fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text);
        Ok(())
    }
}
