//! Rules of selection against a real swarm: what is never written, what comes first, and priorities that went astray.

use crate::support::{PATIENCE, Rig, desired, metainfo, options, resume_data, seeded, small_pieces};
use libtorrent_sys::Setting;
use revaer_domain::selection::{Priority, PriorityRule, SelectionRule, Target};
use revaer_domain::torrent::Phase;
use revaer_domain::values::RateCap;
use revaer_engine::{Desired, EngineNotice, Materials, Options};
use revaer_test_support::Seeder;
use tempfile::tempdir;

const PIECE: usize = 16 * 1024;
const PIECES: usize = 200;

/// Pieces of the length that the seeder has.
const fn pieces(count: usize) -> usize {
    count * PIECE
}

/// A text of resume data, as libtorrent bencodes it. The last one of the name: the torrent file in it comes before.
fn text<'a>(resume_data: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let key = format!("{}:{name}", name.len());
    let start = resume_data.windows(key.len()).rposition(|window| window == key.as_bytes())? + key.len();
    let colon = start + resume_data[start..].iter().position(|byte| *byte == b':')?;
    let length: usize = std::str::from_utf8(&resume_data[start..colon]).ok()?.parse().ok()?;
    resume_data.get(colon + 1..colon + 1 + length)
}

fn is_stopped(notice: &EngineNotice) -> Option<()> {
    matches!(notice, EngineNotice::Phase { phase: Phase::Stopped, .. }).then_some(())
}

/// A paused torrent of one large file, whose edges come first.
fn edges_first(seeder: &Seeder) -> Desired {
    let selection = SelectionRule { first_last_piece_first: true, ..SelectionRule::default() };
    Desired { paused: true, selection, ..desired(1, &[seeder]) }
}

/// Ends it; gives its resume data, and the priorities of pieces in it. libtorrent does not save because pieces were raised, so
/// something else is changed before, and back.
async fn ended(rig: Rig, torrent: &Desired) -> (Vec<u8>, Option<Vec<u8>>) {
    for (version, sequential) in [(torrent.version + 1, true), (torrent.version + 2, false)] {
        let changed = Desired { version, sequential, ..torrent.clone() };
        rig.reconcile(&changed, Materials::default()).await;
    }
    let saved = resume_data(&rig.end().await).expect("it was saved");
    let priorities = text(&saved, "piece_priority").map(<[u8]>::to_vec);
    (saved, priorities)
}

#[tokio::test(flavor = "multi_thread")]
async fn magnet_never_writes_what_is_fluff() {
    let files = [
        ("film.mkv", pieces(9)),
        ("film.nfo", 5_000),
        ("Sample/film-sample.mkv", pieces(4)),
        ("Proof/proof.jpg", 20_000),
        ("readme.txt", 3_000),
        ("keep.nfo", 2_000),
    ];
    let [there, here] = [tempdir().unwrap(), tempdir().unwrap()];
    let (_, seeder) = seeded(there.path(), &files, &small_pieces());
    let mut rig = Rig::start(options(here.path()));
    let kept = PriorityRule { target: Target::Glob("*keep*".into()), priority: Priority::Normal };
    let selection = SelectionRule { skip_fluff: true, priorities: vec![kept], ..SelectionRule::default() };
    let torrent = Desired { magnet: Some(seeder.magnet().to_owned()), selection, ..desired(1, &[&seeder]) };
    rig.reconcile(&torrent, Materials::default()).await;
    rig.finished().await;
    for (path, _) in files {
        let wanted = ["film.mkv", "keep.nfo"].contains(&path);
        assert_eq!(here.path().join("T").join(path).exists(), wanted, "{path}");
    }
    assert!(!here.path().join("T/Sample").exists(), "not even its folder");
}

