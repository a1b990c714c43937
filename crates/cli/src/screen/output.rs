//! Standard output: the result of a command, and nothing else.
//!
//! With JSON it is the service's document, on one line. Notes and progress go to standard error.

use std::io::{self, Write};

use super::{escape, json_for_a_terminal, terminal};
use crate::failure::Failure;

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people: aligned columns, units; cut to the width of a terminal, whole in a file.
    #[default]
    Table,
    /// For programs.
    Json,
}

/// Where results go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    format: Format,
    quiet: bool,
}

impl Output {
    /// Standard output, in this format.
    pub(crate) fn new(format: Format, quiet: bool) -> Output {
        Output { format, quiet }
    }

    /// Whether programs read it.
    pub(crate) fn is_json(self) -> bool {
        self.format == Format::Json
    }

    /// Whether ids alone are wanted.
    pub(crate) fn is_quiet(self) -> bool {
        self.quiet
    }

    /// How wide a line may be; as wide as it likes unless a terminal shows it.
    pub(crate) fn columns() -> Option<usize> {
        terminal::columns(&io::stdout())
    }

    /// Prints a JSON document.
    pub(crate) fn json(document: &str) -> Result<(), Failure> {
        Output::text(&(json_for_a_terminal(document) + "\n"))
    }

    /// Prints text whose parts are escaped already.
    pub(crate) fn text(text: &str) -> Result<(), Failure> {
        let mut output = io::stdout().lock();
        output.write_all(text.as_bytes()).and_then(|()| output.flush()).map_err(Failure::from)
    }
}

/// Says something beside the result, to a person; never a reason to fail.
pub(crate) fn note(words: &str) {
    let _ = writeln!(io::stderr().lock(), "revaer: {}", escape(words));
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        if error.kind() == io::ErrorKind::BrokenPipe { Failure::OutputClosed } else { Failure::Local(error) }
    }
}
