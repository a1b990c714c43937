//! What becomes of torrents that have shared enough: the limits of torrents, labels and settings, held against what was sent
//! and how long it was seeded.
//!
//! It follows the log. A fact of a torrent says whether it shares and under which limits; a sample says what it has sent, of
//! those that moved. Nothing tells that a torrent has seeded for a second more, so the session is asked when that may be long
//! enough, and not before: a torrent that nobody asks anything of costs nothing, however many there are.

mod alarms;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use revaer_application::{Application, Caller, CommandError};
use revaer_domain::settings::LimitSettings;
use revaer_domain::sharing::SharingRule;
use revaer_domain::torrent::{Phase, ShareLimitReached, Status, Torrent, TorrentCommand, Totals};
use revaer_domain::values::TorrentId;
use revaer_engine::EngineHandle;
use revaer_event_log::{Body, Entry, Position, Samples, Version};
use revaer_event_schema::unpack_progress;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::alarms::Alarms;
use crate::ReconcileAll;
use crate::backoff::Backoff;

/// Torrents that are folded in one question when all are looked at; see the reconciler.
const CHUNK: usize = 128;
/// libtorrent counts seconds: to ask sooner would get the same answer.
const SECOND: Duration = Duration::from_secs(1);
/// When the session is asked again that did not know: it is being rebuilt, or has yet to add the torrent.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// The reactor.
pub struct ShareLimiter {
    application: Application,
    engine: EngineHandle,
    all: ReconcileAll,
    /// Those that share under a limit which they have not come to yet.
    watched: HashMap<TorrentId, Watched>,
    alarms: Alarms,
}

struct Watched {
    rule: SharingRule,
    /// What its ratio is taken of, as the log last heard.
    own_bytes: u64,
}

impl ShareLimiter {
    /// A reactor to what this session shares. It begins when every torrent was compared once: the session knows all of them
    /// then, and nobody has to be asked twice.
    pub fn new(application: Application, engine: EngineHandle, all: ReconcileAll) -> Self {
        Self { application, engine, all, watched: HashMap::new(), alarms: Alarms::default() }
    }

    /// Runs until shutdown.
    pub async fn run(mut self, shutdown: CancellationToken) {
        if shutdown.run_until_cancelled(self.all.first_done()).await.is_none() {
            return;
        }
        let mut limits = self.application.settings().section(|settings| &settings.limits);
        let Some(start) = self.head(&shutdown).await else { return };
        let mut subscription = self.application.log().subscribe(start);
        if !self.look_at_all(limits.seen(), &shutdown).await {
            return;
        }
        loop {
            let go_on = tokio::select! {
                entries = subscription.next() => self.follow(&entries, limits.seen(), &shutdown).await,
                (seen, _) = limits.changed() => self.look_at_all(&seen, &shutdown).await,
                () = self.alarms.first() => self.ask_those_due(&shutdown).await,
                () = shutdown.cancelled() => return,
            };
            if !go_on {
                return;
            }
        }
    }

    async fn head(&self, shutdown: &CancellationToken) -> Option<Position> {
        let mut backoff = Backoff::new();
        loop {
            match self.application.log().head().await {
                Ok(head) => return Some(head),
                Err(error) => tracing::warn!(%error, "limits of sharing wait for the log"),
            }
            if !backoff.wait(shutdown).await {
                return None;
            }
        }
    }

    /// Every torrent of the log, at the start and when the limits of the settings change; `false` when shutdown came first.
    async fn look_at_all(&mut self, limits: &LimitSettings, shutdown: &CancellationToken) -> bool {
        let mut backoff = Backoff::new();
        let torrents = loop {
            match self.application.live_torrents().await {
                Ok(torrents) => break torrents,
                Err(error) => tracing::warn!(%error, "limits of sharing wait for the log"),
            }
            if !backoff.wait(shutdown).await {
                return false;
            }
        };
        for ids in torrents.chunks(CHUNK) {
            if let Err(error) = self.application.prefetch(ids).await {
                // Each of them asks by itself, and waits as long as it takes.
                tracing::warn!(%error, "torrents cannot be looked up together");
            }
            for id in ids {
                if !self.look_at(*id, 0, limits, shutdown).await {
                    return false;
                }
            }
        }
        true
    }

    async fn follow(
        &mut self,
        entries: &[std::sync::Arc<Entry>],
        limits: &LimitSettings,
        shutdown: &CancellationToken,
    ) -> bool {
        let mut touched = BTreeMap::new();
        for entry in entries {
            match &entry.body {
                Body::Fact(fact) => {
                    if let Some(id) = TorrentId::from_stream(fact.stream.as_str()) {
                        touched.insert(id, fact.version);
                    }
                }
                Body::Samples(samples) => {
                    if !self.weigh_samples(samples, shutdown).await {
                        return false;
                    }
                }
            }
        }
        for (id, version) in touched {
            if !self.look_at(id, version, limits, shutdown).await {
                return false;
            }
        }
        true
    }

