//! Random appends against a model of a few lines: whatever is in flight together, each answer is that of one after another.

use std::collections::HashMap;

use futures::future::join_all;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use revaer_event_log::{Append, AppendError, CommandRecord, Position, Repeat};
use uuid::Uuid;

use crate::support::{TestLog, append, stream};

/// An append as drawn. The version is drawn near the right one, so that both sides of each check are met.
#[derive(Debug, Clone)]
struct Drawn {
    stream: u8,
    version_off: i8,
    facts: usize,
    command: Option<u8>,
    body: u8,
    claims: Vec<u8>,
    releases: Vec<u8>,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    (
        0..3_u8,
        prop_oneof![6 => Just(0_i8), 1 => Just(1), 1 => Just(-1)],
        0..3_usize,
        proptest::option::of(0..6_u8),
        0..2_u8,
        proptest::collection::vec(0..3_u8, 0..2),
        proptest::collection::vec(0..3_u8, 0..2),
    )
        .prop_map(|(stream, version_off, facts, command, body, claims, releases)| Drawn {
            stream,
            version_off,
            facts,
            command,
            body,
            claims,
            releases,
        })
}

/// What an answer comes down to.
#[derive(Debug, Clone, PartialEq)]
enum Answer {
    Appended { version: u32 },
    VersionConflict { actual: u32 },
    Recorded { fingerprint: u8, version_after: u32 },
    Claimed { claim: String, by: String },
}

/// The log in a few lines.
#[derive(Default)]
struct Model {
    versions: HashMap<String, u32>,
    commands: HashMap<Uuid, (u8, u32)>,
    claims: HashMap<String, String>,
}

impl Model {
    fn append(&mut self, append: &Append) -> Answer {
        let name = append.stream.as_str().to_owned();
        let version = self.versions.get(&name).copied().unwrap_or_default();
        if let Some(command) = &append.command
            && let Some(&(fingerprint, version_after)) = self.commands.get(&command.id)
        {
            return Answer::Recorded { fingerprint, version_after };
        }
        if version != append.expected {
            return Answer::VersionConflict { actual: version };
        }
        let held = |claim: &&String| self.claims.get(*claim).is_some_and(|holder| *holder != name);
        if let Some(claim) = append.claims.iter().find(held) {
            return Answer::Claimed { claim: claim.clone(), by: self.claims[claim].clone() };
        }
        let version = version + u32::try_from(append.facts.len()).unwrap();
        self.versions.insert(name.clone(), version);
        if let Some(command) = &append.command {
            self.commands.insert(command.id, (command.fingerprint[0], version));
        }
        for claim in &append.claims {
            self.claims.insert(claim.clone(), name.clone());
        }
        for release in &append.releases {
            if self.claims.get(release) == Some(&name) {
                self.claims.remove(release);
            }
        }
        Answer::Appended { version }
    }
}

fn answer(result: Result<revaer_event_log::Appended, AppendError>) -> Answer {
    match result {
        Ok(appended) => Answer::Appended { version: appended.version },
        Err(AppendError::VersionConflict { actual, .. }) => Answer::VersionConflict { actual },
        Err(AppendError::AlreadyRecorded(outcome)) => {
            Answer::Recorded { fingerprint: outcome.fingerprint[0], version_after: outcome.version_after }
        }
        Err(AppendError::Claimed { claim, by }) => Answer::Claimed { claim, by: by.as_str().to_owned() },
        Err(error) => panic!("{error}"),
    }
}

/// Draws become appends: versions are taken from a run of the model ahead, which is what callers that read would do.
fn appends(case: usize, drawn: &[Drawn], ahead: &mut Model) -> Vec<(Append, Answer)> {
    let resolve = |drawn: &Drawn| {
        let name = format!("c{case}-{}", drawn.stream);
        let version = ahead.versions.get(&name).copied().unwrap_or_default();
        let hash = |n: &u8| format!("c{case}-{n}");
        let command = drawn.command.map(|id| CommandRecord {
            id: Uuid::from_u128((case as u128) << 32 | u128::from(id)),
            fingerprint: [drawn.body; 32],
            result: None,
            repeat: Repeat::MayCome,
        });
        let append = Append {
            expected: version.saturating_add_signed(drawn.version_off.into()),
            command,
            claims: drawn.claims.iter().map(hash).collect(),
            releases: drawn.releases.iter().map(hash).collect(),
            ..append(&name, 0, drawn.facts)
        };
        let predicted = ahead.append(&append);
        (append, predicted)
    };
    drawn.iter().map(resolve).collect()
}

#[test]
fn answers_are_those_of_one_append_after_another() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let test = runtime.block_on(TestLog::start());
    let case = std::cell::Cell::new(0);
    let config = Config { cases: 60, failure_persistence: None, ..Config::default() };
    let bursts = proptest::collection::vec(proptest::collection::vec(drawn(), 1..8), 1..6);
    let run = TestRunner::new(config).run(&bursts, |bursts| {
        case.set(case.get() + 1);
        let mut model = Model::default();
        for burst in &bursts {
            let (appends, predicted): (Vec<_>, Vec<_>) =
                appends(case.get(), burst, &mut model).into_iter().unzip();
            let in_flight = join_all(appends.iter().map(|append| test.log.append(append.clone())));
            let answers: Vec<_> = runtime.block_on(in_flight).into_iter().map(answer).collect();
            prop_assert_eq!(answers, predicted, "{:?}", appends);
        }
        for (name, version) in &model.versions {
            let facts = runtime.block_on(test.log.read_stream(&stream(name), 0, 1000)).unwrap();
            let versions: Vec<_> = facts.iter().map(|fact| fact.version).collect();
            prop_assert_eq!(versions, (1..=*version).collect::<Vec<_>>());
            prop_assert!(facts.is_sorted_by_key(|fact| fact.position));
        }
        Ok(())
    });
    run.unwrap();
    let facts = runtime.block_on(test.log.read_facts(Position::ZERO, 1_000_000)).unwrap();
    assert!(facts.is_sorted_by(|a, b| a.position < b.position));
    // Dropping these talks to the database.
    let _runtime = runtime.enter();
    drop(test);
}
