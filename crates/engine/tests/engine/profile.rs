//! A profile that changes while the session runs.

use std::net::TcpListener;
use std::sync::Arc;

use revaer_domain::torrent::Phase;
use revaer_domain::values::{RateCap, TorrentId};
use revaer_engine::{Desired, EngineNotice, Fault, IpFilter, Profile, Refusal};
use revaer_test_support::Seeder;
use tempfile::tempdir;

use crate::support::{PATIENCE, Rig, desired, metainfo, options, seeded, small_pieces};

const LISTEN: &str = "/engine/listen_interfaces";

async fn apply(rig: &Rig, change: impl FnOnce(&mut Profile)) -> Vec<Refusal> {
    let mut profile = rig.engine.profile();
    change(&mut profile);
    rig.engine.apply(profile).await.expect("a session")
}

fn cap(bytes_per_second: u32) -> RateCap {
    let limit = bytes_per_second.try_into().expect("a limit");
    RateCap { download_bytes_per_second: Some(limit), ..RateCap::default() }
}

fn listening_on(interfaces: &str) -> impl FnOnce(&mut Profile) {
    let interfaces = interfaces.to_owned();
    move |profile| profile.engine.listen_interfaces = interfaces
}

/// A port that nobody has at this moment.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

#[tokio::test(flavor = "multi_thread")]
async fn session_listens_elsewhere_at_once() {
    let here = tempdir().unwrap();
    let rig = Rig::start(options(here.path()));
    let port = free_port();
    assert_eq!(apply(&rig, listening_on(&format!("127.0.0.1:{port}"))).await, []);
    assert_eq!(rig.engine.listen_port().await.unwrap(), port);
}

#[tokio::test(flavor = "multi_thread")]
async fn port_that_is_taken_is_refused_and_the_one_before_is_listened_on() {
    let here = tempdir().unwrap();
    let rig = Rig::start(options(here.path()));
    let before = free_port();
    assert_eq!(apply(&rig, listening_on(&format!("127.0.0.1:{before}"))).await, []);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let refused =
        apply(&rig, listening_on(&format!("127.0.0.1:{}", taken.local_addr().unwrap().port()))).await;
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert_eq!(refused[0].pointer, LISTEN);
    assert!(refused[0].reason.contains("in use"), "{refused:?}");
    assert_eq!(rig.engine.listen_port().await.unwrap(), before);
    assert_eq!(rig.engine.profile().engine.listen_interfaces, format!("127.0.0.1:{before}"));
    assert_eq!(*rig.engine.deaf().borrow(), None, "it hears where it did before");
}

#[tokio::test(flavor = "multi_thread")]
async fn device_that_is_not_there_is_refused_and_the_rest_holds() {
    let here = tempdir().unwrap();
    let rig = Rig::start(options(here.path()));
    let port = rig.engine.listen_port().await.unwrap();
    let refused = apply(&rig, |profile| {
        profile.engine.listen_interfaces = "127.0.0.1:0,nosuch0:6881".to_owned();
        profile.engine.connections_max = 77;
    })
    .await;
    let [Refusal { pointer: LISTEN, reason }] = refused.as_slice() else { panic!("{refused:?}") };
    assert!(reason.contains("nosuch0"), "{reason}");
    assert_eq!(rig.engine.listen_port().await.unwrap(), port);
    assert_eq!(rig.engine.profile().engine.connections_max, 77);
}

