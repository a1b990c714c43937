//! Laws of the plan, whatever files are called and whatever the rules are.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use proptest::prelude::*;
use revaer_fsops::{
    Failure, Origin, Plan, Profile, ProfileValues, RelPath, Rule, Torrent, TorrentFile, UnpackedFile, lay_out,
};
use rstest::rstest;

fn defaults() -> ProfileValues {
    serde_json::from_str(r#"{"library_root": "/library"}"#).expect("a profile needs no more")
}

/// Names that like to collide: few letters, archives, numbers, and what would climb.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[ab]{1,2}",
        2 => "[ab]( \\([23]\\))?\\.(txt|rar|zip|r00)",
        1 => Just("..".to_owned()),
        1 => Just(".hidden".to_owned()),
        1 => "[^/\\x00]{1,12}",
        1 => "x{250,255}",
    ]
}

fn path() -> impl Strategy<Value = String> {
    prop::collection::vec(name(), 1..4).prop_map(|names| names.join("/"))
}

fn values() -> impl Strategy<Value = ProfileValues> {
    let template = prop::sample::select(vec!["{name}", "{label}/{name}", "a/{name} [{id}]", "{info_hash}/x"]);
    let globs = || prop::collection::vec(prop::sample::select(vec!["*", "*.txt", "**/a/**", "b"]), 0..2);
    (template, any::<bool>(), any::<bool>(), any::<bool>(), globs(), globs()).prop_map(
        |(template, extract, flatten, skip_fluff, include, exclude)| ProfileValues {
            path_template: template.to_owned(),
            extract,
            flatten,
            skip_fluff,
            include: include.into_iter().map(str::to_owned).collect(),
            exclude: exclude.into_iter().map(str::to_owned).collect(),
            ..defaults()
        },
    )
}

fn torrent() -> impl Strategy<Value = Torrent> {
    let file = (path(), 0_u64..100).prop_map(|(path, size_bytes)| TorrentFile {
        path,
        size_bytes,
        wanted: true,
        complete: true,
    });
    let top = prop::option::of(Just("Top"));
    (any::<String>(), any::<Option<String>>(), prop::collection::vec(file, 0..12), top).prop_map(
        |(name, label, mut files, top)| {
            for file in &mut files {
                file.path = top.map_or_else(|| file.path.clone(), |top| format!("{top}/{}", file.path));
            }
            Torrent {
                id: "01T".into(),
                name,
                label,
                info_hash: "ab".into(),
                save_path: "/downloads".into(),
                files,
            }
        },
    )
}