    /// One torrent by the log: whether it shares, under which limits, and whether it has come to one meanwhile.
    async fn look_at(
        &mut self,
        id: TorrentId,
        version: Version,
        limits: &LimitSettings,
        shutdown: &CancellationToken,
    ) -> bool {
        let mut backoff = Backoff::new();
        loop {
            match self.application.torrent_since(id, version).await {
                Ok(Some((torrent, ..))) => {
                    self.watch(id, &torrent, limits);
                    let live = self.engine.live(id).map(|live| live.totals);
                    return self.weigh(id, live.unwrap_or(torrent.totals), shutdown).await;
                }
                Ok(None) => return true,
                Err(error) => tracing::warn!(%error, torrent = %id, "a limit of sharing waits for the log"),
            }
            if !backoff.wait(shutdown).await {
                return false;
            }
        }
    }

    fn watch(&mut self, id: TorrentId, torrent: &Torrent, limits: &LimitSettings) {
        let rule = SharingRule::of(torrent, limits).unless_reached(&torrent.share_limits_reached);
        // One that is moved, checked or in the pipeline is looked at again when that has ended.
        if torrent.status() != Some(Status::Seeding) || !rule.can_be_reached() {
            self.watched.remove(&id);
            self.alarms.clear(id);
            return;
        }
        // While it waits for its turn or stands still its time does not go on.
        if rule.seed_time_seconds.is_some() && torrent.phase == Some(Phase::Seeding) {
            self.alarms.set(id, Instant::now());
        } else {
            self.alarms.clear(id);
        }
        let own_bytes = torrent.totals.downloaded_bytes.max(torrent.totals.wanted_done_bytes);
        self.watched.insert(id, Watched { rule, own_bytes });
    }

    async fn weigh_samples(&mut self, samples: &Samples, shutdown: &CancellationToken) -> bool {
        if self.watched.is_empty() {
            return true;
        }
        let Ok(samples) = unpack_progress(&samples.data) else {
            tracing::warn!(position = %samples.position, "samples are damaged");
            return true;
        };
        for sample in samples {
            let totals = Totals {
                wanted_done_bytes: sample.wanted_done_bytes,
                downloaded_bytes: sample.downloaded_bytes,
                uploaded_bytes: sample.uploaded_bytes,
            };
            if !self.weigh(sample.torrent, totals, shutdown).await {
                return false;
            }
        }
        true
    }

    /// Holds what a torrent has sent against its limit.
    async fn weigh(&mut self, id: TorrentId, totals: Totals, shutdown: &CancellationToken) -> bool {
        let Some(watched) = self.watched.get_mut(&id) else { return true };
        match watched.rule.reached_by_ratio(watched.own_bytes, totals) {
            Some(reached) => {
                watched.rule.share_ratio = None;
                self.tell(id, reached, shutdown).await
            }
            None => true,
        }
    }

    /// Asks how long those have seeded that may have seeded long enough.
    async fn ask_those_due(&mut self, shutdown: &CancellationToken) -> bool {
        while let Some(id) = self.alarms.take(Instant::now()) {
            let Some(watched) = self.watched.get(&id) else { continue };
            let Some(limit) = &watched.rule.seed_time_seconds else { continue };
            let limit = Duration::from_secs(limit.value);
            let (Ok(seeded), Some(live)) = (self.engine.seeding_time(id).await, self.engine.live(id)) else {
                self.alarms.set(id, Instant::now() + ASK_AGAIN);
                continue;
            };
            match watched.rule.reached_by_time(seeded.as_secs(), live.totals) {
                Some(reached) => {
                    if !self.tell(id, reached, shutdown).await {
                        return false;
                    }
                }
                None => self.alarms.set(id, Instant::now() + limit.saturating_sub(seeded).max(SECOND)),
            }
        }
        true
    }

    /// Gives it to the rules, until the log has taken it; `false` when shutdown came first.
    async fn tell(&self, id: TorrentId, reached: ShareLimitReached, shutdown: &CancellationToken) -> bool {
        let caller = Caller::system("system", id.stream(), None);
        let mut backoff = Backoff::new();
        loop {
            let command = TorrentCommand::ReachShareLimit(reached.clone());
            match self.application.command(id, command, &caller).await {
                Ok(_) => return true,
                Err(CommandError::Unavailable) => tracing::warn!("a limit of sharing waits for the log"),
                Err(CommandError::VersionConflict) => {}
                Err(error) => {
                    tracing::debug!(%error, torrent = %id, "a limit of sharing is no news");
                    return true;
                }
            }
            if !backoff.wait(shutdown).await {
                return false;
            }
        }
    }
}
