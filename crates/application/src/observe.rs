//! What the engine learned of a magnet: its torrent file. The bodies first, then the fact.

use revaer_domain::torrent::{Failure, TorrentCommand};
use revaer_domain::values::TorrentId;

use crate::add::files_discovered;
use crate::{Application, Caller, CommandError, Done, ParsedMetainfo};

/// The metadata of a magnet, with the torrent file that it makes.
#[derive(Debug, Clone)]
pub struct DiscoveredFiles {
    /// The torrent file.
    pub metainfo: Vec<u8>,
    /// What it says.
    pub parsed: ParsedMetainfo,
}

impl Application {
    /// Records the files of a magnet. Where the other half of a hybrid is here already as another torrent, this one fails
    /// with the code `torrent_exists`.
    pub async fn observe_files(
        &self,
        id: TorrentId,
        discovered: DiscoveredFiles,
        caller: &Caller,
    ) -> Result<Done, CommandError> {
        let parsed = &discovered.parsed;
        self.store_metainfo(id, &discovered.metainfo, &parsed.info_hashes, &parsed.files).await?;
        let mut files = files_discovered(parsed);
        self.conceal_trackers(id, &mut files.trackers).await?;
        let command = TorrentCommand::ObserveFiles(files);
        match self.command(id, command, caller).await {
            Err(CommandError::TorrentExists { id: other }) => {
                let failure = Failure {
                    code: "torrent_exists".to_owned(),
                    detail: format!("its metadata shows that it is torrent {other}, which is here already"),
                };
                self.command(id, TorrentCommand::ObserveFailure(failure), caller).await
            }
            other => other,
        }
    }
}
