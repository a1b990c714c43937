//! What a job does, from the facts of its torrent and a profile of the settings.

use std::path::{Path, PathBuf};

use revaer_application::TorrentFile;
use revaer_domain::fsops::Job;
use revaer_domain::settings::FsopsSettings;
use revaer_domain::torrent::Torrent;
use revaer_domain::values::TorrentId;
use revaer_fsops::{Failure, Plan, Profile, ProfileValues};
use serde::Deserialize;
use serde_json::Value;

/// Why there is no plan.
#[derive(Debug)]
pub(super) enum Unplanned {
    /// The settings have no such profile any more.
    ProfileMissing(String),
    /// The profile cannot be understood on this machine.
    ProfileInvalid(String),
    /// The files and the profile do not go together.
    Failed(Failure),
}

/// The rules that a job goes by: those that it was started with, or those of the settings where it is to start.
pub(super) fn rules(job: &Job, settings: &FsopsSettings) -> Result<Value, Unplanned> {
    if let Some(started) = job.started.as_ref().filter(|started| started.attempt == job.attempt) {
        return Ok(started.rules.clone());
    }
    match settings.profiles.get(&job.profile) {
        Some(profile) => Ok(serde_json::to_value(profile).expect("a profile is plain values")),
        None => Err(Unplanned::ProfileMissing(job.profile.clone())),
    }
}

/// The plan.
pub(super) fn plan(
    (id, torrent): (TorrentId, &Torrent),
    job: &Job,
    rules: &Value,
    files: &[TorrentFile],
    download_root: &Path,
) -> Result<Plan, Unplanned> {
    let invalid = |detail: String| Unplanned::ProfileInvalid(detail);
    let values = ProfileValues::deserialize(rules).map_err(|error| invalid(error.to_string()))?;
    let profile = Profile::parse(&values).map_err(|faults| {
        let told = faults.iter().map(|fault| format!("{}: {}", fault.pointer, fault.detail));
        invalid(told.collect::<Vec<_>>().join("; "))
    })?;
    let chosen_by = torrent.labels.iter().find(|label| values.labels.iter().any(|by| by == label.as_str()));
    let label = chosen_by.or(torrent.labels.first());
    let torrent = revaer_fsops::Torrent {
        id: id.to_string(),
        name: torrent.name.clone(),
        label: label.map(ToString::to_string),
        info_hash: torrent.info_hashes.primary().map(|hash| hash.to_string()).unwrap_or_default(),
        save_path: place(download_root, torrent),
        files: wanted(torrent, files),
    };
    Plan::new(&job.id.to_string(), &profile, &torrent).map_err(Unplanned::Failed)
}

fn place(download_root: &Path, torrent: &Torrent) -> PathBuf {
    match torrent.save_path.as_str() {
        "" => download_root.to_owned(),
        below => download_root.join(below),
    }
}

/// The files with what the session took over of the selection. Of a torrent that is complete every wanted file is.
fn wanted(torrent: &Torrent, files: &[TorrentFile]) -> Vec<revaer_fsops::TorrentFile> {
    let runs = torrent.applied.iter().flat_map(|applied| &applied.priorities);
    let priorities = runs.flat_map(|&(count, priority)| std::iter::repeat_n(priority, count as usize));
    let wanted = priorities.map(|priority| priority > 0).chain(std::iter::repeat(true));
    let files = files.iter().zip(wanted).map(|(file, wanted)| revaer_fsops::TorrentFile {
        path: file.path.clone(),
        size_bytes: file.size_bytes,
        wanted,
        complete: true,
    });
    files.collect()
}

/// Whether two plans do the same, whoever began them.
pub(super) fn is_same_work(one: &Plan, other: &Plan) -> bool {
    Plan { job: one.job.clone(), torrent: one.torrent.clone(), ..other.clone() } == *one
}
