//! Facts and commands by the names that the tests give them, and the states that a torrent can be in.

use revaer_domain::selection::{Priority, PriorityRule, SelectionRule, Target};
use revaer_domain::settings::ShareAction;
use revaer_domain::torrent::{
    Add, Added, Completed, Failure, FilesDiscovered, MoveRequested, Origin, Phase, ReachedLimit,
    RemoveRequested, Removed, Requested, SelectionApplied, ShareLimitReached, StateChanged, TorrentCommand,
    TorrentEvent, Totals,
};
use revaer_domain::values::{InfoHashes, Labels, RateCap, SavePath, ShareLimits};
use time::OffsetDateTime;

/// The states that differ in what they accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Absent,
    /// A magnet whose files are not known yet.
    Magnet,
    Downloading,
    Paused,
    Complete,
    /// Downloading, with a check and an announce that were asked for.
    Asked,
    Failed,
    Moving,
    /// On its way out; its files stay.
    Removing,
    Removed,
}

impl State {
    pub(crate) const ALL: [Self; 10] = [
        Self::Absent,
        Self::Magnet,
        Self::Downloading,
        Self::Paused,
        Self::Complete,
        Self::Asked,
        Self::Failed,
        Self::Moving,
        Self::Removing,
        Self::Removed,
    ];

    /// A past that ends in this state.
    pub(crate) fn facts(self) -> Vec<TorrentEvent> {
        let downloading = || vec![added(), discovered(), applied(0), phase(Phase::Downloading)];
        let and = |fact| downloading().into_iter().chain([fact]).collect();
        match self {
            Self::Absent => vec![],
            Self::Magnet => vec![added()],
            Self::Downloading => downloading(),
            Self::Paused => and(TorrentEvent::Paused),
            Self::Complete => and(completed()),
            Self::Asked => {
                let asked = Requested { request: 1 };
                let asked = [TorrentEvent::RecheckRequested(asked), TorrentEvent::ReannounceRequested(asked)];
                downloading().into_iter().chain(asked).collect()
            }
            Self::Failed => and(failed("disk_full")),
            Self::Moving => and(move_requested("new")),
            Self::Removing => and(remove_requested(false)),
            Self::Removed => {
                let removed = TorrentEvent::Removed(Removed { data_deleted: false, left: vec![] });
                Self::Removing.facts().into_iter().chain([removed]).collect()
            }
        }
    }
}

pub(crate) fn place(path: &str) -> SavePath {
    path.parse().expect("a literal of the test")
}

pub(crate) fn labels(names: &[&str]) -> Labels {
    names.iter().map(|name| name.parse().expect("a literal of the test")).collect()
}

pub(crate) fn cap(download_bytes_per_second: u32) -> RateCap {
    let limit = download_bytes_per_second.try_into().expect("a literal of the test");
    RateCap { download_bytes_per_second: Some(limit), upload_bytes_per_second: None }
}

pub(crate) fn share_limits(share_ratio: f64) -> ShareLimits {
    ShareLimits { share_ratio: share_ratio.try_into().ok(), ..ShareLimits::default() }
}

pub(crate) const fn shared_for(seed_time_seconds: u64, action: ShareAction) -> ShareLimitReached {
    ShareLimitReached {
        limit: ReachedLimit::SeedTimeSeconds(seed_time_seconds),
        set_by: None,
        action,
        totals: totals(400),
    }
}

/// Wants the file of this index before the others.
pub(crate) fn rule(index: u32) -> SelectionRule {
    let first = PriorityRule { target: Target::Index(index), priority: Priority::High };
    SelectionRule { priorities: vec![first], ..SelectionRule::default() }
}

pub(crate) const fn totals(bytes: u64) -> Totals {
    Totals { wanted_done_bytes: bytes, downloaded_bytes: bytes, uploaded_bytes: 0 }
}

fn added_as() -> Added {
    Added {
        at: OffsetDateTime::UNIX_EPOCH,
        origin: Origin::Magnet("magnet:?xt=urn:btih:0101010101010101010101010101010101010101".to_owned()),
        info_hashes: InfoHashes { v1: Some([1; 20]), v2: None },
        name: "name".to_owned(),
        save_path: place("old"),
        paused: false,
        sequential: false,
        rate_cap: RateCap::default(),
        share_limits: ShareLimits::default(),
        labels: Labels::new(),
        selection: SelectionRule::default(),
        trackers: vec!["http://a.example/announce".to_owned()],
        peers: vec![],
    }
}

pub(crate) fn files_as() -> FilesDiscovered {
    FilesDiscovered {
        info_hashes: InfoHashes { v1: Some([1; 20]), v2: Some([2; 32]) },
        name: "real name".to_owned(),
        file_count: 4,
        size_bytes: 400,
        piece_length_bytes: 16,
        piece_count: 25,
        trackers: vec!["http://a.example/announce".to_owned(), "http://b.example/announce".to_owned()],
    }
}

/// Every file as usual.
pub(crate) fn applied_as(revision: u32) -> SelectionApplied {
    SelectionApplied { revision, priorities: vec![(4, 4)], wanted_bytes: 400 }
}

pub(crate) fn add(files: Option<FilesDiscovered>, selection: SelectionRule) -> TorrentCommand {
    TorrentCommand::Add(Box::new(Add { added: Added { selection, ..added_as() }, files }))
}

pub(crate) fn added() -> TorrentEvent {
    TorrentEvent::Added(Box::new(added_as()))
}

pub(crate) fn discovered() -> TorrentEvent {
    TorrentEvent::FilesDiscovered(files_as())
}

pub(crate) fn applied(revision: u32) -> TorrentEvent {
    TorrentEvent::SelectionApplied(applied_as(revision))
}

pub(crate) fn phase(to: Phase) -> TorrentEvent {
    TorrentEvent::StateChanged(StateChanged { from: None, to, totals: totals(100) })
}

pub(crate) fn completed() -> TorrentEvent {
    TorrentEvent::Completed(Completed { at: OffsetDateTime::UNIX_EPOCH, totals: totals(400) })
}

pub(crate) fn failure(code: &str) -> Failure {
    Failure { code: code.to_owned(), detail: "in the words of the system".to_owned() }
}

pub(crate) fn failed(code: &str) -> TorrentEvent {
    TorrentEvent::Failed(failure(code))
}

pub(crate) fn move_requested(to: &str) -> TorrentEvent {
    TorrentEvent::MoveRequested(MoveRequested { from: place("old"), to: place(to) })
}

pub(crate) fn remove_requested(delete_data: bool) -> TorrentEvent {
    TorrentEvent::RemoveRequested(RemoveRequested { delete_data })
}
