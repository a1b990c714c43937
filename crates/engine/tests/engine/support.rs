//! An engine that runs on loopback, and a wait for what it tells.

use std::path::{Path, PathBuf};
use std::time::Duration;

use revaer_domain::selection::SelectionRule;
use revaer_domain::torrent::OneShot;
use revaer_domain::values::{InfoHashes, RateCap, SavePath, TorrentId};
use revaer_engine::{
    Desired, Engine, EngineHandle, EngineNotice, Materials, NoticeReceiver, Options, Presence, Reconciliation,
};
use revaer_test_support::{Seeder, SeederOptions};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use ulid::Ulid;

/// Nothing on loopback takes longer unless it is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

/// A running engine.
pub(crate) struct Rig {
    pub(crate) engine: EngineHandle,
    pub(crate) notices: NoticeReceiver,
    pub(crate) seen: Vec<EngineNotice>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) task: JoinHandle<Option<Vec<u8>>>,
    /// However a test ends, the session ends before the process does: libtorrent's threads must not outlive what it holds in
    /// statics.
    _end: DropGuard,
}

pub(crate) fn options(root: &Path) -> Options {
    let mut options = Options { rebuild_backoff: Duration::from_millis(10), ..Options::new(root) };
    options.profile.engine.progress_hertz = 10;
    options.profile.engine.utp = false;
    options
}

impl Rig {
    pub(crate) fn start(options: Options) -> Self {
        let (engine, notices, runner) = Engine::build(options).expect("a session");
        let shutdown = CancellationToken::new();
        let end = shutdown.clone();
        // On a thread that the runtime of the test waits for when it ends, unlike for tasks.
        let task = tokio::task::spawn_blocking(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(runner.run(end))
        });
        let end = shutdown.clone().drop_guard();
        Self { engine, notices, seen: Vec::new(), shutdown, task, _end: end }
    }

    /// Brings a torrent to what it should be, giving the materials only if asked.
    pub(crate) async fn reconcile(&self, desired: &Desired, materials: Materials) {
        let session = self.engine.session_number().expect("a session");
        self.engine.everything_reconciled(session).await.expect("the session takes it");
        let bounded = |materials| async {
            let answer = self.engine.reconcile(desired.clone(), materials);
            tokio::time::timeout(PATIENCE, answer).await.expect("in time").expect("the session takes it")
        };
        if bounded(None).await == Reconciliation::NeedsMaterials {
            assert_eq!(bounded(Some(materials)).await, Reconciliation::Done);
        }
    }

    /// The next notice that is asked for; all before it are kept in `seen`.
    pub(crate) async fn wait<T>(&mut self, mut wanted: impl FnMut(&EngineNotice) -> Option<T>) -> T {
        let search = async {
            loop {
                let notices = self.notices.take(1).await;
                let [notice] = notices.as_slice() else { panic!("the engine ended, seen {:#?}", self.seen) };
                let found = wanted(notice);
                self.seen.push(notice.clone());
                if let Some(found) = found {
                    return found;
                }
            }
        };
        let found = tokio::time::timeout(PATIENCE, search).await;
        found.unwrap_or_else(|_| {
            let seen: Vec<_> = self.seen.iter().map(brief).collect();
            panic!("waited in vain, seen {seen:#?}")
        })
    }

    pub(crate) async fn finished(&mut self) {
        self.wait(|notice| matches!(notice, EngineNotice::Finished { .. }).then_some(())).await;
    }

    /// Ends it; gives what was told to the last.
    pub(crate) async fn end(mut self) -> Vec<EngineNotice> {
        self.shutdown.cancel();
        tokio::time::timeout(PATIENCE, self.task).await.expect("it ends").expect("it ends well");
        loop {
            let rest = self.notices.take(100).await;
            if rest.is_empty() {
                return self.seen;
            }
            self.seen.extend(rest);
        }
    }
}

/// A notice without bodies.
pub(crate) fn brief(notice: &EngineNotice) -> String {
    let mut text = format!("{notice:?}");
    text.truncate(text.char_indices().nth(200).map_or(text.len(), |(index, _)| index));
    text
}

/// The newest resume data that was told.
pub(crate) fn resume_data(seen: &[EngineNotice]) -> Option<Vec<u8>> {
    seen.iter().rev().find_map(|notice| match notice {
        EngineNotice::ResumeData { body, .. } => Some(body.clone()),
        _ => None,
    })
}

pub(crate) fn desired(number: u128, peers: &[&Seeder]) -> Desired {
    Desired {
        id: TorrentId::new(Ulid::from(number)),
        version: 1,
        presence: Presence::Present,
        magnet: None,
        info_hashes: InfoHashes::default(),
        save_path: SavePath::default(),
        paused: false,
        queues: false,
        sequential: false,
        rate_cap: RateCap::default(),
        selection: SelectionRule::default(),
        selection_revision: 0,
        files_known: true,
        selection_applied: false,
        complete: false,
        trackers: Vec::new(),
        peers: peers.iter().map(|seeder| seeder.addr()).collect(),
        reannounce: OneShot::default(),
        recheck: OneShot::default(),
        retry: OneShot::default(),
        failed: false,
        moving_to: None,
        phase: None,
        expected_done_bytes: 0,
    }
}

pub(crate) fn metainfo(seeder: &Seeder) -> Materials {
    Materials { metainfo: Some(seeder.metainfo().to_vec()), resume_data: None }
}

/// A folder `T` of files with pseudo-random bytes, seeded.
pub(crate) fn seeded(dir: &Path, files: &[(&str, usize)], options: &SeederOptions) -> (PathBuf, Seeder) {
    let content = dir.join("T");
    for (index, (path, bytes)) in files.iter().enumerate() {
        let path = content.join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        let mut word = index as u64 + 1;
        let body: Vec<u8> = (0..*bytes)
            .map(|_| {
                word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                word.to_be_bytes()[0]
            })
            .collect();
        std::fs::write(path, body).expect("a file");
    }
    let seeder = Seeder::start(&content, options).expect("a seeder");
    (content, seeder)
}

pub(crate) fn small_pieces() -> SeederOptions {
    SeederOptions { piece_length: Some(16 * 1024), ..SeederOptions::default() }
}
