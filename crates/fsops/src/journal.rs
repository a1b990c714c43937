//! What a job writes down of itself: `.revaer.meta`, in the staging directory while it runs and beside the result afterwards.
//!
//! JSON, with a version, written whole into a new file that then takes the place of the old one. While a job runs, what it will
//! do ([`Plan`]) and what it has made lie in files of their own, since they are long and change once; the state is short and is
//! written before and after every step. A job needs nothing else to go on: no database, no settings.

use std::io::{Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::archive::Archive;
use crate::dir::Dir;
use crate::failure::Failure;
use crate::layout::Laid;
use crate::path::{NAME_BYTES_MAX, RelPath, shorten};
use crate::plan::{Plan, Shape};
use crate::step::Step;

/// The version of what is written. Another one is not read.
pub(crate) const VERSION: u32 = 1;
/// The journal in a staging directory.
pub(crate) const STATE: &str = ".revaer.meta";
/// What a job will do.
pub(crate) const PLAN: &str = "plan.json";
/// Where its files go.
pub(crate) const LAYOUT: &str = "layout.json";
/// What it made.
pub(crate) const FILES: &str = "files.json";
/// A journal of 200,000 files with long paths has some 100 MB.
const JSON_BYTES_MAX: u64 = 1 << 30;

/// What a step did, for people and for events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepReport {
    /// The step.
    pub step: Step,
    /// Files that it dealt with.
    pub files: u64,
    /// Bytes in them.
    pub bytes: u64,
    /// What it left out and why, in words: links of archives that lead to nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
}

/// How far a job is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) version: u32,
    pub(crate) job: RelPath,
    /// The start of the machine that the staging directory was filled in. Of one that ended before everything had reached
    /// the disk nobody knows what did.
    pub(crate) boot: String,
    pub(crate) done: Vec<StepReport>,
    pub(crate) begun: Option<Step>,
    pub(crate) failed: Option<Failed>,
    /// What the archives became.
    pub(crate) folders: Vec<Folder>,
    /// Volumes among what was unpacked that were unpacked themselves.
    pub(crate) consumed: Vec<Archive>,
    pub(crate) placing: Option<Placing>,
    pub(crate) placed: Option<Placed>,
}

/// Why a job stands still.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// The step that failed.
    pub step: Step,
    /// See [`Failure::code`].
    pub code: String,
    /// For people.
    pub detail: String,
}

/// A directory that an archive was unpacked into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Folder {
    /// Beneath the staging directory.
    pub(crate) path: RelPath,
    /// The folder of the torrent that its archive lay in; none if that is the uppermost.
    pub(crate) stands_for: Option<RelPath>,
}

/// The result about to be placed, known by its inode, so that a rename that happened is recognised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Placing {
    pub(crate) destination: RelPath,
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) made_directories: Vec<RelPath>,
}

/// The result in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Placed {
    pub(crate) destination: RelPath,
    /// Not if the same was there already.
    pub(crate) made: bool,
    pub(crate) made_directories: Vec<RelPath>,
}

/// How a file got into the library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Made {
    /// A second name of the file in the download.
    Linked,
    /// A file of its own.
    Copied,
    /// A symbolic link.
    Symlinked,
    /// It came out of an archive.
    Unpacked,
}

/// A file of a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacedFile {
    /// Its path in the result; of a result that is one file, its name.
    pub path: RelPath,
    /// Its size.
    pub size_bytes: u64,
    /// When it was changed last, in nanoseconds since 1970.
    pub modified_ns: i64,
    /// Its inode.
    pub inode: u64,
    /// How it got there.
    pub made: Made,
    /// The file of the download that it was made of, beneath the plan's source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<RelPath>,
    /// Hexadecimal digits, if the profile asked for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<String>,
}

