//! The speed of the log as ratios within one run: against plain `INSERT`s, and against `COPY` of the same columns.
//!
//! Everything runs on one private PostgreSQL that flushes as the service's does. What is compared takes turns within each round,
//! and the median of the rounds counts: the machine's moods strike both sides. It prints and asserts nothing. HTTP has no part in
//! it. The first argument that is a number says how many facts are read (1,000,000).

use std::borrow::Cow;
use std::process::Command;
use std::time::{Duration, Instant};

use futures::TryStreamExt;
use revaer_event_log::{
    Append, CommandRecord, Contents, EventLog, NewFact, Options, Position, Repeat, StreamId, connect, migrate,
};
use revaer_test_support::CrashableCluster;
use sqlx::PgPool;
use sqlx::postgres::PgPoolCopyExt;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const ROUNDS: usize = 3;
/// What may be asked for by name; all of it if nothing is.
const PARTS: [&str; 4] = ["together", "alone", "follow", "read"];
const CLIENTS: usize = 64;
const SECONDS: u64 = 5;
const ALONE: usize = 2000;
const FACTS_OF_A_FILL: usize = 500;
const FOLLOWED: u32 = 2000;
const FOLLOWERS: usize = 500;

/// As large as what a command of the service appends.
const DATA: &str = r#"{"from":{"download_bytes_per_second":null},"to":{"download_bytes_per_second":1048576},"reason":"asked"}"#;
const META: &str = r#"{"actor":"operator","request_id":"01JD4Z6V7Q8W9X0Y1Z2A3B4C5D","correlation_id":"01JD4Z6V7Q8W9X0Y","causation_id":null}"#;

#[tokio::main]
async fn main() {
    let facts = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(1_000_000);
    let cluster = CrashableCluster::start().await;
    let pool = connect(cluster.url(), 16).await.expect("the cluster runs");
    migrate(&pool).await.expect("a new database migrates");
    sqlx::query("CREATE TABLE minimal (n bigint)").execute(&pool).await.expect("a table is made");
    let (log, runner) = EventLog::open(pool.clone(), Options::default()).await.expect("it is migrated");
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(runner.run(shutdown.clone()));

    println!("  {:<58} {:>12} {:>12} {:>7}   target", "", "other", "log", "ratio");
    let chosen = |part: &str| {
        let mut parts =
            std::env::args().skip(1).filter(|argument| PARTS.contains(&argument.as_str())).peekable();
        parts.peek().is_none() || parts.any(|argument| argument == part)
    };
    if chosen("together") {
        append_together(&log, &cluster).await;
    }
    if chosen("alone") {
        append_alone(&log, &pool).await;
    }
    if chosen("follow") {
        follow(&log).await;
    }
    if chosen("read") {
        fill(&log, facts).await;
        read(&log, &pool).await;
    }

    shutdown.cancel();
    running.await.expect("the log ends");
}

async fn append_together(log: &EventLog, cluster: &CrashableCluster) {
    let (mut once, mut remembered, mut simple, mut prepared) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        simple.push(pgbench(cluster.url(), "simple").await);
        once.push(commands_per_second(log, Repeat::CannotCome).await);
        prepared.push(pgbench(cluster.url(), "prepared").await);
        remembered.push(commands_per_second(log, Repeat::MayCome).await);
    }
    let (once, remembered) = (median(once), median(remembered));
    let (simple, prepared) = (median(simple), median(prepared));
    line("facts/s, 64 commands at once; other: pgbench INSERT, 64", simple, once, ">= 2.5");
    line("the same; other: pgbench with prepared statements", prepared, once, "-");
    line("with an idempotency key each; other: pgbench INSERT, 64", simple, remembered, "-");
}

async fn commands_per_second(log: &EventLog, repeat: Repeat) -> f64 {
    let began = Instant::now();
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let log = log.clone();
        clients.spawn(async move {
            let stream = name();
            let mut version = 0;
            while began.elapsed() < Duration::from_secs(SECONDS) {
                log.append(append(&stream, version, 1, repeat)).await.expect("it appends");
                version += 1;
            }
            version
        });
    }
    let appended: u32 = clients.join_all().await.into_iter().sum();
    f64::from(appended) / began.elapsed().as_secs_f64()
}

/// On a task, as everything that the service does for a client: the thread that waits for the whole program is none of the
/// runtime's own, and would be woken by another one for each answer.
async fn append_alone(log: &EventLog, pool: &PgPool) {
    let (log, pool) = (log.clone(), pool.clone());
    let measuring = tokio::spawn(async move {
        let (mut once, mut remembered, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            for n in 0..i64::try_from(ALONE).expect("small") {
                let began = Instant::now();
                let insert = sqlx::query("INSERT INTO minimal VALUES ($1)").bind(n).execute(&pool).await;
                insert.expect("inserts");
                theirs.push(microseconds(began));
            }
            for (repeat, ours) in [(Repeat::CannotCome, &mut once), (Repeat::MayCome, &mut remembered)] {
                let stream = name();
                for version in 0..u32::try_from(ALONE).expect("small") {
                    let began = Instant::now();
                    log.append(append(&stream, version, 1, repeat)).await.expect("it appends");
                    ours.push(microseconds(began));
                }
            }
        }
        (median(once), median(remembered), median(theirs))
    });
    let (once, remembered, theirs) = measuring.await.expect("no panic");
    line("p50 of one command alone, us; other: INSERT and commit", theirs, once, "<= 2");
    line("the same with an idempotency key", theirs, remembered, "-");
}

