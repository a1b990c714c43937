//! What a process costs, as the kernel counts it.

use std::fs;

/// The kernel counts a process's time in hundredths of a second, whatever its own clock's rate is.
const TICKS_PER_SECOND: f64 = 100.0;

/// What a process has used of the processor, in its own code and in the kernel's.
pub(crate) fn cpu_seconds(pid: u32) -> f64 {
    ticks(pid, 11..13) / TICKS_PER_SECOND
}

/// The same of the PostgreSQL that a process has started, with what ended children had used.
pub(crate) fn cpu_seconds_of_postgres(pid: u32) -> f64 {
    let postmasters = children(pid);
    let backends = postmasters.iter().flat_map(|postmaster| children(*postmaster));
    let used = backends.map(|backend| ticks(backend, 11..13)).sum::<f64>();
    let ended = postmasters.iter().map(|postmaster| ticks(*postmaster, 11..15)).sum::<f64>();
    (used + ended) / TICKS_PER_SECOND
}

/// Memory that a process has for itself: neither its program nor a file nor shared with others.
pub(crate) fn anonymous_bytes(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("RssAnon:")?.split_whitespace().next());
    kilobytes.and_then(|number| number.parse::<f64>().ok()).unwrap_or_default() * 1024.0
}

/// The same of the PostgreSQL that a process has started.
pub(crate) fn anonymous_bytes_of_postgres(pid: u32) -> f64 {
    let postmasters = children(pid);
    let backends = postmasters.iter().flat_map(|postmaster| children(*postmaster));
    backends.chain(postmasters.iter().copied()).map(anonymous_bytes).sum()
}

/// Words of a process's line, counted after its name, which may hold anything. One that has just ended has used nothing.
fn ticks(pid: u32, words: std::ops::Range<usize>) -> f64 {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after_name = line.rsplit_once(')').map_or("", |(_, rest)| rest);
    let numbers = after_name.split_whitespace().skip(words.start).take(words.len());
    numbers.filter_map(|word| word.parse::<f64>().ok()).sum()
}

fn children(pid: u32) -> Vec<u32> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let lists = tasks.flatten().filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect()
}
