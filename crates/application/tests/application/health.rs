//! Changes of health as facts, and streams that nobody decides on.

use revaer_application::{HealthRecorder, SystemStream};
use revaer_domain::health::{HealthChanged, HealthState};
use revaer_event_schema::{Metadata, encode_health};
use tokio_util::sync::CancellationToken;

use crate::support::{PATIENCE, World, metadata};

#[tokio::test]
async fn changes_of_health_are_recorded_once_and_in_order() {
    let world = World::new().await;
    let process = world.process().await;
    let registry = process.application.health().clone();
    let shutdown = CancellationToken::new();
    let recorder = HealthRecorder::new(registry.clone(), process.application.log().clone());
    let recording = tokio::spawn(recorder.run(shutdown.clone()));
    registry.set("engine", HealthState::Well, "");
    registry.set("engine", HealthState::Degraded, "no answer");
    registry.set("engine", HealthState::Degraded, "still no answer");
    registry.set("engine", HealthState::Well, "");
    world.wait_for("SELECT count(*) = 2 FROM events").await;
    let facts = world.facts().await;
    let changes: Vec<HealthChanged> =
        facts.iter().map(|fact| serde_json::from_str(&fact.data).unwrap()).collect();
    let steps: Vec<_> = changes.iter().map(|change| (change.from, change.to)).collect();
    assert_eq!(
        steps,
        [(HealthState::Well, HealthState::Degraded), (HealthState::Degraded, HealthState::Well)]
    );
    assert!(facts.iter().all(|fact| fact.kind == "health.changed" && metadata(fact).actor == "system"));
    assert_eq!(registry.snapshot().len(), 1);
    shutdown.cancel();
    tokio::time::timeout(PATIENCE, recording).await.expect("ends").unwrap();
}

#[tokio::test]
async fn stream_without_rules_takes_facts_of_several_processes() {
    let world = World::new().await;
    let (one, other) = (world.process().await, world.process().await);
    let streams =
        [&one, &other].map(|process| SystemStream::new(process.application.log().clone(), "health"));
    let change = HealthChanged {
        component: "engine".to_owned(),
        from: HealthState::Well,
        to: HealthState::Failed,
        reason: "gone".to_owned(),
    };
    for round in 0..10 {
        let fact = encode_health(&change, &Metadata::of_system("system", "test"));
        let appended = streams[round % 2].append(fact).await.unwrap();
        assert_eq!(appended.version as usize, round + 1);
    }
}
