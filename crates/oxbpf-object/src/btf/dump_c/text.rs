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

    /// A number in decimal. (What the standard library does for 128 bits takes ten times as long.)
    pub(super) fn push_number(&mut self, number: i128) {
        let Ok(mut rest) = u64::try_from(number.unsigned_abs()) else {
            let _ = fmt::Write::write_fmt(self, format_args!("{number}"));
            return;
        };
        if number < 0 {
            self.0.push(b'-');
        }
        let start = self.0.len();
        loop {
            self.0.push((rest % 10) as u8 | b'0');
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        self.0.get_mut(start..).unwrap_or_default().reverse();
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
