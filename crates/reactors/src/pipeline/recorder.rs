//! Facts of one job, told from the thread that it runs on. It waits while the log is away: a step that is not recorded is not
//! followed by another.

use revaer_application::{Application, Caller, CommandError};
use revaer_domain::fsops::FsopsObservation;
use revaer_domain::torrent::TorrentCommand;
use revaer_domain::values::TorrentId;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;

/// The service ends before the log has taken a fact. What was done is in the journal of the library.
#[derive(Debug, thiserror::Error)]
#[error("the service ends")]
pub(super) struct Unrecorded;

/// Tells the log of one torrent's job.
#[derive(Clone)]
pub(super) struct Recorder {
    pub(super) application: Application,
    pub(super) id: TorrentId,
    pub(super) caller: Caller,
    pub(super) runtime: Handle,
    pub(super) shutdown: CancellationToken,
}

impl Recorder {
    /// Tells, from a thread that may wait. What the rules do not take as news is none.
    pub(super) fn tell(&self, observation: FsopsObservation) -> Result<(), Unrecorded> {
        self.runtime.block_on(self.record(observation))
    }

    /// The same, awaited.
    pub(super) async fn record(&self, observation: FsopsObservation) -> Result<(), Unrecorded> {
        let mut backoff = Backoff::new();
        let mut command = TorrentCommand::ObserveFsops(observation);
        loop {
            match self.application.command(self.id, command.clone(), &self.caller).await {
                Ok(_) => return Ok(()),
                Err(CommandError::Unavailable) => {
                    tracing::warn!(torrent = %self.id, "a step of a job waits for the log");
                }
                Err(CommandError::VersionConflict) => {}
                // Names that are long beyond measure: the counts are still told, and the record beside the result has all.
                Err(CommandError::TooLarge { .. }) if shorten(&mut command) => continue,
                Err(error) => {
                    tracing::warn!(%error, torrent = %self.id, "what a job did is no news");
                    return Ok(());
                }
            }
            if !backoff.wait(&self.shutdown).await {
                return Err(Unrecorded);
            }
        }
    }
}

/// Leaves the list of files out; whether there was one.
fn shorten(command: &mut TorrentCommand) -> bool {
    match command {
        TorrentCommand::ObserveFsops(FsopsObservation::Completed { completed, .. }) => {
            !std::mem::take(&mut completed.files).is_empty()
        }
        _ => false,
    }
}
