//! `revaer tail`: events as they happen, each once, over restarts of the service and of itself.
//!
//! What came is printed, then flushed, then noted in the resume file: the file never runs ahead of what was printed. Ended in
//! order (`SIGINT`, `SIGTERM`, `--count`) and started again with the same file, it prints nothing twice and leaves nothing
//! out. Killed between the print and the note, it prints again what it had not noted: at least once, never less.

mod printer;
mod reader;
mod resume_file;

use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;

use clap::Args;
use futures::{FutureExt, StreamExt};
use tokio::signal::unix::{SignalKind, signal};

use self::printer::Printer;
use self::resume_file::ResumeFile;
use super::Context;
use super::now::now;
use crate::events::{Filter, FirstContact, Resume, follow};
use crate::failure::Failure;
use crate::values::{EventId, TorrentRef};

/// What is printed, flushed and noted at once when much is waiting.
const BATCH_MAX: usize = 256;
/// How long a reader that takes nothing may hold up an end in order.
const LAST_WRITE_BOUND: Duration = Duration::from_secs(2);

/// Arguments of `tail`. The first connection has to succeed; one that is lost later is opened again for as long as it takes.
#[derive(Debug, Args)]
pub(crate) struct Tail {
    /// Only these kinds, such as torrent.completed or torrent.*; separated by commas or repeated
    #[arg(long, value_delimiter = ',', value_name = "KIND")]
    types: Vec<String>,
    /// Only of this torrent, by its id or info hash
    #[arg(long, value_name = "ID")]
    torrent: Option<TorrentRef>,
    /// Begin after this position or event id, 0 for the whole log; without it from now on
    #[arg(long, value_name = "POSITION")]
    after: Option<EventId>,
    /// Facts alone, without progress
    #[arg(long)]
    no_samples: bool,
    /// Note here how far it came, and begin there next time; wins over --after once it exists
    #[arg(long, value_name = "FILE")]
    resume_file: Option<PathBuf>,
    /// End after this many events
    #[arg(long)]
    count: Option<u64>,
}

impl Tail {
    /// Prints until it is told to end.
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let file = self.resume_file.as_deref().map(ResumeFile::new);
        let noted = file.as_ref().map(ResumeFile::read).transpose()?.flatten();
        let resume = match noted {
            Some(resume) => resume,
            None => self.start(context).await?,
        };
        let mut printer = Printer::new(context.output, tokio::io::stdout(), file, resume.clone(), self.count);
        // Where "now" was is noted before anything comes, so that what comes is not missed by a restart.
        printer.note_place()?;

        let filter = Filter { types: self.types, torrent: self.torrent, no_samples: self.no_samples };
        let followed = follow(context.client.clone(), filter, resume, FirstContact::MustSucceed);
        let mut batches = pin!(followed.ready_chunks(BATCH_MAX));
        let told_to_end = end_signal()?.shared();
        let mut reader_gone = pin!(reader::gone());
        while !printer.is_done() {
            let batch = tokio::select! {
                biased;
                () = told_to_end.clone() => return Ok(()),
                () = &mut reader_gone => return Err(Failure::OutputClosed),
                batch = batches.next() => batch,
            };
            let Some(batch) = batch else { return Ok(()) };
            tokio::select! {
                biased;
                done = printer.print(batch) => done?,
                () = told_to_end.clone().then(|()| tokio::time::sleep(LAST_WRITE_BOUND)) => return Ok(()),
            }
        }
        Ok(())
    }

    /// After which place to begin when nothing is noted.
    async fn start(&self, context: &Context) -> Result<Resume, Failure> {
        let id = match &self.after {
            Some(id) => id.clone(),
            None => now(&context.client).await?,
        };
        Ok(Resume::after(id))
    }
}

/// Ready once somebody asks for an end.
fn end_signal() -> Result<impl Future<Output = ()>, Failure> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