#[tokio::test(flavor = "multi_thread")]
async fn port_that_is_taken_at_the_start_is_told() {
    let here = tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut options = options(here.path());
    options.profile.engine.listen_interfaces = taken.local_addr().unwrap().to_string();
    let rig = Rig::start(options);
    let mut deaf = rig.engine.deaf();
    let told = tokio::time::timeout(PATIENCE, deaf.wait_for(Option::is_some)).await;
    assert!(
        told.expect("in time").expect("there").as_deref().is_some_and(|reason| reason.contains("in use"))
    );
    assert_eq!(rig.engine.listen_port().await.unwrap(), 0, "it does not listen on another port in silence");
    drop(taken);
    assert_eq!(apply(&rig, listening_on("127.0.0.1:0")).await, []);
    assert_eq!(*rig.engine.deaf().borrow(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn session_that_is_rebuilt_has_the_newest_profile() {
    let here = tempdir().unwrap();
    let mut rig = Rig::start(options(here.path()));
    let port = free_port();
    assert_eq!(apply(&rig, listening_on(&format!("127.0.0.1:{port}"))).await, []);
    rig.engine.inject(Fault::PumpError);
    rig.wait(|notice| matches!(notice, EngineNotice::Restarted { .. }).then_some(())).await;
    assert_eq!(rig.engine.listen_port().await.unwrap(), port);
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_on_a_blocked_address_gives_nothing_until_it_is_allowed() {
    let [there, here] = [tempdir().unwrap(), tempdir().unwrap()];
    let (_, seeder) = seeded(there.path(), &[("1", 300_000)], &small_pieces());
    let mut options = options(here.path());
    options.profile.ip_filter = Arc::new(IpFilter::parse(&b"127.0.0.0/8"[..]).unwrap());
    let mut rig = Rig::start(options);
    let torrent = desired(1, &[&seeder]);
    rig.reconcile(&torrent, metainfo(&seeder)).await;
    rig.wait(|notice| phase(notice, 1, Phase::Downloading)).await;
    assert_eq!(rig.engine.peers(torrent.id).await.unwrap(), []);
    assert_eq!(apply(&rig, |profile| profile.ip_filter = Arc::default()).await, []);
    // libtorrent has forgotten the peer that it was not allowed; the seeder's own call is not among its promises.
    rig.engine.connect_peer(torrent.id, seeder.addr()).await.unwrap();
    rig.finished().await;
}

fn phase(notice: &EngineNotice, number: u128, wanted: Phase) -> Option<()> {
    match notice {
        EngineNotice::Phase { id, phase, .. } => {
            (*id == TorrentId::new(number.into()) && *phase == wanted).then_some(())
        }
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn torrents_download_one_after_another_when_one_may_at_once() {
    let [there, here] = [tempdir().unwrap(), tempdir().unwrap()];
    let (first, second, third) = (there.path().join("1"), there.path().join("2"), there.path().join("3"));
    let (_, one) = seeded(&first, &[("a", 3_000_000)], &small_pieces());
    let (_, two) = seeded(&second, &[("a", 200_000), ("b", 1)], &small_pieces());
    let (_, three) = seeded(&third, &[("a", 200_000), ("c", 1)], &small_pieces());
    let mut options = options(here.path());
    options.profile.engine.active_downloads = Some(1);
    let mut rig = Rig::start(options);
    let place = |number: u128| number.to_string().parse().unwrap();
    let running = Desired { save_path: place(1), rate_cap: cap(1_000_000), ..desired(1, &[&one]) };
    let waiting = Desired { save_path: place(2), ..desired(2, &[&two]) };
    let paused = Desired { save_path: place(3), paused: true, ..desired(3, &[&three]) };
    rig.reconcile(&running, metainfo(&one)).await;
    rig.wait(|notice| phase(notice, 1, Phase::Downloading)).await;
    rig.reconcile(&waiting, metainfo(&two)).await;
    rig.reconcile(&paused, metainfo(&three)).await;
    rig.wait(|notice| phase(notice, 3, Phase::Stopped)).await;
    rig.finished().await;
    rig.finished().await;
    let order: Vec<_> =
        rig.seen.iter().filter(|notice| matches!(notice, EngineNotice::Finished { .. })).collect();
    assert_eq!(order[0].id(), Some(running.id));
    assert!(
        rig.seen.iter().any(|notice| phase(notice, 2, Phase::Queued).is_some()),
        "the second waits its turn"
    );
    assert!(!rig.seen.iter().any(|notice| phase(notice, 2, Phase::Stopped).is_some()), "nobody paused it");
    assert!(
        !rig.seen.iter().any(|notice| phase(notice, 3, Phase::Downloading).is_some()),
        "what is paused stays so"
    );
    // Without a queue it still does; asked to go on it does at once.
    assert_eq!(apply(&rig, |profile| profile.engine.active_downloads = None).await, []);
    rig.reconcile(&Desired { paused: false, version: 2, ..paused }, metainfo(&three)).await;
    rig.finished().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slots_of_a_torrent_hold_for_those_that_are_there() {
    let [there, here] = [tempdir().unwrap(), tempdir().unwrap()];
    let (content, one) = seeded(there.path(), &[("a", 3_000_000)], &small_pieces());
    let more = [(); 2].map(|()| Seeder::start(&content, &small_pieces()).unwrap());
    let rig = Rig::start(options(here.path()));
    assert_eq!(apply(&rig, |profile| profile.engine.connections_per_torrent_max = Some(2)).await, []);
    let torrent = Desired { rate_cap: cap(100_000), ..desired(1, &[&one, &more[0], &more[1]]) };
    rig.reconcile(&torrent, metainfo(&one)).await;
    let peers = |wanted: usize| {
        let (engine, id) = (rig.engine.clone(), torrent.id);
        async move {
            let reached = async {
                while engine.peers(id).await.unwrap().len() != wanted {
                    engine.progress_changed().await;
                    engine.take_progress();
                }
            };
            tokio::time::timeout(PATIENCE, reached).await.expect("as many peers as may be");
        }
    };
    peers(2).await;
    assert_eq!(apply(&rig, |profile| profile.engine.connections_per_torrent_max = None).await, []);
    peers(3).await;
}
