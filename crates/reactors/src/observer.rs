//! What the session says, given to the rules as commands.
//!
//! Resume data commits before the fact that relies on it: within a batch of notices every resume row is written first.
//! While the log is away the observer stands still; the session's pump does not, and coalesces meanwhile.

use revaer_application::{
    Application, Caller, CommandError, DiscoveredFiles, ParsedMetainfo, ResumeRow, SystemStream, TorrentFile,
};
use revaer_domain::engine::{EngineEvent, EngineFaulted, EngineRestarted, EngineStarted};
use revaer_domain::torrent::{Failure, Reconciled, TorrentCommand};
use revaer_domain::values::TorrentId;
use revaer_engine::{EngineNotice, NoticeReceiver};
use revaer_event_log::StreamId;
use revaer_event_schema::{Metadata, encode_engine};
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::{Causes, Metrics, ReconcileAll, caps};

/// Notices taken at once: enough to write resume data in few transactions.
const NOTICES_MAX: usize = 256;

/// Facts of one torrent that are read at once; few have more.
const PAGE: u32 = 1000;

/// The observer.
pub struct Observer {
    application: Application,
    notices: NoticeReceiver,
    causes: Causes,
    all: ReconcileAll,
    engine_stream: SystemStream,
    metrics: Metrics,
}

impl Observer {
    /// An observer of one session for one log.
    pub fn new(
        application: Application,
        notices: NoticeReceiver,
        causes: Causes,
        all: ReconcileAll,
        metrics: Metrics,
    ) -> Self {
        let engine_stream = SystemStream::new(application.log().clone(), "engine");
        Self { application, notices, causes, all, engine_stream, metrics }
    }

    /// Runs until the session has ended and its last notice is recorded, or until `abandon`, the end of all patience.
    pub async fn run(mut self, abandon: CancellationToken) {
        loop {
            let mut notices = tokio::select! {
                notices = self.notices.take(NOTICES_MAX) => notices,
                () = abandon.cancelled() => return,
            };
            if notices.is_empty() {
                return;
            }
            for resume in notices.iter().filter(|notice| matches!(notice, EngineNotice::ResumeData { .. })) {
                self.metrics.observed(resume, "stored");
            }
            let refused = refused_resume_data(&notices);
            let rows = resume_rows(&mut notices);
            if !self.store(&refused, &rows, &abandon).await {
                return;
            }
            for notice in notices {
                if !self.record(notice, &abandon).await {
                    return;
                }
            }
        }
    }

    async fn store(&self, refused: &[TorrentId], rows: &[ResumeRow], abandon: &CancellationToken) -> bool {
        let mut backoff = Backoff::new();
        while let Err(error) = self.attempt_to_store(refused, rows).await {
            tracing::warn!(%error, torrents = rows.len(), "resume data waits for the database");
            if !backoff.wait(abandon).await {
                return false;
            }
        }
        true
    }

    async fn attempt_to_store(&self, refused: &[TorrentId], rows: &[ResumeRow]) -> Result<(), sqlx::Error> {
        let bodies = self.application.bodies();
        for id in refused {
            bodies.set_resume_data_aside(*id).await?;
        }
        bodies.put_resume_data(rows).await
    }

    /// One notice, until the log has taken it; `false` when patience ended.
    async fn record(&self, notice: EngineNotice, abandon: &CancellationToken) -> bool {
        let mut backoff = Backoff::new();
        loop {
            match self.attempt(&notice).await {
                Ok(()) => {
                    self.metrics.observed(&notice, "taken");
                    return true;
                }
                Err(CommandError::Unavailable) => tracing::warn!("an observation waits for the log"),
                Err(CommandError::VersionConflict) => {}
                Err(error) => {
                    // The rules know better, or the torrent is gone: an observation has no right to be recorded.
                    self.metrics.observed(&notice, "refused");
                    tracing::debug!(%error, torrent = ?notice.id(), "an observation is no news");
                    return true;
                }
            }
            if !backoff.wait(abandon).await {
                return false;
            }
        }
    }

    async fn attempt(&self, notice: &EngineNotice) -> Result<(), CommandError> {
        match notice {
            EngineNotice::MetadataReceived {
                id,
                metainfo,
                info_hashes,
                name,
                files,
                piece_length_bytes,
                piece_count,
                trackers,
            } => {
                let files = files
                    .iter()
                    .map(|file| TorrentFile { path: file.path.clone(), size_bytes: file.size_bytes })
                    .collect();
                let parsed = ParsedMetainfo {
                    info_hashes: *info_hashes,
                    name: name.clone(),
                    files,
                    piece_length_bytes: *piece_length_bytes,
                    piece_count: *piece_count,
                    trackers: trackers.clone(),
                };
                let discovered = DiscoveredFiles { metainfo: metainfo.clone(), parsed };
                let caller = self.caller(*id).await?;
                self.application.observe_files(*id, discovered, &caller).await.map(drop)
            }
            EngineNotice::Started { libtorrent_version } => {
                let torrents = self.application.live_torrents().await?.len() as u64;
                let started = EngineStarted { libtorrent_version: libtorrent_version.clone(), torrents };
                self.engine_event(EngineEvent::Started(started)).await
            }
            EngineNotice::Faulted { reason } => {
                self.engine_event(EngineEvent::Faulted(EngineFaulted { reason: reason.clone() })).await
            }
            EngineNotice::Restarted { attempt } => {
                self.all.ask();
                self.engine_event(EngineEvent::Restarted(EngineRestarted { attempt: *attempt })).await
            }
            EngineNotice::RateCapApplied { id, from, to, at } => {
                let since = self.application.clock().now() - at.elapsed();
                let asked_at = self.causes.capped_at(*id).unwrap_or(since);
                for applied in caps::applied(Some(*id), (*from, *to), asked_at, since) {
                    self.engine_event(EngineEvent::RateCapApplied(applied)).await?;
                }
                Ok(())
            }
            // Its health says so, to whoever follows that; the log has the fault already.
            EngineNotice::GaveUp { .. } | EngineNotice::ResumeData { .. } => Ok(()),
            other => match observation(&self.application, other) {
                Some((id, command)) => {
                    let caller = self.caller(id).await?;
                    self.application.command(id, command, &caller).await.map(drop)
                }
                None => Ok(()),
            },
        }
    }

