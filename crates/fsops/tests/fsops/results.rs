//! What a job makes of a torrent: names, transfer, modes, checksums, conflicts, records and undo.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};

use revaer_fsops::{
    Checksum, Cleanup, Failure, HOME, Job, Made, OnConflict, RelPath, Rule, Step, Tools, Transfer,
    Unobserved, undo,
};
use rstest::rstest;

use crate::world::{Steps, World, tree, write};

pub(crate) fn film() -> World {
    let world = World::new();
    world.write("Film/film.mkv", "the film");
    world.write("Film/Subs/en.srt", "words");
    world.write("Film/film.nfo", "fluff");
    world
}

fn inode(path: &std::path::Path) -> u64 {
    fs::symlink_metadata(path).expect("there").ino()
}

#[test]
fn folder_is_linked_into_the_library_and_goes_on_seeding() {
    let world = film();
    let outcome =
        world.run_with("Film", |values| values.path_template = "{label}/{name}".to_owned()).unwrap();
    assert_eq!(outcome.destination, world.library().join("films/Film"));
    assert_eq!(outcome.files.len(), 3);
    assert!(outcome.files.iter().all(|file| file.made == Made::Linked));
    assert_eq!(
        inode(&world.library().join("films/Film/film.mkv")),
        inode(&world.downloads().join("Film/film.mkv"))
    );
    assert!(!outcome.remove_torrent);
    assert!(!world.library().join(HOME).exists(), "no staging is left");
}

#[test]
fn torrent_of_one_file_is_placed_as_a_file() {
    let world = World::new();
    world.write("song.flac", "music");
    let outcome = world.run_with("song.flac", |_| {}).unwrap();
    assert_eq!(outcome.destination, world.library().join("song.flac"));
    assert_eq!(world.library_tree(), [("song.flac".to_owned(), "music".to_owned())].into());
    assert!(world.library().join(".song.flac.revaer.meta").exists());
}

#[test]
fn fluff_and_exclusions_stay_behind() {
    let world = film();
    world
        .run_with("Film", |values| {
            values.skip_fluff = true;
            values.exclude = vec!["*.srt".to_owned()];
        })
        .unwrap();
    let names: Vec<String> = world.library_tree().into_keys().collect();
    assert_eq!(names, ["Film/", "Film/film.mkv"]);
}

#[test]
fn flattened_files_of_one_name_are_numbered() {
    let world = World::new();
    for (path, content) in [("T/a.txt", "1"), ("T/1/a.txt", "2"), ("T/2/a.txt", "3"), ("T/2/b", "4")] {
        world.write(path, content);
    }
    world.run_with("T", |values| values.flatten = true).unwrap();
    let names: Vec<String> = world.library_tree().into_keys().collect();
    assert_eq!(names, ["T/", "T/a (2).txt", "T/a (3).txt", "T/a.txt", "T/b"]);
}

#[test]
fn nothing_left_is_said_so() {
    let world = film();
    let failure = world.run_with("Film", |values| values.include = vec!["*.iso".to_owned()]).unwrap_err();
    assert!(matches!(failure, Failure::NothingToPlace), "{failure:?}");
    assert_eq!(world.library_tree().keys().filter(|path| !path.starts_with(HOME)).count(), 0);
}

#[test]
fn copy_has_its_own_inode_and_the_time_of_its_original() {
    let world = film();
    let outcome = world.run_with("Film", |values| values.transfer = Transfer::Copy).unwrap();
    assert!(outcome.files.iter().all(|file| file.made == Made::Copied));
    let (copy, original) = (world.library().join("Film/film.mkv"), world.downloads().join("Film/film.mkv"));
    assert_ne!(inode(&copy), inode(&original));
    assert_eq!(fs::read(&copy).unwrap(), b"the film");
    assert_eq!(
        fs::metadata(&copy).unwrap().modified().unwrap(),
        fs::metadata(&original).unwrap().modified().unwrap()
    );
}

#[rstest]
#[case::move_by_link(None)]
#[case::move_by_copy(Some("/dev/shm"))]
fn move_leaves_nothing_in_the_download_and_everything_in_the_library(#[case] elsewhere: Option<&str>) {
    let world = film();
    let library = elsewhere.map(|path| tempfile::tempdir_in(path).expect("a directory"));
    let root = library.as_ref().map_or(world.library(), |library| library.path().to_owned());
    let plan = world.plan("Film", |values| {
        values.library_root = root.to_str().unwrap().to_owned();
        values.transfer = Transfer::Move;
        values.cleanup = Cleanup::RemoveTorrent;
    });
    let allowed = [world.downloads(), root.clone()].map(revaer_fsops::Allowed::new).to_vec();
    let (roots, tools) = (revaer_fsops::Roots::new(allowed).unwrap(), Tools::default());
    let mut job = Job::open(&roots, &tools, plan).unwrap();
    assert!(job.run(&mut Steps::default(), &Unobserved).unwrap().remove_torrent);
    assert!(tree(&world.downloads()).is_empty());
    assert_eq!(fs::read(root.join("Film/Subs/en.srt")).unwrap(), b"words");

    // An undo would destroy the last copy, so it gives the files back.
    let undone = undo(&roots, &root, &RelPath::parse("Film").unwrap()).unwrap();
    assert_eq!(undone.put_back.len(), 3);
    assert_eq!(fs::read(world.downloads().join("Film/film.mkv")).unwrap(), b"the film");
    assert!(tree(&root).is_empty());
}

