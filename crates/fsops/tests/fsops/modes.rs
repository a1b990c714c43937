//! Modes and owners of what is placed, and of what it shares them with.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use revaer_fsops::{Failure, Made, RelPath, Rule, Transfer, TransferFallback, undo};
use rstest::rstest;

use crate::results::film;
use crate::world::{is_root, write};

#[test]
fn modes_are_given_to_what_is_made() {
    let world = film();
    world
        .run_with("Film", |values| {
            values.transfer = Transfer::Copy;
            values.file_mode = Some("0640".to_owned());
            values.directory_mode = Some("0750".to_owned());
            values.path_template = "new/{name}".to_owned();
        })
        .unwrap();
    let mode = |path: &str| fs::metadata(world.library().join(path)).unwrap().permissions().mode() & 0o7777;
    assert_eq!(
        [mode("new/Film/film.mkv"), mode("new/Film/Subs"), mode("new/Film"), mode("new")],
        [0o640, 0o750, 0o750, 0o750]
    );
}

#[test]
fn linked_files_keep_their_mode_unless_another_is_asked_for() {
    let world = film();
    let original = world.downloads().join("Film/film.mkv");
    fs::set_permissions(&original, fs::Permissions::from_mode(0o600)).unwrap();
    world.run_with("Film", |_| {}).unwrap();
    let mode = || fs::metadata(&original).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);
    undo(&world.roots(), &world.library(), &RelPath::parse("Film").unwrap()).unwrap();
    world.run_with("Film", |values| values.file_mode = Some("0644".to_owned())).unwrap();
    assert_eq!(mode(), 0o644);
}

#[rstest]
#[case::refused(TransferFallback::Fail)]
#[case::copied(TransferFallback::Copy)]
fn mode_of_a_file_that_has_names_elsewhere_is_left_alone(#[case] fallback: TransferFallback) {
    let world = film();
    let elsewhere = world.dir.path().join("somebody-elses");
    write(&elsewhere, "private");
    fs::set_permissions(&elsewhere, fs::Permissions::from_mode(0o600)).unwrap();
    fs::hard_link(&elsewhere, world.downloads().join("Film/trick")).unwrap();
    let ran = world.run_with("Film", |values| {
        values.file_mode = Some("0666".to_owned());
        values.transfer_fallback = fallback;
    });
    match fallback {
        TransferFallback::Fail => {
            assert!(matches!(ran, Err(Failure::Refused { rule: Rule::SharedByHardlink, .. })), "{ran:?}");
        }
        TransferFallback::Copy => {
            let trick = ran.unwrap().files.into_iter().find(|file| file.path.as_str() == "trick").unwrap();
            assert_eq!(trick.made, Made::Copied);
        }
    }
    assert_eq!(fs::metadata(&elsewhere).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn owner_and_group_are_given_as_root() {
    if !is_root() {
        eprintln!("skipped: only root may give files away");
        return;
    }
    let world = film();
    world
        .run_with("Film", |values| {
            values.transfer = Transfer::Copy;
            values.owner = Some("nobody".to_owned());
            values.group = Some("12345".to_owned());
        })
        .unwrap();
    let copy = fs::metadata(world.library().join("Film/film.mkv")).unwrap();
    assert_eq!((copy.uid(), copy.gid()), (65534, 12345));
    let folder = fs::metadata(world.library().join("Film")).unwrap();
    assert_eq!(folder.uid(), 65534);
}

#[test]
fn owner_is_refused_without_the_right() {
    if is_root() {
        eprintln!("skipped: root has every right");
        return;
    }
    let world = film();
    let failure = world
        .run_with("Film", |values| {
            values.transfer = Transfer::Copy;
            values.owner = Some("0".to_owned());
        })
        .unwrap_err();
    assert!(matches!(failure, Failure::Denied { .. }), "{failure:?}");
}
