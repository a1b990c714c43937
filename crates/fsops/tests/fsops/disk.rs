//! Disks as they are: another one, a full one, one that may not be written and one that goes away.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use revaer_fsops::{Allowed, Failure, HOME, Made, Root, Rule, Step, Transfer, TransferFallback, Unobserved};
use rstest::rstest;

use crate::world::{Steps, World, program, tree, write};

/// A file system in memory, for as long as this is held.
struct Mounted(PathBuf);

impl Mounted {
    /// None, with a word why, where this process may not mount.
    fn new(at: &Path, options: &str) -> Option<Self> {
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", options, "none"]).arg(at).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(at.to_owned()));
        }
        eprintln!("skipped: this process may not mount");
        None
    }

    fn remount(&self, options: &str) {
        program(&self.0, "mount", &["-o", &format!("remount,{options}"), self.0.to_str().expect("text")]);
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Whatever still holds it, it must not outlive the test.
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

fn film() -> World {
    let world = World::new();
    world.write("Film/film.mkv", vec![7; 3 << 20]);
    world.write("Film/Subs/en.srt", "words");
    world
}

fn visible(world: &World) -> Vec<String> {
    world.library_tree().into_keys().filter(|path| !path.starts_with(HOME)).collect()
}

#[rstest]
#[case::copied(TransferFallback::Copy)]
#[case::refused(TransferFallback::Fail)]
fn link_to_another_disk_becomes_what_the_profile_says(#[case] fallback: TransferFallback) {
    let world = film();
    let Some(_mounted) = Mounted::new(&world.library(), "size=16m") else { return };
    let ran = world.run_with("Film", |values| values.transfer_fallback = fallback);
    match fallback {
        TransferFallback::Copy => assert!(ran.unwrap().files.iter().all(|file| file.made == Made::Copied)),
        TransferFallback::Fail => {
            assert!(matches!(ran, Err(Failure::NoLink { .. })), "{ran:?}");
            assert!(visible(&world).is_empty());
        }
    }
}

#[test]
fn space_is_asked_for_before_anything_is_written() {
    let world = film();
    let Some(mounted) = Mounted::new(&world.library(), "size=2m") else { return };
    let failure = world.run_with("Film", |_| {}).unwrap_err();
    let Failure::NoSpace { needed_bytes: Some(needed), free_bytes, .. } = &failure else {
        panic!("{failure:?}")
    };
    assert!(*needed == (3 << 20) + 5 && *free_bytes < *needed && failure.passes());
    assert!(visible(&world).is_empty());
    mounted.remount("size=16m");
    world.run_with("Film", |_| {}).unwrap();
}

#[test]
fn disk_that_fills_up_half_way_leaves_the_library_as_it_was() {
    let world = World::new();
    let inside = world.dir.path().join("inside");
    // It packs to next to nothing and does not say what it unpacks to.
    write(&inside.join("zeros"), vec![0; 8 << 20]);
    program(&inside, "tar", &["-czf", "a.tar.gz", "zeros"]);
    write(&world.downloads().join("T/a.tar.gz"), fs::read(inside.join("a.tar.gz")).unwrap());
    let Some(mounted) = Mounted::new(&world.library(), "size=4m") else { return };
    write(&world.library().join("own.txt"), "mine");
    let run = || world.run_with("T", |values| values.extract = true);
    let failure = run().unwrap_err();
    assert!(matches!(failure, Failure::NoSpace { .. }), "{failure:?}");
    assert_eq!(visible(&world), ["own.txt"]);
    assert!(!world.library().join(HOME).join("01JOB/unpacked").exists(), "what half came out is removed");
    mounted.remount("size=32m");
    run().unwrap();
    assert_eq!(fs::metadata(world.library().join("T/zeros")).unwrap().len(), 8 << 20);
}

#[test]
fn library_that_may_not_be_written_holds_the_job() {
    let world = film();
    let Some(mounted) = Mounted::new(&world.library(), "size=16m") else { return };
    mounted.remount("ro");
    let failure = world.run_with("Film", |_| {}).unwrap_err();
    assert!(matches!(failure, Failure::Denied { .. }) && failure.passes(), "{failure:?}");
    assert!(!Root::open(&Allowed::new(world.library())).unwrap().probe().writable);
    mounted.remount("rw");
    world.run_with("Film", |_| {}).unwrap();
}

#[test]
fn library_that_may_not_be_written_by_this_user_holds_the_job() {
    use std::os::unix::fs::PermissionsExt;
    if crate::world::is_root() {
        eprintln!("skipped: root writes where it likes");
        return;
    }
    let world = film();
    fs::set_permissions(world.library(), fs::Permissions::from_mode(0o555)).unwrap();
    let failure = world.run_with("Film", |_| {}).unwrap_err();
    assert!(matches!(failure, Failure::Denied { .. }), "{failure:?}");
}

#[test]
fn disk_that_goes_away_is_told_as_such_and_the_job_goes_on_when_it_is_back() {
    let world = film();
    let (roots, plan) = (world.roots(), world.plan("Film", |values| values.transfer = Transfer::Copy));
    let mut job = revaer_fsops::Job::open(&roots, &world.tools, plan.clone()).unwrap();
    while job.next() != Some(Step::Place) {
        job.step(&Unobserved).unwrap();
    }
    let aside = world.dir.path().join("aside");
    rustix::fs::rename(world.library(), &aside).unwrap();
    fs::create_dir(world.library()).unwrap();
    let failure = job.step(&Unobserved).unwrap_err();
    assert!(matches!(failure, Failure::RootAbsent { .. }), "{failure:?}");
    assert!(tree(&world.library()).is_empty(), "an empty mount point is not the library");
    drop(job);
    rustix::fs::rmdir(world.library()).expect("empty");
    rustix::fs::rename(&aside, world.library()).unwrap();
    let mut job = revaer_fsops::Job::open(&roots, &world.tools, plan).unwrap();
    assert_eq!(job.next(), Some(Step::Place));
    job.run(&mut Steps::default(), &Unobserved).unwrap();
    assert!(world.library().join("Film/film.mkv").exists());
}

#[rstest]
#[case::in_the_library("library/films")]
#[case::in_the_download("downloads/Film/Subs")]
fn another_mount_on_the_way_is_refused(#[case] at: &str) {
    let world = film();
    let plan = world.plan("Film", |values| values.path_template = "{label}/{name}".to_owned());
    let at = world.dir.path().join(at);
    fs::create_dir_all(&at).unwrap();
    let Some(_mounted) = Mounted::new(&at, "size=1m") else { return };
    let failure = world.run(&plan).unwrap_err();
    assert!(matches!(failure, Failure::Refused { rule: Rule::MountCrossing, .. }), "{failure:?}");
    assert!(tree(&at).is_empty());
}
