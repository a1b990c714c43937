//! What has to hold whatever bytes come in.
//!
//! Each function takes what a stranger may send, panics if a law is broken, and else says nothing: most inputs are refused, and
//! that is fine. The fuzzer (`make fuzz`) looks for an input that breaks one; what it kept of earlier nights lies in
//! `fuzz/corpus` and is asked again by the tests here, on any toolchain. No law needs a database or a socket.

use libtorrent_sys::MetainfoLimits;
use revaer_domain::selection::{GLOBS_MAX, Priority, SelectionRule};
use revaer_domain::values::MagnetUri;
use revaer_event_schema::{Metadata, decode_torrent, encode_torrent, unpack_progress};

/// Less than the service allows, so that an input which is only large is not what the fuzzer finds.
const LIMITS: MetainfoLimits =
    MetainfoLimits { bytes_max: 1 << 20, pieces_max: 1 << 16, depth_max: 50, tokens_max: 50_000 };

/// A magnet that is accepted is accepted again as it is kept, and what libtorrent reads in it has the same hash.
#[track_caller]
pub fn magnet(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(magnet) = text.parse::<MagnetUri>() else { return };
    assert_eq!(magnet.as_str().parse(), Ok(magnet.clone()), "a kept magnet is read as another");
    let without = magnet
        .without_trackers(|_| true)
        .parse::<MagnetUri>()
        .expect("without trackers it is still a magnet");
    assert_eq!(without.info_hashes(), magnet.info_hashes(), "a tracker carried the hash");
    if let Ok(read) = libtorrent_sys::parse_magnet(magnet.as_str()) {
        let ours = magnet.info_hashes();
        let differs =
            |own: Option<&[u8]>, read: Option<&[u8]>| own.is_some() && read.is_some() && own != read;
        let v1 = differs(
            ours.v1.as_ref().map(<[u8; 20]>::as_slice),
            read.info_hash_v1.as_ref().map(<[u8; 20]>::as_slice),
        );
        let v2 = differs(
            ours.v2.as_ref().map(<[u8; 32]>::as_slice),
            read.info_hash_v2.as_ref().map(<[u8; 32]>::as_slice),
        );
        assert!(!v1 && !v2, "libtorrent reads another torrent in {text}");
    }
}

/// A torrent file that is accepted has files within its size, whose paths stay beneath a folder.
#[track_caller]
pub fn metainfo(bytes: &[u8]) {
    let Ok(metainfo) = libtorrent_sys::parse_metainfo(bytes, &LIMITS) else { return };
    assert!(metainfo.info_hash_v1.is_some() || metainfo.info_hash_v2.is_some(), "a torrent without a hash");
    for file in &metainfo.files {
        let end = file.offset.checked_add(file.size).expect("a file ends where numbers do");
        assert!(end <= metainfo.total_size, "`{}` ends at {end}, beyond {}", file.path, metainfo.total_size);
        let leaves =
            file.path.starts_with('/') || file.path.split('/').any(|part| part == ".." || part.is_empty());
        assert!(!leaves, "`{}` leads out of its folder", file.path);
    }
}

/// A rule that compiles judges every path, the same way twice, and an excluded path is never wanted by a glob.
///
/// The lines of the input are the globs, the last one the path; one that begins with `!` excludes.
#[track_caller]
pub fn globs(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut lines: Vec<&str> = text.lines().take(GLOBS_MAX + 2).collect();
    let Some(path) = lines.pop() else { return };
    let (exclude, include): (Vec<&str>, Vec<&str>) =
        lines.into_iter().partition(|line| line.starts_with('!'));
    let owned =
        |globs: Vec<&str>| globs.into_iter().map(|glob| glob.trim_start_matches('!').to_owned()).collect();
    let rule = SelectionRule { include: owned(include), exclude: owned(exclude), ..SelectionRule::default() };
    let Ok(selector) = rule.compile() else { return };
    let priority = selector.choose(0, path).priority;
    assert_eq!(priority, selector.choose(0, path).priority, "a rule changes its mind");
    let only = SelectionRule { include: Vec::new(), ..rule };
    let excluded =
        only.compile().expect("a part of a rule compiles").choose(0, path).priority == Priority::Skip;
    assert!(!excluded || priority == Priority::Skip, "`{path}` is excluded and wanted");
}

/// An event that is read is written and read again as the same; packed samples are read or refused.
///
/// The first line of the input is the kind, the rest its JSON.
#[track_caller]
pub fn events(bytes: &[u8]) {
    let _ = unpack_progress(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Some((kind, data)) = text.split_once('\n') else { return };
    let Ok(event) = decode_torrent(kind, 1, data) else { return };
    let written = encode_torrent(&event, &Metadata::of_system("fuzz", "fuzz"));
    let again = decode_torrent(&written.kind, written.schema_version, &written.data);
    assert_eq!(again.ok(), Some(event), "what is written is read as another");
}
