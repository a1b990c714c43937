//! Columns aligned by how wide characters are shown, not by how many there are.
//!
//! A table escapes what it is given, so that no caller can forget to. On a terminal one column gives way when the lines would
//! be too long; in a file or a pipe nothing is cut.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::escape;

const GAP: &str = "  ";
/// What is left of a column that gives way, however narrow the terminal.
const FLEXIBLE_COLUMNS_MIN: usize = 8;

/// Where a cell stands in its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// A column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    /// Its heading.
    pub(crate) title: &'static str,
    /// Where its cells stand.
    pub(crate) align: Align,
    /// Whether it gives way on a narrow terminal.
    pub(crate) flexible: bool,
}

impl Column {
    /// A column of words.
    pub(crate) const fn left(title: &'static str) -> Column {
        Column { title, align: Align::Left, flexible: false }
    }

    /// A column of numbers.
    pub(crate) const fn right(title: &'static str) -> Column {
        Column { title, align: Align::Right, flexible: false }
    }

    /// The column that gives way.
    pub(crate) const fn flexible(title: &'static str) -> Column {
        Column { title, align: Align::Left, flexible: true }
    }
}

/// Rows under headings.
#[derive(Debug)]
pub(crate) struct Table<const N: usize> {
    columns: [Column; N],
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    /// A table without rows.
    pub(crate) fn new(columns: [Column; N]) -> Table<N> {
        Table { columns, rows: Vec::new() }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: [String; N]) {
        self.rows.push(cells.map(|cell| escape(&cell).into_owned()));
    }

    /// All lines, none wider than `columns` if that is given.
    pub(crate) fn render(&self, columns: Option<usize>) -> String {
        let widths = self.widths(columns);
        let mut text = String::new();
        let titles = self.columns.map(|column| column.title.to_owned());
        for row in std::iter::once(&titles).chain(&self.rows) {
            let cells = row.iter().zip(&self.columns).zip(&widths);
            let line: Vec<_> = cells
                .map(|((cell, column), &width)| padded(&cut(cell, width), width, column.align))
                .collect();
            let line = line.join(GAP);
            let line = line.trim_end();
            text.push_str(&columns.map_or_else(|| line.to_owned(), |columns| cut(line, columns)));
            text.push('\n');
        }
        text
    }

    fn widths(&self, columns: Option<usize>) -> [usize; N] {
        let mut widths = self.columns.map(|column| column.title.width());
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        let Some(flexible) = self.columns.iter().position(|column| column.flexible) else { return widths };
        let total = widths.iter().sum::<usize>() + GAP.len() * (N - 1);
        let too_much = columns.map_or(0, |columns| total.saturating_sub(columns));
        let least = widths[flexible].min(FLEXIBLE_COLUMNS_MIN);
        widths[flexible] = widths[flexible].saturating_sub(too_much).max(least);
        widths
    }
}

/// The text filled up with spaces.
pub(crate) fn padded(text: &str, width: usize, align: Align) -> String {
    let spaces = " ".repeat(width.saturating_sub(text.width()));
    match align {
        Align::Left => format!("{text}{spaces}"),
        Align::Right => format!("{spaces}{text}"),
    }
}

/// The text, or as much of its beginning as fits with a mark that some is missing.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut room = width.saturating_sub(1);
    for c in text.chars() {
        let needed = c.width().unwrap_or(0);
        if needed > room {
            break;
        }
        room -= needed;
        kept.push(c);
    }
    if width > 0 {
        kept.push('…');
    }
    kept
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn table() -> Table<3> {
        let mut table = Table::new([Column::left("ID"), Column::flexible("NAME"), Column::right("SIZE")]);
        for (id, name, size) in [
            ("1", "plain", "5 B"),
            ("22", "Sammlung 合集 한국어", "1.5 GB"),
            ("3", "नमस्ते שלום", "10 kB"),
            ("4", "evil\u{1b}[2J\nname", "0 B"),
        ] {
            table.row([id, name, size].map(str::to_owned));
        }
        table
    }

    #[test]
    fn columns_are_aligned_by_shown_width() {
        insta::assert_snapshot!(table().render(None));
    }

    #[test]
    fn flexible_column_gives_way_on_a_terminal() {
        insta::assert_snapshot!(table().render(Some(24)));
    }

    #[rstest]
    #[case::ample(200)]
    #[case::exact(33)]
    #[case::narrow(24)]
    #[case::absurd(3)]
    #[case::nothing(0)]
    fn no_line_is_wider_than_the_terminal(#[case] columns: usize) {
        for line in table().render(Some(columns)).lines() {
            assert!(line.width() <= columns, "{line:?}");
        }
    }

    #[rstest]
    #[case::fits("abc", 3, "abc")]
    #[case::narrow("abcd", 3, "ab…")]
    #[case::wide_character_does_not_fit_half("合集合", 4, "合…")]
    #[case::wide_character_fits("合集合", 5, "合集…")]
    #[case::no_room("abc", 0, "")]
    fn text_is_cut_between_characters(#[case] text: &str, #[case] width: usize, #[case] expected: &str) {
        assert_eq!(cut(text, width), expected);
    }
}
