//! What bounds a session, seen from outside: the cadence of resume data, an alert queue that is too short.

use crate::support::{Rig, desired, metainfo, options, seeded, small_pieces};
use libtorrent_sys::Setting;
use revaer_domain::values::RateCap;
use revaer_engine::{Desired, EngineNotice, Materials, Options};
use tempfile::tempdir;

const MIB: u32 = 1 << 20;
fn cap(bytes_per_second: u32) -> RateCap {
    let limit = bytes_per_second.try_into().expect("a limit");
    RateCap { download_bytes_per_second: Some(limit), ..RateCap::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn resume_data_is_saved_at_its_interval_while_pieces_arrive() {
    let [there, here] = [tempdir().unwrap(), tempdir().unwrap()];
    let (_, seeder) = seeded(there.path(), &[("big", 6_000_000)], &small_pieces());
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
