//! What a job will do, decided before anything is touched: pure, from a profile and the facts of a torrent.
//!
//! A plan names every place that the job will read or write. It is kept in the journal, so that a job goes on by what was
//! decided when it began, even if the settings have changed or the database is gone. What archives hold is not known yet: see
//! [`crate::layout`].

use std::collections::HashSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::archive::{self, Archive};
use crate::failure::{Failure, Rule};
use crate::path::{RelPath, split_extension};
use crate::profile::{How, Profile};
use crate::rules::{LeftOut, RuleValues};
use crate::template::Values;

/// More files than in any torrent that clients open; the journal and the lists of a job are in memory.
const FILES_MAX: usize = 200_000;

/// What is known of a torrent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Torrent {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The label that chose the profile, or its first.
    pub label: Option<String>,
    /// Its info hash in hexadecimal digits.
    pub info_hash: String,
    /// The absolute path that its files' paths begin at.
    pub save_path: PathBuf,
    /// Its files.
    pub files: Vec<TorrentFile>,
}

/// A file of a torrent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TorrentFile {
    /// Its path within the torrent, top folder included.
    pub path: String,
    /// Its size.
    pub size_bytes: u64,
    /// Whether it was selected. One that was not is no concern of the job.
    pub wanted: bool,
    /// Whether all of it was downloaded and verified, as libtorrent says.
    pub complete: bool,
}

/// Whether one file or a folder is placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// The one file of the torrent, under the torrent's name.
    File,
    /// A folder.
    Folder,
}

/// A file that the job takes from the download.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payload {
    /// Its path beneath [`Plan::source`].
    pub path: RelPath,
    /// The size that it must have.
    pub size_bytes: u64,
}

/// What a job will do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Names the job, and its staging directory.
    pub job: RelPath,
    /// The torrent's id.
    pub torrent: String,
    /// The torrent's info hash.
    pub info_hash: String,
    /// Where the torrent's paths begin: absolute, beneath an allowed root.
    pub source: PathBuf,
    /// The library: absolute, beneath an allowed root.
    pub library: PathBuf,
    /// The result, beneath the library.
    pub destination: RelPath,
    /// What the result is.
    pub shape: Shape,
    /// The top folder that all paths of the torrent share, and that the result stands for.
    pub top: Option<String>,
    /// All files of the torrent that were selected, archives included.
    pub payload: Vec<Payload>,
    /// Those of them that are unpacked.
    pub archives: Vec<Archive>,
    /// What is left out.
    pub rules: RuleValues,
    /// Everything else.
    pub how: How,
}

impl Plan {
    /// Decides. `job` has to be one component, such as an ULID.
    pub fn new(job: &str, profile: &Profile, torrent: &Torrent) -> Result<Self, Failure> {
        let job = RelPath::parse(job)
            .ok()
            .filter(|job| job.components().count() == 1 && !job.as_str().starts_with('.'))
            .ok_or_else(|| Failure::refused(Rule::Name, job))?;
        let payload = payload(torrent)?;
        let top = top_of(&payload);
        let single = top.is_none() && payload.len() == 1;
        let archives = if profile.how.extract { archives(profile, &payload) } else { Vec::new() };
        let shape = if single && archives.is_empty() && profile.template.ends_in_name() {
            Shape::File
        } else {
            Shape::Folder
        };
        let name = match (&payload[..], shape) {
            // A folder around one file is not called as the file is.
            ([only], Shape::Folder) if single => archives
                .first()
                .map_or_else(|| split_extension(only.path.name()).0, |archive| archive.stem.as_str())
                .to_owned(),
            _ => torrent.name.clone(),
        };
        let destination = profile.template.render(&Values {
            name: &name,
            label: torrent.label.as_deref(),
            id: &torrent.id,
            info_hash: &torrent.info_hash,
        });
        let plan = Self {
            job,
            torrent: torrent.id.clone(),
            info_hash: torrent.info_hash.clone(),
            source: torrent.save_path.clone(),
            library: profile.library_root.clone(),
            destination,
            shape,
            top,
            payload,
            archives,
            rules: profile.rules.values().clone(),
            how: profile.how.clone(),
        };
        plan.refuse_circle()?;
        Ok(plan)
    }

    /// The result's path.
    pub fn destination_path(&self) -> PathBuf {
        self.library.join(self.destination.as_str())
    }

    /// Bytes of all files that are taken from the download.
    pub fn payload_bytes(&self) -> u64 {
        self.payload.iter().fold(0, |sum, file| sum.saturating_add(file.size_bytes))
    }

    /// A library within the torrent's own folder would be its own source.
    fn refuse_circle(&self) -> Result<(), Failure> {
        let destination = self.destination_path();
        let own = self.top.iter().map(String::as_str).chain(
            // Without a top folder the files lie among others, so each counts for itself.
            self.payload.iter().filter(|_| self.top.is_none()).map(|file| file.path.as_str()),
        );
        for own in own {
            if destination.starts_with(self.source.join(own)) {
                return Err(Failure::refused(Rule::DestinationInSource, destination));
            }
        }
        Ok(())
    }
}

fn payload(torrent: &Torrent) -> Result<Vec<Payload>, Failure> {
    if torrent.files.len() > FILES_MAX || !torrent.save_path.is_absolute() {
        return Err(Failure::refused(Rule::Name, &torrent.save_path));
    }
    let mut seen = HashSet::new();
    let mut payload = Vec::new();
    for file in torrent.files.iter().filter(|file| file.wanted) {
        let shown = torrent.save_path.join(file.path.trim_start_matches('/'));
        let refused = || Failure::refused(Rule::Name, &shown);
        let path = RelPath::parse(file.path.as_str()).map_err(|_| refused())?;
        if !file.complete {
            let expected_bytes = file.size_bytes;
            return Err(Failure::Incomplete { path: shown, expected_bytes, found_bytes: None });
        }
        if !seen.insert(path.clone()) {
            return Err(refused());
        }
        payload.push(Payload { path, size_bytes: file.size_bytes });
    }
    if payload.is_empty() {
        return Err(Failure::NothingToPlace);
    }
    // In order of their paths, files of one folder follow each other.
    payload.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(payload)
}

fn top_of(payload: &[Payload]) -> Option<String> {
    let first = payload.first()?.path.ancestors().next()?;
    payload.iter().all(|file| file.path != first && file.path.is_within(&first)).then(|| first.into())
}

/// The archives that are unpacked: all but those that are left out by name. What an include says is about what is in them.
fn archives(profile: &Profile, payload: &[Payload]) -> Vec<Archive> {
    let mut archives = archive::find(payload.iter().map(|file| &file.path));
    archives.retain(|archive| {
        matches!(profile.rules.leaves_out(archive.volumes[0].as_str()), None | Some(LeftOut::NotIncluded))
    });
    archives
}
