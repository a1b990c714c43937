//! One engine and a real seeder on loopback: what a torrent goes through from the add to the end.

use std::path::Path;

use crate::support::{PATIENCE, Rig, brief, desired, metainfo, options, resume_data, seeded, small_pieces};
use libtorrent_sys::Format;
use revaer_domain::selection::SelectionRule;
use revaer_domain::torrent::{OneShot, Phase};
use revaer_domain::values::RateCap;
use revaer_engine::{Desired, EngineNotice, Materials, Presence};
use revaer_test_support::SeederOptions;
use rstest::rstest;
use tempfile::tempdir;

const FILES: [(&str, usize); 4] =
    [("e01.mkv", 300_000), ("e02.mkv", 200_000), ("sample/e01.mkv", 120_000), ("readme.txt", 40_000)];

fn phase_is(wanted: Phase) -> impl Fn(&EngineNotice) -> Option<()> {
    move |notice| matches!(notice, EngineNotice::Phase { phase, .. } if *phase == wanted).then_some(())
}

fn position(seen: &[EngineNotice], wanted: impl Fn(&EngineNotice) -> bool) -> usize {
    seen.iter().position(wanted).expect("it was told")
}

fn same(a: &Path, b: &Path) -> bool {
    std::fs::read(a).expect("a file") == std::fs::read(b).expect("a file")
}

