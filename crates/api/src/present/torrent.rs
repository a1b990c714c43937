//! A torrent as the wire carries it, from a row of the read model or from the fold of its stream.
//!
//! Both go through the same last step, so that a list and the answer to a command say the same of the same torrent.

use revaer_application::LiveRates;
use revaer_domain::selection::{SelectionRule, Target};
use revaer_domain::torrent::{Failure, Status, Torrent as Fold, Totals};
use revaer_domain::values::{InfoHashes, RateCap, ShareLimits, TorrentId};
use revaer_event_log::{Position, Version};
use revaer_projections::{TorrentRow, tracker_hosts};
use revaer_wire::{self as wire, Torrent};
use time::OffsetDateTime;

use super::time;

/// What a torrent does at this moment.
#[derive(Debug, Clone, Copy, Default)]
struct Moment {
    progress: f64,
    downloaded_bytes: u64,
    uploaded_bytes: u64,
    download_bytes_per_second: u64,
    upload_bytes_per_second: u64,
    peers: u32,
    seeds: u32,
}

/// What does not change from moment to moment.
struct Known {
    id: TorrentId,
    info_hashes: InfoHashes,
    name: String,
    status: Status,
    size_bytes: Option<u64>,
    wanted_bytes: Option<u64>,
    labels: Vec<String>,
    trackers: Vec<String>,
    added_at: OffsetDateTime,
    completed_at: Option<OffsetDateTime>,
    save_path: String,
    error: Option<Failure>,
    selection: SelectionRule,
    rate_cap: RateCap,
    share_limits: ShareLimits,
    sequential: bool,
    version: Version,
    position: Position,
}

/// A row of the read model.
pub(crate) fn of_row(row: TorrentRow) -> Torrent {
    let moment = Moment {
        progress: row.progress,
        downloaded_bytes: row.downloaded_bytes,
        uploaded_bytes: row.uploaded_bytes,
        download_bytes_per_second: row.download_bytes_per_second,
        upload_bytes_per_second: row.upload_bytes_per_second,
        peers: row.peers,
        seeds: row.seeds,
    };
    let known = Known {
        id: row.id,
        info_hashes: row.info_hashes,
        name: row.name,
        status: row.status,
        size_bytes: row.size_bytes,
        wanted_bytes: row.wanted_bytes,
        labels: row.labels,
        trackers: row.trackers,
        added_at: row.added_at,
        completed_at: row.completed_at,
        save_path: row.save_path,
        error: row.error,
        selection: row.selection,
        rate_cap: row.rate_cap,
        share_limits: row.share_limits,
        sequential: row.sequential,
        version: row.version,
        position: row.position,
    };
    torrent(known, moment)
}

/// The fold of a stream, with what the session says of it now, if it is asked. `None` for a torrent that is not there: never
/// added, or removed.
pub(crate) fn of_fold(
    id: TorrentId,
    fold: Fold,
    version: Version,
    position: Position,
    rates: Option<LiveRates>,
) -> Option<Torrent> {
    let status = fold.status()?;
    let moment = moment(&fold, status, rates);
    let known = Known {
        id,
        info_hashes: fold.info_hashes,
        status,
        size_bytes: fold.files.as_ref().map(|files| files.size_bytes),
        wanted_bytes: fold.wanted_bytes(),
        labels: fold.labels.iter().map(ToString::to_string).collect(),
        trackers: tracker_hosts(&fold.trackers),
        added_at: fold.added_at?,
        completed_at: fold.completed_at,
        save_path: fold.save_path.to_string(),
        error: fold.failure,
        selection: fold.selection,
        rate_cap: fold.rate_cap,
        share_limits: fold.share_limits,
        sequential: fold.sequential,
        name: fold.name,
        version,
        position,
    };
    Some(torrent(known, moment))
}

fn moment(fold: &Fold, status: Status, rates: Option<LiveRates>) -> Moment {
    let totals = |totals: Totals| {
        let progress = Fold { totals, ..fold.clone() }.progress();
        Moment {
            progress,
            downloaded_bytes: totals.downloaded_bytes,
            uploaded_bytes: totals.uploaded_bytes,
            ..Moment::default()
        }
    };
    match rates {
        None => totals(fold.totals),
        // What stands still has no rate, though the session may still remember one.
        Some(rates) if is_still(status) => totals(rates.totals),
        Some(rates) => Moment {
            download_bytes_per_second: rates.download_bytes_per_second,
            upload_bytes_per_second: rates.upload_bytes_per_second,
            peers: rates.peers,
            seeds: rates.seeds,
            ..totals(rates.totals)
        },
    }
}

