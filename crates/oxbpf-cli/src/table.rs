//! Tables for people: columns as wide as what is in them, or narrower where the terminal is.

use std::borrow::Cow;
use std::io::{self, Write};

use crate::output::{Output, Style};

/// What is shown for text that was cut.
const CUT: char = '…';

/// The least that is left of a column that is cut.
const LEAST: usize = 12;

/// A column: its title, and how it is set.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) title: Cow<'static, str>,
    pub(crate) set: Set,
}

impl Column {
    /// For words.
    pub(crate) const fn left(title: &'static str) -> Column {
        Column {
            title: Cow::Borrowed(title),
            set: Set::Left,
        }
    }

    /// For figures.
    pub(crate) const fn right(title: &'static str) -> Column {
        Column {
            title: Cow::Borrowed(title),
            set: Set::Right,
        }
    }
}

/// How a column is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Set {
    /// Words. Cut first where there is not enough room.
    Left,
    /// Figures. Never cut.
    Right,
}

/// A table being filled.
#[derive(Debug)]
pub(crate) struct Table<'c> {
    columns: &'c [Column],
    rows: Vec<Row>,
}

#[derive(Debug)]
enum Row {
    Cells(Vec<Cell>),
    /// A line of its own between rows, or several if need be.
    Line(usize, Cell),
}

/// What is in a row and a column.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    text: String,
    style: Option<Style>,
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Cell {
        Cell {
            text: text.into(),
            style: None,
        }
    }
}

impl Cell {
    pub(crate) fn styled(text: impl Into<String>, style: Style) -> Cell {
        Cell {
            text: text.into(),
            style: Some(style),
        }
    }
}

