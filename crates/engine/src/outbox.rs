//! The way out of the session's thread: notices, the board, and what holds for the session as a whole.

use std::sync::Arc;

use revaer_domain::values::TorrentId;
use tokio_util::sync::CancellationToken;

use crate::board::Live;
use crate::diff::EngineAction;
use crate::handle::Shared;
use crate::notice::EngineNotice;
use crate::profile::Profile;

/// The way out of the session's thread. A thread that was given up and wakes late has nothing to say any more.
pub(crate) struct Outbox {
    pub(crate) shared: Arc<Shared>,
    pub(crate) abandoned: CancellationToken,
}

impl Outbox {
    pub(crate) fn put(&self, notice: EngineNotice) {
        if !self.abandoned.is_cancelled() {
            self.shared.mailbox.put(notice);
        }
    }

    /// A step that was taken, or that libtorrent refused.
    pub(crate) fn acted(&self, action: &EngineAction, is_done: bool) {
        let outcome = if is_done { "done" } else { "refused" };
        self.shared.metrics.actions.with_label_values(&[action.name(), outcome]).inc();
    }

    pub(crate) fn put_profile(&self, profile: &Profile) {
        if !self.abandoned.is_cancelled() {
            self.shared.put_profile(profile.clone());
        }
    }

    pub(crate) fn deaf(&self, reason: Option<String>) {
        if !self.abandoned.is_cancelled() {
            self.shared.deaf.send_replace(reason);
        }
    }

    pub(crate) fn enter(&self, id: TorrentId, key: u64) {
        if !self.abandoned.is_cancelled() {
            self.shared.board.enter(id, key);
        }
    }

    pub(crate) fn leave(&self, id: TorrentId) {
        if !self.abandoned.is_cancelled() {
            self.shared.board.leave(id);
        }
    }

    pub(crate) fn update(&self, id: TorrentId, live: Live) {
        if !self.abandoned.is_cancelled() {
            self.shared.board.update(id, live);
        }
    }
}