    /// The engine as a caller, on account of what was last asked of the torrent; also when that was before this process.
    async fn caller(&self, id: TorrentId) -> Result<Caller, CommandError> {
        let mut version = 0;
        while !self.causes.knows(id) {
            let stream = StreamId::new(&id.stream()).expect("`torrent-` and a ULID are a stream id");
            let page = self.application.log().read_stream(&stream, version, PAGE).await;
            let page = page.map_err(|_| CommandError::Unavailable)?;
            page.iter().for_each(|fact| self.causes.note(id, fact));
            match page.last() {
                // The reconciler may forget a torrent that is gone while this looks.
                Some(last) if page.len() == PAGE as usize => version = last.version,
                _ => break,
            }
        }
        Ok(self.causes.engine(id))
    }

    async fn engine_event(&self, event: EngineEvent) -> Result<(), CommandError> {
        let metadata = Metadata::of_system("engine", "engine");
        match self.engine_stream.append(encode_engine(&event, &metadata)).await {
            Ok(_) => Ok(()),
            Err(error) => {
                tracing::warn!(%error, "a fact about the session waits for the log");
                Err(CommandError::Unavailable)
            }
        }
    }
}

/// The command that tells the rules of one torrent what was seen. A table: each notice has its one line.
fn observation(application: &Application, notice: &EngineNotice) -> Option<(TorrentId, TorrentCommand)> {
    Some(match notice.clone() {
        EngineNotice::SelectionApplied { id, applied } => (id, TorrentCommand::ObserveSelection(applied)),
        EngineNotice::Phase { id, phase, totals } => (id, TorrentCommand::ObservePhase { phase, totals }),
        EngineNotice::Finished { id, totals } => {
            (id, TorrentCommand::ObserveCompletion { at: application.clock().now(), totals })
        }
        EngineNotice::Failed { id, code, detail } => {
            (id, TorrentCommand::ObserveFailure(Failure { code, detail }))
        }
        EngineNotice::Recovered { id } => (id, TorrentCommand::ObserveRecovery),
        EngineNotice::Reannounced { id, request } => (id, TorrentCommand::ObserveReannounced { request }),
        EngineNotice::Rechecked { id, request, totals, complete } => {
            (id, TorrentCommand::ObserveRechecked { request, totals, complete })
        }
        EngineNotice::Moved { id, save_path } => (id, TorrentCommand::ObserveMoved { save_path }),
        EngineNotice::MoveFailed { id, save_path, detail } => {
            (id, TorrentCommand::ObserveMoveFailed { save_path, detail })
        }
        EngineNotice::Removed { id, data_deleted, left } => {
            (id, TorrentCommand::ObserveRemoved { data_deleted, left })
        }
        EngineNotice::Diverged { id, field, expected, found } => {
            (id, TorrentCommand::ObserveDivergence(Reconciled { field, expected, found }))
        }
        EngineNotice::MetadataReceived { .. }
        | EngineNotice::ResumeData { .. }
        | EngineNotice::RateCapApplied { .. }
        | EngineNotice::Faulted { .. }
        | EngineNotice::Restarted { .. }
        | EngineNotice::GaveUp { .. }
        | EngineNotice::Started { .. } => return None,
    })
}

/// Torrents whose stored resume data libtorrent did not take.
fn refused_resume_data(notices: &[EngineNotice]) -> Vec<TorrentId> {
    let refused = notices.iter().filter_map(|notice| match notice {
        EngineNotice::Diverged { id, field, .. } if field == "resume_data" => Some(*id),
        _ => None,
    });
    refused.collect()
}

/// Takes the resume data out of a batch; of several for one torrent the newest counts.
fn resume_rows(notices: &mut Vec<EngineNotice>) -> Vec<ResumeRow> {
    let mut rows: Vec<ResumeRow> = Vec::new();
    notices.retain_mut(|notice| {
        let EngineNotice::ResumeData { id, body, piece_count } = notice else { return true };
        rows.retain(|row| row.id != *id);
        rows.push(ResumeRow { id: *id, piece_count: *piece_count, body: std::mem::take(body) });
        false
    });
    rows
}
