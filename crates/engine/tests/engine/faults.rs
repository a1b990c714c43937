//! A session that breaks is built again, so many times and no more.

use crate::support::{Rig, desired, metainfo, options, resume_data, seeded, small_pieces};
use revaer_engine::{EngineHealth, EngineNotice, Fault, Options};
use rstest::rstest;
use tempfile::tempdir;

#[rstest]
#[case::pump(Fault::PumpError)]
#[case::silence(Fault::Unresponsive)]
#[tokio::test(flavor = "multi_thread")]
async fn broken_session_is_rebuilt_and_takes_its_torrents_back(#[case] fault: Fault) {
    let [there, here] = [tempdir().unwrap(), tempdir().unwrap()];
    let (_, seeder) = seeded(there.path(), &[("1", 80_000)], &small_pieces());
    let mut rig = Rig::start(options(here.path()));
    let torrent = desired(1, &[&seeder]);
    rig.reconcile(&torrent, metainfo(&seeder)).await;
    rig.finished().await;

    rig.engine.inject(fault);
    rig.wait(|notice| matches!(notice, EngineNotice::Faulted { .. }).then_some(())).await;
    let attempt = rig
        .wait(|notice| match notice {
            EngineNotice::Restarted { attempt } => Some(*attempt),
            _ => None,
        })
        .await;
    assert_eq!(attempt, 1);
    assert_eq!(*rig.engine.health().borrow(), EngineHealth::Well);
    assert!(rig.engine.live(torrent.id).is_none(), "a new session is empty");
    let mut materials = metainfo(&seeder);
    materials.resume_data = resume_data(&rig.seen);
    rig.reconcile(&torrent, materials).await;
    rig.finished().await;
    rig.engine.ping().await.expect("it answers");
}

#[tokio::test(flavor = "multi_thread")]
async fn session_that_breaks_again_and_again_is_given_up() {
    let here = tempdir().unwrap();
    let mut rig = Rig::start(Options { rebuild_attempts_max: 2, ..options(here.path()) });
    for _ in 0..2 {
        rig.engine.inject(Fault::PumpError);
        rig.wait(|notice| matches!(notice, EngineNotice::Restarted { .. }).then_some(())).await;
    }
    rig.engine.inject(Fault::PumpError);
    rig.wait(|notice| matches!(notice, EngineNotice::GaveUp { .. }).then_some(())).await;
    assert!(matches!(*rig.engine.health().borrow(), EngineHealth::Failed { .. }));
    assert!(rig.engine.ping().await.is_err());
    assert!(rig.engine.reconcile(desired(1, &[]), None).await.is_err());
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_setting_is_an_error_of_the_build() {
    let here = tempdir().unwrap();
    let mut options = options(here.path());
    options.settings_extra.push(libtorrent_sys::Setting::int("no_such_setting", 1));
    assert!(revaer_engine::Engine::build(options).is_err());
}
