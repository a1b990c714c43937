//! A directory held open, and everything that is done beneath it.
//!
//! Every path is resolved by the kernel from a descriptor with `openat2`: beneath it, through no symbolic link and into no
//! other mount. What is written, renamed, linked or removed is one name in a directory that is held open, so nobody can put
//! another directory in its place between the look and the act. Nothing here takes a path from the root of the machine, and
//! no file that exists is ever opened for writing.

use std::fs::File;
use std::path::{Path, PathBuf};

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, RenameFlags, ResolveFlags, Stat};
use rustix::io::Errno;

use crate::failure::{Failure, Rule};
use crate::path::RelPath;

const RESOLVE: ResolveFlags = ResolveFlags::BENEATH
    .union(ResolveFlags::NO_SYMLINKS)
    .union(ResolveFlags::NO_MAGICLINKS)
    .union(ResolveFlags::NO_XDEV);

/// How often a look-up is tried that the kernel gave up because something was renamed meanwhile.
const TRIES_MAX: u32 = 64;

/// A directory held open.
#[derive(Debug)]
pub(crate) struct Dir {
    fd: OwnedFd,
    /// For people only: what the path was when it was opened.
    shown: PathBuf,
}

/// What a name in a directory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Directory,
    SymbolicLink,
    Other,
}

/// One name in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