/// What lies beside a result: everything that is needed to know what was made, and to undo it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The version of the journal.
    pub version: u32,
    /// How far it is.
    pub status: RecordStatus,
    /// What was to be done.
    pub plan: Plan,
    /// The result, beneath the plan's library.
    pub destination: RelPath,
    /// Directories above the result that were made for it, beneath the library, the uppermost first.
    pub made_directories: Vec<RelPath>,
    /// The files of the result.
    pub files: Vec<PlacedFile>,
}

/// How far a job is whose result is in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordStatus {
    /// Its last step is still to be done.
    Placed,
    /// All is done.
    Completed,
    /// Somebody began to undo it.
    Undoing,
}

impl State {
    pub(crate) fn new(job: RelPath) -> Self {
        Self {
            version: VERSION,
            job,
            boot: boot(),
            done: Vec::new(),
            begun: None,
            failed: None,
            folders: Vec::new(),
            consumed: Vec::new(),
            placing: None,
            placed: None,
        }
    }

    /// The first step that is not done.
    pub(crate) fn next(&self) -> Option<Step> {
        self.done.last().map_or(Some(Step::Verify), |report| report.step.next())
    }
}

impl StepReport {
    pub(crate) fn new(step: Step, files: usize, bytes: u64) -> Self {
        Self { step, files: files as u64, bytes, left_out: Vec::new() }
    }
}

impl Record {
    /// The name that the record of a result has, beside it.
    pub fn name_for(destination: &RelPath) -> String {
        const SUFFIX: &str = ".revaer.meta";
        format!(".{}{SUFFIX}", shorten(destination.name(), NAME_BYTES_MAX - SUFFIX.len() - 1))
    }

    pub(crate) fn shape(&self) -> Shape {
        self.plan.shape
    }
}

/// Which start of the machine this is; nothing where the kernel does not say, so that all are one.
pub(crate) fn boot() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

/// Writes JSON so that a reader finds the old or the new, whole.
pub(crate) fn write<T: Serialize>(dir: &Dir, name: &str, value: &T) -> Result<(), Failure> {
    let fresh = format!("{}.new", shorten(name, NAME_BYTES_MAX - 4));
    dir.remove_file(&fresh)?;
    let file = dir.create_file(&fresh, 0o644)?;
    let shown = dir.shown().join(&fresh);
    let mut buffered = std::io::BufWriter::with_capacity(64 << 10, file);
    let written = serde_json::to_writer(&mut buffered, value)
        .map_err(std::io::Error::from)
        .and_then(|()| buffered.flush())
        .and_then(|()| buffered.get_ref().sync_data());
    written.map_err(|error| match Failure::of_io(error, "write", &shown) {
        Failure::NoSpace { .. } => Failure::NoSpace {
            root: dir.shown().to_owned(),
            needed_bytes: None,
            free_bytes: dir.free_bytes(),
        },
        other => other,
    })?;
    dir.replace(&fresh, name)?;
    dir.sync()
}

#[derive(Deserialize)]
struct Versioned {
    version: Option<u32>,
}

/// Reads what [`write`] wrote; none if there is nothing.
pub(crate) fn read<T: DeserializeOwned>(dir: &Dir, name: &str) -> Result<Option<T>, Failure> {
    let Some(file) = dir.find_file(name)? else { return Ok(None) };
    let path = dir.shown().join(name);
    let mut text = Vec::new();
    file.take(JSON_BYTES_MAX).read_to_end(&mut text).map_err(|error| Failure::of_io(error, "read", &path))?;
    let unusable = |why: String| Failure::Journal { path: path.clone(), why };
    if let Ok(Versioned { version: Some(version) }) = serde_json::from_slice(&text)
        && version != VERSION
    {
        return Err(unusable(format!("it has version {version}, this build reads {VERSION}")));
    }
    serde_json::from_slice(&text).map(Some).map_err(|error| unusable(error.to_string()))
}

/// Where the files of a job go, as the layout was written down.
pub(crate) type Layout = Vec<Laid>;
