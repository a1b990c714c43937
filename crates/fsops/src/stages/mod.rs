//! The steps, a file each. Each works on what is open already and may be done again.

pub(crate) mod checksum;
pub(crate) mod cleanup;
pub(crate) mod extract;
pub(crate) mod flatten;
pub(crate) mod metadata;
pub(crate) mod permissions;
pub(crate) mod place;
pub(crate) mod transfer;
pub(crate) mod verify;

use std::num::NonZero;

use crate::failure::Failure;

/// Threads of one step. More would take the disk and the processors from the download and the API.
const THREADS_MAX: usize = 4;
/// Fewer files are not worth a thread.
const FILES_PER_THREAD_MIN: usize = 64;

/// Has several threads work on a list, each on a run of it, and gives what they return in the order of the list.
fn in_parallel<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&[T]) -> Result<Vec<R>, Failure> + Sync,
) -> Result<Vec<R>, Failure> {
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    let threads = processors.min(THREADS_MAX).min(items.len() / FILES_PER_THREAD_MIN).max(1);
    if threads == 1 {
        return work(items);
    }
    std::thread::scope(|scope| {
        let chunk = items.len().div_ceil(threads);
        let started: Vec<_> = items.chunks(chunk).map(|items| scope.spawn(|| work(items))).collect();
        let mut all = Vec::with_capacity(items.len());
        let mut failed = None;
        for thread in started {
            match thread.join().expect("no step panics") {
                Ok(mut part) => all.append(&mut part),
                Err(failure) => failed = failed.or(Some(failure)),
            }
        }
        failed.map_or(Ok(all), Err)
    })
}
