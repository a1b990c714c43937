//! Crashes under load: the service by `SIGKILL`, its PostgreSQL by an immediate stop and by `SIGKILL`, round after round.
//!
//! Many clients give commands under idempotency keys, samples are appended from outside, and one client follows everything. What
//! was answered must be there once, what was not must happen once when it is given again, whatever was seen must stay, and the
//! recount of the log must find nothing: no checkpoint ahead of its rows, and rows that are the fold of the log.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use revaer_domain::values::TorrentId;
use revaer_event_log::{EventLog, Options};
use revaer_event_schema::{ProgressSample, pack_progress};
use revaer_postgres_embedded::Cluster;
use revaer_test_support::{EventReader, ServiceProcess};
use rustix::process::Signal;
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::process::Command;
use tokio::task::{JoinHandle, JoinSet};

use crate::crashes::signal_postgres;
use crate::world::{BOUND, REVAERD, options};

const TORRENTS: usize = 8;
const CLIENTS: usize = 16;
/// Answers of a round before the crash comes.
const ANSWERS_BEFORE: usize = 80;

/// What is crashed.
#[derive(Debug, Clone, Copy)]
enum Crash {
    Service,
    PostgresImmediately,
    PostgresByKill,
}

const CRASHES: [Crash; 4] =
    [Crash::Service, Crash::PostgresImmediately, Crash::Service, Crash::PostgresByKill];

/// A command: it sets a label that no other sets, under a key that no other has.
#[derive(Debug, Clone)]
struct Given {
    torrent: String,
    label: String,
}

/// What a command was answered: the position of its fact.
type Answer = i64;

/// The load of a round, as its clients share it.
#[derive(Default)]
struct Load {
    answers: AtomicUsize,
    over: AtomicBool,
}

/// The one who follows everything, over all crashes.
#[derive(Default)]
struct Follower {
    last_id: Option<String>,
    facts: Vec<(i64, String, i64)>,
    sample_positions: BTreeSet<i64>,
}

struct Campaign {
    // Dropped first: it ends in order while its data directory is still there.
    service: ServiceProcess,
    folder: tempfile::TempDir,
    torrents: Vec<String>,
    answered: BTreeMap<String, (Given, Answer)>,
    follower: Follower,
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_answered_is_lost_or_doubled_in_crashes_under_load() {
    campaign(4).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "fifty rounds, for `make soak`"]
async fn soak_nothing_answered_is_lost_or_doubled_in_fifty_crashes_under_load() {
    campaign(50).await;
}

async fn campaign(rounds: usize) {
    let mut campaign = Campaign::begin().await;
    for round in 0..rounds {
        campaign = campaign.round(round, CRASHES[round % CRASHES.len()]).await;
    }
    assert!(!campaign.follower.sample_positions.is_empty(), "samples were under way");
    assert!(campaign.answered.len() >= rounds * ANSWERS_BEFORE);
}

impl Campaign {
    async fn begin() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let service = ServiceProcess::start(REVAERD, options(&folder.path().join("data"))).await;
        let mut torrents = Vec::new();
        for number in 1..=TORRENTS {
            let magnet = format!("magnet:?xt=urn:btih:{number:040x}&dn=waits%20{number}");
            let body = json!({ "magnet": magnet, "start_paused": true });
            torrents.push(service.post_json("/v1/torrents", &body).await["id"].as_str().unwrap().to_owned());
        }
        Self { folder, service, torrents, answered: BTreeMap::new(), follower: Follower::default() }
    }

