//! What an operator does with the log beside the running service: print it, recount it.
//!
//! Both read at one moment and change nothing. What is counted, and how, is the business of the crates that know it.

use std::io::{self, BufWriter, Write};

use anyhow::{Context, bail};
use revaer_event_log::{Body, Contents, Entry, EventLog, Fact, Finding, Options, Position, Samples};
use revaer_event_schema::{ProgressSample, unpack_progress};
use serde::Serialize;
use serde_json::value::RawValue;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::config::Config;
use crate::database::Database;
use crate::exit::Fault;

/// Prints facts above a position, one JSON document a line, up to the head of this moment.
pub(crate) async fn export(config: &Config, after: Position, contents: Contents) -> anyhow::Result<()> {
    with_log(config, async |log| {
        match write_lines(log, after, contents).await {
            // Whoever reads has seen enough.
            Err(error) if is_broken_pipe(&error) => Ok(()),
            outcome => outcome,
        }
    })
    .await
}

/// Recounts everything and prints each finding; fails if there is one.
pub(crate) async fn verify(config: &Config) -> anyhow::Result<()> {
    with_log(config, async |log| recount(log).await).await
}

/// The same of a log that is open.
pub(super) async fn recount(log: &EventLog) -> anyhow::Result<()> {
    let mut findings = 0_u64;
    let mut say = |finding: Finding| {
        findings += 1;
        // Whoever reads may have seen enough; how it ends still says that something was found.
        let _ = writeln!(io::stdout(), "{finding}");
    };
    log.verify(&mut say).await?;
    let counted = revaer_event_schema::verify(log, &mut say).await?;
    revaer_projections::verify(log, &mut say).await?;
    if findings > 0 {
        bail!("{findings} findings up to position {}", counted.through);
    }
    println!(
        "sound up to position {}: {} facts, {} rows of samples, {} read models",
        counted.through,
        counted.facts,
        counted.samples,
        revaer_projections::PROJECTIONS.len()
    );
    Ok(())
}

/// Opens the log for reading alone, and tells a database that goes away from what is wrong in it.
pub(super) async fn with_log(
    config: &Config,
    work: impl AsyncFnOnce(&EventLog) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let database = Database::of_tool(config).await?;
    let pool = database.connect(config.database_wait).await?;
    let worked = async {
        // Nobody follows or appends here, so the runner is not needed.
        let (log, _runner) =
            EventLog::open(pool.clone(), Options::default()).await.context("the log cannot be opened")?;
        work(&log).await
    };
    let worked = worked.await.map_err(Fault::name_lost_database);
    pool.close().await;
    let stopped = database.stop().await;
    worked.and(stopped)
}

async fn write_lines(log: &EventLog, after: Position, contents: Contents) -> anyhow::Result<()> {
    let mut replay = log.replay(after, contents).await?;
    let mut out = BufWriter::new(io::stdout().lock());
    loop {
        let page = replay.next().await?;
        if page.is_empty() {
            return out.flush().context("cannot print the log");
        }
        for entry in page {
            let line = line(&entry).with_context(|| format!("position {}", entry.position()))?;
            writeln!(out, "{line}").context("cannot print the log")?;
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}

#[derive(Serialize)]
struct FactLine<'a> {
    position: i64,
    stream: &'a str,
    version: u32,
    #[serde(with = "time::serde::rfc3339")]
    recorded_at: OffsetDateTime,
    command_id: Option<Uuid>,
    schema_version: i16,
    kind: &'a str,
    data: &'a RawValue,
    meta: &'a RawValue,
}

#[derive(Serialize)]
struct SamplesLine<'a> {
    position: i64,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    node: &'a str,
    kind: &'static str,
    samples: Vec<SampleItem>,
}

#[derive(Serialize)]
struct SampleItem {
    stream: String,
    wanted_done_bytes: u64,
    downloaded_bytes: u64,
    uploaded_bytes: u64,
    download_bytes_per_second: u64,
    upload_bytes_per_second: u64,
    peers: u32,
    seeds: u32,
}

/// An entry as a line. A line-end can stand in JSON only between tokens, where a space means the same.
fn line(entry: &Entry) -> anyhow::Result<String> {
    let line = match &entry.body {
        Body::Fact(fact) => serde_json::to_string(&fact_line(fact)?)?,
        Body::Samples(samples) => serde_json::to_string(&samples_line(samples)?)?,
    };
    Ok(if line.contains(['\n', '\r']) { line.replace(['\n', '\r'], " ") } else { line })
}

fn fact_line(fact: &Fact) -> serde_json::Result<FactLine<'_>> {
    Ok(FactLine {
        position: fact.position.0,
        stream: fact.stream.as_str(),
        version: fact.version,
        recorded_at: fact.recorded_at,
        command_id: fact.command_id,
        schema_version: fact.schema_version,
        kind: &fact.kind,
        data: serde_json::from_str(&fact.data)?,
        meta: serde_json::from_str(&fact.meta)?,
    })
}

fn samples_line(samples: &Samples) -> anyhow::Result<SamplesLine<'_>> {
    let item = |sample: ProgressSample| SampleItem {
        stream: sample.torrent.stream(),
        wanted_done_bytes: sample.wanted_done_bytes,
        downloaded_bytes: sample.downloaded_bytes,
        uploaded_bytes: sample.uploaded_bytes,
        download_bytes_per_second: sample.download_bytes_per_second,
        upload_bytes_per_second: sample.upload_bytes_per_second,
        peers: sample.peers,
        seeds: sample.seeds,
    };
    Ok(SamplesLine {
        position: samples.position.0,
        at: samples.at,
        node: &samples.node,
        kind: revaer_event_schema::PROGRESS_KIND,
        samples: unpack_progress(&samples.data)?.into_iter().map(item).collect(),
    })
}

#[cfg(test)]
mod tests {
    use revaer_event_log::StreamId;

    use super::*;

    #[test]
    fn fact_is_one_line_however_its_json_was_laid_out() {
        let fact = Fact {
            position: Position(7),
            stream: StreamId::new("engine").unwrap(),
            version: 2,
            recorded_at: OffsetDateTime::UNIX_EPOCH,
            command_id: None,
            schema_version: 1,
            kind: "engine.started".to_owned(),
            data: "{\r\n  \"text\": \"a\\nb\", \"n\": 1.50\n}".to_owned(),
            meta: "{}".to_owned(),
        };
        assert_eq!(
            line(&Entry::new(Body::Fact(fact))).unwrap(),
            "{\"position\":7,\"stream\":\"engine\",\"version\":2,\"recorded_at\":\"1970-01-01T00:00:00Z\",\
             \"command_id\":null,\"schema_version\":1,\"kind\":\"engine.started\",\
             \"data\":{    \"text\": \"a\\nb\", \"n\": 1.50 },\"meta\":{}}"
        );
    }
}