#[test]
fn file_that_was_changed_in_the_download_is_not_moved_away() {
    let world = film();
    let plan = world.plan("Film", |values| {
        values.transfer = Transfer::Move;
        values.cleanup = Cleanup::RemoveTorrent;
    });
    let (roots, tools) = (world.roots(), Tools::default());
    let mut job = Job::open(&roots, &tools, plan).unwrap();
    while job.next() != Some(Step::Cleanup) {
        job.step(&Unobserved).unwrap();
    }
    rustix::fs::rename(world.downloads().join("Film/film.mkv"), world.downloads().join("aside")).unwrap();
    world.write("Film/film.mkv", "another");
    job.step(&Unobserved).unwrap();
    assert_eq!(fs::read(world.downloads().join("Film/film.mkv")).unwrap(), b"another");
    assert!(!world.downloads().join("Film/Subs").exists());
}

#[test]
fn symbolic_links_lead_into_the_download() {
    let world = film();
    let outcome = world
        .run_with("Film", |values| {
            values.transfer = Transfer::Symlink;
            values.checksum = Checksum::Sha256;
        })
        .unwrap();
    let link = fs::read_link(world.library().join("Film/film.mkv")).unwrap();
    assert_eq!(link, world.downloads().join("Film/film.mkv"));
    let film = outcome.files.iter().find(|file| file.path.as_str() == "film.mkv").unwrap();
    assert_eq!(film.made, Made::Symlinked);
    let expected = "8ce7a7d7cfb85a6ab7ad05c3b5d8bf1ae1ee5b0a1ed3ee8bbc4cfb9d4f5a2f61";
    assert_eq!(film.checksum.as_deref().map(str::len), Some(expected.len()));
}

#[rstest]
#[case::sha256(Checksum::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")]
#[case::blake3(Checksum::Blake3, "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85")]
fn checksums_are_those_of_the_standards(#[case] checksum: Checksum, #[case] of_abc: &str) {
    let world = World::new();
    world.write("abc", "abc");
    let outcome = world.run_with("abc", |values| values.checksum = checksum).unwrap();
    assert_eq!(outcome.files[0].checksum.as_deref(), Some(of_abc));
}

#[test]
fn destination_that_exists_fails_before_anything_is_written() {
    let world = film();
    write(&world.library().join("Film/own.txt"), "mine");
    let failure = world.run_with("Film", |_| {}).unwrap_err();
    assert!(
        matches!(&failure, Failure::Conflict { path } if *path == world.library().join("Film")),
        "{failure:?}"
    );
    assert_eq!(fs::read(world.library().join("Film/own.txt")).unwrap(), b"mine");
    assert!(!world.library().join("Film/film.mkv").exists());
}

#[test]
fn destination_that_comes_to_exist_meanwhile_is_not_replaced() {
    let world = film();
    let (roots, tools) = (world.roots(), Tools::default());
    let mut job = Job::open(&roots, &tools, world.plan("Film", |_| {})).unwrap();
    while job.next() != Some(Step::Place) {
        job.step(&Unobserved).unwrap();
    }
    fs::create_dir(world.library().join("Film")).unwrap();
    let failure = job.step(&Unobserved).unwrap_err();
    assert!(matches!(failure, Failure::Conflict { .. }), "{failure:?}");
    assert!(tree(&world.library().join("Film")).is_empty());
    // Once it is out of the way, the job goes on at the same step.
    rustix::fs::rmdir(world.library().join("Film")).expect("empty");
    assert_eq!(job.next(), Some(Step::Place));
    job.run(&mut Steps::default(), &Unobserved).unwrap();
    assert_eq!(fs::read(world.library().join("Film/film.mkv")).unwrap(), b"the film");
}

#[test]
fn two_torrents_with_one_top_folder_get_two_places() {
    let world = film();
    let rename = |values: &mut revaer_fsops::ProfileValues| values.on_conflict = OnConflict::Rename;
    let torrent = world.torrent("Film");
    for (job, place) in [("01A", "Film"), ("01B", "Film (2)"), ("01C", "Film (3)"), ("01B", "Film (2)")] {
        let outcome = world.run(&world.try_plan(job, &torrent, rename).unwrap()).unwrap();
        assert_eq!(outcome.destination, world.library().join(place));
    }
    assert_eq!(world.library_tree().keys().filter(|path| path.ends_with("film.mkv")).count(), 3);
}

