//! A process that is killed, with a real SIGKILL: before and after every step, and at every single call of the kernel that
//! changes anything. Whoever comes next goes on, and the end is the same.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use revaer_fsops::{Checksum, Cleanup, HOME, Plan, ProfileValues, Step, Transfer};
use rstest::rstest;

use crate::world::{World, program, tree, write};

/// Calls of the kernel that change something on the disk.
const CHANGES: &[&str] = &[
    "mkdirat",
    "linkat",
    "symlinkat",
    "unlinkat",
    "renameat2",
    "renameat",
    "fsync",
    "fdatasync",
    "syncfs",
    "fchmod",
    "write",
    "copy_file_range",
    "utimensat",
];
/// No job of these tests makes more calls of one kind.
const CALLS_MAX: usize = 200;

fn one_job() -> PathBuf {
    let tests = std::env::current_exe().expect("a test has a path");
    let path = tests.parent().and_then(Path::parent).expect("target/debug/deps").join("examples/one_job");
    assert!(path.exists(), "{} is built by `cargo test` and `cargo nextest run`", path.display());
    path
}

/// The same archive for every world: it holds times.
fn archive() -> &'static [u8] {
    static ARCHIVE: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    ARCHIVE.get_or_init(|| {
        let inside = tempfile::tempdir().expect("a directory");
        write(&inside.path().join("extra/bonus.mkv"), "the bonus");
        program(inside.path(), "zip", &["-q", "-r", "a.zip", "extra"]);
        fs::read(inside.path().join("a.zip")).expect("an archive")
    })
}

/// A film with subtitles, one of its files in an archive.
fn film() -> World {
    let world = World::new();
    world.write("Film/film.mkv", "the film");
    world.write("Film/Subs/en.srt", "words");
    world.write("Film/extra.zip", archive());

    write(&world.library().join("films/Other/own.txt"), "mine");
    world
}

fn change(transfer: Transfer) -> impl FnOnce(&mut ProfileValues) {
    move |values| {
        "{label}/new/{name}".clone_into(&mut values.path_template);
        values.extract = true;
        values.checksum = Checksum::Blake3;
        values.transfer = transfer;
        if transfer == Transfer::Move {
            values.cleanup = Cleanup::RemoveTorrent;
        }
    }
}

fn describe(world: &World, plan: &Plan, undo: bool, ask: bool) -> PathBuf {
    let path = world.dir.path().join("job.json");
    let roots = [world.downloads(), world.library()];
    let wanted = serde_json::json!({ "roots": roots, "plan": plan, "undo": undo, "ask": ask });
    fs::write(&path, wanted.to_string()).expect("a file");
    path
}

/// Everything in the library, with the inodes and times that a record holds left out.
fn comparable(world: &World) -> BTreeMap<String, String> {
    let mut tree = tree(&world.library());
    for (_, content) in tree.iter_mut().filter(|(path, _)| path.ends_with(".revaer.meta")) {
        let mut record: serde_json::Value = serde_json::from_str(content).expect("a record is JSON");
        for file in record["files"].as_array_mut().expect("a list") {
            file["inode"].take();
            file["modified_ns"].take();
        }
        record["plan"].take();
        *content = record.to_string();
    }
    // Symbolic links are absolute.
    let here = world.dir.path().to_str().expect("text");
    for content in tree.values_mut() {
        *content = content.replace(here, "");
    }
    tree
}

/// What a run that nothing disturbs makes of the same.
fn undisturbed(transfer: Transfer) -> (BTreeMap<String, String>, BTreeMap<String, String>) {
    let world = film();
    let plan = world.plan("Film", change(transfer));
    world.run(&plan).expect("nothing disturbs it");
    (comparable(&world), tree(&world.downloads()))
}

#[rstest]
fn process_that_is_killed_at_any_step_is_followed_by_one_that_goes_on(
    #[values(Transfer::Hardlink, Transfer::Copy, Transfer::Move, Transfer::Symlink)] transfer: Transfer,
) {
    let (library, downloads) = undisturbed(transfer);
    let moments = Step::ALL.iter().flat_map(|step| [format!("before {step}"), format!("after {step}")]);
    for moment in moments {
        let world = film();
        let plan = world.plan("Film", change(transfer));
        let mut child = Command::new(one_job())
            .arg(describe(&world, &plan, false, true))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the example runs");
        let mut stdin = child.stdin.take().expect("a pipe");
        let mut said = Vec::new();
        for line in BufReader::new(child.stdout.take().expect("a pipe")).lines() {
            let line = line.expect("text");
            let stop = line == moment;
            said.push(line);
            if stop {
                child.kill().expect("it runs");
                break;
            }
            std::io::Write::write_all(&mut stdin, b"\n").expect("it waits");
        }
        assert_eq!(said.last(), Some(&moment));
        child.wait().expect("it was started");

        // Nobody sees half a result.
        let placed = world.library().join("films/new/Film").exists();
        assert_eq!(placed, said.contains(&"after place".to_owned()), "{moment}");

        let output =
            Command::new(one_job()).arg(describe(&world, &plan, false, false)).output().expect("it runs");
        assert!(output.status.success(), "{moment}: {}", String::from_utf8_lossy(&output.stderr));
        said.extend(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned));
        for step in Step::ALL {
            let done = said.iter().filter(|line| **line == format!("after {step}")).count();
            assert_eq!(done, 1, "{step} was done {done} times around {moment}");
        }
        assert_eq!(comparable(&world), library, "{moment}");
        assert_eq!(tree(&world.downloads()), downloads, "{moment}");
    }
}

