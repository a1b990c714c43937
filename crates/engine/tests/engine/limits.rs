//! What bounds a session, seen from outside: rates on the wire, the cadence of resume data, an alert queue that is too short.

use std::time::{Duration, Instant};

use crate::support::{PATIENCE, Rig, desired, metainfo, options, seeded, small_pieces};
use libtorrent_sys::Setting;
use revaer_domain::values::RateCap;
use revaer_engine::{Desired, EngineNotice, Materials, Options};
use revaer_test_support::SeederOptions;
use tempfile::tempdir;

const MIB: u32 = 1 << 20;
/// A changed cap has to hold after so long.
const SETTLES_WITHIN: Duration = Duration::from_secs(2);
/// libtorrent hands quota out in portions of up to a second: a shorter window reads nothing or three times the rate.
const WINDOW: Duration = Duration::from_secs(3);

fn cap(bytes_per_second: u32) -> RateCap {
    let limit = bytes_per_second.try_into().expect("a limit");
    RateCap { download_bytes_per_second: Some(limit), ..RateCap::default() }
}

/// Everything that came over TCP, so far.
async fn received(rig: &Rig) -> u32 {
    u32::try_from(rig.engine.counters().await.expect("counters")["net.recv_bytes"]).expect("a test's worth")
}

/// Bytes a second over a window that begins after so long. What was asked for before a change still comes, and a channel
/// that was idle may give three seconds of burst.
async fn rate_after(rig: &Rig, pause: Duration) -> f64 {
    tokio::time::sleep(pause).await;
    let (begun, before) = (Instant::now(), received(rig).await);
    tokio::time::sleep(WINDOW).await;
    f64::from(received(rig).await - before) / begun.elapsed().as_secs_f64()
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_cap_holds_on_the_wire_after_two_seconds() {
    let [there, here] = [tempdir().unwrap(), tempdir().unwrap()];
    let (_, seeder) = seeded(there.path(), &[("big", 60_000_000)], &SeederOptions::default());
    let rig = Rig::start(options(here.path()));
    let torrent = Desired { rate_cap: cap(3 * MIB), ..desired(1, &[&seeder]) };
    rig.reconcile(&torrent, metainfo(&seeder)).await;
    let fast = async {
        while received(&rig).await < 4 * MIB {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, fast).await.expect("it flows");
    let before = rate_after(&rig, Duration::from_secs(1)).await;

    rig.reconcile(&Desired { rate_cap: cap(MIB / 2), version: 2, ..torrent }, Materials::default()).await;
    let after = rate_after(&rig, SETTLES_WITHIN).await;
    let (before_of_cap, after_of_cap) = (before / f64::from(3 * MIB), after / f64::from(MIB / 2));
    println!("3 MiB/s: {before_of_cap:.2} of it; 2 s after it became 512 KiB/s: {after_of_cap:.2}");
    assert!(before > f64::from(MIB), "{before} bytes a second before");
    // Portions make a window read up to 1.3 of a cap; the old one would be six times the new.
    assert!(after < f64::from(MIB), "{after} bytes a second after");
}

#[tokio::test(flavor = "multi_thread")]
async fn cap_of_the_session_binds_peers_on_loopback_too() {
    let [there, here] = [tempdir().unwrap(), tempdir().unwrap()];
    let (_, seeder) = seeded(there.path(), &[("big", 60_000_000)], &SeederOptions::default());
    let mut options = options(here.path());
    options.profile.rate_cap = cap(MIB);
    let rig = Rig::start(options);
    rig.reconcile(&desired(1, &[&seeder]), metainfo(&seeder)).await;
    let rate = rate_after(&rig, Duration::from_secs(4)).await;
    println!("a session's cap of 1 MiB/s: {:.2} of it", rate / f64::from(MIB));
    // Without the filter of peer classes it is eight times the cap; a channel that was idle gives its burst for seconds.
    assert!(rate < f64::from(2 * MIB), "{rate} bytes a second");
}

#[tokio::test(flavor = "multi_thread")]
async fn resume_data_is_saved_at_its_interval_while_pieces_arrive() {
    let [there, here] = [tempdir().unwrap(), tempdir().unwrap()];
    let (_, seeder) = seeded(there.path(), &[("big", 3_000_000)], &small_pieces());
    let mut options = options(here.path());
    options.profile.engine.resume_save_interval_seconds = 1;
    let mut rig = Rig::start(options);
    let torrent = Desired { rate_cap: cap(MIB), ..desired(1, &[&seeder]) };
    rig.reconcile(&torrent, metainfo(&seeder)).await;
    let mut pieces = Vec::new();
    while pieces.len() < 4 {
        let more = |notice: &EngineNotice| match notice {
            EngineNotice::ResumeData { piece_count, .. } => Some(*piece_count),
            EngineNotice::Finished { .. } => panic!("it was not saved often enough: {pieces:?}"),
            _ => None,
        };
        pieces.push(rig.wait(more).await);
    }
    assert!(pieces.is_sorted() && pieces[0] < pieces[3], "{pieces:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn resume_data_is_saved_earlier_after_many_bytes() {
    let [there, here] = [tempdir().unwrap(), tempdir().unwrap()];
    let (_, seeder) = seeded(there.path(), &[("big", 3_000_000)], &small_pieces());
    let mut options = options(here.path());
    options.profile.engine.resume_save_bytes = 500_000;
    let mut rig = Rig::start(options);
    let torrent = Desired { rate_cap: cap(MIB), ..desired(1, &[&seeder]) };
    rig.reconcile(&torrent, metainfo(&seeder)).await;
    let first = rig
        .wait(|notice| match notice {
            EngineNotice::ResumeData { piece_count, .. } if *piece_count > 0 => Some(*piece_count),
            EngineNotice::Finished { .. } => panic!("it was not saved before the end"),
            _ => None,
        })
        .await;
    assert!((30..120).contains(&first), "{first} pieces of 16 KiB");
}

#[tokio::test(flavor = "multi_thread")]
async fn torrent_is_told_to_its_end_though_alerts_are_lost() {
    let [there, here] = [tempdir().unwrap(), tempdir().unwrap()];
    let (_, seeder) = seeded(there.path(), &[("1", 400_000), ("2", 300_000)], &small_pieces());
    let mut options = options(here.path());
    options.settings_extra.push(Setting::int("alert_queue_size", 1));
    let mut rig = Rig::start(options);
    let torrent = Desired { magnet: Some(seeder.magnet().to_owned()), ..desired(1, &[&seeder]) };
    rig.reconcile(&torrent, Materials::default()).await;
    rig.finished().await;
    let torrent = Desired { complete: true, selection_applied: true, version: 2, ..torrent };
    let torrent = Desired { moving_to: "elsewhere".parse().ok(), ..torrent };
    rig.reconcile(&torrent, Materials::default()).await;
    rig.wait(|notice| matches!(notice, EngineNotice::Moved { .. }).then_some(())).await;
    let presence = revaer_engine::Presence::Removing { delete_data: true };
    let save_path = "elsewhere".parse().unwrap();
    let torrent = Desired { presence, save_path, moving_to: None, version: 3, ..torrent };
    rig.reconcile(&torrent, Materials::default()).await;
    rig.wait(|notice| matches!(notice, EngineNotice::Removed { data_deleted: true, .. }).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn state_of_a_session_starts_the_next() {
    let here = tempdir().unwrap();
    let mut rig = Rig::start(options(here.path()));
    rig.wait(|notice| matches!(notice, EngineNotice::Started { .. }).then_some(())).await;
    rig.shutdown.cancel();
    let state = rig.task.await.unwrap().expect("a state");
    assert!(state.starts_with(b"d"));
    let rig = Rig::start(Options { session_state: Some(state), ..options(here.path()) });
    rig.engine.ping().await.expect("it answers");
    assert!(rig.engine.counters().await.unwrap().contains_key("dht.dht_nodes"));
    let broken = Options { session_state: Some(b"rubbish".to_vec()), ..options(here.path()) };
    assert!(revaer_engine::Engine::build(broken).is_err());
}
