//! Why a step did not come to its end: one variant for each thing that whoever runs the job does differently.

use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use serde::{Deserialize, Serialize};

/// The rule that a path broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// It lies beneath no allowed root.
    OutsideRoots,
    /// It is no name that may be used: absolute, with `..`, or too long.
    Name,
    /// A symbolic link stands in the way, or is the thing itself.
    SymbolicLink,
    /// Another file system is mounted on the way.
    MountCrossing,
    /// A device, a pipe or a socket.
    NotRegular,
    /// A file where a directory has to be.
    NotDirectory,
    /// The file has a name elsewhere too, so its mode and owner may not be changed.
    SharedByHardlink,
    /// An entry of an archive has a name that would lie outside.
    ArchiveName,
    /// A link in an archive leads outside.
    ArchiveLink,
    /// Two entries of an archive have the same name.
    ArchiveDuplicate,
    /// The destination lies within what is taken from.
    DestinationInSource,
}

/// A bound that an archive exceeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// Unpacked bytes for each packed byte.
    Ratio,
    /// Unpacked bytes of all archives of a job.
    TotalBytes,
    /// Entries of all archives of a job.
    Entries,
}

/// Why a step did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Something would lie, or lies, where it must not. Nobody should try again before somebody has looked.
    #[error("`{}` is refused by the rule {rule:?}", path.display())]
    Refused {
        /// The rule.
        rule: Rule,
        /// The path, or the name in an archive.
        path: PathBuf,
    },
    /// A file of the torrent is missing or has another size.
    #[error("`{}` has {found_bytes:?} of {expected_bytes} bytes", path.display())]
    Incomplete {
        /// The file.
        path: PathBuf,
        /// The size that it should have.
        expected_bytes: u64,
        /// The size that it has; none if it is not there.
        found_bytes: Option<u64>,
    },
    /// The destination exists, and the profile says what then.
    #[error("`{}` exists", path.display())]
    Conflict {
        /// The destination.
        path: PathBuf,
    },
    /// Nothing is left to be placed by the rules of the profile.
    #[error("no file is left to be placed")]
    NothingToPlace,
    /// A link was asked for, the file system has none for this, and the profile allows no copy.
    #[error("`{}` cannot be linked, and a copy is not allowed", path.display())]
    NoLink {
        /// The file.
        path: PathBuf,
    },
    /// The file system is full, or would be.
    #[error("{needed_bytes:?} bytes are needed beneath `{}`, {free_bytes} are free", root.display())]
    NoSpace {
        /// The library.
        root: PathBuf,
        /// What is needed, if that is known.
        needed_bytes: Option<u64>,
        /// What is free.
        free_bytes: u64,
    },
    /// The right is missing, or the file system is mounted read-only.
    #[error("`{}` may not be written", path.display())]
    Denied {
        /// The file or directory.
        path: PathBuf,
        /// What the kernel says.
        #[source]
        source: io::Error,
    },
    /// A root is not there, or something else is in its place. It may come back.
    #[error("the root `{}` is not there: {why}", root.display())]
    RootAbsent {
        /// The root.
        root: PathBuf,
        /// What was found instead.
        why: String,
    },
    /// No program that opens these archives is installed. One may be.
    #[error("no program on this machine opens `{}`", archive.display())]
    ExtractorMissing {
        /// The archive.
        archive: PathBuf,
    },
    /// The archive is encrypted, and no password fits.
    #[error("no password opens `{}`", archive.display())]
    Password {
        /// The archive.
        archive: PathBuf,
    },
    /// The archive is damaged or is none.
    #[error("`{}` is damaged: {why}", archive.display())]
    Damaged {
        /// The archive.
        archive: PathBuf,
        /// What its reader says.
        why: String,
    },
    /// The archive exceeds a bound.
    #[error("`{}` exceeds the bound {bound:?} of {max}", archive.display())]
    TooLarge {
        /// The archive.
        archive: PathBuf,
        /// The bound.
        bound: Bound,
        /// Its value.
        max: u64,
    },
    /// It was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// Another runner has the job.
    #[error("the job runs elsewhere")]
    Busy,
    /// The journal in the staging directory is of another version, or of another job.
    #[error("the journal `{}` cannot be used: {why}", path.display())]
    Journal {
        /// The journal.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// The caller's own journal refused to go on.
    #[error("the step was not recorded")]
    NotRecorded(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Anything else that the kernel says.
    #[error("{doing} `{}`", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// What the kernel says.
        #[source]
        source: io::Error,
    },
}

impl Failure {
    /// A stable name for clients and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "refused",
            Self::Incomplete { .. } => "incomplete",
            Self::Conflict { .. } => "conflict",
            Self::NothingToPlace => "nothing_to_place",
            Self::NoLink { .. } => "no_link",
            Self::NoSpace { .. } => "no_space",
            Self::Denied { .. } => "denied",
            Self::RootAbsent { .. } => "root_absent",
            Self::ExtractorMissing { .. } => "extractor_missing",
            Self::Password { .. } => "password",
            Self::Damaged { .. } => "damaged",
            Self::TooLarge { .. } => "too_large",
            Self::Cancelled => "cancelled",
            Self::Busy => "busy",
            Self::Journal { .. } => "journal",
            Self::NotRecorded(_) => "not_recorded",
            Self::Io { .. } => "io",
        }
    }

    /// Whether the job should be held until the machine is well again, and then go on by itself.
    pub fn passes(&self) -> bool {
        matches!(
            self,
            Self::RootAbsent { .. }
                | Self::ExtractorMissing { .. }
                | Self::NoSpace { .. }
                | Self::Denied { .. }
                | Self::Busy
        )
    }

    pub(crate) fn refused(rule: Rule, path: impl Into<PathBuf>) -> Self {
        Self::Refused { rule, path: path.into() }
    }

    /// What an answer of the kernel means for a path beneath a root.
    pub(crate) fn of(errno: Errno, doing: &'static str, path: &Path) -> Self {
        let path = path.to_owned();
        match errno {
            Errno::LOOP => Self::Refused { rule: Rule::SymbolicLink, path },
            // A path has no `..` in it, and links are not followed: the one way left to leave is a mount.
            Errno::XDEV => Self::Refused { rule: Rule::MountCrossing, path },
            Errno::NOTDIR => Self::Refused { rule: Rule::NotDirectory, path },
            Errno::NAMETOOLONG => Self::Refused { rule: Rule::Name, path },
            Errno::EXIST | Errno::NOTEMPTY => Self::Conflict { path },
            Errno::NOSPC | Errno::DQUOT => Self::NoSpace { root: path, needed_bytes: None, free_bytes: 0 },
            Errno::ACCESS | Errno::PERM | Errno::ROFS => Self::Denied { path, source: errno.into() },
            Errno::STALE | Errno::NODEV | Errno::NXIO | Errno::NOTCONN => {
                Self::RootAbsent { root: path, why: errno.to_string() }
            }
            _ => Self::Io { doing, path, source: errno.into() },
        }
    }

    pub(crate) fn of_io(error: io::Error, doing: &'static str, path: &Path) -> Self {
        match error.raw_os_error() {
            Some(code) => Self::of(Errno::from_raw_os_error(code), doing, path),
            None => Self::Io { doing, path: path.to_owned(), source: error },
        }
    }
}
