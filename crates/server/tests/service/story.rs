//! The whole log as a client of the stream has it, put together over restarts by `Last-Event-ID`.
//!
//! Each fact must come once, positions must grow, and every stream must have its versions without a gap.

use std::collections::BTreeMap;
use std::time::Duration;

use revaer_test_support::{EventReader, ServerEvent, ServiceProcess};

/// What a client has seen.
#[derive(Default)]
pub(crate) struct Story {
    pub(crate) facts: Vec<(i64, String, u32, String)>,
    last_id: Option<String>,
    reader: Option<EventReader>,
}

impl Story {
    /// Connects, resuming after what was seen.
    pub(crate) async fn follow(&mut self, service: &ServiceProcess) {
        let query = if self.last_id.is_some() { "samples=false" } else { "after=0&samples=false" };
        self.reader = Some(service.events(query, self.last_id.as_deref()).await);
    }

    /// Reads until a fact is as wished.
    pub(crate) async fn until(&mut self, bound: Duration, wish: impl Fn(&ServerEvent) -> bool) {
        let reader = self.reader.as_mut().unwrap();
        let events = reader.collect_until(bound, wish).await;
        self.last_id = reader.last_id().map(str::to_owned);
        for event in events {
            assert!(event.event != "reset" && event.event != "samples-gap", "the log is one: {event:?}");
            let data = &event.data;
            self.facts.push((
                data["position"].as_i64().unwrap(),
                data["stream"].as_str().unwrap().to_owned(),
                u32::try_from(data["version"].as_u64().unwrap()).unwrap(),
                event.event,
            ));
        }
    }

    /// Holds every law of the log.
    pub(crate) fn assert_whole(&self) {
        let positions: Vec<i64> = self.facts.iter().map(|fact| fact.0).collect();
        assert!(positions.is_sorted_by(|one, next| one < next), "positions grow: {positions:?}");
        let mut versions: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        for (_, stream, version, _) in &self.facts {
            versions.entry(stream).or_default().push(*version);
        }
        for (stream, versions) in versions {
            let wanted: Vec<u32> = (1..).take(versions.len()).collect();
            assert_eq!(versions, wanted, "{stream} has every version once");
        }
    }

    /// How often a kind came.
    pub(crate) fn count(&self, kind: &str) -> usize {
        self.facts.iter().filter(|fact| fact.3 == kind).count()
    }
}
