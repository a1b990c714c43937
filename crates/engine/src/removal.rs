//! Removing the files of a torrent: exactly what its metainfo names, then the folders that are empty.
//!
//! libtorrent's own deletion answers late and not truthfully, and takes files that another torrent shares. So the session
//! lets go of the torrent first, and this looks at the disk itself. A foreign file in the folder stays, and so does its
//! folder. Symbolic links are not followed out of the download root.

use std::collections::{BTreeSet, HashSet};
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use revaer_domain::torrent::LeftFile;

/// The most files that are named as left.
const LEFT_MAX: usize = 100;

/// Whether the path is one of plain components, so that joining it stays beneath a root.
pub(crate) fn is_confined(path: &str) -> bool {
    let path = Path::new(path);
    path.components().all(|part| matches!(part, Component::Normal(_))) && path.components().next().is_some()
}

/// Removes `files` (relative to `folder`, which lies beneath `root`), except those in `shared` (absolute). Answers whether
/// none of them is there any more, and which were left.
#[expect(
    clippy::disallowed_methods,
    reason = "the operator asked for these files to go; nothing else is named here"
)]
pub(crate) fn remove_files(
    root: &Path,
    folder: &Path,
    files: &[String],
    shared: &HashSet<PathBuf>,
) -> (bool, Vec<LeftFile>) {
    let mut left = Vec::new();
    let mut leave = |path: &str, reason: String| {
        if left.len() < LEFT_MAX {
            left.push(LeftFile { path: path.to_owned(), reason });
        }
    };
    let mut all_gone = true;
    let mut folders = BTreeSet::new();
    let Ok(root) = root.canonicalize() else { return (false, left) };
    for file in files {
        let path = folder.join(file);
        let reason = if !is_confined(file) {
            Some("its path leads out of the download root".to_owned())
        } else if shared.contains(&path) {
            Some("another torrent shares it".to_owned())
        } else {
            match path.parent().map(Path::canonicalize) {
                Some(Ok(parent)) if parent.starts_with(&root) => match std::fs::remove_file(&path) {
                    Ok(()) => None,
                    Err(error) if error.kind() == ErrorKind::NotFound => None,
                    Err(error) => Some(error.to_string()),
                },
                Some(Err(error)) if error.kind() == ErrorKind::NotFound => None,
                _ => Some("its folder leads out of the download root".to_owned()),
            }
        };
        if let Some(reason) = reason {
            all_gone = false;
            leave(file, reason);
        }
        let mut parent = Path::new(file).parent();
        while let Some(relative) = parent.filter(|relative| !relative.as_os_str().is_empty()) {
            folders.insert(relative.to_path_buf());
            parent = relative.parent();
        }
    }
    // Longest paths first, so that a folder is empty when its turn comes. One that is not stays.
    for relative in folders.iter().rev() {
        if relative.to_str().is_some_and(is_confined) {
            let _ = std::fs::remove_dir(folder.join(relative));
        }
    }
    (all_gone, left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_named_files_and_empty_folders_go() {
        let root = tempfile::tempdir().expect("a folder");
        let folder = root.path().join("save");
        let create = |path: &str| {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
            std::fs::write(path, "x").expect("a file");
        };
        for path in ["T/a", "T/deep/b", "T/foreign/c", "T/foreign/not ours", "T/shared"] {
            create(path);
        }
        std::fs::write(root.path().join("outside"), "x").expect("a file");
        let files: Vec<_> =
            ["T/a", "T/deep/b", "T/foreign/c", "T/shared", "../outside"].map(str::to_owned).into();
        let shared = HashSet::from([folder.join("T/shared")]);
        let (all_gone, left) = remove_files(root.path(), &folder, &files, &shared);
        assert!(!all_gone);
        assert_eq!(
            left.iter().map(|left| left.path.as_str()).collect::<Vec<_>>(),
            ["T/shared", "../outside"]
        );
        assert!(!folder.join("T/a").exists() && !folder.join("T/deep").exists());
        assert!(folder.join("T/foreign/not ours").exists() && !folder.join("T/foreign/c").exists());
        assert!(folder.join("T/shared").exists() && root.path().join("outside").exists());
    }
}
