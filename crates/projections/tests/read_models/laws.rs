//! Whatever the log tells, in whatever pieces it comes: rebuilt rows are the lived ones, and both are the fold.

use eventually::aggregate::Aggregate;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use revaer_domain::fsops::{FsopsChosen, FsopsEvent, FsopsFailed, FsopsJob};
use revaer_domain::selection::{Priority, PriorityRule, SelectionRule, Target};
use revaer_domain::torrent::{
    Completed, Failure, LabelsChanged, MoveFailed, MoveRequested, Moved, Phase, RateCapChanged, Rechecked,
    Reconciled, RemoveRequested, Removed, Requested, SelectionApplied, SelectionChanged, SequentialChanged,
    ShareLimitsChanged, StateChanged, Torrent, TorrentEvent, TorrentRules, Totals,
};
use revaer_domain::values::{JobId, Labels, RateCap, SavePath, ShareLimits, TorrentId};
use revaer_event_schema::{ProgressSample, pack_progress};
use revaer_projections::{PROJECTIONS, Projections, rebuild};
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;
use ulid::Ulid;

use crate::common::{BOUND, World, added, assert_same, discovered, id};

/// Torrents of one case.
const TORRENTS: u64 = 4;

/// Something that goes into the log.
#[derive(Debug, Clone)]
enum Step {
    /// Facts of one torrent, appended together.
    Facts(u64, Vec<TorrentEvent>),
    /// A sample of one torrent: of no consequence for what is compared.
    Sample(u64),
    /// The projector is ended and started again: what it kept in memory is gone.
    Restart,
}

/// Any fact. Projections do not judge: the order in which facts come is the log's affair.
fn fact(number: u64) -> impl Strategy<Value = TorrentEvent> {
    let totals = (0..300_u64).prop_map(|bytes| Totals {
        wanted_done_bytes: bytes,
        downloaded_bytes: bytes * 2,
        uploaded_bytes: bytes / 2,
    });
    let phase =
        select(vec![Phase::Metadata, Phase::Queued, Phase::Checking, Phase::Downloading, Phase::Seeding]);
    let name = select(vec!["Plain", "Ünïcödé", "", "with \0 in it", "../up", "a\u{202e}b"]);
    (totals, phase, name, 0..6_u32, any::<bool>(), "[a-z ]{1,6}[a-z]").prop_flat_map(
        move |(totals, phase, name, count, flag, word)| {
            let place: SavePath = word.parse().expect("a place");
            let mut add = added(number, name);
            add.paused = flag;
            add.trackers = vec![format!("udp://{}.example:6969", word.trim())];
            let labels = word.trim().parse().map(|label| [label].into()).unwrap_or_default();
            let cap =
                RateCap { download_bytes_per_second: (count + 1).try_into().ok(), ..RateCap::default() };
            let share = ShareLimits { seed_time_seconds: Some(count.into()), ..ShareLimits::default() };
            let first = PriorityRule { target: Target::Index(count), priority: Priority::High };
            let rule = SelectionRule { priorities: vec![first], ..SelectionRule::default() };
            let at = OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(i64::from(count));
            let asked = Requested { request: count };
            select(vec![
                TorrentEvent::Added(Box::new(add)),
                discovered(number, name, 200, count),
                TorrentEvent::SelectionChanged(SelectionChanged { from: SelectionRule::default(), to: rule }),
                TorrentEvent::SelectionApplied(SelectionApplied {
                    revision: count,
                    priorities: vec![(count, 4), (1, 0)],
                    wanted_bytes: u64::from(count) * 50,
                }),
                if flag { TorrentEvent::Paused } else { TorrentEvent::Resumed },
                TorrentEvent::SequentialChanged(SequentialChanged { enabled: flag }),
                TorrentEvent::RateCapChanged(RateCapChanged { from: RateCap::default(), to: cap }),
                TorrentEvent::ShareLimitsChanged(ShareLimitsChanged {
                    from: ShareLimits::default(),
                    to: share,
                }),
                TorrentEvent::LabelsChanged(LabelsChanged { from: Labels::new(), to: labels }),
                TorrentEvent::ReannounceRequested(asked),
                TorrentEvent::Reannounced(asked),
                TorrentEvent::RecheckRequested(asked),
                TorrentEvent::Rechecked(Rechecked { request: count, totals, complete: flag }),
                TorrentEvent::StateChanged(StateChanged { from: None, to: phase, totals }),
                TorrentEvent::Completed(Completed { at, totals, fsops: None }),
                TorrentEvent::Completed(Completed { at, totals, fsops: Some(chosen(count)) }),
                TorrentEvent::Fsops(FsopsEvent::CancelRequested(FsopsJob { job: chosen(count).job })),
                TorrentEvent::Fsops(FsopsEvent::Failed(FsopsFailed {
                    job: chosen(count).job,
                    step: Some(revaer_domain::fsops::Step::Verify),
                    code: "conflict".to_owned(),
                    rule: None,
                    path: Some(name.to_owned()),
                    detail: name.to_owned(),
                })),
                TorrentEvent::Failed(Failure { code: "disk_full".to_owned(), detail: name.to_owned() }),
                TorrentEvent::Recovered,
                TorrentEvent::Reconciled(Reconciled {
                    field: "paused".to_owned(),
                    expected: "true".to_owned(),
                    found: "false".to_owned(),
                }),
                TorrentEvent::MoveRequested(MoveRequested { from: place.clone(), to: place.clone() }),
                TorrentEvent::Moved(Moved { save_path: place.clone() }),
                TorrentEvent::MoveFailed(MoveFailed { to: place, detail: String::new() }),
                TorrentEvent::RemoveRequested(RemoveRequested { delete_data: flag }),
                TorrentEvent::Removed(Removed { data_deleted: flag, left: vec![] }),
                TorrentEvent::CountersRecorded(totals),
            ])
        },
    )
}