impl Dir {
    /// Opens a directory by the operator's word: links in this path are followed.
    pub(crate) fn open_trusted(path: &Path) -> Result<Self, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::open(path, flags, Mode::empty())?;
        Ok(Self { fd, shown: path.to_owned() })
    }

    /// The path for people.
    pub(crate) fn shown(&self) -> &Path {
        &self.shown
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    fn resolve(&self, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        for _ in 0..TRIES_MAX {
            let opened = rustix::fs::openat2(&self.fd, path, flags | OFlags::CLOEXEC, Mode::empty(), RESOLVE);
            if !matches!(opened, Err(Errno::AGAIN)) {
                return opened;
            }
        }
        Err(Errno::AGAIN)
    }

    fn failure(&self, errno: Errno, doing: &'static str, path: &str) -> Failure {
        match Failure::of(errno, doing, &self.shown.join(path)) {
            Failure::NoSpace { needed_bytes, .. } => {
                Failure::NoSpace { root: self.shown.clone(), needed_bytes, free_bytes: self.free_bytes() }
            }
            other => other,
        }
    }

    /// Another hold of the same directory.
    pub(crate) fn again(&self) -> Result<Self, Failure> {
        let fd = self.fd.try_clone().map_err(|error| Failure::of_io(error, "open", &self.shown))?;
        Ok(Self { fd, shown: self.shown.clone() })
    }

    /// Opens a directory beneath this one.
    pub(crate) fn open_dir(&self, path: &str) -> Result<Self, Failure> {
        self.find_dir(path)?.ok_or_else(|| self.failure(Errno::NOENT, "open", path))
    }

    /// Opens a directory beneath this one, if it is there.
    pub(crate) fn find_dir(&self, path: &str) -> Result<Option<Self>, Failure> {
        match self.resolve(path, OFlags::RDONLY | OFlags::DIRECTORY) {
            Ok(fd) => Ok(Some(Self { fd, shown: self.shown.join(path) })),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(self.failure(errno, "open", path)),
        }
    }

    /// Opens the directory that a path lies in.
    pub(crate) fn parent_of(&self, path: &RelPath) -> Result<Self, Failure> {
        path.parent().map_or_else(|| self.again(), |parent| self.open_dir(parent.as_str()))
    }

    /// Opens a regular file for reading. A pipe does not make it wait and a device is not touched.
    pub(crate) fn open_file(&self, path: &str) -> Result<File, Failure> {
        self.find_file(path)?.ok_or_else(|| self.failure(Errno::NOENT, "open", path))
    }

    /// Opens a regular file for reading, if it is there.
    pub(crate) fn find_file(&self, path: &str) -> Result<Option<File>, Failure> {
        let fd = match self.resolve(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::NXIO) => return Err(Failure::refused(Rule::NotRegular, self.shown.join(path))),
            Err(errno) => return Err(self.failure(errno, "open", path)),
        };
        let stat = rustix::fs::fstat(&fd).map_err(|errno| self.failure(errno, "look at", path))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(Failure::refused(Rule::NotRegular, self.shown.join(path)));
        }
        Ok(Some(fd.into()))
    }

    /// What is at a path; a symbolic link as the last component is told as such. None if nothing is there.
    pub(crate) fn look(&self, path: &str) -> Result<Option<Stat>, Failure> {
        match self.resolve(path, OFlags::PATH | OFlags::NOFOLLOW) {
            Ok(fd) => rustix::fs::fstat(&fd).map(Some).map_err(|errno| self.failure(errno, "look at", path)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(self.failure(errno, "look at", path)),
        }
    }

    /// What one name in this directory is, a symbolic link being told as such. None if nothing is there.
    pub(crate) fn look_name(&self, name: &str) -> Result<Option<Stat>, Failure> {
        match rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(self.failure(errno, "look at", name)),
        }
    }

    /// What this directory is.
    pub(crate) fn stat(&self) -> Result<Stat, Failure> {
        rustix::fs::fstat(&self.fd).map_err(|errno| self.failure(errno, "look at", ""))
    }

    /// Bytes that are free to us; zero if the file system does not say.
    pub(crate) fn free_bytes(&self) -> u64 {
        rustix::fs::fstatvfs(&self.fd).map_or(0, |stat| stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    /// Makes a directory; it may be there.
    pub(crate) fn make_dir(&self, name: &str, mode: u32) -> Result<Self, Failure> {
        match rustix::fs::mkdirat(&self.fd, name, Mode::from_raw_mode(mode)) {
            Ok(()) | Err(Errno::EXIST) => self.open_dir(name),
            Err(errno) => Err(self.failure(errno, "make", name)),
        }
    }

    /// Makes every directory of a path; they may be there.
    pub(crate) fn make_dirs(&self, path: &RelPath, mode: u32) -> Result<Self, Failure> {
        // Mostly it is there already.
        if let Some(there) = self.find_dir(path.as_str())? {
            return Ok(there);
        }
        path.components().try_fold(self.again()?, |dir, name| dir.make_dir(name, mode))
    }

    /// Makes a new file for writing. One that exists is a conflict.
    pub(crate) fn create_file(&self, name: &str, mode: u32) -> Result<File, Failure> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::openat(&self.fd, name, flags, Mode::from_raw_mode(mode))
            .map(File::from)
            .map_err(|errno| self.failure(errno, "create", name))
    }

    /// Makes a symbolic link.
    pub(crate) fn make_link(&self, name: &str, target: &Path) -> Result<(), Failure> {
        rustix::fs::symlinkat(target, &self.fd, name).map_err(|errno| self.failure(errno, "link", name))
    }

    /// Where a symbolic link leads.
    pub(crate) fn read_link(&self, name: &str) -> Result<PathBuf, Failure> {
        let target = rustix::fs::readlinkat(&self.fd, name, Vec::new())
            .map_err(|errno| self.failure(errno, "read the link", name))?;
        Ok(PathBuf::from(String::from_utf8_lossy(target.as_bytes()).into_owned()))
    }

    /// Gives a file in this directory a second name in another. The answer of the kernel is for the caller to weigh.
    pub(crate) fn link(&self, name: &str, to: &Self, to_name: &str) -> Result<(), Errno> {
        rustix::fs::linkat(&self.fd, name, &to.fd, to_name, AtFlags::empty())
    }

    /// Moves a name to another directory of the same file system, where it must not exist.
    pub(crate) fn rename(&self, name: &str, to: &Self, to_name: &str) -> Result<(), Failure> {
        match rustix::fs::renameat_with(&self.fd, name, &to.fd, to_name, RenameFlags::NOREPLACE) {
            Ok(()) => Ok(()),
            // Some network and user-space file systems do not know the flag.
            Err(Errno::INVAL | Errno::NOSYS) => self.rename_without_flag(name, to, to_name),
            Err(errno) => Err(to.failure(errno, "rename to", to_name)),
        }
    }

    /// The same in two steps, neither of which can take the place of what exists: a file gets a second name before it loses the
    /// first, and a directory takes the place of an empty one that was just made.
    fn rename_without_flag(&self, name: &str, to: &Self, to_name: &str) -> Result<(), Failure> {
        let failed = |errno| to.failure(errno, "rename to", to_name);
        let is_directory = self
            .look_name(name)?
            .is_some_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory);
        if is_directory {
            rustix::fs::mkdirat(&to.fd, to_name, Mode::from_raw_mode(0o700)).map_err(failed)?;
            return rustix::fs::renameat(&self.fd, name, &to.fd, to_name).map_err(failed);
        }
        self.link(name, to, to_name).map_err(failed)?;
        self.remove_file(name)
    }

    /// Moves a name of ours over another of ours: for the journal alone.
    pub(crate) fn replace(&self, name: &str, to_name: &str) -> Result<(), Failure> {
        rustix::fs::renameat(&self.fd, name, &self.fd, to_name)
            .map_err(|errno| self.failure(errno, "rename to", to_name))
    }

    /// Removes a name that is no directory. It may be gone.
    pub(crate) fn remove_file(&self, name: &str) -> Result<(), Failure> {
        match rustix::fs::unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(self.failure(errno, "remove", name)),
        }
    }

    /// Removes a directory if it is empty, and says whether it is gone.
    pub(crate) fn remove_empty_dir(&self, name: &str) -> Result<bool, Failure> {
        match rustix::fs::unlinkat(&self.fd, name, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT) => Ok(true),
            Err(Errno::NOTEMPTY | Errno::EXIST | Errno::BUSY) => Ok(false),
            Err(errno) => Err(self.failure(errno, "remove", name)),
        }
    }

    /// Removes whatever a name is, with everything beneath it. It may be gone.
    pub(crate) fn remove_tree(&self, name: &str) -> Result<(), Failure> {
        let Some(stat) = self.look(name)? else { return Ok(()) };
        if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
            return self.remove_file(name);
        }
        let dir = self.open_dir(name)?;
        for named in dir.names()? {
            dir.remove_tree(&named.name)?;
        }
        self.remove_empty_dir(name)?;
        Ok(())
    }

    /// The names in this directory, in order.
    pub(crate) fn names(&self) -> Result<Vec<Named>, Failure> {
        let failed = |errno| self.failure(errno, "list", "");
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.fd).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let Ok(name) = entry.file_name().to_str() else {
                let name = entry.file_name().to_string_lossy().into_owned();
                return Err(Failure::refused(Rule::Name, self.shown.join(name)));
            };
            if name == "." || name == ".." {
                continue;
            }
            let mut kind = entry.file_type();
            if kind == FileType::Unknown {
                // Some file systems do not tell while listing.
                let Some(stat) = self.look(name)? else { continue };
                kind = FileType::from_raw_mode(stat.st_mode);
            }
            names.push(Named { name: name.to_owned(), kind: Kind::from(kind) });
        }
        names.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(names)
    }

    /// Every file beneath this directory with its path, in order; and what is neither file nor directory too.
    pub(crate) fn walk(&self) -> Result<Vec<(RelPath, Kind)>, Failure> {
        let mut found = Vec::new();
        self.walk_into("", &mut |path, kind| found.push((path, kind)))?;
        Ok(found)
    }

    fn walk_into(&self, prefix: &str, visit: &mut dyn FnMut(RelPath, Kind)) -> Result<(), Failure> {
        for named in self.names()? {
            let path =
                if prefix.is_empty() { named.name.clone() } else { format!("{prefix}/{}", named.name) };
            match named.kind {
                Kind::Directory => self.open_dir(&named.name)?.walk_into(&path, visit)?,
                kind => {
                    let parsed = RelPath::parse(path)
                        .map_err(|_| Failure::refused(Rule::Name, self.shown.join(&named.name)))?;
                    visit(parsed, kind);
                }
            }
        }
        Ok(())
    }

    /// Has the directory itself, that is its names, reach the disk.
    pub(crate) fn sync(&self) -> Result<(), Failure> {
        // Some file systems have no such thing for directories, and then need none.
        match rustix::fs::fsync(&self.fd) {
            Ok(()) | Err(Errno::INVAL | Errno::NOTSUP) => Ok(()),
            Err(errno) => Err(self.failure(errno, "sync", "")),
        }
    }

    /// Has everything that was written to this file system reach the disk.
    pub(crate) fn sync_file_system(&self) -> Result<(), Failure> {
        rustix::fs::syncfs(&self.fd).map_err(|errno| self.failure(errno, "sync", ""))
    }
}

impl From<FileType> for Kind {
    fn from(kind: FileType) -> Self {
        match kind {
            FileType::RegularFile => Self::File,
            FileType::Directory => Self::Directory,
            FileType::Symlink => Self::SymbolicLink,
            _ => Self::Other,
        }
    }
}
