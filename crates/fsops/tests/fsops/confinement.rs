//! Nothing outside the roots is read, written, linked or removed, whatever lies in the way.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};

use revaer_fsops::{Allowed, Failure, Identity, Job, MARKER, Root, Roots, Rule, Tools, Transfer, Unobserved};
use rustix::fs::{CWD, Mode, RenameFlags};

use crate::world::{Steps, World, tree, write};

fn film() -> World {
    let world = World::new();
    world.write("Film/film.mkv", "the film");
    fs::create_dir(world.dir.path().join("outside")).expect("a directory");
    world
}

fn rule_of(failure: &Failure) -> Rule {
    let Failure::Refused { rule, .. } = failure else { panic!("{failure:?}") };
    *rule
}

#[test]
fn library_that_no_root_allows_is_refused() {
    let world = film();
    let outside = world.dir.path().join("outside");
    let refused = world.run_with("Film", |values| values.library_root = outside.to_str().unwrap().to_owned());
    assert_eq!(rule_of(&refused.unwrap_err()), Rule::OutsideRoots);
    // A name that begins as a root does is not beneath it.
    let beside = world.dir.path().join("library-2");
    fs::create_dir(&beside).unwrap();
    let refused = world.run_with("Film", |values| values.library_root = beside.to_str().unwrap().to_owned());
    assert_eq!(rule_of(&refused.unwrap_err()), Rule::OutsideRoots);
}

#[test]
fn link_in_the_library_leads_nobody_out() {
    let world = film();
    let outside = world.dir.path().join("outside");
    symlink(&outside, world.library().join("films")).unwrap();
    let refused = world.run_with("Film", |values| values.path_template = "{label}/{name}".to_owned());
    assert_eq!(rule_of(&refused.unwrap_err()), Rule::SymbolicLink);
    assert!(tree(&outside).is_empty());
}

#[test]
fn staging_that_is_a_link_is_refused() {
    let world = film();
    let outside = world.dir.path().join("outside");
    write(&outside.join("01JOB/precious"), "mine");
    symlink(&outside, world.library().join(revaer_fsops::HOME)).unwrap();
    assert_eq!(rule_of(&world.run_with("Film", |_| {}).unwrap_err()), Rule::SymbolicLink);
    assert_eq!(tree(&outside).len(), 2);
}

#[test]
fn folder_of_the_download_that_is_a_link_is_refused() {
    let world = film();
    let plan = world.plan("Film", |_| {});
    let outside = world.dir.path().join("outside");
    write(&outside.join("film.mkv"), "passwd..");
    rustix::fs::rename(world.downloads().join("Film"), world.downloads().join("aside")).unwrap();
    symlink(&outside, world.downloads().join("Film")).unwrap();
    let refused = world.run(&plan).unwrap_err();
    assert!(matches!(rule_of(&refused), Rule::SymbolicLink | Rule::NotDirectory), "{refused:?}");
    assert!(!world.library().join("Film").exists());
}

#[test]
fn pipe_in_the_download_is_refused_and_not_waited_for() {
    let world = film();
    rustix::fs::mknodat(CWD, world.downloads().join("Film/pipe"), rustix::fs::FileType::Fifo, Mode::RWXU, 0)
        .unwrap();
    assert_eq!(rule_of(&world.run_with("Film", |_| {}).unwrap_err()), Rule::NotRegular);
}

#[test]
fn root_itself_may_be_a_link_since_the_operator_says_so() {
    let world = film();
    let door = world.dir.path().join("door");
    symlink(world.library(), &door).unwrap();
    let plan = world.plan("Film", |values| values.library_root = door.to_str().unwrap().to_owned());
    let roots = Roots::new(vec![Allowed::new(world.downloads()), Allowed::new(&door)]).unwrap();
    let tools = Tools::default();
    let mut job = Job::open(&roots, &tools, plan).unwrap();
    job.run(&mut Steps::default(), &Unobserved).unwrap();
    assert_eq!(fs::read(world.library().join("Film/film.mkv")).unwrap(), b"the film");
}

#[test]
fn folder_that_turns_into_a_link_and_back_leads_nobody_out() {
    let world = film();
    let outside = world.dir.path().join("outside");
    let (real, link) = (world.library().join("films"), world.library().join("other"));
    fs::create_dir(&real).unwrap();
    symlink(&outside, &link).unwrap();
    let stop = AtomicBool::new(false);
    let (mut placed, mut refused) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                rustix::fs::renameat_with(CWD, &real, CWD, &link, RenameFlags::EXCHANGE)
                    .expect("both are there");
            }
        });
        let torrent = world.torrent("Film");
        for number in 0..150 {
            let plan = world
                .try_plan(&format!("01J{number}"), &torrent, |values| {
                    values.path_template = "{label}/{id}/{name}".to_owned();
                    values.on_conflict = revaer_fsops::OnConflict::Rename;
                    values.transfer = Transfer::Copy;
                })
                .unwrap();
            match world.run(&plan) {
                Ok(_) => placed += 1,
                Err(_) => refused += 1,
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(tree(&outside).is_empty(), "{:?} after {placed} and {refused}", tree(&outside));
    assert!(refused > 0, "the race was never met, so nothing was shown");
}

#[test]
fn marked_root_without_its_mark_is_not_the_library() {
    let world = film();
    let mut root = Root::open(&Allowed::new(world.library())).unwrap();
    let identity = root.mark("a library of this test").unwrap().clone();
    assert_eq!(identity.marker.as_deref(), Some("a library of this test"));
    let remembered = Allowed { path: world.library(), identity: Some(identity.clone()) };
    assert_eq!(Root::open(&remembered).unwrap().identity(), &identity);
    // An empty mount point looks like this.
    rustix::fs::rename(world.library().join(MARKER), world.dir.path().join("mark")).unwrap();
    let plan = world.plan("Film", |_| {});
    let roots = Roots::new(vec![Allowed::new(world.downloads()), remembered]).unwrap();
    let tools = Tools::default();
    let absent = Job::open(&roots, &tools, plan.clone()).unwrap_err();
    assert!(matches!(absent, Failure::RootAbsent { .. }) && absent.passes(), "{absent:?}");
    assert!(tree(&world.library()).is_empty());
    rustix::fs::rename(world.dir.path().join("mark"), world.library().join(MARKER)).unwrap();
    Job::open(&roots, &tools, plan).unwrap().run(&mut Steps::default(), &Unobserved).unwrap();
}

#[test]
fn root_without_a_mark_is_known_by_its_device() {
    let world = film();
    let here = Root::open(&Allowed::new(world.library())).unwrap().identity().clone();
    let moved = Identity { device: here.device + 1, ..here };
    let absent = Root::open(&Allowed { path: world.library(), identity: Some(moved) }).unwrap_err();
    assert!(matches!(absent, Failure::RootAbsent { .. }), "{absent:?}");
}

#[test]
fn root_tells_how_it_is() {
    let world = film();
    let probe = Root::open(&Allowed::new(world.library())).unwrap().probe();
    assert!(probe.writable && probe.free_bytes > 0);
    assert!(tree(&world.library()).is_empty(), "a look leaves nothing behind");
}
