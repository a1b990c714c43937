//! The laws of the order for whatever chance does: writers of several processes that conflict, repeat and give up, connections
//! that are cut and servers that are killed under them, and readers that go on through all of it.
//!
//! The other files show each danger alone, with the mutant that it catches; this one shows that no two of them add up to a third.

use std::collections::BTreeMap;

use futures::future::join_all;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use revaer_event_log::{AppendError, Body, Entry, EventLog, Options, Position, connect, migrate};
use revaer_test_support::CrashableCluster;
use sqlx::{Connection, PgConnection, PgPool};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::crashes::Crash;
use crate::support::{PATIENCE, Running, append, commanded};

/// Each writer with a log of its own, as processes have it.
const WRITERS: usize = 3;

/// What a writer does next.
#[derive(Debug, Clone)]
enum Act {
    /// Appends to a stream that nobody else writes to.
    Append { stream: u8, facts: usize },
    /// The same, after an attempt at a version that the stream is not at.
    AfterConflict { stream: u8, facts: usize, beyond: u32 },
    /// Appends to the stream that all write to, until it is not overtaken.
    Race,
    /// Samples, which a crash may take back.
    Sample,
    /// A transaction of another program, which may roll back.
    Foreign { commits: bool },
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0..2_u8, 1..4_usize).prop_map(|(stream, facts)| Act::Append { stream, facts }),
        2 => (0..2_u8, 0..3_usize, 1..3_u32)
            .prop_map(|(stream, facts, beyond)| Act::AfterConflict { stream, facts, beyond }),
        3 => Just(Act::Race),
        4 => Just(Act::Sample),
        1 => any::<bool>().prop_map(|commits| Act::Foreign { commits }),
    ]
}

/// What happens to all of them.
#[derive(Debug, Clone, Copy)]
enum Disaster {
    Crash(Crash),
    /// The connections of every writer and tailer end.
    Cut,
}

#[derive(Debug, Clone)]
struct Plan {
    acts: Vec<Vec<Act>>,
    /// Each after so many more entries.
    disasters: Vec<(usize, Disaster)>,
}

fn plan() -> impl Strategy<Value = Plan> {
    let kinds =
        vec![Disaster::Crash(Crash::ImmediateStop), Disaster::Crash(Crash::OneBackend), Disaster::Cut];
    let disasters = proptest::collection::vec((5..60_usize, select(kinds)), 2..4);
    let acts = proptest::collection::vec(proptest::collection::vec(act(), 60..90), WRITERS);
    (acts, disasters).prop_map(|(acts, disasters)| Plan { acts, disasters })
}

/// A writer, and what it was answered.
struct Writer {
    name: usize,
    log: EventLog,
    pool: PgPool,
    commands: u128,
    /// Of the streams that it alone writes to: each append was answered, so each counts once.
    versions: BTreeMap<String, u32>,
    /// What it put into the stream of all.
    raced: u32,
}

impl Writer {
    /// Appends until it is answered, under one command id: what has happened and was not answered does not happen again.
    async fn append(&mut self, stream: &str, expected: u32, facts: usize) -> Result<u32, u32> {
        self.commands += 1;
        let id = (self.name as u128) << 64 | self.commands;
        let answered = async {
            loop {
                match self.log.append(commanded(stream, expected, facts, id)).await {
                    Ok(appended) => return Ok(appended.version),
                    Err(AppendError::AlreadyRecorded(outcome)) => return Ok(outcome.version_after),
                    Err(AppendError::VersionConflict { actual, .. }) => return Err(actual),
                    Err(AppendError::Unavailable(_)) => tokio::task::yield_now().await,
                    Err(error) => panic!("{error}"),
                }
            }
        };
        tokio::time::timeout(PATIENCE, answered).await.expect("is answered in the end")
    }

    async fn append_own(&mut self, stream: u8, facts: usize) {
        let name = format!("own-{}-{stream}", self.name);
        let expected = self.versions.get(&name).copied().unwrap_or_default();
        let version = self.append(&name, expected, facts).await;
        assert_eq!(version, Ok(expected + u32::try_from(facts).unwrap()), "{name}");
        self.versions.insert(name, version.unwrap());
    }

    async fn does(&mut self, act: &Act) {
        match act {
            Act::Append { stream, facts } => self.append_own(*stream, *facts).await,
            Act::AfterConflict { stream, facts, beyond } => {
                let name = format!("own-{}-{stream}", self.name);
                let version = self.versions.get(&name).copied().unwrap_or_default();
                assert_eq!(self.append(&name, version + beyond, 1).await, Err(version), "{name}");
                self.append_own(*stream, *facts).await;
            }
            Act::Race => {
                let mut expected = 0;
                while let Err(actual) = self.append("race", expected, 1).await {
                    assert!(actual > expected, "{actual} after {expected}");
                    expected = actual;
                }
                self.raced += 1;
            }
            // A sample that is lost is missed by nobody.
            Act::Sample => drop(self.log.append_samples("node", vec![0; 24]).await),
            Act::Foreign { commits } => drop(self.foreign(*commits).await),
        }
    }

    async fn foreign(&mut self, commits: bool) -> Result<(), sqlx::Error> {
        self.commands += 1;
        let mut connection = PgConnection::connect_with(&self.pool.connect_options()).await?;
        let mut transaction = connection.begin().await?;
        let stream = format!("foreign-{}-{}", self.name, self.commands);
        sqlx::query(crate::oracle::RAW_APPEND).bind(stream).execute(&mut *transaction).await?;
        // Time in which another may overtake it if it can.
        sqlx::query("SELECT 1").execute(&mut *transaction).await?;
        if commits { transaction.commit().await } else { transaction.rollback().await }
    }
}

