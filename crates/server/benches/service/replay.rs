//! The events over HTTP: all of them to one client against `COPY`, and new ones to many clients against one.

use std::borrow::Cow;
use std::path::Path;
use std::time::{Duration, Instant};

use futures::TryStreamExt;
use revaer_event_log::{Append, EventLog, NewFact, StreamId};
use revaer_test_support::{ServiceOptions, ServiceProcess};
use sqlx::PgPool;
use sqlx::postgres::PgPoolCopyExt;
use tokio::task::JoinSet;

use crate::library::address;
use crate::log::Log;
use crate::process::cpu_seconds;
use crate::stream::Stream;
use crate::{ROUNDS, line, median};

const FOLLOWERS: usize = 500;
/// Facts that are followed in each round.
const FOLLOWED: u32 = 3000;
/// Of a part of the service, so that no torrent is concerned: what the session does with a fact is not what is measured.
const DATA: &str = r#"{"component":"bench","from":"well","to":"degraded","reason":"as long as what a command of a client makes"}"#;
const META: &str = r#"{"actor":"operator","request_id":"01JD4Z6V7Q8W9X0Y1Z2A3B4C5D","correlation_id":"01JD4Z6V7Q8W9X0Y","causation_id":null}"#;

/// Starts the service on a log that is filled.
pub(crate) async fn measure(data_dir: &Path, replayed: bool, followed: bool) {
    let arguments = ["--peer-listen", "127.0.0.1:0"];
    let options = arguments.into_iter().fold(ServiceOptions::new(data_dir), ServiceOptions::argument);
    let service = ServiceProcess::start(env!("CARGO_BIN_EXE_revaerd"), options).await;
    let held = Log::beside_service(data_dir).await;
    if replayed {
        replay(&service, held.pool()).await;
    }
    if followed {
        follow(&service, &held.events).await;
    }
    held.close().await;
}

async fn replay(service: &ServiceProcess, pool: &PgPool) {
    let statement = "COPY (SELECT position, stream_id, version, recorded_at, command_id, schema_version, kind, data, \
                     meta FROM events ORDER BY position) TO STDOUT";
    let (mut copy, mut over_http) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let facts: i64 =
            sqlx::query_scalar("SELECT count(*) FROM events").fetch_one(pool).await.expect("counts");
        #[expect(clippy::cast_precision_loss, reason = "a count of some millions")]
        let count = facts as f64;
        let began = Instant::now();
        let mut bytes = pool.copy_out_raw(statement).await.expect("it copies");
        while bytes.try_next().await.expect("it copies").is_some() {}
        copy.push(count / began.elapsed().as_secs_f64());
        let began = Instant::now();
        let mut stream = Stream::open(address(service), "after=0&samples=false").await;
        // One more than the facts: the frame that opens the stream.
        stream.read_until(u64::try_from(facts).expect("a count") + 1).await;
        over_http.push(count / began.elapsed().as_secs_f64());
    }
    line(
        "facts/s to one client of the events; other: COPY to text",
        median(copy),
        median(over_http),
        ">= 0.5",
    );
}

async fn follow(service: &ServiceProcess, log: &EventLog) {
    let (mut one, mut many) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        one.push(microseconds_per_delivery(service, log, 1).await);
        many.push(microseconds_per_delivery(service, log, FOLLOWERS).await);
    }
    line("CPU per event to 500 clients, us; other: to one", median(one), median(many), "<= 0.2");
}

async fn microseconds_per_delivery(service: &ServiceProcess, log: &EventLog, followers: usize) -> f64 {
    let mut following = JoinSet::new();
    for _ in 0..followers {
        let mut stream = Stream::open(address(service), "samples=false").await;
        following.spawn(async move { stream.read_until(stream.frames + u64::from(FOLLOWED)).await });
    }
    let before = cpu_seconds(service.pid());
    for number in 0..FOLLOWED {
        append(log, &format!("bench-{}-{number}", uuid::Uuid::new_v4())).await;
    }
    let all = tokio::time::timeout(Duration::from_mins(2), following.join_all());
    all.await.expect("every event reaches every client");
    let deliveries = f64::from(FOLLOWED) * f64::from(u32::try_from(followers).expect("small"));
    (cpu_seconds(service.pid()) - before) * 1e6 / deliveries
}

async fn append(log: &EventLog, stream: &str) {
    let fact = NewFact {
        kind: Cow::Borrowed("health.changed"),
        schema_version: 1,
        data: DATA.to_owned(),
        meta: META.to_owned(),
    };
    let append = Append {
        stream: StreamId::new(stream).expect("letters and digits"),
        expected: 0,
        facts: vec![fact],
        command: None,
        claims: Vec::new(),
        releases: Vec::new(),
    };
    log.append(append).await.expect("it appends");
}