/// Whether this machine lets one process trace another.
fn can_trace() -> bool {
    let traced = Command::new("strace").args(["-o", "/dev/null", "true"]).output();
    let can = traced.is_ok_and(|output| output.status.success());
    if !can {
        eprintln!("skipped: strace is missing, or tracing is not allowed here");
    }
    can
}

/// Runs the job with a SIGKILL at the nth call of one kind, and says whether it came to that.
fn killed_at(description: &Path, call: &str, nth: usize) -> bool {
    let traced = Command::new("strace")
        .args(["-f", "-o", "/dev/null", "-e"])
        .arg(format!("trace={call}"))
        .arg("-e")
        .arg(format!("inject={call}:signal=KILL:when={nth}"))
        .arg(one_job())
        .arg(description)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("strace runs");
    !traced.success()
}

#[rstest]
fn process_that_is_killed_at_any_call_is_followed_by_one_that_goes_on(
    #[values(Transfer::Copy, Transfer::Move)] transfer: Transfer,
) {
    if !can_trace() {
        return;
    }
    let (library, downloads) = undisturbed(transfer);
    let mut kills = 0;
    for call in CHANGES {
        for nth in 1..=CALLS_MAX {
            let world = film();
            let plan = world.plan("Film", change(transfer));
            if !killed_at(&describe(&world, &plan, false, false), call, nth) {
                break;
            }
            kills += 1;
            let result = world.library().join("films/new/Film");
            let whole = !result.exists() || tree(&result).len() == 5;
            assert!(whole, "half a result after {call} {nth}: {:?}", tree(&result));
            world.run(&plan).unwrap_or_else(|failure| panic!("{call} {nth}: {failure:?}"));
            assert_eq!(comparable(&world), library, "{call} {nth}");
            assert_eq!(tree(&world.downloads()), downloads, "{call} {nth}");
        }
    }
    assert!(kills > 50, "only {kills} calls were disturbed");
}

#[rstest]
fn undo_that_is_killed_at_any_call_is_followed_by_one_that_goes_on(
    #[values(Transfer::Hardlink, Transfer::Move)] transfer: Transfer,
) {
    if !can_trace() {
        return;
    }
    let mut kills = 0;
    for call in CHANGES {
        for nth in 1..=CALLS_MAX {
            let world = film();
            // A moved archive cannot be put back, so here nothing is unpacked.
            let plan = world.plan("Film", |values| {
                change(transfer)(values);
                values.extract = false;
            });
            let (library, downloads) = (tree(&world.library()), tree(&world.downloads()));
            world.run(&plan).expect("nothing disturbs it");
            if !killed_at(&describe(&world, &plan, true, false), call, nth) {
                break;
            }
            kills += 1;
            let again =
                Command::new(one_job()).arg(describe(&world, &plan, true, false)).output().expect("it runs");
            let said = String::from_utf8_lossy(&again.stderr);
            // If the last thing was done there is nothing to undo any more.
            assert!(again.status.success() || said.contains("NoRecord"), "{call} {nth}: {said}");
            assert_eq!(tree(&world.library()), library, "{call} {nth}");
            assert_eq!(tree(&world.downloads()), downloads, "{call} {nth}");
        }
    }
    assert!(kills > 10, "only {kills} calls were disturbed");
}

#[test]
fn job_of_a_machine_that_was_started_again_trusts_nothing_that_was_not_placed() {
    let world = film();
    let plan = world.plan("Film", change(Transfer::Copy));
    let roots = world.roots();
    let mut job = revaer_fsops::Job::open(&roots, &world.tools, plan.clone()).expect("a job");
    while job.next() != Some(Step::Place) {
        job.step(&revaer_fsops::Unobserved).expect("nothing disturbs it");
    }
    drop(job);
    let staging = world.library().join(HOME).join(plan.job.as_str());
    let meta = staging.join(".revaer.meta");
    let mut state: serde_json::Value =
        serde_json::from_slice(&fs::read(&meta).expect("a file")).expect("JSON");
    state["boot"] = "another".into();
    fs::write(&meta, state.to_string()).expect("a file");
    // What a file system may make of a file whose bytes had not reached the disk.
    let copy = staging.join("result/film.mkv");
    let modified = fs::metadata(&copy).expect("there").modified().expect("a time");
    fs::write(&copy, "\0\0\0\0\0\0\0\0").expect("a file");
    fs::File::options().write(true).open(&copy).expect("there").set_modified(modified).expect("ours");
    world.run(&plan).expect("it begins anew");
    assert_eq!(fs::read(world.library().join("films/new/Film/film.mkv")).expect("there"), b"the film");
}
