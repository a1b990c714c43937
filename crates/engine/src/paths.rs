//! Where files are. libtorrent sanitises names; this looks again, since names come from strangers.

use std::path::{Path, PathBuf};

use revaer_domain::values::{InfoHash, InfoHashes, SavePath};

/// The folder that libtorrent is told.
pub(crate) fn folder(root: &Path, save_path: &SavePath) -> PathBuf {
    if save_path.as_str().is_empty() { root.to_owned() } else { root.join(save_path.as_str()) }
}

/// Whether a path of a torrent stays beneath the folder that it is joined to.
pub(crate) fn is_confined(path: &str) -> bool {
    !path.is_empty()
        && !path.starts_with('/')
        && !path.contains('\0')
        && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// The folder of a torrent, or its only file: the first part of every path.
pub(crate) fn top(path: &str) -> &str {
    path.split('/').next().unwrap_or(path)
}

/// Where libtorrent keeps the ends of skipped files that share a piece with wanted ones. It shortens v2 hashes for it.
pub(crate) fn parts_files(hashes: InfoHashes) -> Vec<String> {
    let short = hashes.v2.and_then(|hash| hash.first_chunk::<20>().copied());
    let hashes = hashes.v1.into_iter().chain(short);
    hashes.map(|hash| format!(".{}.parts", InfoHash::V1(hash))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::plain("Show/e01.mkv", true)]
    #[case::dots_in_a_name("Show/..e01..mkv", true)]
    #[case::traversal("Show/../../etc/passwd", false)]
    #[case::absolute("/etc/passwd", false)]
    #[case::empty_part("Show//e01", false)]
    #[case::nul("Show/e\0", false)]
    #[case::nothing("", false)]
    fn only_paths_beneath_their_folder_are_confined(#[case] path: &str, #[case] confined: bool) {
        assert_eq!(is_confined(path), confined);
    }
}
