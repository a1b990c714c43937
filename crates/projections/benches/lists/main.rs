//! What a page of a list costs, for each filter, pairs of them and each sort, from the start and from the middle.
//!
//! A library of 1,000 torrents and one of `--rows` (100,000 if not said) lie in two databases of one server. The same pages are read
//! from both in turn, so a ratio compares like with like whatever else the machine does. It prints and asserts nothing. The time is
//! what the library function takes, the database included; HTTP and JSON come on top and do not depend on the number of torrents.
//!
//! `--from rows` reads the pages by PostgreSQL alone, as a process does that stands by or has just started; without it
//! the index in memory answers.

mod library;
mod queries;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use library::Library;
use queries::{Case, Cursor};

/// What the larger library is compared with.
const ROWS_SMALL: u64 = 1_000;
/// Of the larger one, unless it is said.
const ROWS: u64 = 100_000;
/// No more than was ever promised.
const ROWS_MAX: u64 = 1_000_000;
/// How often each page is read, and for how long at most.
const SAMPLES: usize = 20;
const PATIENCE: Duration = Duration::from_millis(50);

struct Wish {
    rows: u64,
    from_rows: bool,
}

fn wish() -> Result<Wish, String> {
    let mut wish = Wish { rows: ROWS, from_rows: false };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match (word.as_str(), words.next().as_deref()) {
            ("--rows", Some(rows)) => {
                wish.rows = rows.parse().map_err(|error| format!("--rows {rows}: {error}"))?;
            }
            ("--from", Some("rows")) => wish.from_rows = true,
            ("--from", Some("memory")) => wish.from_rows = false,
            // What `cargo bench` adds by itself.
            ("--bench", None) => {}
            _ => {
                return Err(format!(
                    "usage: lists [--rows 1000..{ROWS_MAX}] [--from memory|rows], not {word}"
                ));
            }
        }
    }
    if (ROWS_SMALL..=ROWS_MAX).contains(&wish.rows) {
        Ok(wish)
    } else {
        Err("too few or too many rows".into())
    }
}

/// The times of one group of pages in both libraries.
#[derive(Default)]
struct Times {
    small: Vec<Duration>,
    large: Vec<Duration>,
    /// The slowest page of each by the median of its reads, which what else the machine does hardly moves.
    slowest_small: Duration,
    slowest: Option<(Duration, String)>,
}

#[tokio::main]
async fn main() -> Result<(), String> {
    let wish = wish()?;
    let small = Library::fill(ROWS_SMALL, wish.from_rows).await;
    let large = Library::fill(wish.rows, wish.from_rows).await;
    let found = match large.indexed {
        Some((took, bytes)) => {
            format!("in memory after {:.1} s, {} MB", took.as_secs_f64(), bytes / 1_000_000)
        }
        None => "read by PostgreSQL alone".to_owned(),
    };
    println!("{} torrents, filled in {:.1} s, {found}", wish.rows, large.filled.as_secs_f64());
    let mut groups: BTreeMap<(&str, usize, String), Times> = BTreeMap::new();
    for case in queries::all() {
        let times = groups.entry((case.query.sort.name(), case.filters, case.group.clone())).or_default();
        measure(&case, &small, &large, times).await;
    }
    println!(
        "\n{:<10} {:<22} {:>6}  {:>8} {:>8} {:>8}  {:>8} {:>8} {:>8} {:>8}  {:>6} {:>6}   page",
        "sort",
        "filters",
        "reads",
        "p50 1k",
        "p99 1k",
        "page 1k",
        "p50",
        "p99",
        "worst",
        "page",
        "p99 x",
        "page x"
    );
    for ((sort, _, group), mut times) in groups {
        let (small, large) = (Figures::of(&mut times.small), Figures::of(&mut times.large));
        let (slowest, page) = times.slowest.unwrap_or_default();
        let (slowest, slowest_small) = (milliseconds(slowest), milliseconds(times.slowest_small));
        println!(
            "{sort:<10} {group:<22} {:>6}  {:>8.3} {:>8.3} {slowest_small:>8.3}  {:>8.3} {:>8.3} {:>8.3} {slowest:>8.3}  \
             {:>6.2} {:>6.2}   {page}",
            times.large.len(),
            small.median,
            small.p99,
            large.median,
            large.p99,
            large.worst,
            large.p99 / small.p99,
            slowest / slowest_small,
        );
    }
    println!(
        "\nMilliseconds for a page of 50: of all reads the median, the 99th of 100 and the worst; `page` is the slowest page by the \
         median of its own reads, which is then named. `x` is the ratio to {ROWS_SMALL} torrents in this run."
    );
    Ok(())
}

async fn measure(case: &Case, small: &Library, large: &Library, times: &mut Times) {
    let (Some(of_small), Some(of_large)) = (small.query(case).await, large.query(case).await) else { return };
    let (mut in_small, mut in_large) = (Vec::new(), Vec::new());
    let began = Instant::now();
    // The first read of each page makes its plan; connections keep it.
    for sample in 0..=SAMPLES {
        let read = (small.read(&of_small).await, large.read(&of_large).await);
        if sample > 0 {
            in_small.push(read.0);
            in_large.push(read.1);
            if began.elapsed() > PATIENCE {
                break;
            }
        }
    }
    let (of_small, of_large) = (median(&mut in_small), median(&mut in_large));
    times.slowest_small = times.slowest_small.max(of_small);
    if times.slowest.as_ref().is_none_or(|(slowest, _)| *slowest < of_large) {
        times.slowest = Some((of_large, case.title()));
    }
    times.small.append(&mut in_small);
    times.large.append(&mut in_large);
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

struct Figures {
    median: f64,
    p99: f64,
    worst: f64,
}

impl Figures {
    fn of(times: &mut [Duration]) -> Self {
        times.sort_unstable();
        let at = |part: usize| {
            let index = (times.len() * part / 100).min(times.len().saturating_sub(1));
            times.get(index).map_or(f64::NAN, |time| milliseconds(*time))
        };
        Self { median: at(50), p99: at(99), worst: at(100) }
    }
}

impl Case {
    fn title(&self) -> String {
        let from = if self.cursor == Cursor::Middle { " from the middle" } else { "" };
        let down = if self.query.descending { "-" } else { "" };
        format!("{down}{} {}{from}", self.query.sort.name(), self.named)
    }
}
