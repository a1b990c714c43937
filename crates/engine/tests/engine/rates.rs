//! Caps on the wire: two real sessions on loopback over TCP, bytes counted by libtorrent at the socket of the one that receives.
//!
//! A cap has to hold two seconds after it was asked for, within a tenth over the next five. These are deadlines of behaviour,
//! asserted as they are stated; they run alone, and once more on a machine that was busy (`.config/nextest.toml`).

use std::time::{Duration, Instant};

use revaer_domain::values::{RateCap, RateLimit};
use revaer_engine::{Desired, EngineNotice, Materials};
use revaer_test_support::SeederOptions;
use rstest::rstest;
use tempfile::{TempDir, tempdir};

use crate::support::{Rig, desired, metainfo, options, seeded};

const KIB: u32 = 1 << 10;
const MIB: u32 = 1 << 20;
/// From the slowest that is promised to the fastest, and back: each is changed while the one before holds.
const CAPS: [u32; 3] = [256 * KIB, 8 * MIB, MIB];
/// A changed cap holds after so long.
const SETTLES_WITHIN: Duration = Duration::from_secs(2);
const WINDOW: Duration = Duration::from_secs(5);
/// Of the cap, up and down.
const TOLERANCE: f64 = 0.1;
/// More than all windows and pauses take at their caps.
const PAYLOAD_BYTES: usize = 110_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    Session,
    Torrent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Down,
    Up,
}

/// Somebody who sends and somebody who receives; one of them is capped.
struct Pair {
    capped: Rig,
    receiver: Option<Rig>,
    torrent: Desired,
    scope: Scope,
    direction: Direction,
    _folders: [TempDir; 2],
}

impl Pair {
    async fn start(scope: Scope, direction: Direction) -> Self {
        let [there, here] = [tempdir().expect("a folder"), tempdir().expect("a folder")];
        let (_, seeder) = seeded(there.path(), &[("big", PAYLOAD_BYTES)], &SeederOptions::default());
        let cap = cap(direction, CAPS[0]);
        let capped_root = if direction == Direction::Down { here.path() } else { there.path() };
        let mut capped_options = options(capped_root);
        let torrent_cap = match scope {
            Scope::Session => {
                capped_options.profile.rate_cap = cap;
                RateCap::default()
            }
            Scope::Torrent => cap,
        };
        let mut capped = Rig::start(capped_options);
        let peers: &[_] = if direction == Direction::Down { &[&seeder] } else { &[] };
        let torrent = Desired { rate_cap: torrent_cap, ..desired(1, peers) };
        capped.reconcile(&torrent, metainfo(&seeder)).await;
        let receiver = match direction {
            Direction::Down => None,
            Direction::Up => {
                capped.finished().await;
                let receiver = Rig::start(options(here.path()));
                let port = capped.engine.listen_port().await.expect("a port");
                let from = Desired { peers: vec![([127, 0, 0, 1], port).into()], ..desired(1, &[]) };
                receiver.reconcile(&from, metainfo(&seeder)).await;
                Some(receiver)
            }
        };
        if direction == Direction::Down {
            // The seeder lives as long as the test.
            std::mem::forget(seeder);
        }
        Self { capped, receiver, torrent, scope, direction, _folders: [there, here] }
    }

    async fn set(&mut self, bytes_per_second: u32) {
        let cap = cap(self.direction, bytes_per_second);
        match self.scope {
            Scope::Session => {
                let mut profile = self.capped.engine.profile();
                profile.rate_cap = cap;
                assert_eq!(self.capped.engine.apply(profile).await.expect("a session"), []);
            }
            Scope::Torrent => {
                self.torrent.version += 1;
                self.torrent.rate_cap = cap;
                self.capped.reconcile(&self.torrent, Materials::default()).await;
            }
        }
    }

    /// Everything that came over TCP, so far.
    async fn received(&self) -> u32 {
        let counters =
            self.receiver.as_ref().unwrap_or(&self.capped).engine.counters().await.expect("counters");
        u32::try_from(counters["net.recv_bytes"]).expect("a test's worth")
    }

    /// What came in a window, as a part of the cap.
    async fn of_cap(&self, bytes_per_second: u32) -> f64 {
        tokio::time::sleep(SETTLES_WITHIN).await;
        let (begun, before) = (Instant::now(), self.received().await);
        tokio::time::sleep(WINDOW).await;
        let bytes = f64::from(self.received().await - before);
        bytes / begun.elapsed().as_secs_f64() / f64::from(bytes_per_second)
    }
}

fn cap(direction: Direction, bytes_per_second: u32) -> RateCap {
    let limit: Option<RateLimit> = bytes_per_second.try_into().ok();
    match direction {
        Direction::Down => RateCap { download_bytes_per_second: limit, ..RateCap::default() },
        Direction::Up => RateCap { upload_bytes_per_second: limit, ..RateCap::default() },
    }
}

#[rstest]
#[case::session_down(Scope::Session, Direction::Down)]
#[case::session_up(Scope::Session, Direction::Up)]
#[case::torrent_down(Scope::Torrent, Direction::Down)]
#[case::torrent_up(Scope::Torrent, Direction::Up)]
#[tokio::test(flavor = "multi_thread")]
async fn cap_holds_on_the_wire_two_seconds_after_it_was_changed(
    #[case] scope: Scope,
    #[case] direction: Direction,
) {
    let mut pair = Pair::start(scope, direction).await;
    // The first one began with a burst: a channel that was idle has saved quota for three seconds.
    while pair.received().await < 2 * CAPS[0] {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut measured = Vec::new();
    for bytes_per_second in CAPS {
        pair.set(bytes_per_second).await;
        measured.push((bytes_per_second / KIB, pair.of_cap(bytes_per_second).await));
    }
    println!("{scope:?} {direction:?}: parts of the caps in KiB/s: {measured:.3?}");
    for (cap, part) in &measured {
        assert!((part - 1.0).abs() <= TOLERANCE, "{part:.3} of {cap} KiB/s; all: {measured:.3?}");
    }
    let told = |notice: &EngineNotice| matches!(notice, EngineNotice::RateCapApplied { .. });
    let told = pair.capped.end().await.iter().filter(|notice| told(notice)).count();
    assert_eq!(told > 0, scope == Scope::Torrent, "the caps of a torrent are told when they are in force");
}

#[tokio::test(flavor = "multi_thread")]
async fn local_peers_are_bound_as_soon_as_the_limits_are_to_apply_to_them() {
    let mut pair = Pair::start(Scope::Session, Direction::Down).await;
    let mut profile = pair.capped.engine.profile();
    profile.limits_apply_to_local_peers = false;
    assert_eq!(pair.capped.engine.apply(profile.clone()).await.unwrap(), []);
    // Fast enough to show that nothing binds it, slow enough to have something left.
    pair.torrent.version += 1;
    pair.torrent.rate_cap = cap(Direction::Down, 4 * MIB);
    pair.capped.reconcile(&pair.torrent, Materials::default()).await;
    let unbound = pair.of_cap(MIB).await;
    assert!(unbound > 3.0, "{unbound:.3} of 1 MiB/s, which should not bind");
    profile.rate_cap = cap(Direction::Down, MIB);
    profile.limits_apply_to_local_peers = true;
    assert_eq!(pair.capped.engine.apply(profile).await.unwrap(), []);
    // They are let go of within a second, and come back with the burst of a channel that was idle.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let bound = pair.of_cap(MIB).await;
    assert!((bound - 1.0).abs() <= TOLERANCE, "{bound:.3} of 1 MiB/s");
}
