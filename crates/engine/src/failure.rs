//! Short, stable codes for what libtorrent and the operating system say.

/// `EDQUOT`, `ENOSPC` and their like are numbers of Linux, the only system that this is built for.
const DISK_FULL: [i32; 2] = [28, 122];
const PERMISSION: [i32; 3] = [1, 13, 30];
/// `errors::duplicate_torrent` of libtorrent 2.0.
const DUPLICATE_TORRENT: i32 = 19;
/// `errors::torrent_inconsistent_hashes` of libtorrent 2.0.
const INCONSISTENT_HASHES: i32 = 217;

/// The code of an error while reading or writing.
pub(crate) fn code_of(error: Option<(i32, &str)>) -> &'static str {
    match error {
        Some((code, "system" | "generic")) => match code {
            code if DISK_FULL.contains(&code) => "disk_full",
            code if PERMISSION.contains(&code) => "permission_denied",
            2 => "file_missing",
            20 => "not_a_directory",
            21 => "is_a_directory",
            27 => "file_too_large",
            _ => "io_error",
        },
        Some((DUPLICATE_TORRENT, "libtorrent")) => "conflict",
        Some((INCONSISTENT_HASHES, "libtorrent")) => "inconsistent_hashes",
        Some((_, "libtorrent")) => "torrent_error",
        _ => "io_error",
    }
}

/// The code of a refused add.
pub(crate) fn code_of_add(error: Option<(i32, &str)>) -> &'static str {
    if error == Some((DUPLICATE_TORRENT, "libtorrent")) { "conflict" } else { "add_refused" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(Some((28, "system")), "disk_full")]
    #[case(Some((27, "system")), "file_too_large")]
    #[case(Some((19, "libtorrent")), "conflict")]
    #[case(Some((217, "libtorrent")), "inconsistent_hashes")]
    #[case(Some((1, "libtorrent")), "torrent_error")]
    #[case(Some((13, "system")), "permission_denied")]
    #[case(Some((20, "generic")), "not_a_directory")]
    #[case(Some((5, "system")), "io_error")]
    #[case(None, "io_error")]
    fn errors_have_stable_codes(#[case] error: Option<(i32, &str)>, #[case] code: &str) {
        assert_eq!(code_of(error), code);
    }
}
