//! What the server says, passed on.
//!
//! The server writes to a pipe, not to a file: nothing has to be rotated, and its complaints stand between ours. The last
//! lines are kept, so that a server that will not start can be quoted. It reads whatever comes, for ever, since a full pipe
//! would stall the server.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex, PoisonError};

/// Enough to hold the reason and its context.
const LINES_KEPT: usize = 20;
/// A longer line is cut into pieces of this size.
const LINE_BYTES_MAX: u64 = 8 * 1024;

/// The last lines of a server's log; clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct ServerLog {
    lines: Arc<Mutex<VecDeque<String>>>,
}

impl ServerLog {
    /// Passes on lines until the server and all its children are gone. Runs on a thread of its own.
    pub(crate) fn follow(&self, pipe: impl Read) {
        let mut reader = BufReader::new(pipe);
        let mut line = Vec::new();
        loop {
            line.clear();
            match reader.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) => self.take(String::from_utf8_lossy(&line).trim_end()),
            }
        }
    }

    /// The kept lines as one text.
    pub(crate) fn tail(&self) -> String {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let said: Vec<&str> = lines.iter().map(String::as_str).collect();
        if said.is_empty() { String::from("it said nothing") } else { said.join("; ") }
    }

    fn take(&self, line: &str) {
        // Refused statements and closed connections are the callers' news and reach them as errors.
        if line.starts_with("PANIC:") {
            tracing::error!(target: "postgres", "{line}");
        } else {
            tracing::debug!(target: "postgres", "{line}");
        }
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == LINES_KEPT {
            lines.pop_front();
        }
        lines.push_back(line.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_lines_are_kept() {
        let log = ServerLog::default();
        let said: Vec<String> = (0..100).map(|n| format!("LOG:  line {n}")).collect();
        log.follow(said.join("\n").as_bytes());
        assert!(log.tail().starts_with("LOG:  line 80;"), "{}", log.tail());
        assert!(log.tail().ends_with("LOG:  line 99"), "{}", log.tail());
    }
}
