//! Deleting the files of a torrent, by a look at the disk and by descriptor.
//!
//! libtorrent's own word on deletion is late and not truthful, and it deletes what another torrent shares. So it is told to
//! keep the files, and this removes exactly what the metainfo names, then the folders that are empty. No symbolic link is
//! followed: what lies behind one is not the torrent's.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use revaer_domain::torrent::LeftFile;
use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, Mode, OFlags, openat, unlinkat};
use rustix::io::Errno;

use crate::paths::is_confined;

/// So many left files are named; the rest would only make the fact large.
const LEFT_MAX: usize = 100;
/// A write that was under way when the torrent left the session may bring a file back.
const LATE_WRITES: Duration = Duration::from_millis(50);

/// What to delete.
#[derive(Debug)]
pub(crate) struct Deletion {
    /// The download root.
    pub(crate) root: PathBuf,
    /// The torrent's folder, relative to the root.
    pub(crate) save_path: String,
    /// Its files, relative to that.
    pub(crate) files: Vec<String>,
    /// Files beside them that libtorrent made.
    pub(crate) traces: Vec<String>,
    /// Whole paths that another torrent has too.
    pub(crate) shared: HashSet<PathBuf>,
}

/// What the disk looks like afterwards.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Whether nothing of the torrent is left.
    pub(crate) data_deleted: bool,
    /// What is left, and why.
    pub(crate) left: Vec<LeftFile>,
}

impl Deletion {
    /// Deletes, waits for late writes, and deletes again. Blocks.
    pub(crate) fn carry_out(&self) -> Outcome {
        self.pass();
        std::thread::sleep(LATE_WRITES);
        self.pass()
    }

    fn pass(&self) -> Outcome {
        let base = match self.base() {
            Ok(base) => base,
            Err(Errno::NOENT) => return Outcome { data_deleted: true, left: Vec::new() },
            Err(error) => return self.all_left(&reason(error)),
        };
        let mut left = Vec::new();
        let mut left_count = 0_usize;
        let mut folders = BTreeSet::new();
        for file in &self.files {
            let refusal = self.delete(&base, file, &mut folders).err();
            if let Some(reason) = refusal {
                left_count += 1;
                if left.len() < LEFT_MAX {
                    left.push(LeftFile { path: file.clone(), reason });
                }
            }
        }
        for trace in &self.traces {
            let _ = unlinkat(&base, trace.as_str(), AtFlags::empty());
        }
        // The deepest first: a folder sorts before what lies in it.
        for folder in folders.iter().rev() {
            let (parent, name) = split(folder);
            if let Ok(parent) = descend(&base, parent) {
                // Not empty: something of somebody else lies in it.
                let _ = unlinkat(&parent, name, AtFlags::REMOVEDIR);
            }
        }
        Outcome { data_deleted: left_count == 0, left }
    }

    fn base(&self) -> Result<OwnedFd, Errno> {
        // The root is the operator's word and may be a link; nothing beneath it may.
        let root =
            rustix::fs::open(&self.root, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        descend(&root, &self.save_path)
    }

    fn delete(&self, base: &OwnedFd, file: &str, folders: &mut BTreeSet<String>) -> Result<(), String> {
        if !is_confined(file) {
            return Err("its path leads out of the torrent's folder".to_owned());
        }
        let (parent, name) = split(file);
        for (index, _) in file.match_indices('/') {
            folders.insert(file[..index].to_owned());
        }
        if self.shared.contains(&whole(&self.root, &self.save_path, file)) {
            return Err("another torrent has it too".to_owned());
        }
        let parent = match descend(base, parent) {
            Ok(parent) => parent,
            Err(Errno::NOENT) => return Ok(()),
            Err(error) => return Err(reason(error)),
        };
        match unlinkat(&parent, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(reason(error)),
        }
    }

    fn all_left(&self, reason: &str) -> Outcome {
        let left = self.files.iter().take(LEFT_MAX);
        Outcome {
            data_deleted: self.files.is_empty(),
            left: left.map(|path| LeftFile { path: path.clone(), reason: reason.to_owned() }).collect(),
        }
    }
}

/// A whole path, as two torrents that share a file both write it.
pub(crate) fn whole(root: &Path, save_path: &str, file: &str) -> PathBuf {
    if save_path.is_empty() { root.join(file) } else { root.join(save_path).join(file) }
}

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

fn descend(base: &OwnedFd, path: &str) -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut folder = openat(base, ".", flags, Mode::empty())?;
    for part in path.split('/').filter(|part| !part.is_empty()) {
        folder = openat(&folder, part, flags, Mode::empty())?;
    }
    Ok(folder)
}

fn reason(error: Errno) -> String {
    std::io::Error::from(error).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn deletion(root: &Path, files: &[&str]) -> Deletion {
        Deletion {
            root: root.to_owned(),
            save_path: "films".to_owned(),
            files: files.iter().map(|file| (*file).to_owned()).collect(),
            traces: vec![".abc.parts".to_owned()],
            shared: HashSet::new(),
        }
    }

    fn write(root: &Path, path: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().expect("has a folder")).expect("folder");
        fs::write(path, "x").expect("file");
    }

    #[test]
    fn only_named_files_and_empty_folders_go() {
        let root = tempfile::tempdir().expect("folder");
        for path in ["films/T/a/1", "films/T/b/2", "films/T/b/mine", "films/.abc.parts", "films/other"] {
            write(root.path(), path);
        }
        let outcome = deletion(root.path(), &["T/a/1", "T/b/2", "T/c/never"]).carry_out();
        assert_eq!(outcome, Outcome { data_deleted: true, left: Vec::new() });
        let films = root.path().join("films");
        assert!(!films.join("T/a").exists());
        assert!(!films.join("T/b/2").exists());
        assert!(!films.join(".abc.parts").exists());
        assert!(films.join("T/b/mine").exists());
        assert!(films.join("other").exists());
    }

    #[test]
    fn shared_files_stay_and_are_named() {
        let root = tempfile::tempdir().expect("folder");
        write(root.path(), "films/T/1");
        write(root.path(), "films/T/2");
        let mut deletion = deletion(root.path(), &["T/1", "T/2"]);
        deletion.shared.insert(whole(root.path(), "films", "T/2"));
        let outcome = deletion.carry_out();
        assert!(!outcome.data_deleted);
        assert_eq!(outcome.left.iter().map(|left| left.path.as_str()).collect::<Vec<_>>(), ["T/2"]);
        assert!(!root.path().join("films/T/1").exists());
        assert!(root.path().join("films/T/2").exists());
    }

    #[test]
    fn links_are_not_followed_and_hostile_paths_do_nothing() {
        let root = tempfile::tempdir().expect("folder");
        let outside = tempfile::tempdir().expect("folder");
        fs::write(outside.path().join("1"), "x").expect("file");
        fs::create_dir_all(root.path().join("films")).expect("folder");
        std::os::unix::fs::symlink(outside.path(), root.path().join("films/T")).expect("link");
        let up = format!("../../{}/1", outside.path().file_name().expect("named").to_string_lossy());
        let outcome = deletion(root.path(), &["T/1", &up]).carry_out();
        assert!(!outcome.data_deleted);
        assert_eq!(outcome.left.len(), 2);
        assert!(outside.path().join("1").exists());
    }

    #[test]
    fn absent_folder_counts_as_deleted() {
        let root = tempfile::tempdir().expect("folder");
        assert!(deletion(root.path(), &["T/1"]).carry_out().data_deleted);
    }
}
