//! A log of many facts that mean something: torrents that were added, downloaded and changed.
//!
//! Each has ten facts, six when it comes and four long after: a reader cannot be done with one torrent before the next. They
//! claim no info hash, so a service that starts on them puts none of them into its session.

use std::collections::BTreeSet;

use revaer_domain::selection::SelectionRule;
use revaer_domain::torrent::{
    Added, Completed, FilesDiscovered, LabelsChanged, Origin, Phase, RateCapChanged, SelectionApplied,
    StateChanged, TorrentEvent, Totals,
};
use revaer_domain::values::{InfoHashes, RateCap, ShareLimits, TorrentId};
use revaer_event_log::{Append, EventLog, StreamId};
use revaer_event_schema::{Metadata, encode_torrent};
use time::OffsetDateTime;
use tokio::task::JoinSet;
use ulid::Ulid;

/// Facts of each torrent.
pub(crate) const FACTS_OF_A_TORRENT: usize = 10;
/// Commands under way at once.
const AT_ONCE: u64 = 128;

/// The id of a torrent, by its number.
pub(crate) fn id(number: u64) -> TorrentId {
    TorrentId::new(Ulid::from_parts(1_750_000_000_000 + number, u128::from(number)))
}

/// Appends everything, and stores the lists of files that it speaks of.
pub(crate) async fn fill(log: &EventLog, torrents: u64) {
    let lists = "INSERT INTO file_lists (torrent_id, body) SELECT id, \
                 '[{\"path\":\"film/film.mkv\",\"size_bytes\":4000000},{\"path\":\"film/film.srt\",\"size_bytes\":90000}]' \
                 FROM unnest($1::text[]) AS id";
    for numbers in (0..torrents).collect::<Vec<_>>().chunks(10_000) {
        let ids: Vec<_> = numbers.iter().map(|number| id(*number).to_string()).collect();
        sqlx::query(lists).bind(ids).execute(log.pool()).await.expect("lists are stored");
    }
    for part in [first as fn(u64) -> Vec<TorrentEvent>, later] {
        let mut appending = JoinSet::new();
        for offset in 0..AT_ONCE {
            let log = log.clone();
            appending.spawn(async move {
                for number in (offset..torrents).step_by(usize::try_from(AT_ONCE).expect("small")) {
                    let version = if part(number).len() == 6 { 0 } else { 6 };
                    append(&log, number, version, &part(number)).await;
                }
            });
        }
        appending.join_all().await;
    }
    let vacuum = "VACUUM ANALYZE events";
    sqlx::query(vacuum).execute(log.pool()).await.expect("the tables are ours");
}

async fn append(log: &EventLog, number: u64, expected: u32, events: &[TorrentEvent]) {
    let request = "01JD4Z6V7Q8W9X0Y1Z2A3B4C5D";
    let metadata =
        Metadata { request_id: Some(request.to_owned()), ..Metadata::of_system("operator", request) };
    let append = Append {
        stream: StreamId::new(&id(number).stream()).expect("a torrent's stream"),
        expected,
        facts: events.iter().map(|event| encode_torrent(event, &metadata)).collect(),
        command: None,
        claims: Vec::new(),
        releases: Vec::new(),
    };
    log.append(append).await.expect("it appends");
}

/// What happens to a torrent until it seeds.
pub(crate) fn beginning(
    at: OffsetDateTime,
    name: &str,
    hashes: InfoHashes,
    size_bytes: u64,
) -> Vec<TorrentEvent> {
    let totals = Totals { wanted_done_bytes: size_bytes, downloaded_bytes: size_bytes, uploaded_bytes: 0 };
    let added = Added {
        at,
        origin: Origin::Metainfo,
        info_hashes: hashes,
        name: name.to_owned(),
        save_path: String::new().parse().expect("the download root itself"),
        paused: false,
        sequential: false,
        rate_cap: RateCap::default(),
        labels: BTreeSet::new(),
        selection: SelectionRule::default(),
        trackers: Vec::new(),
        peers: Vec::new(),
        fsops_profile: None,
        share_limits: ShareLimits::default(),
    };
    let files = FilesDiscovered {
        info_hashes: hashes,
        name: name.to_owned(),
        file_count: 1,
        size_bytes,
        piece_length_bytes: 16 << 10,
        piece_count: u32::try_from(size_bytes.div_ceil(16 << 10)).expect("a small torrent"),
        trackers: Vec::new(),
    };
    let applied = SelectionApplied { revision: 0, priorities: vec![(1, 4)], wanted_bytes: size_bytes };
    let downloading = StateChanged { from: None, to: Phase::Downloading, totals: Totals::default() };
    let seeding = StateChanged { from: Some(Phase::Downloading), to: Phase::Seeding, totals };
    vec![
        TorrentEvent::Added(Box::new(added)),
        TorrentEvent::FilesDiscovered(files),
        TorrentEvent::SelectionApplied(applied),
        TorrentEvent::StateChanged(downloading),
        TorrentEvent::Completed(Completed { at, totals, fsops: None }),
        TorrentEvent::StateChanged(seeding),
    ]
}

fn first(number: u64) -> Vec<TorrentEvent> {
    let mut v1 = [0; 20];
    v1[..8].copy_from_slice(&number.to_be_bytes());
    let hashes = InfoHashes { v1: Some(v1), v2: None };
    let name = format!("A film of {} that nobody has seen, part {number}", 1900 + number % 125);
    beginning(OffsetDateTime::UNIX_EPOCH, &name, hashes, 4_000_000 + number)
}

fn later(number: u64) -> Vec<TorrentEvent> {
    let label = |text: &str| text.parse().expect("a label");
    let labels = BTreeSet::from([label("seen"), label(&format!("shelf {}", number % 100))]);
    let totals = Totals {
        wanted_done_bytes: 4_000_000 + number,
        downloaded_bytes: 4_000_000 + number,
        uploaded_bytes: number * 1000,
    };
    vec![
        TorrentEvent::LabelsChanged(LabelsChanged { from: BTreeSet::new(), to: labels }),
        TorrentEvent::RateCapChanged(RateCapChanged { from: RateCap::default(), to: RateCap::default() }),
        TorrentEvent::CountersRecorded(totals),
        TorrentEvent::Paused,
    ]
}