/// Subscriptions in this process: what a follower costs before HTTP.
async fn follow(log: &EventLog) {
    let (mut one, mut many) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        one.push(microseconds_per_delivery(log, 1).await);
        many.push(microseconds_per_delivery(log, FOLLOWERS).await);
    }
    line("CPU per event of 500 followers, us; other: of one", median(one), median(many), "<= 0.2");
}

async fn microseconds_per_delivery(log: &EventLog, followers: usize) -> f64 {
    let head = log.head().await.expect("it reads");
    let before = cpu_seconds();
    let mut following = JoinSet::new();
    for _ in 0..followers {
        let mut subscription = log.subscribe(head);
        following.spawn(async move {
            let mut seen = 0;
            while seen < FOLLOWED as usize {
                seen += subscription.next().await.len();
            }
        });
    }
    let stream = name();
    for version in 0..FOLLOWED {
        log.append(append(&stream, version, 1, Repeat::CannotCome)).await.expect("it appends");
    }
    following.join_all().await;
    let deliveries = f64::from(FOLLOWED) * f64::from(u32::try_from(followers).expect("small"));
    (cpu_seconds() - before) * 1e6 / deliveries
}

async fn fill(log: &EventLog, facts: usize) {
    let began = Instant::now();
    let mut appends = JoinSet::new();
    for _ in 0..8 {
        let log = log.clone();
        appends.spawn(async move {
            for _ in 0..facts.div_ceil(FACTS_OF_A_FILL * 8) {
                log.append(append(&name(), 0, FACTS_OF_A_FILL, Repeat::CannotCome))
                    .await
                    .expect("it appends");
            }
        });
    }
    appends.join_all().await;
    println!(
        "  ({facts} facts appended, {FACTS_OF_A_FILL} a command, in {:.1} s)",
        began.elapsed().as_secs_f64()
    );
}

async fn read(log: &EventLog, pool: &PgPool) {
    let statement = "COPY (SELECT position, stream_id, version, recorded_at, command_id, schema_version, kind, data, \
                     meta FROM events ORDER BY position) TO STDOUT";
    sqlx::query("VACUUM ANALYZE events").execute(pool).await.expect("it is the owner's");
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM events").fetch_one(pool).await.expect("counts");
    #[expect(clippy::cast_precision_loss, reason = "a count of some millions")]
    let count = count as f64;
    let (mut copy, mut facts, mut all) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let mut bytes = pool.copy_out_raw(statement).await.expect("it copies");
        while bytes.try_next().await.expect("it copies").is_some() {}
        copy.push(count / began.elapsed().as_secs_f64());
        for (contents, rates) in [(Contents::Facts, &mut facts), (Contents::FactsAndSamples, &mut all)] {
            let began = Instant::now();
            let mut replay = log.replay(Position::ZERO, contents).await.expect("it reads");
            while !replay.next().await.expect("it reads").is_empty() {}
            rates.push(count / began.elapsed().as_secs_f64());
        }
    }
    let copy = median(copy);
    line("facts/s read in pages; other: COPY to text", copy, median(facts), ">= 0.5");
    line("entries/s read in pages, samples too; other: COPY to text", copy, median(all), ">= 0.5");
}

/// Transactions a second of one minimal row each.
async fn pgbench(url: &str, protocol: &str) -> f64 {
    let folder = tempfile::tempdir().expect("a folder is made");
    let script = folder.path().join("insert.sql");
    std::fs::write(&script, "INSERT INTO minimal VALUES (1);\n").expect("it is written");
    let mut command = Command::new("pgbench");
    command.args(["-n", "-M", protocol, "-c", "64", "-j", "2", "-T", &SECONDS.to_string(), "-f"]);
    command.arg(&script).arg(url.replace("postgres://", "postgresql://"));
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("no panic");
    let output = output.expect("pgbench is installed with PostgreSQL");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let tps = said.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
    tps.unwrap_or_else(|| panic!("{said}{}", String::from_utf8_lossy(&output.stderr)))
}

fn name() -> StreamId {
    StreamId::new(&format!("torrent-{}", Uuid::new_v4().simple())).expect("letters and digits")
}

fn append(stream: &StreamId, expected: u32, facts: usize, repeat: Repeat) -> Append {
    let fact = NewFact {
        kind: Cow::Borrowed("torrent.rate_cap_changed"),
        schema_version: 1,
        data: DATA.to_owned(),
        meta: META.to_owned(),
    };
    Append {
        stream: stream.clone(),
        expected,
        facts: vec![fact; facts],
        command: Some(CommandRecord { id: Uuid::new_v4(), fingerprint: [7; 32], result: None, repeat }),
        claims: Vec::new(),
        releases: Vec::new(),
    }
}

fn line(what: &str, other: f64, ours: f64, target: &str) {
    println!("  {what:<58} {other:>12.1} {ours:>12.1} {:>7.2}   {target}", ours / other);
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn microseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e6
}

/// What this process has used of the processor.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields: Vec<&str> =
        stat.rsplit(") ").next().expect("its name is in parentheses").split(' ').collect();
    let ticks = |index: usize| fields[index].parse::<f64>().expect("a number");
    // In hundredths of a second on every Linux that is met.
    (ticks(11) + ticks(12)) / 100.0
}