    async fn round(mut self, round: usize, crash: Crash) -> Self {
        let marker = Given { torrent: self.torrents[0].clone(), label: format!("marker-{round}") };
        let reader = self.service.events("after=0", self.follower.last_id.as_deref()).await;
        let following = tokio::spawn(self.follower.until(reader, marker.label.clone()));
        let sampling = self.sample(round).await;

        let load = Arc::new(Load::default());
        let mut clients = JoinSet::new();
        for client in 0..CLIENTS {
            let torrent = self.torrents[(client + round) % TORRENTS].clone();
            clients.spawn(give_until_refused(
                self.service.client().clone(),
                self.service.base_url().to_owned(),
                torrent,
                format!("r{round}-c{client}"),
                Arc::clone(&load),
            ));
        }
        let enough = async {
            while load.answers.load(Ordering::Relaxed) < ANSWERS_BEFORE {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(BOUND, enough).await.expect("commands are answered");
        match crash {
            Crash::Service => {
                self.service.kill9().await;
                self.service.start_again().await;
            }
            Crash::PostgresImmediately => signal_postgres(&self.data_dir(), Signal::QUIT),
            Crash::PostgresByKill => signal_postgres(&self.data_dir(), Signal::KILL),
        }
        // By then it is over: some clients were refused, and what the service had to hold back it has answered.
        let mut refused = vec![marker.clone()];
        self.insist(&marker).await;
        load.over.store(true, Ordering::Relaxed);
        for (answered, last) in tokio::time::timeout(BOUND, clients.join_all()).await.expect("clients end") {
            self.answered
                .extend(answered.into_iter().map(|(given, answer)| (given.label.clone(), (given, answer))));
            refused.extend(last);
        }
        // Whether it had happened or not: given again it is answered, and happens once. So does the marker's repeat.
        for given in refused {
            let answer = self.insist(&given).await;
            self.answered.insert(given.label.clone(), (given, answer));
        }
        sampling.abort();
        let (follower, reached) = tokio::time::timeout(BOUND, following).await.expect("events come").unwrap();
        self.follower = follower;
        if !reached {
            let reader = self.service.events("after=0", self.follower.last_id.as_deref()).await;
            let following = self.follower.until(reader, marker.label);
            let (follower, reached) = tokio::time::timeout(BOUND, following).await.expect("events come");
            assert!(reached, "the stream breaks without a crash");
            self.follower = follower;
        }
        self.assert_sound(round, crash).await;
        self
    }

    fn data_dir(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    /// Appends samples beside the service, as fast as it goes, until the database is away.
    async fn sample(&self, round: usize) -> JoinHandle<()> {
        let pool = pool(&self.data_dir()).await;
        let (log, _runner) = EventLog::open(pool, Options::default()).await.unwrap();
        let sample = ProgressSample {
            torrent: self.torrents[round % TORRENTS].parse::<TorrentId>().unwrap(),
            wanted_done_bytes: 0,
            downloaded_bytes: 1,
            uploaded_bytes: 1,
            download_bytes_per_second: 1,
            upload_bytes_per_second: 1,
            peers: 1,
            seeds: 1,
        };
        tokio::spawn(async move {
            while log.append_samples("campaign", pack_progress(&[sample])).await.is_ok() {}
        })
    }

    /// Gives a command again and again until it is answered.
    async fn insist(&self, given: &Given) -> Answer {
        let insisting = async {
            loop {
                if let Some(answer) = give(self.service.client(), self.service.base_url(), given).await {
                    return answer;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(BOUND, insisting).await.expect("the service comes back")
    }

    async fn assert_sound(&self, round: usize, crash: Crash) {
        let pool = pool(&self.data_dir()).await;
        let recorded: Vec<(i64, String, i64, String)> = sqlx::query_as(
            "SELECT position, stream_id, version, coalesce(data #>> '{to,0}', '') FROM events ORDER BY position",
        )
        .fetch_all(&pool)
        .await
        .unwrap();
        pool.close().await;
        let mut labelled: BTreeMap<&str, Vec<(Answer, &str)>> = BTreeMap::new();
        for (position, stream, _, label) in &recorded {
            labelled.entry(label).or_default().push((*position, stream));
        }
        for (label, (given, answer)) in &self.answered {
            let stream = format!("torrent-{}", given.torrent);
            let there = labelled.get(label.as_str()).map(Vec::as_slice).unwrap_or_default();
            assert_eq!(there, [(*answer, stream.as_str())], "round {round}, {crash:?}: {label}");
        }
        let commands = labelled.keys().filter(|label| label.starts_with(['r', 'm'])).count();
        assert_eq!(
            commands,
            self.answered.len(),
            "round {round}, {crash:?}: nothing happened that was not answered"
        );

        // What was followed is what lies there, up to where it was followed.
        let last = self.follower.facts.last().unwrap().0;
        let lies: Vec<_> = recorded
            .into_iter()
            .map(|(position, stream, version, _)| (position, stream, version))
            .take_while(|fact| fact.0 <= last)
            .collect();
        assert!(self.follower.facts == lies, "round {round}, {crash:?}: each fact is seen once and in order");
        let given_twice = lies.iter().filter(|fact| self.follower.sample_positions.contains(&fact.0)).count();
        assert_eq!(
            given_twice, 0,
            "round {round}, {crash:?}: positions of samples that were seen are facts now"
        );

        let mut verify = Command::new(REVAERD);
        verify.args(["log", "verify", "--data-dir"]).arg(self.data_dir()).env_remove("DATABASE_URL");
        verify.stdin(Stdio::null()).kill_on_drop(true);
        let output = tokio::time::timeout(BOUND, verify.output()).await.expect("it ends").unwrap();
        let found = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "round {round}, {crash:?}: {found}");
    }
}

impl Follower {
    /// Follows until the marker comes (true) or the stream breaks (false).
    fn until(
        &mut self,
        mut reader: EventReader,
        marker: String,
    ) -> impl Future<Output = (Self, bool)> + Send + 'static {
        let mut follower = std::mem::take(self);
        async move {
            let mut reached = false;
            while !reached && let Some(event) = reader.next().await {
                assert_ne!(event.event, "reset", "the log is one: {event:?}");
                let position = event.data["position"].as_i64().unwrap();
                if event.event == "torrent.progress" {
                    follower.sample_positions.insert(position);
                } else {
                    let stream = event.data["stream"].as_str().unwrap().to_owned();
                    follower.facts.push((position, stream, event.data["version"].as_i64().unwrap()));
                    reached = event.data["data"]["to"] == json!([marker]);
                }
            }
            follower.last_id = reader.last_id().map(str::to_owned).or(follower.last_id);
            (follower, reached)
        }
    }
}

/// Gives commands until the load is over or one is not answered; the answered ones, and that one.
async fn give_until_refused(
    client: reqwest::Client,
    base_url: String,
    torrent: String,
    name: String,
    load: Arc<Load>,
) -> (Vec<(Given, Answer)>, Option<Given>) {
    let mut answered = Vec::new();
    let mut numbers = 0..;
    while !load.over.load(Ordering::Relaxed) {
        let number = numbers.next().expect("it has no end");
        let given = Given { torrent: torrent.clone(), label: format!("{name}-{number}") };
        match give(&client, &base_url, &given).await {
            Some(answer) => answered.push((given, answer)),
            None => return (answered, Some(given)),
        }
        load.answers.fetch_add(1, Ordering::Relaxed);
    }
    (answered, None)
}

/// Gives one command once.
async fn give(client: &reqwest::Client, base_url: &str, given: &Given) -> Option<Answer> {
    let url = format!("{base_url}/v1/torrents/{}/action", given.torrent);
    let body = json!({ "action": "label", "labels": [given.label] });
    let answer = client.post(url).header("Idempotency-Key", &given.label).json(&body).timeout(BOUND).send();
    let answer = answer.await.ok()?;
    let status = answer.status();
    let position =
        answer.headers().get("Revaer-Position").and_then(|value| value.to_str().ok()?.parse().ok());
    let body: Value = answer.json().await.ok()?;
    if !status.is_success() {
        assert_eq!(status, 503, "{body}");
        return None;
    }
    // Also of a repeat: the position of the fact that the first attempt made, not of the torrent's last.
    position
}

async fn pool(data_dir: &Path) -> PgPool {
    let address = Cluster::find_running(data_dir).await.expect("the private PostgreSQL runs");
    revaer_event_log::connect(&address.url(), 4).await.unwrap()
}
