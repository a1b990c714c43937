//! Facts into state. Nothing here can fail and nothing here judges: what happened, happened.

use super::event::{Phase, TorrentEvent};
use super::state::{Lifecycle, Torrent};

impl Torrent {
    /// Takes one fact into the state, in place: whoever folds many of them copies none.
    pub fn fold(&mut self, event: &TorrentEvent) {
        apply(self, event);
    }
}

fn apply(torrent: &mut Torrent, event: &TorrentEvent) {
    match event {
        TorrentEvent::Added(added) => {
            torrent.lifecycle = Lifecycle::Live;
            torrent.origin = Some(added.origin.clone());
            torrent.info_hashes = added.info_hashes;
            torrent.name.clone_from(&added.name);
            torrent.save_path = added.save_path.clone();
            torrent.added_at = Some(added.at);
            torrent.paused = added.paused;
            torrent.sequential = added.sequential;
            torrent.rate_cap = added.rate_cap;
            torrent.share_limits = added.share_limits;
            torrent.labels.clone_from(&added.labels);
            torrent.selection = added.selection.clone();
            torrent.trackers.clone_from(&added.trackers);
            torrent.peers.clone_from(&added.peers);
        }
        TorrentEvent::FilesDiscovered(files) => {
            torrent.info_hashes = torrent.info_hashes.union(files.info_hashes);
            torrent.name.clone_from(&files.name);
            for tracker in &files.trackers {
                if !torrent.trackers.contains(tracker) {
                    torrent.trackers.push(tracker.clone());
                }
            }
            torrent.files = Some(files.clone());
        }
        TorrentEvent::SelectionChanged(changed) => {
            torrent.selection = changed.to.clone();
            torrent.selection_revision += 1;
        }
        TorrentEvent::SelectionApplied(applied) => {
            // Completion was about the files that were wanted then. Fewer of them are complete too.
            if torrent.applied.as_ref().is_some_and(|earlier| applied.wants_more_than(earlier)) {
                torrent.completed_at = None;
            }
            torrent.applied = Some(applied.clone());
        }
        TorrentEvent::Paused => torrent.paused = true,
        TorrentEvent::Resumed => {
            torrent.paused = false;
            if torrent.failure.is_some() {
                torrent.retry.requested += 1;
            }
        }
        TorrentEvent::SequentialChanged(changed) => torrent.sequential = changed.enabled,
        TorrentEvent::RateCapChanged(changed) => torrent.rate_cap = changed.to,
        TorrentEvent::ShareLimitsChanged(changed) => torrent.share_limits = changed.to,
        TorrentEvent::ShareLimitReached(reached) => {
            torrent.share_limits_reached.note(reached.limit);
            torrent.totals = reached.totals;
        }
        TorrentEvent::LabelsChanged(changed) => torrent.labels.clone_from(&changed.to),
        TorrentEvent::ReannounceRequested(asked) => torrent.reannounce.requested = asked.request,
        TorrentEvent::Reannounced(done) => torrent.reannounce.done = done.request,
        TorrentEvent::RecheckRequested(asked) => torrent.recheck.requested = asked.request,
        TorrentEvent::Rechecked(done) => {
            torrent.recheck.done = done.request;
            torrent.totals = done.totals;
            if !done.complete {
                torrent.completed_at = None;
            }
        }
        TorrentEvent::StateChanged(changed) => {
            torrent.phase = Some(changed.to);
            torrent.totals = changed.totals;
            if changed.to == Phase::Downloading {
                torrent.completed_at = None;
            }
        }
        TorrentEvent::Completed(completed) => {
            torrent.completed_at = Some(completed.at);
            torrent.totals = completed.totals;
        }
        TorrentEvent::Failed(failure) => {
            torrent.failure = Some(failure.clone());
            torrent.retry.done = torrent.retry.requested;
        }
        TorrentEvent::Recovered => {
            torrent.failure = None;
            torrent.retry.done = torrent.retry.requested;
        }
        TorrentEvent::Reconciled(_) => {}
        TorrentEvent::MoveRequested(asked) => torrent.moving_to = Some(asked.to.clone()),
        TorrentEvent::Moved(moved) => {
            torrent.save_path = moved.save_path.clone();
            torrent.moving_to = None;
        }
        TorrentEvent::MoveFailed(_) => torrent.moving_to = None,
        TorrentEvent::RemoveRequested(asked) => {
            torrent.lifecycle = Lifecycle::Removing { delete_data: asked.delete_data };
        }
        TorrentEvent::Removed(_) => torrent.lifecycle = Lifecycle::Removed,
        TorrentEvent::CountersRecorded(totals) => torrent.totals = *totals,
    }
}
