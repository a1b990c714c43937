//! One session with the engine's handling of it, turned by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use libtorrent_sys::{Pump, Session, Setting};
use revaer_domain::values::TorrentId;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{name_of_alert, name_of_notice};
use crate::deletion::Outcome;
use crate::handle::Shared;
use crate::outbox::Outbox;
use crate::torrents::Torrents;
use crate::{Desired, EngineNotice, Materials, Options};

const PATIENCE: Duration = Duration::from_secs(30);

/// The session, and what was seen of it.
pub(super) struct Bench {
    session: Arc<Session>,
    pump: Pump,
    pub(super) torrents: Torrents,
    shared: Arc<Shared>,
    deleted: mpsc::Receiver<(TorrentId, Outcome)>,
    pub(super) seen: BTreeMap<&'static str, BTreeSet<&'static str>>,
    pub(super) told: Vec<EngineNotice>,
    pub(super) root: TempDir,
}

impl Bench {
    pub(super) fn start(extra: Vec<Setting>) -> Self {
        let root = tempfile::tempdir().expect("a folder");
        let mut options = Options { settings_extra: extra, ..Options::new(root.path()) };
        options.profile.engine.utp = false;
        let settings = options.settings(&options.profile);
        let (session, pump) = Session::start(&settings, None).expect("a session");
        let session = Arc::new(session);
        let shared = Arc::new(Shared::new(options.profile.clone(), PATIENCE, mpsc::channel(1).0));
        let (deletions, deleted) = mpsc::channel(8);
        let outbox = Outbox { shared: Arc::clone(&shared), abandoned: CancellationToken::new() };
        let mut torrents = Torrents::new(Arc::clone(&session), Arc::new(options), outbox, deletions);
        torrents.everything_here = true;
        Self { session, pump, torrents, shared, deleted, seen: BTreeMap::new(), told: Vec::new(), root }
    }

    /// Takes what waits; what an alert makes the engine tell is put down to its kind.
    pub(super) fn turn(&mut self) {
        let timeout = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
        let fd = self.pump.as_fd();
        poll(&mut [PollFd::new(&fd.as_fd(), PollFlags::IN)], Some(&timeout)).expect("a descriptor");
        self.pump.drain_wakeup();
        let Self { pump, torrents, shared, seen, told, .. } = self;
        let batch = pump.pump().expect("a batch");
        for event in batch.events.clone() {
            torrents.on_event(&event).expect("the session is sound");
            let notices = shared.mailbox.drain();
            seen.entry(name_of_alert(event.kind)).or_default().extend(notices.iter().map(name_of_notice));
            told.extend(notices);
        }
        for status in batch.statuses {
            torrents.on_status(status);
        }
        if batch.dropped {
            torrents.resync();
        }
        torrents.look_at_stale().expect("a session");
        while let Ok((id, outcome)) = self.deleted.try_recv() {
            self.torrents.on_deleted(id, outcome);
            self.told.extend(self.shared.mailbox.drain());
        }
        self.torrents.settle();
        let notices = self.shared.mailbox.drain();
        self.seen.entry("a look").or_default().extend(notices.iter().map(name_of_notice));
        self.told.extend(notices);
        self.session.post_updates().expect("a session");
    }

    pub(super) fn until(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done(self) {
            let told: Vec<_> = self.told.iter().map(name_of_notice).collect();
            assert!(Instant::now() < deadline, "{what} never came; told {told:?}, seen {:?}", self.seen);
            self.turn();
        }
    }

    pub(super) fn until_seen(&mut self, kind: &'static str) {
        self.until(kind, |bench| bench.seen.contains_key(kind));
    }

    pub(super) fn until_told(&mut self, notice: &'static str) {
        self.told.clear();
        self.until(notice, |bench| bench.told.iter().any(|told| name_of_notice(told) == notice));
    }

    pub(super) fn reconcile(&mut self, desired: &Desired, materials: Materials) {
        self.torrents.reconcile(desired.clone(), Some(materials));
        self.told.extend(self.shared.mailbox.drain());
    }
}