#[rstest]
#[case::v1(Format::V1)]
#[case::v2(Format::V2)]
#[case::hybrid_with_padding(Format::Hybrid)]
#[tokio::test(flavor = "multi_thread")]
async fn magnet_with_a_rule_downloads_what_is_wanted_and_nothing_else(#[case] format: Format) {
    let [there, here] = [tempdir().unwrap(), tempdir().unwrap()];
    let (content, seeder) =
        seeded(there.path(), &FILES, &SeederOptions { format, ..SeederOptions::default() });
    let mut rig = Rig::start(options(here.path()));
    let torrent = Desired {
        magnet: Some(seeder.magnet().to_owned()),
        selection: SelectionRule {
            include: vec!["**/*.mkv".into()],
            exclude: vec!["**/sample/**".into()],
            ..SelectionRule::default()
        },
        ..desired(1, &[&seeder])
    };
    rig.reconcile(&torrent, Materials::default()).await;
    rig.finished().await;

    let names: Vec<String> = rig
        .seen
        .iter()
        .find_map(|notice| match notice {
            EngineNotice::MetadataReceived { files, name, .. } if name == "T" => {
                Some(files.iter().map(|file| file.path.clone()).collect())
            }
            _ => None,
        })
        .expect("the metadata was told");
    assert_eq!(names.len(), FILES.len());
    for name in names {
        let wanted = ["T/e01.mkv", "T/e02.mkv"].contains(&name.as_str());
        assert_eq!(here.path().join(&name).exists(), wanted, "{name}");
        if wanted {
            assert!(same(&here.path().join(&name), &content.parent().unwrap().join(&name)), "{name}");
        }
    }
    let applied = position(
        &rig.seen,
        |notice| matches!(notice, EngineNotice::SelectionApplied { applied, .. } if applied.wanted_bytes == 500_000),
    );
    let saved = position(&rig.seen, |notice| matches!(notice, EngineNotice::ResumeData { .. }));
    let finished = position(&rig.seen, |notice| matches!(notice, EngineNotice::Finished { .. }));
    assert!(applied < finished && saved < finished);
    let early = |notice: &EngineNotice| match notice {
        EngineNotice::Phase { phase, totals, .. } => {
            *phase == Phase::Seeding && totals.wanted_done_bytes == 0
        }
        _ => false,
    };
    assert!(!rig.seen.iter().any(early), "while the rule settles nothing is wanted, which is no seeding");
    let bytes = rig.engine.file_progress(torrent.id).await.unwrap();
    assert_eq!(bytes.len(), FILES.len());
    assert!(bytes.iter().sum::<u64>() >= 500_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn metainfo_downloads_pauses_and_goes_on_under_a_cap() {
    let [there, here] = [tempdir().unwrap(), tempdir().unwrap()];
    let (content, seeder) = seeded(there.path(), &[("big", 3_000_000)], &small_pieces());
    let mut rig = Rig::start(options(here.path()));
    let cap =
        RateCap { download_bytes_per_second: Some(100_000_u32.try_into().unwrap()), ..RateCap::default() };
    let torrent = Desired { paused: true, rate_cap: cap, ..desired(1, &[&seeder]) };
    rig.reconcile(&torrent, metainfo(&seeder)).await;
    rig.wait(phase_is(Phase::Stopped)).await;

    let torrent = Desired { paused: false, sequential: true, version: 2, ..torrent };
    rig.reconcile(&torrent, Materials::default()).await;
    rig.wait(phase_is(Phase::Downloading)).await;
    rig.engine.progress_changed().await;
    assert!(rig.engine.take_progress().iter().all(|progress| progress.id == torrent.id));

    let torrent = Desired { paused: true, version: 3, ..torrent };
    rig.reconcile(&torrent, Materials::default()).await;
    rig.wait(phase_is(Phase::Stopped)).await;
    let live = rig.engine.live(torrent.id).expect("it is there");
    assert!(live.totals.wanted_done_bytes < 3_000_000, "the cap did not bind");

    let saved = rig.wait(|notice| resume_data(std::slice::from_ref(notice))).await;
    let flag = b"19:sequential_downloadi1e";
    assert!(saved.windows(flag.len()).any(|window| window == flag), "it does not download in order");

    let torrent = Desired { paused: false, rate_cap: RateCap::default(), version: 4, ..torrent };
    rig.reconcile(&torrent, Materials::default()).await;
    rig.finished().await;
    assert!(same(&here.path().join("T/big"), &content.join("big")));
}

#[tokio::test(flavor = "multi_thread")]
async fn check_finds_a_flipped_byte_also_while_paused() {
    let [there, here] = [tempdir().unwrap(), tempdir().unwrap()];
    let (content, seeder) = seeded(there.path(), &FILES, &small_pieces());
    let mut rig = Rig::start(options(here.path()));
    let torrent = desired(1, &[&seeder]);
    rig.reconcile(&torrent, metainfo(&seeder)).await;
    rig.finished().await;

    let torrent = Desired { paused: true, complete: true, selection_applied: true, version: 2, ..torrent };
    rig.reconcile(&torrent, Materials::default()).await;
    rig.wait(phase_is(Phase::Stopped)).await;
    let victim = here.path().join("T/e01.mkv");
    let mut bytes = std::fs::read(&victim).unwrap();
    bytes[20_000] ^= 1;
    std::fs::write(&victim, bytes).unwrap();

    let torrent = Desired { recheck: OneShot { requested: 1, done: 0 }, version: 3, ..torrent };
    rig.reconcile(&torrent, Materials::default()).await;
    let (request, complete, done) = rig
        .wait(|notice| match notice {
            EngineNotice::Rechecked { request, complete, totals, .. } => {
                Some((*request, *complete, totals.wanted_done_bytes))
            }
            _ => None,
        })
        .await;
    assert_eq!((request, complete), (1, false));
    assert!((600_000..660_000).contains(&done), "one piece is bad, {done} are good");
    // It stood still again by itself, a moment before or after.
    let phases = rig.seen.iter().rev().find_map(|notice| match notice {
        EngineNotice::Phase { phase, .. } => Some(*phase),
        _ => None,
    });
    if phases != Some(Phase::Stopped) {
        rig.wait(phase_is(Phase::Stopped)).await;
    }

    let recheck = OneShot { requested: 1, done: 1 };
    let torrent = Desired { recheck, paused: false, complete: false, version: 4, ..torrent };
    rig.reconcile(&torrent, Materials::default()).await;
    rig.finished().await;
    assert!(same(&victim, &content.join("e01.mkv")));
}

#[tokio::test(flavor = "multi_thread")]
async fn padding_does_not_keep_a_torrent_that_wants_everything_from_finishing() {
    let [there, here] = [tempdir().unwrap(), tempdir().unwrap()];
    let hybrid = SeederOptions { format: Format::Hybrid, ..small_pieces() };
    let (content, seeder) = seeded(there.path(), &FILES, &hybrid);
    let mut rig = Rig::start(options(here.path()));
    let torrent = Desired { magnet: Some(seeder.magnet().to_owned()), ..desired(1, &[&seeder]) };
    rig.reconcile(&torrent, Materials::default()).await;
    rig.finished().await;
    assert!(same(&here.path().join("T/readme.txt"), &content.join("readme.txt")));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_move_to_another_place() {
    let [there, here] = [tempdir().unwrap(), tempdir().unwrap()];
    let (_, seeder) = seeded(there.path(), &FILES, &small_pieces());
    let mut rig = Rig::start(options(here.path()));
    let torrent = desired(1, &[&seeder]);
    rig.reconcile(&torrent, metainfo(&seeder)).await;
    rig.finished().await;
    let to: revaer_domain::values::SavePath = "films/new".parse().unwrap();
    let torrent = Desired { moving_to: Some(to.clone()), complete: true, version: 2, ..torrent };
    rig.reconcile(&torrent, Materials::default()).await;
    let place = rig
        .wait(|notice| match notice {
            EngineNotice::Moved { save_path, .. } => Some(save_path.clone()),
            _ => None,
        })
        .await;
    assert_eq!(place, to);
    assert!(here.path().join("films/new/T/e01.mkv").exists());
    assert!(!here.path().join("T/e01.mkv").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn finished_torrent_is_whole_after_a_restart_without_another_check() {
    let [there, here] = [tempdir().unwrap(), tempdir().unwrap()];
    let (_, seeder) = seeded(there.path(), &FILES, &small_pieces());
    let mut rig = Rig::start(options(here.path()));
    let torrent = desired(1, &[&seeder]);
    rig.reconcile(&torrent, metainfo(&seeder)).await;
    rig.finished().await;
    let told = rig.end().await;

    let mut rig = Rig::start(options(here.path()));
    let torrent =
        Desired { selection_applied: true, expected_done_bytes: 660_000, peers: Vec::new(), ..torrent };
    let materials = Materials { resume_data: resume_data(&told), ..metainfo(&seeder) };
    rig.reconcile(&torrent, materials).await;
    // The log missed the finish: it is told again, and nobody had to hash or fetch anything.
    rig.finished().await;
    let odd = rig.seen.iter().find(|notice| {
        matches!(
            notice,
            EngineNotice::Diverged { .. }
                | EngineNotice::Rechecked { .. }
                | EngineNotice::Phase { phase: Phase::Checking | Phase::Downloading, .. }
        )
    });
    assert_eq!(odd, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_and_broken_resume_data_is_told_and_the_torrent_is_still_whole() {
    let [there, here] = [tempdir().unwrap(), tempdir().unwrap()];
    let (_, seeder) = seeded(there.path(), &FILES, &small_pieces());
    for (number, resume_data) in [None, Some(b"not bencoded".to_vec())].into_iter().enumerate() {
        let mut rig = Rig::start(options(here.path()));
        let torrent = Desired { expected_done_bytes: 660_000, ..desired(number as u128, &[&seeder]) };
        rig.reconcile(&torrent, Materials { resume_data, ..metainfo(&seeder) }).await;
        rig.wait(|notice| {
            matches!(notice, EngineNotice::Diverged { field, .. } if field == "resume_data").then_some(())
        })
        .await;
        rig.finished().await;
        rig.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn notices_that_nobody_takes_do_not_hold_up_a_download() {
    let [there, here] = [tempdir().unwrap(), tempdir().unwrap()];
    let (_, seeder) = seeded(there.path(), &FILES, &small_pieces());
    let rig = Rig::start(options(here.path()));
    let torrent = Desired { magnet: Some(seeder.magnet().to_owned()), ..desired(1, &[&seeder]) };
    rig.reconcile(&torrent, Materials::default()).await;
    let whole = async {
        while rig.engine.live(torrent.id).is_none_or(|live| live.totals.wanted_done_bytes < 660_000) {
            rig.engine.progress_changed().await;
            rig.engine.take_progress();
        }
    };
    tokio::time::timeout(PATIENCE, whole).await.expect("it comes down untold");
    let told = rig.end().await;
    assert!(position(&told, |notice| matches!(notice, EngineNotice::MetadataReceived { .. })) < told.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_and_broken_metainfo_is_a_failure_of_its_torrent() {
    let here = tempdir().unwrap();
    let mut rig = Rig::start(options(here.path()));
    let broken = Materials { metainfo: Some(b"d4:infoi1ee".to_vec()), resume_data: None };
    rig.reconcile(&desired(1, &[]), broken).await;
    let code = rig
        .wait(|notice| match notice {
            EngineNotice::Failed { code, .. } => Some(code.clone()),
            _ => None,
        })
        .await;
    assert_eq!(code, "metadata_invalid");
    assert!(rig.engine.live(desired(1, &[]).id).is_none());
    assert!(rig.engine.peers(desired(1, &[]).id).await.is_err());
}

#[expect(clippy::disallowed_methods, reason = "somebody clears the way, as an operator would")]
#[tokio::test(flavor = "multi_thread")]
async fn unwritable_place_fails_once_and_recovers_when_tried_again() {
    let [there, here] = [tempdir().unwrap(), tempdir().unwrap()];
    let (_, seeder) = seeded(there.path(), &FILES, &small_pieces());
    let mut rig = Rig::start(options(here.path()));
    // A file where the folder should be: also root cannot write there.
    std::fs::write(here.path().join("T"), "in the way").unwrap();
    let torrent = desired(1, &[&seeder]);
    rig.reconcile(&torrent, metainfo(&seeder)).await;
    rig.wait(|notice| matches!(notice, EngineNotice::Failed { .. }).then_some(())).await;
    let torrent = Desired { failed: true, version: 2, ..torrent };
    rig.reconcile(&torrent, Materials::default()).await;
    std::fs::rename(here.path().join("T"), here.path().join("aside")).unwrap();

    let torrent = Desired { retry: OneShot { requested: 1, done: 0 }, version: 3, ..torrent };
    rig.reconcile(&torrent, Materials::default()).await;
    rig.wait(|notice| matches!(notice, EngineNotice::Recovered { .. }).then_some(())).await;
    rig.finished().await;
    let failures = rig.seen.iter().filter(|notice| matches!(notice, EngineNotice::Failed { .. })).count();
    assert_eq!(failures, 1, "{:?}", rig.seen.iter().map(brief).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn announce_is_answered_and_presence_that_is_gone_leaves_the_session() {
    let [there, here] = [tempdir().unwrap(), tempdir().unwrap()];
    let (_, seeder) = seeded(there.path(), &FILES, &small_pieces());
    let mut rig = Rig::start(options(here.path()));
    let reannounce = OneShot { requested: 2, done: 1 };
    let torrent = Desired { reannounce, ..desired(1, &[&seeder]) };
    rig.reconcile(&torrent, metainfo(&seeder)).await;
    let request = rig
        .wait(|notice| match notice {
            EngineNotice::Reannounced { request, .. } => Some(*request),
            _ => None,
        })
        .await;
    assert_eq!(request, 2);
    rig.reconcile(&Desired { presence: Presence::Gone, version: 2, ..torrent }, Materials::default()).await;
    rig.wait(|notice| matches!(notice, EngineNotice::Removed { .. }).then_some(())).await;
}
