//! Whether the files of a torrent stay beneath the download root on the disk as it is now.
//!
//! [`crate::paths`] judges names; this looks for symbolic links. One that leads out of the root, wherever it came from,
//! would have libtorrent write there: so the kernel is asked for every path that exists, and refuses to leave the root.
//! A link that stays beneath it is nobody's harm. Deletion does not rely on this: it works by descriptor.

use std::collections::HashMap;
use std::path::Path;

use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
use rustix::io::Errno;

/// A path that leads out of the download root.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LeadsOut(pub(crate) String);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    There,
    Absent,
}

/// Looks at the torrent's folder and at every file of it. What cannot be opened at all is left for libtorrent to fail on.
pub(crate) fn check<'a>(
    root: &Path,
    save_path: &str,
    files: impl IntoIterator<Item = &'a str>,
) -> Result<(), LeadsOut> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    // The root is the operator's word and may be a link itself. One that is not there holds no links.
    let Ok(root) = rustix::fs::open(root, flags, Mode::empty()) else { return Ok(()) };
    if !save_path.is_empty() && look(&root, save_path)? == Place::Absent {
        return Ok(());
    }
    let mut folders = HashMap::new();
    for file in files {
        let mut parent = Place::There;
        for (end, _) in file.match_indices('/') {
            if parent == Place::Absent {
                break;
            }
            let folder = &file[..end];
            parent = if let Some(known) = folders.get(folder) {
                *known
            } else {
                let place = look(&root, &joined(save_path, folder))?;
                folders.insert(folder, place);
                place
            };
        }
        if parent == Place::There {
            look(&root, &joined(save_path, file))?;
        }
    }
    Ok(())
}

fn joined(save_path: &str, path: &str) -> String {
    if save_path.is_empty() { path.to_owned() } else { format!("{save_path}/{path}") }
}

fn look(root: &OwnedFd, path: &str) -> Result<Place, LeadsOut> {
    let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    match openat2(root, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), beneath) {
        Ok(_) => Ok(Place::There),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::ACCESS | Errno::NAMETOOLONG) => Ok(Place::Absent),
        Err(_) => Err(LeadsOut(path.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use std::fs;
    use std::os::unix::fs::symlink;
    use tempfile::TempDir;

    /// A root, and a folder beside it.
    fn disk() -> TempDir {
        let disk = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(disk.path().join("root/films/T/a")).expect("a folder");
        fs::create_dir_all(disk.path().join("outside/T/a")).expect("a folder");
        fs::write(disk.path().join("root/films/T/a/1"), "x").expect("a file");
        disk
    }

    #[rstest]
    #[case::plain("films", "T/a/1", true)]
    #[case::not_there_yet("music", "T/a/1", true)]
    #[case::new_file("films", "T/b/2", true)]
    #[case::save_path("out", "T/a/1", false)]
    #[case::save_path_that_dangles("dangling", "T/a/1", false)]
    #[case::folder_of_the_torrent("films", "out/a/1", false)]
    #[case::folder_within("films", "T/out/1", false)]
    #[case::file("films", "T/a/out", false)]
    #[case::file_that_dangles("films", "T/a/dangling", false)]
    #[case::climbing("films", "T/climbing/T", false)]
    #[case::link_that_stays_inside("films", "T/inside/1", true)]
    fn links_that_lead_out_are_found(#[case] save_path: &str, #[case] file: &str, #[case] fine: bool) {
        let disk = disk();
        let (root, outside) = (disk.path().join("root"), disk.path().join("outside"));
        for link in ["out", "films/out", "films/T/out"] {
            symlink(&outside, root.join(link)).expect("a link");
        }
        symlink(outside.join("T/a"), root.join("films/T/a/out")).expect("a link");
        for link in ["dangling", "films/T/a/dangling"] {
            symlink(outside.join("nothing"), root.join(link)).expect("a link");
        }
        symlink("../../../outside", root.join("films/T/climbing")).expect("a link");
        symlink("a", root.join("films/T/inside")).expect("a link");
        assert_eq!(check(&root, save_path, [file]).is_ok(), fine);
    }

    #[test]
    fn root_may_be_a_link_itself() {
        let disk = disk();
        let root = disk.path().join("here");
        symlink(disk.path().join("root"), &root).expect("a link");
        assert_eq!(check(&root, "films", ["T/a/1"]), Ok(()));
        assert_eq!(check(&disk.path().join("nowhere"), "films", ["T/a/1"]), Ok(()));
    }
}