impl<'c> Table<'c> {
    pub(crate) fn new(columns: &'c [Column]) -> Table<'c> {
        Table {
            columns,
            rows: Vec::new(),
        }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(Row::Cells(cells.into_iter().collect()));
    }

    /// A line across all columns.
    pub(crate) fn line(&mut self, indent: usize, text: impl Into<Cell>) {
        self.rows.push(Row::Line(indent, text.into()));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(crate) fn write(&self, output: &Output, out: &mut dyn Write) -> io::Result<()> {
        let widths = self.widths(output.width());
        let has_titles = self.columns.iter().any(|column| !column.title.is_empty());
        if has_titles {
            let titles: Vec<_> = self
                .columns
                .iter()
                .map(|column| Cell::styled(&*column.title, Style::Heading))
                .collect();
            self.write_row(&titles, &widths, output, out)?;
        }
        for row in &self.rows {
            match row {
                Row::Cells(cells) => self.write_row(cells, &widths, output, out)?,
                Row::Line(indent, cell) => {
                    let room = output.width().map(|width| width.saturating_sub(*indent));
                    for text in wrap(&cell.text, room.unwrap_or(usize::MAX)) {
                        write!(out, "{:indent$}", "")?;
                        match cell.style {
                            Some(style) => writeln!(out, "{}", output.paint(style, text))?,
                            None => writeln!(out, "{text}")?,
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// How wide each column is: as its widest cell, but cut where all would be wider than the terminal.
    fn widths(&self, terminal: Option<usize>) -> Vec<usize> {
        let mut widths: Vec<usize> = self
            .columns
            .iter()
            .map(|column| column.title.chars().count())
            .collect();
        for row in &self.rows {
            if let Row::Cells(cells) = row {
                for (width, cell) in widths.iter_mut().zip(cells) {
                    *width = cell.text.chars().count().max(*width);
                }
            }
        }
        let Some(terminal) = terminal else {
            return widths;
        };
        loop {
            let total = widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1);
            let over = total.saturating_sub(terminal);
            let widest = (0..widths.len())
                .filter(|n| self.columns[*n].set == Set::Left && widths[*n] > LEAST)
                .max_by_key(|n| widths[*n]);
            match widest {
                Some(widest) if over > 0 => {
                    // Not below the second widest at once, so that wide columns share the loss.
                    let next = (0..widths.len())
                        .filter(|n| *n != widest && self.columns[*n].set == Set::Left)
                        .map(|n| widths[n])
                        .max();
                    let floor = next.unwrap_or(0).min(widths[widest] - 1).max(LEAST);
                    widths[widest] = (widths[widest].saturating_sub(over)).max(floor);
                }
                _ => return widths,
            }
        }
    }

    fn write_row(
        &self,
        cells: &[Cell],
        widths: &[usize],
        output: &Output,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let last = cells.iter().rposition(|cell| !cell.text.is_empty());
        for (n, (cell, column)) in cells.iter().zip(self.columns).enumerate() {
            let width = widths[n];
            let text = cut(&cell.text, width);
            let room = width - text.chars().count();
            let (before, after) = match column.set {
                Set::Left => (0, room),
                Set::Right => (room, 0),
            };
            // No blanks at the end of a line.
            let after = if Some(n) < last { after + 2 } else { 0 };
            write!(out, "{:before$}", "")?;
            match cell.style {
                Some(style) => write!(out, "{}", output.paint(style, &text))?,
                None => write!(out, "{text}")?,
            }
            write!(out, "{:after$}", "")?;
            if Some(n) >= last {
                break;
            }
        }
        writeln!(out)
    }
}

/// The text, or as much of it as there is room for.
pub(crate) fn cut(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(room.saturating_sub(1)).collect();
    cut.push(CUT);
    cut
}

/// The words of a text in lines of so many characters, with blanks as they are within a line. Longer words are broken.
pub(crate) fn wrap(text: &str, room: usize) -> Vec<String> {
    let room = room.max(LEAST);
    let chars: Vec<char> = text.chars().collect();
    let mut lines = Vec::new();
    let mut rest = &chars[..];
    while rest.len() > room {
        let blank = rest[..=room].iter().rposition(|c| *c == ' ');
        let end = blank.filter(|end| *end > 0).unwrap_or(room);
        let (line, after) = rest.split_at(end);
        lines.push(line.iter().collect::<String>().trim_end().to_owned());
        let blanks = after.iter().take_while(|c| **c == ' ').count();
        rest = &after[blanks..];
    }
    lines.push(rest.iter().collect());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] = &[
        Column::left("NAME"),
        Column::right("COUNT"),
        Column::left("WHAT"),
    ];

    fn shown(width: Option<usize>) -> String {
        let mut table = Table::new(COLUMNS);
        table.row([
            "a".into(),
            "1".into(),
            "something that is quite long".into(),
        ]);
        table.line(2, "a line that goes across all of the columns");
        table.row(["a_name_of_some_length".into(), "123456".into(), "x".into()]);
        let mut out = Vec::new();
        table.write(&Output::plain(width), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn columns_are_as_wide_as_what_is_in_them() {
        let expected = "\
NAME                    COUNT  WHAT
a                           1  something that is quite long
  a line that goes across all of the columns
a_name_of_some_length  123456  x
";
        assert_eq!(shown(None), expected);
    }

    #[test]
    fn words_go_to_the_next_line() {
        assert_eq!(wrap("", 20), [""]);
        assert_eq!(wrap("twelve chars", 12), ["twelve chars"]);
        assert_eq!(wrap("twelve chars!", 12), ["twelve", "chars!"]);
        assert_eq!(wrap("a  b   twelve chars", 12), ["a  b", "twelve chars"]);
        assert_eq!(
            wrap(&"x".repeat(30), 12),
            ["x".repeat(12), "x".repeat(12), "x".repeat(6)]
        );
        assert_eq!(wrap("a b", usize::MAX), ["a b"]);
    }

    #[test]
    fn words_are_cut_where_the_terminal_ends() {
        let expected = "\
NAME              COUNT  WHAT
a                     1  something that…
  a line that goes across all of the
  columns
a_name_of_some…  123456  x
";
        assert_eq!(shown(Some(40)), expected);
        assert!(shown(Some(5)).lines().all(|line| line.chars().count() < 40));
    }
}
