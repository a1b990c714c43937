//! How far a torrent is, while one waits for it: a bar on a terminal, plain lines elsewhere.
//!
//! It goes to standard error, as progress of other programs does, so that standard output stays the result alone. Lines are
//! few: one for each new state and for each whole percent.

use std::io::{self, Write};

use revaer_wire::Torrent;
use unicode_width::UnicodeWidthStr;

use super::{cut, duration, escape, percent, rate, size, terminal};

/// The bar itself, without what stands beside it.
const BAR_COLUMNS: usize = 24;
/// A name longer than this makes room for the numbers.
const NAME_COLUMNS_MAX: usize = 32;
/// To the first column, and everything right of it away.
const AGAIN: &str = "\r\u{1b}[K";

/// Shows one torrent as it moves.
#[derive(Debug)]
pub(crate) struct Progress {
    quiet: bool,
    /// Whether a bar stands on the line that the cursor is in.
    drawn: bool,
    last_line: Option<(String, String)>,
}

impl Progress {
    /// Nothing is shown yet; if quiet, nothing ever.
    pub(crate) fn new(quiet: bool) -> Progress {
        Progress { quiet, drawn: false, last_line: None }
    }

    /// Shows how far it is now.
    pub(crate) fn show(&mut self, torrent: &Torrent) {
        if self.quiet {
            return;
        }
        if let Some(columns) = terminal::columns(&io::stderr()) {
            write(&format!("{AGAIN}{}", bar(torrent, columns)));
            self.drawn = true;
        } else if self.is_news(torrent) {
            write(&format!("{}\n", line(torrent)));
        }
    }

    /// Says something else; the bar is drawn again with the next news.
    pub(crate) fn note(&mut self, words: &str) {
        self.end();
        if !self.quiet {
            super::note(words);
        }
    }

    /// Leaves what was shown last where it is.
    pub(crate) fn end(&mut self) {
        if std::mem::take(&mut self.drawn) {
            write("\n");
        }
    }

    fn is_news(&mut self, torrent: &Torrent) -> bool {
        let whole = (torrent.progress * 100.0).floor().to_string();
        let shown = Some((torrent.state.clone(), whole));
        let is_news = shown != self.last_line;
        self.last_line = shown;
        is_news
    }
}

/// Where it could be told, nothing is lost if it cannot.
fn write(text: &str) {
    let mut output = io::stderr().lock();
    let _ = output.write_all(text.as_bytes()).and_then(|()| output.flush());
}

fn bar(torrent: &Torrent, columns: usize) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is between 0 and 1, times a few columns"
    )]
    #[expect(clippy::cast_precision_loss, reason = "a few columns are exact")]
    let filled = (torrent.progress.clamp(0.0, 1.0) * BAR_COLUMNS as f64).floor() as usize;
    let bar = format!("[{}{}]", "=".repeat(filled), " ".repeat(BAR_COLUMNS - filled));
    let name = escape(&torrent.name).into_owned();
    let numbers = numbers(torrent);
    let room = columns.saturating_sub(bar.width() + numbers.width() + 4).min(NAME_COLUMNS_MAX);
    // One column stays free: some terminals break the line when the last one is written.
    cut(&format!("{}  {bar}  {numbers}", cut(&name, room)), columns.saturating_sub(1))
}

fn line(torrent: &Torrent) -> String {
    format!("{}  {}", escape(&torrent.name), numbers(torrent))
}

fn numbers(torrent: &Torrent) -> String {
    let mut parts = vec![format!("{:>7}", percent(torrent.progress))];
    if let Some(wanted) = torrent.wanted_bytes {
        parts.push(format!("of {}", size(wanted)));
    }
    if torrent.download_bytes_per_second > 0 {
        parts.push(rate(torrent.download_bytes_per_second));
    }
    if let Some(seconds) = torrent.eta_seconds {
        parts.push(format!("{} left", duration(seconds)));
    }
    parts.push(escape(&torrent.state).into_owned());
    parts.join("  ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::samples::torrent;

    #[test]
    fn bar_and_line_show_the_same_numbers() {
        let mut whole = torrent();
        whole.progress = 1.0;
        whole.state = "seeding".to_owned();
        whole.eta_seconds = None;
        whole.download_bytes_per_second = 0;
        let shown = [bar(&torrent(), 120), bar(&torrent(), 60), line(&torrent()), line(&whole)];
        insta::assert_snapshot!(shown.join("\n"));
    }

    #[test]
    fn bar_never_breaks_the_line_of_a_terminal() {
        let mut hostile = torrent();
        hostile.name = "合\u{1b}[2J\n".repeat(50);
        for columns in 0..200 {
            let bar = bar(&hostile, columns);
            assert!(bar.width() < columns.max(1), "{columns}: {bar}");
            assert!(!bar.contains(char::is_control));
        }
    }

    #[test]
    fn lines_come_for_a_new_state_and_a_whole_percent_alone() {
        let mut progress = Progress::new(false);
        let mut torrent = torrent();
        let mut news = |state: &str, part: f64| {
            torrent.state = state.to_owned();
            torrent.progress = part;
            progress.is_news(&torrent)
        };
        let told = [
            news("metadata", 0.0),
            news("downloading", 0.0),
            news("downloading", 0.004),
            news("downloading", 0.01),
        ];
        assert_eq!(told, [true, true, false, true]);
    }
}
