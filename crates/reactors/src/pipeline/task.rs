//! What is to be done about a torrent's job, from the torrent alone.

use revaer_domain::fsops::JobState;
use revaer_domain::torrent::{Lifecycle, Torrent};

use super::worker::Task;

/// What is to be done now; nothing where there is no job, where it has ended, and while files are missing again.
pub(super) fn of(torrent: &Torrent) -> Option<Task> {
    let job = torrent.fsops.as_deref()?;
    match torrent.lifecycle {
        // Whatever was begun must not stay behind.
        Lifecycle::Removing { .. } => job.is_active().then_some(Task::Cancel),
        Lifecycle::Absent | Lifecycle::Removed => None,
        Lifecycle::Live if job.cancel_requested => Some(Task::Cancel),
        Lifecycle::Live if job.state == JobState::Undoing => Some(Task::Undo),
        Lifecycle::Live => torrent.is_in_pipeline().then_some(Task::Run),
    }
}

/// Whether a fact of this kind may change what is to be done: of a torrent that has something to be done, more may.
pub(super) fn may_change(kind: &str, is_known: bool) -> bool {
    match kind {
        "torrent.completed" | "torrent.remove_requested" => true,
        "torrent.rechecked" | "torrent.state_changed" | "torrent.selection_applied" => is_known,
        other => other.starts_with("fsops."),
    }
}

#[cfg(test)]
mod tests {
    use revaer_domain::fsops::{FsopsChosen, FsopsEvent, FsopsJob};
    use revaer_domain::torrent::{Completed, RemoveRequested, TorrentEvent, Totals};
    use revaer_domain::values::JobId;
    use time::OffsetDateTime;
    use ulid::Ulid;

    use super::*;

    const JOB: JobId = JobId::new(Ulid(1));

    fn complete() -> Torrent {
        let fsops = Some(FsopsChosen { job: JOB, profile: "films".to_owned() });
        let mut torrent = Torrent { lifecycle: Lifecycle::Live, ..Torrent::default() };
        let at = OffsetDateTime::UNIX_EPOCH;
        torrent.fold(&TorrentEvent::Completed(Completed { at, totals: Totals::default(), fsops }));
        torrent
    }

    #[test]
    fn job_runs_while_every_file_is_there() {
        let mut torrent = complete();
        assert_eq!(of(&torrent), Some(Task::Run));
        torrent.completed_at = None;
        assert_eq!(of(&torrent), None);
    }

    #[test]
    fn operator_who_cancels_and_removal_end_it() {
        let mut torrent = complete();
        torrent.fold(&TorrentEvent::Fsops(FsopsEvent::CancelRequested(FsopsJob { job: JOB })));
        assert_eq!(of(&torrent), Some(Task::Cancel));
        let mut torrent = complete();
        torrent.fold(&TorrentEvent::RemoveRequested(RemoveRequested { delete_data: false }));
        assert_eq!(of(&torrent), Some(Task::Cancel));
    }
}