fn unpacked() -> impl Strategy<Value = Vec<UnpackedFile>> {
    prop::collection::btree_set(path(), 0..8).prop_map(|paths| {
        let parsed = paths.into_iter().filter_map(|path| RelPath::parse(path).ok());
        parsed
            .map(|path| UnpackedFile {
                path: RelPath::parse("unpacked/0").expect("a path").join(&path),
                stands_for: path,
                size_bytes: 1,
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn plan_names_nothing_outside_its_roots_and_no_name_twice(
        values in values(), torrent in torrent(), unpacked in unpacked(),
    ) {
        let profile = Profile::parse(&values).unwrap();
        let Ok(plan) = Plan::new("01J", &profile, &torrent) else { return Ok(()) };
        for path in plan.payload.iter().map(|file| file.path.as_str()).chain([plan.destination.as_str()]) {
            prop_assert!(path.split('/').all(|component| !matches!(component, "" | "." | "..")), "{}", path);
        }
        prop_assert!(plan.destination_path().starts_with("/library"));
        prop_assert!(plan.destination.components().all(|component| !component.starts_with('.')));
        // Nothing comes out of no archive.
        let unpacked = if plan.archives.is_empty() { Vec::new() } else { unpacked };
        let Ok(laid) = lay_out(&plan, &unpacked) else { return Ok(()) };
        let targets: HashSet<&RelPath> = laid.iter().map(|laid| &laid.to).collect();
        prop_assert_eq!(targets.len(), laid.len(), "two sources, one destination");
        let sources: HashSet<_> = laid.iter().map(|laid| (laid.origin, &laid.from)).collect();
        prop_assert_eq!(sources.len(), laid.len(), "one source, two destinations");
        for laid in &laid {
            prop_assert!(laid.to.ancestors().all(|above| !targets.contains(&above)), "a file where a folder is");
            prop_assert!(RelPath::parse(laid.to.as_str()).is_ok());
            prop_assert!(!values.flatten || laid.to.components().count() == 1);
            let known = plan.payload.iter().any(|file| file.path == laid.from)
                || unpacked.iter().any(|file| file.path == laid.from);
            prop_assert!(known, "a source that nobody named");
        }
    }

    #[test]
    fn planning_twice_is_planning_once(
        values in values(), torrent in torrent(), mut unpacked in unpacked(),
    ) {
        let profile = Profile::parse(&values).unwrap();
        let Ok(plan) = Plan::new("01J", &profile, &torrent) else { return Ok(()) };
        let mut shuffled = torrent.clone();
        shuffled.files.reverse();
        prop_assert_eq!(&Plan::new("01J", &profile, &shuffled).unwrap(), &plan);
        if plan.archives.is_empty() {
            unpacked.clear();
        }
        let first = lay_out(&plan, &unpacked).ok();
        unpacked.reverse();
        prop_assert_eq!(lay_out(&plan, &unpacked).ok(), first);
        // What is read back from a journal is the same plan.
        let text = serde_json::to_string(&plan).unwrap();
        prop_assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
    }

    #[test]
    fn every_file_that_no_rule_leaves_out_has_a_place(torrent in torrent(), flatten in any::<bool>()) {
        let values = ProfileValues { flatten, ..defaults() };
        let Ok(plan) = Plan::new("01J", &Profile::parse(&values).unwrap(), &torrent) else { return Ok(()) };
        let laid = lay_out(&plan, &[]).unwrap();
        let from: BTreeSet<&RelPath> = laid.iter().map(|laid| &laid.from).collect();
        prop_assert_eq!(from, plan.payload.iter().map(|file| &file.path).collect::<BTreeSet<_>>());
        prop_assert!(laid.iter().all(|laid| laid.origin == Origin::Payload));
    }
}

fn one_file(path: &str) -> Torrent {
    let file = TorrentFile { path: path.into(), size_bytes: 1, wanted: true, complete: true };
    Torrent {
        id: "01T".into(),
        name: path.into(),
        label: None,
        info_hash: "ab".into(),
        save_path: "/downloads".into(),
        files: vec![file],
    }
}

#[rstest]
#[case("../x")]
#[case("/etc/passwd")]
#[case("a//b")]
fn torrent_with_a_name_that_climbs_is_refused(#[case] path: &str) {
    let values = defaults();
    let refused = Plan::new("01J", &Profile::parse(&values).unwrap(), &one_file(path));
    assert!(matches!(refused, Err(Failure::Refused { rule: Rule::Name, .. })), "{refused:?}");
}

#[test]
fn library_within_the_torrent_is_refused() {
    let values = serde_json::from_str(r#"{"library_root": "/downloads/Film/library"}"#).unwrap();
    let refused = Plan::new("01J", &Profile::parse(&values).unwrap(), &one_file("Film/a"));
    assert!(matches!(refused, Err(Failure::Refused { rule: Rule::DestinationInSource, .. })), "{refused:?}");
}

#[rstest]
#[case("song.flac", false, "/library/song.flac")]
#[case("film.zip", true, "/library/film")]
#[case("film.tar.gz", true, "/library/film")]
fn one_file_is_placed_under_its_name_and_an_archive_as_a_folder(
    #[case] path: &str,
    #[case] extract: bool,
    #[case] destination: &str,
) {
    let values = ProfileValues { extract, ..defaults() };
    let plan = Plan::new("01J", &Profile::parse(&values).unwrap(), &one_file(path)).unwrap();
    assert_eq!(plan.destination_path(), Path::new(destination));
}

#[test]
fn file_that_is_not_complete_is_waited_for_by_nobody() {
    let mut torrent = one_file("a");
    torrent.files[0].complete = false;
    let values = defaults();
    let refused = Plan::new("01J", &Profile::parse(&values).unwrap(), &torrent);
    assert!(matches!(refused, Err(Failure::Incomplete { .. })), "{refused:?}");
}