fn chosen(number: u32) -> FsopsChosen {
    FsopsChosen { job: JobId::new(Ulid(number.into())), profile: "films".to_owned() }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (0..TORRENTS).prop_flat_map(|number| {
            prop::collection::vec(fact(number), 1..5).prop_map(move |facts| Step::Facts(number, facts))
        }),
        2 => (0..TORRENTS).prop_map(Step::Sample),
        1 => Just(Step::Restart),
    ]
}

/// Each torrent begins with an add, so that there are rows; what follows is anything.
fn story() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 10..40).prop_map(|rest| {
        let adds = (0..TORRENTS)
            .map(|number| Step::Facts(number, vec![TorrentEvent::Added(Box::new(added(number, "begins")))]));
        adds.chain(rest).collect()
    })
}

struct Case {
    number: u64,
    projections: Projections,
    projector: CancellationToken,
    torrents: Vec<(Torrent, u32)>,
}

impl Case {
    fn id(&self, torrent: u64) -> TorrentId {
        id(self.number * TORRENTS + torrent)
    }

    async fn tell(&mut self, world: &World, step: Step) {
        match step {
            Step::Facts(number, facts) => {
                let id = self.id(number);
                let (torrent, version) = &mut self.torrents[usize::try_from(number).unwrap()];
                world.tell(id, *version, &facts).await;
                for fact in facts {
                    *torrent = TorrentRules::apply(std::mem::take(torrent), fact).unwrap();
                    *version += 1;
                }
            }
            Step::Sample(number) => {
                let sample = ProgressSample {
                    torrent: self.id(number),
                    wanted_done_bytes: 1,
                    downloaded_bytes: 1,
                    uploaded_bytes: 1,
                    download_bytes_per_second: 1,
                    upload_bytes_per_second: 1,
                    peers: 1,
                    seeds: 1,
                };
                world.log.append_samples("test", pack_progress(&[sample])).await.unwrap();
            }
            Step::Restart => {
                self.projector.cancel();
                (self.projections, self.projector) = world.project().await;
            }
        }
    }
}

#[test]
fn rebuilt_rows_are_the_lived_ones_and_both_are_the_fold() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let world = runtime.block_on(World::new());
    let numbers = std::cell::Cell::new(0);
    let config = Config { cases: 24, failure_persistence: None, max_shrink_iters: 30, ..Config::default() };
    let run = TestRunner::new(config).run(&story(), |steps| {
        numbers.set(numbers.get() + 1);
        runtime.block_on(async {
            let (projections, projector) = world.project().await;
            let torrents = vec![Default::default(); usize::try_from(TORRENTS).unwrap()];
            let mut case = Case { number: numbers.get(), projections, projector, torrents };
            for number in 0..TORRENTS {
                world.store_files(case.id(number), &["x/a.mkv", "x/b.srt"]).await;
            }
            for step in steps {
                case.tell(&world, step).await;
            }
            let head = world.log.head().await.unwrap();
            assert!(case.projections.wait_for(head, BOUND).await);
            for (number, (torrent, version)) in (0..).zip(&case.torrents) {
                let row = case.projections.torrent(case.id(number)).await.unwrap();
                prop_assert_eq!(row.as_ref().map(|row| row.status), torrent.status());
                if let Some(row) = row {
                    prop_assert_eq!(
                        (row.version, row.save_path.as_str()),
                        (*version, torrent.save_path.as_str())
                    );
                    prop_assert_eq!(row.selection, torrent.selection.clone());
                }
            }
            let lived = world.rows().await;
            for name in PROJECTIONS {
                rebuild(&world.log, name).await.unwrap();
            }
            assert_same(&world.rows().await, &lived);
            case.projector.cancel();
            Ok(())
        })
    });
    run.unwrap();
    // Dropping it talks to the database.
    let _runtime = runtime.enter();
    drop(world);
}