/// An entry as readers compare it: its place, and which fact it is, if it is one.
type Seen = (Position, Option<(String, u32)>);

fn seen(entry: &Entry) -> Seen {
    match &entry.body {
        Body::Fact(fact) => (fact.position, Some((fact.stream.as_str().to_owned(), fact.version))),
        Body::Samples(samples) => (samples.position, None),
    }
}

/// Reads up to the end, once that is known. One that resumes subscribes anew after every few entries, as clients do.
async fn read(log: EventLog, resumes: bool, mut end: watch::Receiver<Option<Position>>) -> Vec<Seen> {
    let mut subscription = log.subscribe(Position::ZERO);
    let mut all = Vec::new();
    while end.borrow_and_update().is_none_or(|end| subscription.position() < end) {
        tokio::select! {
            page = subscription.next() => all.extend(page.iter().map(|entry| seen(entry))),
            changed = end.changed() => changed.expect("the test goes on"),
        }
        if resumes && all.len() % 3 == 0 {
            subscription = log.subscribe(subscription.position());
        }
    }
    all
}

async fn strike(disaster: Disaster, cluster: &mut CrashableCluster, pool: &PgPool) {
    match disaster {
        Disaster::Crash(crash) => crash.strike(cluster, pool).await,
        Disaster::Cut => {
            let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'revaer log%'";
            sqlx::query(cut).execute(pool).await.expect("cuts");
        }
    }
}

async fn laws_hold(plan: Plan) {
    let mut cluster = CrashableCluster::start().await;
    let pool = connect(cluster.url(), 4).await.unwrap();
    migrate(&pool).await.unwrap();
    let mut logs = Vec::new();
    for ring_entries_max in [5, 50, 16_384] {
        let pool = connect(cluster.url(), 4).await.unwrap();
        logs.push(Running::start(pool, Options { ring_entries_max, ..Options::default() }).await);
    }
    let (head, end) = watch::channel(None);
    let mut readers = JoinSet::new();
    for (running, resumes) in logs.iter().flat_map(|running| [(running, false), (running, true)]) {
        readers.spawn(read(running.log.clone(), resumes, end.clone()));
    }
    let mut writers = Vec::new();
    for (name, acts) in plan.acts.into_iter().enumerate() {
        let log = logs[name % logs.len()].log.clone();
        let pool = log.pool().clone();
        let mut writer = Writer { name, log, pool, commands: 0, versions: BTreeMap::new(), raced: 0 };
        writers.push(tokio::spawn(async move {
            for act in &acts {
                writer.does(act).await;
            }
            writer
        }));
    }
    let mut progress = logs[0].log.subscribe(Position::ZERO);
    for (entries, disaster) in plan.disasters {
        let mut come = 0;
        while come < entries && !writers.iter().all(tokio::task::JoinHandle::is_finished) {
            come += tokio::time::timeout(PATIENCE, progress.next()).await.expect("goes on").len();
        }
        strike(disaster, &mut cluster, &pool).await;
    }
    let writers = tokio::time::timeout(4 * PATIENCE, join_all(writers)).await.expect("they end");
    let writers: Vec<_> = writers.into_iter().map(Result::unwrap).collect();
    // The mark tells readers where to stop.
    let mark = loop {
        match logs[0].log.append(append("mark", 0, 1)).await {
            Ok(mark) => break mark.position,
            Err(AppendError::Unavailable(_)) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    };
    head.send_replace(Some(mark));

    let recorded = recorded(&logs[0].log).await;
    while let Some(read) = tokio::time::timeout(PATIENCE, readers.join_next()).await.expect("they arrive") {
        let read = read.unwrap();
        assert!(read.is_sorted_by(|one, next| one.0 < next.0), "once and in order");
        // What is there now was seen, as it is there now: nothing came below a place that a reader had passed.
        let missed: Vec<_> = recorded.iter().filter(|entry| !read.contains(entry)).collect();
        assert!(missed.is_empty(), "{missed:?}");
        let vanished: Vec<_> =
            read.iter().filter(|entry| entry.1.is_some() && !recorded.contains(entry)).collect();
        assert!(vanished.is_empty(), "{vanished:?}");
    }
    let newest = |stream: &str| {
        let versions = recorded.iter().filter_map(|entry| entry.1.as_ref().filter(|fact| fact.0 == stream));
        versions.map(|fact| fact.1).collect::<Vec<_>>()
    };
    for (stream, version) in writers.iter().flat_map(|writer| &writer.versions) {
        assert_eq!(newest(stream), (1..=*version).collect::<Vec<_>>(), "{stream}");
    }
    let raced = writers.iter().map(|writer| writer.raced).sum();
    assert_eq!(newest("race"), (1..=raced).collect::<Vec<_>>(), "each counts once");
    let mut findings = Vec::new();
    logs[0].log.verify(&mut |finding| findings.push(finding.to_string())).await.unwrap();
    assert!(findings.is_empty(), "{findings:?}");
}

async fn recorded(log: &EventLog) -> Vec<Seen> {
    let (mut all, mut after) = (Vec::new(), Position::ZERO);
    loop {
        let page = log.read_all(after, 1000).await.unwrap();
        let Some(last) = page.last() else { return all };
        after = last.position();
        all.extend(page.iter().map(|entry| seen(entry)));
    }
}

#[test]
fn order_holds_whatever_writers_crashes_and_readers_do() {
    let runtime = Runtime::new().unwrap();
    let config = Config { cases: 2, max_shrink_iters: 0, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&plan(), |plan| {
            runtime.block_on(laws_hold(plan));
            Ok(())
        })
        .unwrap();
}
