//! The allow-list: the directories of this machine beneath which files may be read, written, linked or removed.
//!
//! A root is opened by the operator's word, links included, and from then on is a descriptor: what is beneath it is asked of
//! the kernel (see [`crate::dir`]). Which root a path belongs to is decided by its text, the longest root that it begins with;
//! whether it stays there is not.
//!
//! A root that is not mounted is an empty directory, and an empty directory is not the library: so what a root *is* can be
//! remembered, by a marker file in it or else by its device, and is asked for whenever the root is opened.

use std::path::{Component, Path, PathBuf};

use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::dir::Dir;
use crate::failure::{Failure, Rule};
use crate::path::RelPath;

/// The file that says which root this is. Its text is one line.
pub const MARKER: &str = ".revaer-root";
/// A longer marker is not one of ours.
const MARKER_BYTES_MAX: u64 = 256;

/// What a root is, beyond its path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// What its marker says. It decides alone, since devices are numbered anew when a machine starts.
    pub marker: Option<String>,
    /// The device that it lies on; asked for if there is no marker.
    pub device: u64,
}

/// A directory that the settings allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// An absolute path.
    pub path: PathBuf,
    /// What it was when it was last well; none if it was never opened.
    pub identity: Option<Identity>,
}

impl Allowed {
    /// A root that was never opened.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), identity: None }
    }
}

/// The allow-list.
#[derive(Debug, Clone, Default)]
pub struct Roots {
    allowed: Vec<Allowed>,
}

/// A root that is open, and is what it was.
#[derive(Debug)]
pub struct Root {
    dir: Dir,
    identity: Identity,
}

/// How a root is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// What it is now.
    pub identity: Identity,
    /// Whether files can be made in it.
    pub writable: bool,
    /// Bytes that are free to us.
    pub free_bytes: u64,
}

impl Roots {
    /// An allow-list. Paths that are not absolute, or climb, are refused.
    pub fn new(allowed: Vec<Allowed>) -> Result<Self, Failure> {
        for root in &allowed {
            let plain =
                root.path.components().all(|c| matches!(c, Component::RootDir | Component::Normal(_)));
            if !root.path.is_absolute() || !plain {
                return Err(Failure::refused(Rule::Name, &root.path));
            }
        }
        Ok(Self { allowed })
    }

    /// The root that a path belongs to, and the rest of the path: none if it is the root itself.
    pub fn locate(&self, path: &Path) -> Result<(&Allowed, Option<RelPath>), Failure> {
        let outside = || Failure::refused(Rule::OutsideRoots, path);
        let root = self
            .allowed
            .iter()
            .filter(|root| path.starts_with(&root.path))
            .max_by_key(|root| root.path.components().count())
            .ok_or_else(outside)?;
        let rest = path.strip_prefix(&root.path).map_err(|_| outside())?;
        if rest.as_os_str().is_empty() {
            return Ok((root, None));
        }
        let rest = rest.to_str().ok_or_else(|| Failure::refused(Rule::Name, path))?;
        let rest = RelPath::parse(rest).map_err(|_| Failure::refused(Rule::Name, path))?;
        Ok((root, Some(rest)))
    }

    /// Opens a directory that lies beneath a root, or is one. A root is asked for what it is first.
    pub(crate) fn open(&self, path: &Path) -> Result<Dir, Failure> {
        let (allowed, rest) = self.locate(path)?;
        let root = Root::open(allowed)?;
        match rest {
            None => Ok(root.dir),
            Some(rest) => root.dir.find_dir(rest.as_str())?.ok_or_else(|| Failure::RootAbsent {
                root: path.to_owned(),
                why: "the directory does not exist".to_owned(),
            }),
        }
    }
}

impl Root {
    /// Opens a root and asks whether it is what it was.
    pub fn open(allowed: &Allowed) -> Result<Self, Failure> {
        let absent = |why: String| Failure::RootAbsent { root: allowed.path.clone(), why };
        let dir = match Dir::open_trusted(&allowed.path) {
            Ok(dir) => dir,
            Err(Errno::ACCESS | Errno::PERM) => {
                return Err(Failure::of(Errno::ACCESS, "open", &allowed.path));
            }
            Err(errno) => return Err(absent(errno.to_string())),
        };
        let identity = Identity { marker: read_marker(&dir)?, device: dir.stat()?.st_dev };
        match &allowed.identity {
            Some(Identity { marker: Some(was), .. }) if identity.marker.as_ref() != Some(was) => {
                Err(absent("its marker is missing or another: is it mounted?".to_owned()))
            }
            Some(Identity { marker: None, device }) if identity.device != *device => {
                Err(absent("it lies on another device than before: is it mounted?".to_owned()))
            }
            _ => Ok(Self { dir, identity }),
        }
    }

    /// What it is now.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Marks the root with a name that nobody else gives, unless it is marked; where it cannot be written its device has to do.
    pub fn mark(&mut self, name: &str) -> Result<&Identity, Failure> {
        if self.identity.marker.is_none() && !name.is_empty() {
            let name: String = name.chars().filter(|c| !c.is_control()).take(100).collect();
            match self.dir.create_file(MARKER, 0o644) {
                Ok(mut file) => {
                    let written = std::io::Write::write_all(&mut file, format!("{name}\n").as_bytes());
                    let synced = written.and_then(|()| file.sync_all());
                    synced.map_err(|error| Failure::of_io(error, "mark", self.dir.shown()))?;
                    self.identity.marker = Some(name);
                }
                Err(Failure::Denied { .. } | Failure::NoSpace { .. }) => {}
                Err(Failure::Conflict { .. }) => self.identity.marker = read_marker(&self.dir)?,
                Err(other) => return Err(other),
            }
        }
        Ok(&self.identity)
    }

    /// Looks whether files can be made in it, by making one that never has a name where the file system can.
    pub fn probe(&self) -> Probe {
        let flags = rustix::fs::OFlags::TMPFILE | rustix::fs::OFlags::WRONLY | rustix::fs::OFlags::CLOEXEC;
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        let writable = match rustix::fs::openat(self.dir.fd(), ".", flags, mode) {
            Ok(_) => true,
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => rustix::fs::accessat(
                self.dir.fd(),
                ".",
                rustix::fs::Access::WRITE_OK,
                rustix::fs::AtFlags::EACCESS,
            )
            .is_ok(),
            Err(_) => false,
        };
        Probe { identity: self.identity.clone(), writable, free_bytes: self.dir.free_bytes() }
    }
}

fn read_marker(dir: &Dir) -> Result<Option<String>, Failure> {
    let Some(file) = dir.find_file(MARKER)? else { return Ok(None) };
    let mut text = String::new();
    let read = std::io::Read::read_to_string(&mut std::io::Read::take(file, MARKER_BYTES_MAX), &mut text);
    match read {
        Ok(_) => Ok(Some(text.trim_end().to_owned())),
        Err(error) => Err(Failure::of_io(error, "read", &dir.shown().join(MARKER))),
    }
}