#[tokio::test(flavor = "multi_thread")]
async fn first_and_last_pieces_come_long_before_the_middle() {
    let [there, here] = [tempdir().unwrap(), tempdir().unwrap()];
    let (_, seeder) = seeded(there.path(), &[("film.mkv", pieces(PIECES))], &small_pieces());
    // Else the first four pieces, and what is asked for with them, are chosen by chance.
    let not_by_chance = vec![Setting::int("initial_picker_threshold", 0)];
    let mut rig = Rig::start(Options { settings_extra: not_by_chance, ..options(here.path()) });
    let slowly =
        RateCap { download_bytes_per_second: Some(300_000_u32.try_into().unwrap()), ..RateCap::default() };
    let torrent = Desired { paused: false, rate_cap: slowly, ..edges_first(&seeder) };
    rig.reconcile(&torrent, metainfo(&seeder)).await;
    let begun = async {
        while rig.engine.live(torrent.id).is_none_or(|live| live.totals.wanted_done_bytes < pieces(12) as u64)
        {
            rig.engine.progress_changed().await;
            rig.engine.take_progress();
        }
    };
    tokio::time::timeout(PATIENCE, begun).await.expect("it begins");
    let torrent = Desired { paused: true, version: 2, ..torrent };
    rig.reconcile(&torrent, Materials::default()).await;
    rig.wait(is_stopped).await;
    let (saved, _) = ended(rig, &torrent).await;
    let have = text(&saved, "pieces").expect("it says which pieces it has");
    let done = have.iter().filter(|piece| *piece & 1 == 1).count();
    assert!(done < PIECES / 2, "the cap did not bind: {done} pieces");
    assert_eq!(
        (have[0] & 1, have[PIECES - 1] & 1),
        (1, 1),
        "{done} pieces, and the edges are not among them"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn edges_are_raised_again_after_a_restart_and_lowered_when_turned_off() {
    let [there, here] = [tempdir().unwrap(), tempdir().unwrap()];
    let (_, seeder) = seeded(there.path(), &[("film.mkv", pieces(4))], &small_pieces());
    let raised = Some(vec![7, 4, 4, 7]);
    let mut rig = Rig::start(options(here.path()));
    let torrent = edges_first(&seeder);
    rig.reconcile(&torrent, metainfo(&seeder)).await;
    rig.wait(is_stopped).await;
    let (saved, priorities) = ended(rig, &torrent).await;
    assert_eq!(priorities, raised);

    let mut rig = Rig::start(options(here.path()));
    let torrent = Desired { selection_applied: true, ..torrent };
    let materials = Materials { resume_data: Some(saved), ..metainfo(&seeder) };
    rig.reconcile(&torrent, materials).await;
    rig.wait(is_stopped).await;
    let odd = rig.seen.iter().find(|notice| matches!(notice, EngineNotice::Diverged { .. }));
    assert_eq!(odd, None, "raised pieces are no other priorities of files");
    let (saved, priorities) = ended(rig, &torrent).await;
    assert_eq!(priorities, raised, "after a restart");

    let mut rig = Rig::start(options(here.path()));
    rig.reconcile(&torrent, Materials { resume_data: Some(saved), ..metainfo(&seeder) }).await;
    rig.wait(is_stopped).await;
    let torrent = Desired {
        selection: SelectionRule::default(),
        selection_revision: 1,
        selection_applied: false,
        version: 2,
        ..torrent
    };
    rig.reconcile(&torrent, Materials::default()).await;
    rig.wait(|notice| matches!(notice, EngineNotice::SelectionApplied { .. }).then_some(())).await;
    let (_, priorities) = ended(rig, &torrent).await;
    assert_eq!(priorities, None, "all are as usual again");
}

#[tokio::test(flavor = "multi_thread")]
async fn priorities_that_went_astray_are_told_at_a_restart_and_set_right() {
    let [there, here] = [tempdir().unwrap(), tempdir().unwrap()];
    let files = [("a.mkv", pieces(3)), ("b.mkv", pieces(3)), ("c.mkv", pieces(3))];
    let (_, seeder) = seeded(there.path(), &files, &small_pieces());
    let mut rig = Rig::start(options(here.path()));
    let rule =
        |excluded: &str| SelectionRule { exclude: vec![excluded.to_owned()], ..SelectionRule::default() };
    let torrent = Desired { paused: true, selection: rule("T/[bc]*"), ..desired(1, &[&seeder]) };
    rig.reconcile(&torrent, metainfo(&seeder)).await;
    rig.wait(is_stopped).await;
    let (saved, _) = ended(rig, &torrent).await;

    // The log says that another rule was followed, as after a crash between the fact and the save.
    let mut rig = Rig::start(options(here.path()));
    let torrent = Desired {
        selection: rule("T/a*"),
        selection_revision: 1,
        selection_applied: true,
        paused: false,
        version: 2,
        ..torrent
    };
    rig.reconcile(&torrent, Materials { resume_data: Some(saved), ..metainfo(&seeder) }).await;
    let told = rig
        .wait(|notice| match notice {
            EngineNotice::Diverged { field, expected, found, .. } if field == "selection" => {
                Some((expected.clone(), found.clone()))
            }
            _ => None,
        })
        .await;
    // In which order the files are is libtorrent's business.
    let one_of = [("0", "4"), ("4", "0")].map(|(wanted, found)| {
        (format!("priority {wanted} of file 0"), format!("priority {found}, and 2 more differ"))
    });
    assert!(one_of.contains(&told), "{told:?}");
    rig.finished().await;
    let there = |name: &str| here.path().join("T").join(name).exists();
    assert_eq!((there("a.mkv"), there("b.mkv"), there("c.mkv")), (false, true, true));
}
