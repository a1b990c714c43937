//! What `/metrics` shows: every family that is registered moves in the main job, or a reason stands here why it cannot.

use std::collections::BTreeMap;
use std::process::Command;

use reqwest::{Method, StatusCode};
use revaer_test_support::ServiceProcess;
use serde_json::json;
use tokio::time::timeout;

use crate::world::{BOUND, REVAERD, World, act, add, until_kind, until_state};

/// What does not move when nothing goes wrong, and why.
const STILL: &[(&str, &str)] = &[
    ("revaer_log_checked_batches_total", "nothing in the job conflicts"),
    ("revaer_log_unknown_outcomes_total", "no connection to the database is lost"),
    ("revaer_log_tail_failures_total", "the database does not go away"),
    ("revaer_log_sample_partitions_dropped_total", "no hour of samples is old enough"),
    ("revaer_log_commands_forgotten_total", "no command is old enough"),
    ("revaer_command_redecisions_total", "no other process appends"),
    ("revaer_projection_failures_total", "every fact is understood"),
    ("revaer_engine_alerts_dropped_total", "libtorrent's queue does not fill"),
    ("revaer_engine_faults_total", "the session does not break"),
    ("revaer_engine_restarts_total", "the session does not break"),
    ("revaer_sampler_ticks_lost_total", "the database does not go away"),
    ("revaer_http_connections_refused_total", "there are fewer connections than may be"),
    ("revaer_sse_clients_refused_total", "there are fewer clients than may be"),
    (
        "process_cpu_seconds_total",
        "it counts whole seconds, and the job after the restart may take less than one",
    ),
    ("revaer_queue_depth", "queues are empty at rest"),
    ("revaer_follower_lag_positions", "every follower has caught up at rest"),
    ("revaer_follower_lag_seconds", "every follower has caught up at rest"),
    ("revaer_health", "every part is well"),
];

/// The values of a scrape, summed up by family; a histogram counts as often as it was observed.
struct Scrape {
    text: String,
    families: BTreeMap<String, f64>,
}

impl Scrape {
    async fn of(service: &ServiceProcess) -> Self {
        let answer = service.request(Method::GET, "/metrics", None).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
        assert_eq!(kind, "text/plain; version=0.0.4; charset=utf-8");
        let text = answer.text().await.unwrap();
        let mut families = BTreeMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (sample, value) = line.rsplit_once(' ').unwrap();
            let name = sample.split('{').next().unwrap();
            if let Some(name) = name.strip_suffix("_bucket").or_else(|| name.strip_suffix("_sum")) {
                families.entry(name.to_owned()).or_default();
                continue;
            }
            let family = name.strip_suffix("_count").unwrap_or(name);
            *families.entry(family.to_owned()).or_default() += value.parse::<f64>().unwrap();
        }
        Self { text, families }
    }

    /// Scrapes again until something holds: what ends a stream is counted a moment after the client has seen it.
    async fn until(service: &ServiceProcess, what: &str, holds: impl Fn(&Self) -> bool) -> Self {
        let scraping = async {
            loop {
                let scrape = Self::of(service).await;
                if holds(&scrape) {
                    return scrape;
                }
            }
        };
        timeout(BOUND, scraping).await.unwrap_or_else(|_| panic!("never: {what}\n{}", service.said()))
    }

    fn value(&self, sample: &str) -> f64 {
        let line = self.text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
        line.map_or(0.0, |value| value.parse().unwrap())
    }

    fn moved(&self, family: &str) -> bool {
        self.families.get(family).is_some_and(|value| *value != 0.0)
    }
}

/// The families that `revaerd metrics` names, libtorrent's own left out.
fn registered() -> Vec<String> {
    let said = Command::new(REVAERD).arg("metrics").output().unwrap();
    assert!(said.status.success());
    let page = String::from_utf8(said.stdout).unwrap();
    page.lines().filter_map(|line| Some(line.strip_prefix("| `")?.split('`').next()?.to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_registered_metric_moves_in_the_main_job_or_has_a_reason_not_to() {
    let world = World::new(6, 2 << 20);
    let mut service = world.service().await;
    let id = add(&service, &world.seeder, json!({})).await;
    until_state(&service, &id, "seeding").await;
    act(&service, &id, json!({ "action": "pause" })).await;
    until_kind(&service, &id, "torrent.state_changed", 2).await;
    service.restart().await;
    act(&service, &id, json!({ "action": "resume" })).await;
    until_state(&service, &id, "seeding").await;

    // One who reads what was long before the start, one who goes again, and one whom nobody lets in.
    let mut follower = service.events("after=0", None).await;
    follower.next_within(BOUND).await;
    drop(service.events("after=0", None).await);
    let stranger = reqwest::Client::new().get(service.url("/metrics")).send().await.unwrap();
    assert_eq!(stranger.status(), StatusCode::UNAUTHORIZED);

    let still = |family: &str| STILL.iter().any(|(name, _)| *name == family);
    let registered = registered();
    assert!(registered.len() > 40, "{registered:?}");
    let scrape = Scrape::until(&service, "a stream has ended and lists are in memory", |scrape| {
        scrape.moved("revaer_sse_streams_ended_total") && scrape.moved("revaer_lists_in_memory")
    })
    .await;
    let unmoved: Vec<_> =
        registered.iter().filter(|family| !scrape.moved(family) && !still(family)).collect();
    assert!(unmoved.is_empty(), "registered, and nothing moves them: {unmoved:?}\n{}", scrape.text);
    let unknown: Vec<_> =
        STILL.iter().filter(|(name, _)| !registered.iter().any(|known| known == name)).collect();
    assert!(unknown.is_empty(), "reasons for what is not there: {unknown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn scrape_says_what_was_downloaded_and_asked_and_who_was_denied() {
    let world = World::new(6, 2 << 20);
    let service = world.service().await;
    let id = add(&service, &world.seeder, json!({})).await;
    until_state(&service, &id, "seeding").await;
    for _ in 0..3 {
        service.get_json(&format!("/v1/torrents/{id}")).await;
    }
    let bad = reqwest::Client::new().get(service.url("/v1/torrents")).bearer_auth("rvk_wrong");
    assert_eq!(bad.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);

    let scrape = Scrape::of(&service).await;
    // The whole payload and what it took to ask for it.
    assert!(scrape.value("libtorrent_net_recv_payload_bytes_total") >= f64::from(2 << 20));
    assert!(scrape.value("libtorrent_ses_num_seeding_torrents") >= 1.0, "{}", scrape.text);
    let route = "revaer_http_requests_total{method=\"GET\",route=\"/v1/torrents/{id}\",status=\"200\"}";
    assert!(scrape.value(route) >= 3.0);
    assert!(scrape.value("revaer_http_denials_total{reason=\"unknown_key\"}") >= 1.0);
    assert!(scrape.value("revaer_observations_total{kind=\"finished\",outcome=\"taken\"}") >= 1.0);
    assert!(scrape.value("revaer_setup_complete") > 0.5);
    assert!(!scrape.text.contains(&id), "no label names a torrent");
}