#[rstest]
#[case::same("the film", true)]
#[case::different("THE FILM", false)]
fn identical_destination_is_skipped_and_another_is_a_conflict(#[case] content: &str, #[case] same: bool) {
    let world = film();
    for (path, content) in [("film.mkv", content), ("Subs/en.srt", "words"), ("film.nfo", "fluff")] {
        write(&world.library().join("Film").join(path), content);
    }
    let before = world.library_tree();
    let ran = world.run_with("Film", |values| {
        values.on_conflict = OnConflict::SkipIdentical;
        values.transfer = Transfer::Copy;
    });
    match ran {
        Ok(outcome) => assert!(same && outcome.was_there),
        Err(failure) => assert!(!same && matches!(failure, Failure::Conflict { .. }), "{failure:?}"),
    }
    let after: std::collections::BTreeMap<_, _> =
        world.library_tree().into_iter().filter(|(path, _)| !path.starts_with(HOME)).collect();
    assert_eq!(after, before);
}

#[rstest]
#[case::missing(None)]
#[case::too_short(Some("the"))]
fn file_that_is_not_all_there_fails_the_job(#[case] content: Option<&str>) {
    let world = film();
    let plan = world.plan("Film", |_| {});
    let film = world.downloads().join("Film/film.mkv");
    match content {
        None => rustix::fs::rename(&film, world.downloads().join("aside")).unwrap(),
        Some(content) => write(&film, content),
    }
    let failure = world.run(&plan).unwrap_err();
    let Failure::Incomplete { path, expected_bytes: 8, found_bytes } = failure else { panic!("{failure:?}") };
    assert_eq!((path, found_bytes), (film, content.map(|content| content.len() as u64)));
}

#[test]
fn job_that_is_done_is_found_done_and_does_nothing() {
    let world = film();
    let plan = world.plan("Film", |_| {});
    let first = world.run(&plan).unwrap();
    let before = tree(&world.library());
    let roots = world.roots();
    let mut again = Job::open(&roots, &world.tools, plan).unwrap();
    assert_eq!(again.next(), None);
    assert_eq!(again.run(&mut Steps::default(), &Unobserved).unwrap(), &first);
    assert_eq!(tree(&world.library()), before);
}

#[test]
fn failure_is_written_down_and_the_job_is_found_without_any_database() {
    let world = film();
    let plan = world.plan("Film", |_| {});
    rustix::fs::rename(world.downloads().join("Film/film.mkv"), world.downloads().join("aside")).unwrap();
    world.run(&plan).unwrap_err();
    let found = Job::unfinished(&world.roots(), &world.library()).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((&found[0].plan, found[0].next), (&plan, Some(Step::Verify)));
    assert_eq!(found[0].failed.as_ref().map(|failed| failed.code.as_str()), Some("incomplete"));
    rustix::fs::rename(world.downloads().join("aside"), world.downloads().join("Film/film.mkv")).unwrap();
    world.run(&found[0].plan).unwrap();
    assert!(Job::unfinished(&world.roots(), &world.library()).unwrap().is_empty());
}

#[test]
fn job_with_another_plan_begins_anew() {
    let world = film();
    let roots = world.roots();
    let mut job = Job::open(&roots, &world.tools, world.plan("Film", |_| {})).unwrap();
    while job.next() != Some(Step::Place) {
        job.step(&Unobserved).unwrap();
    }
    drop(job);
    let changed = world.plan("Film", |values| values.exclude = vec!["*.srt".to_owned()]);
    let job = Job::open(&roots, &world.tools, changed.clone()).unwrap();
    assert_eq!(job.next(), Some(Step::Verify));
    drop(job);
    world.run(&changed).unwrap();
    assert!(!world.library().join("Film/Subs").exists());
}

#[test]
fn job_runs_once_at_a_time() {
    let world = film();
    let roots = world.roots();
    let plan = world.plan("Film", |_| {});
    let first = Job::open(&roots, &world.tools, plan.clone()).unwrap();
    let second = Job::open(&roots, &world.tools, plan);
    assert!(matches!(second, Err(Failure::Busy)), "{second:?}");
    first.discard().unwrap();
    assert!(tree(&world.library()).is_empty());
}

#[test]
fn symbolic_link_in_the_download_is_refused() {
    let world = film();
    write(&world.dir.path().join("secret"), "secret");
    symlink("../../secret", world.downloads().join("Film/link")).unwrap();
    let failure = world.run_with("Film", |_| {}).unwrap_err();
    let expected = world.downloads().join("Film/link");
    assert!(
        matches!(&failure, Failure::Refused { rule: Rule::SymbolicLink, path } if *path == expected),
        "{failure:?}"
    );
}
