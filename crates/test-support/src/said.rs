//! What a program writes: its last lines for a test that fails, and all of them in a file for a test that reads them.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::sync::watch;

/// How much of what it said is shown when a test fails.
const LINES_KEPT: usize = 60;

/// The last lines of both outputs.
#[derive(Clone, Default)]
pub(crate) struct Said {
    lines: Arc<Mutex<VecDeque<String>>>,
    transcript: Option<Arc<File>>,
}

impl Said {
    /// The last lines, and all of them in a file.
    pub(crate) fn kept_in(transcript: Option<&Path>) -> Said {
        let open = |file| File::options().create(true).append(true).open(file);
        let file = transcript.map(|file| open(file).expect("the transcript can be written"));
        Said { transcript: file.map(Arc::new), ..Said::default() }
    }

    /// Reads until the output ends; the address that it listens on goes to `address`.
    pub(crate) fn listen(
        &self,
        output: impl AsyncRead + Send + Unpin + 'static,
        address: Option<watch::Sender<Option<String>>>,
    ) {
        let said = self.clone();
        tokio::spawn(async move {
            let mut lines = BufReader::new(output).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                if let (Some(address), Some(url)) = (&address, line.strip_prefix("listening on ")) {
                    address.send_replace(Some(url.trim().to_owned()));
                }
                if let Some(mut transcript) = said.transcript.as_deref() {
                    writeln!(transcript, "{line}").expect("the transcript can be written");
                }
                let mut kept = said.lines.lock().unwrap_or_else(PoisonError::into_inner);
                if kept.len() == LINES_KEPT {
                    kept.pop_front();
                }
                kept.push_back(line);
            }
        });
    }

    /// The last lines.
    pub(crate) fn tail(&self) -> String {
        let kept = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}