const fn is_still(status: Status) -> bool {
    matches!(status, Status::Paused | Status::Completed | Status::Failed)
}

fn torrent(known: Known, moment: Moment) -> Torrent {
    Torrent {
        id: known.id.to_string(),
        info_hashes: wire::InfoHashes {
            v1: hash(known.info_hashes, true),
            v2: hash(known.info_hashes, false),
        },
        state: known.status.name().to_owned(),
        progress: moment.progress,
        size_bytes: known.size_bytes,
        wanted_bytes: known.wanted_bytes,
        downloaded_bytes: moment.downloaded_bytes,
        uploaded_bytes: moment.uploaded_bytes,
        download_bytes_per_second: moment.download_bytes_per_second,
        upload_bytes_per_second: moment.upload_bytes_per_second,
        ratio: ratio(moment),
        eta_seconds: eta_seconds(known.wanted_bytes, moment),
        peers: moment.peers,
        seeds: moment.seeds,
        labels: known.labels,
        trackers: known.trackers,
        added_at: time(known.added_at),
        completed_at: known.completed_at.map(time),
        content_path: content_path(&known.save_path, &known.name, known.size_bytes.is_some()),
        save_path: known.save_path,
        name: known.name,
        error: known.error.map(|failure| wire::Failure { code: failure.code, detail: failure.detail }),
        selection: selection(known.selection),
        rate_cap: wire::RateCap {
            download_bytes_per_second: known.rate_cap.download_bytes_per_second.map(u32::from),
            upload_bytes_per_second: known.rate_cap.upload_bytes_per_second.map(u32::from),
        },
        share_limits: wire::ShareLimits {
            share_ratio: known.share_limits.share_ratio.map(f64::from),
            seed_time_seconds: known.share_limits.seed_time_seconds,
            share_action: known.share_limits.share_action.map(|action| action.name().to_owned()),
        },
        sequential: known.sequential,
        version: known.version,
        position: known.position.0,
    }
}

fn hash(hashes: InfoHashes, v1: bool) -> Option<String> {
    let wanted = if v1 { InfoHashes { v2: None, ..hashes } } else { InfoHashes { v1: None, ..hashes } };
    wanted.primary().map(|hash| hash.to_string())
}

pub(super) fn selection(rule: SelectionRule) -> wire::Selection {
    let priorities = rule.priorities.into_iter().map(|rule| {
        let (index, glob) = match rule.target {
            Target::Index(index) => (Some(index), None),
            Target::Glob(glob) => (None, Some(glob)),
        };
        wire::SelectionPriority { index, glob, priority: rule.priority.into() }
    });
    wire::Selection {
        priorities: priorities.collect(),
        include: rule.include,
        exclude: rule.exclude,
        case_sensitive: rule.case_sensitive,
        skip_fluff: rule.skip_fluff,
        first_last_piece_first: rule.first_last_piece_first,
    }
}

/// The file or the top folder; the folder that it is in, while the name is only what a magnet URI calls it.
fn content_path(save_path: &str, name: &str, is_known: bool) -> String {
    let plain =
        !matches!(name, "" | "." | "..") && !name.chars().any(|c| c == '/' || c == '\\' || c.is_control());
    match (is_known && plain, save_path) {
        (false, _) => save_path.to_owned(),
        (true, "") => name.to_owned(),
        (true, _) => format!("{save_path}/{name}"),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a ratio to show: 53 bits are plenty")]
fn ratio(moment: Moment) -> Option<f64> {
    (moment.downloaded_bytes > 0).then(|| moment.uploaded_bytes as f64 / moment.downloaded_bytes as f64)
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate to show, of what is never negative"
)]
fn eta_seconds(wanted_bytes: Option<u64>, moment: Moment) -> Option<u64> {
    let left = wanted_bytes? as f64 * (1.0 - moment.progress);
    let moves = moment.download_bytes_per_second > 0 && left > 0.0;
    moves.then(|| (left / moment.download_bytes_per_second as f64).ceil() as u64)
}
