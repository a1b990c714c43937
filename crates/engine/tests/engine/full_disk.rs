//! A disk that is full: one failure, and a recovery once there is room. On a file system of a megabyte that only this test
//! sees.

use std::path::Path;
use std::process::Command;

use crate::support::{Rig, desired, metainfo, options, seeded, small_pieces};
use revaer_domain::torrent::OneShot;
use revaer_engine::{Desired, EngineNotice, Materials};
use tempfile::tempdir;

/// Runs the test below in a mount namespace of its own, which takes no privileges where the kernel lets users have one.
#[test]
fn full_disk_fails_once_and_recovers_when_there_is_room() {
    let script = "mount -t tmpfs -o size=1m none \"$1\" && cd \"$1\" && exec \"$0\" --exact full_disk::on_a_small_disk --ignored --nocapture";
    let apart = ["--user", "--map-root-user", "--mount"];
    let probe = Command::new("unshare").args(apart).args(["mount", "-t", "tmpfs", "none", "/mnt"]).status();
    if !probe.is_ok_and(|status| status.success()) {
        println!("SKIPPED: this kernel lets no user mount a file system, so no disk can be filled up");
        return;
    }
    let small = tempdir().unwrap();
    let this = std::env::current_exe().expect("a test knows its own program");
    let output = Command::new("unshare")
        .args(apart)
        .args(["sh", "-c", script])
        .args([&this, small.path()])
        .output()
        .expect("it was there a moment ago");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "its working directory has to be a file system of a megabyte"]
async fn on_a_small_disk() {
    let there = tempdir().unwrap();
    let (content, seeder) = seeded(there.path(), &[("big", 3_000_000)], &small_pieces());
    let here = std::env::current_dir().unwrap();
    let mut rig = Rig::start(options(&here));
    let torrent = desired(1, &[&seeder]);
    rig.reconcile(&torrent, metainfo(&seeder)).await;
    let code = rig
        .wait(|notice| match notice {
            EngineNotice::Failed { code, .. } => Some(code.clone()),
            _ => None,
        })
        .await;
    assert_eq!(code, "disk_full");
    let torrent = Desired { failed: true, version: 2, ..torrent };
    rig.reconcile(&torrent, Materials::default()).await;
    rig.engine.ping().await.expect("the session is well");

    grow(&here);
    let torrent = Desired { retry: OneShot { requested: 1, done: 0 }, version: 3, ..torrent };
    rig.reconcile(&torrent, Materials::default()).await;
    rig.wait(|notice| matches!(notice, EngineNotice::Recovered { .. }).then_some(())).await;
    rig.finished().await;
    assert_eq!(std::fs::read(here.join("T/big")).unwrap(), std::fs::read(content.join("big")).unwrap());
    let failures = rig.seen.iter().filter(|notice| matches!(notice, EngineNotice::Failed { .. })).count();
    assert_eq!(failures, 1, "a failure is told once, however many pieces fail");
}

fn grow(disk: &Path) {
    let status = Command::new("mount").args(["-o", "remount,size=16m"]).arg(disk).status().expect("mount");
    assert!(status.success(), "there is more room now");
}
