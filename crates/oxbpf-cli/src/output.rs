//! Where results go, and how they look.

use std::fmt;
use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use crate::command::{OutputArgs, OutputFormat, When};

/// How results are shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    pub(crate) is_json: bool,
    /// Whether there is colour on standard output, and on standard error.
    color: (bool, bool),
    width: Option<usize>,
}

impl Output {
    pub(crate) fn new(args: &OutputArgs) -> Output {
        // An empty NO_COLOR does not count: see no-color.org.
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let color = |is_terminal: bool| match args.color {
            When::Always => true,
            When::Never => false,
            When::Auto => is_terminal && !unwanted,
        };
        Output {
            is_json: args.output == OutputFormat::Json,
            color: (
                color(io::stdout().is_terminal()),
                color(io::stderr().is_terminal()),
            ),
            width: rustix::termios::tcgetwinsize(io::stdout())
                .ok()
                .map(|size| usize::from(size.ws_col))
                .filter(|width| *width > 0),
        }
    }

    /// Without colour, as if for a terminal of this width.
    #[cfg(test)]
    pub(crate) fn plain(width: Option<usize>) -> Output {
        Output {
            is_json: false,
            color: (false, false),
            width,
        }
    }

    /// The columns of the terminal that results go to, if they go to one.
    pub(crate) fn width(&self) -> Option<usize> {
        self.width
    }

    /// Prints a value as JSON: indented where a person may read it, on one line where a program does.
    pub(crate) fn json(&self, value: &impl Serialize) -> anyhow::Result<()> {
        let mut out = io::BufWriter::new(io::stdout().lock());
        // Serde wraps the errors of writing, and a broken pipe must stay one.
        let unwrap = |e: serde_json::Error| match e.io_error_kind() {
            Some(kind) => anyhow::Error::new(io::Error::from(kind)),
            None => e.into(),
        };
        match io::stdout().is_terminal() {
            true => serde_json::to_writer_pretty(&mut out, value).map_err(unwrap)?,
            false => serde_json::to_writer(&mut out, value).map_err(unwrap)?,
        }
        out.write_all(b"\n")?;
        out.flush()?;
        Ok(())
    }

    /// Whether there is colour on standard error, where compilers speak.
    pub(crate) fn has_color(&self) -> bool {
        self.color.1
    }

    /// Text in a style, on standard output.
    pub(crate) fn paint<T: fmt::Display>(&self, style: Style, text: T) -> Painted<T> {
        Painted {
            style: self.color.0.then_some(style),
            text,
        }
    }

    /// Says on standard error what could not be done.
    pub(crate) fn error(&self, error: &anyhow::Error) {
        let style = self.color.1.then_some(Style::Bad);
        let oxbpf = Painted {
            style,
            text: "oxbpf:",
        };
        // Nobody is left to tell if this fails.
        let _ = writeln!(io::stderr(), "{oxbpf} {error:#}");
    }

    /// Says on standard error what is going on beside the results.
    pub(crate) fn note(&self, note: impl fmt::Display) {
        let _ = writeln!(io::stderr(), "{note}");
    }
}

/// So many of something: `1 program`, `2 programs`.
pub(crate) fn counted(count: impl fmt::Display, noun: &str) -> String {
    let count = count.to_string();
    let plural = if count == "1" { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// What text is painted for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Style {
    Good,
    Bad,
    Warn,
    Heading,
    Dim,
}

/// Text that may be in a style.
#[derive(Debug)]
pub(crate) struct Painted<T> {
    style: Option<Style>,
    text: T,
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = match self.style {
            None => return self.text.fmt(f),
            Some(Style::Good) => "32",
            Some(Style::Bad) => "31",
            Some(Style::Warn) => "33",
            Some(Style::Heading) => "1",
            Some(Style::Dim) => "2",
        };
        write!(f, "\x1b[{code}m{}\x1b[0m", self.text)
    }
}
