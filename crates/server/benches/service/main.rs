//! What the whole service costs, as ratios within one run: against what PostgreSQL, a single client or bare libtorrent take for the
//! same. `scripts/bench-service` says how it is run and `docs/performance.md` what came of it.
//!
//! What is compared takes turns within each round, or runs at the same time where that is the point; the median of the rounds
//! counts. It prints and asserts nothing. The client's side does as little as it can and shares the machine.

mod facts;
mod idle;
mod library;
mod log;
mod page;
mod process;
mod rebuild;
mod replay;
mod start;
mod stream;

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::library::Library;

/// Rounds of each comparison.
const ROUNDS: usize = 3;

/// Measures the service, and prints ratios.
#[derive(Parser)]
struct Arguments {
    /// What to measure; everything if nothing is named.
    rows: Vec<Row>,
    /// Facts of the log that is replayed and rebuilt from.
    #[arg(long, default_value_t = 1_000_000)]
    facts: u64,
    /// Torrents of the library.
    #[arg(long, default_value_t = 10_000)]
    torrents: usize,
    /// The program of the bare session.
    #[arg(long)]
    bare: PathBuf,
    /// What cargo says to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

/// One row of the table.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Row {
    /// A projection that is built again, against reading the same facts.
    Rebuild,
    /// All facts over HTTP, against `COPY`.
    Replay,
    /// Many clients of the events, against one.
    Followers,
    /// From a kill to every torrent in the session, against bare libtorrent.
    Start,
    /// Memory and processor at rest, against bare libtorrent.
    Idle,
    /// A page of the list while torrents move, against the same at rest.
    Page,
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    let wanted = |row| arguments.rows.is_empty() || arguments.rows.contains(&row);
    println!("  {:<58} {:>12} {:>12} {:>7}   target", "", "other", "service", "ratio");
    if wanted(Row::Rebuild) || wanted(Row::Replay) || wanted(Row::Followers) {
        let folder = tempfile::tempdir().expect("a folder is made");
        rebuild::measure(folder.path(), arguments.facts, wanted(Row::Rebuild)).await;
        if wanted(Row::Replay) || wanted(Row::Followers) {
            replay::measure(folder.path(), wanted(Row::Replay), wanted(Row::Followers)).await;
        }
    }
    if wanted(Row::Start) || wanted(Row::Idle) || wanted(Row::Page) {
        let library = Library::make(arguments.torrents).await;
        let mut service = library.service().await;
        if wanted(Row::Start) {
            start::measure(&library, &mut service, &arguments.bare).await;
        }
        if wanted(Row::Idle) {
            idle::measure(&library, &service, &arguments.bare).await;
        }
        if wanted(Row::Page) {
            page::measure(&library, &service).await;
        }
    }
}

fn line(what: &str, other: f64, service: f64, target: &str) {
    println!("  {what:<58} {other:>12.2} {service:>12.2} {:>7.2}   {target}", service / other);
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
