//! Whether anybody still reads what is printed.
//!
//! A write finds out by failing; a stream that stays quiet writes nothing, and would outlive `head -1` until the next event.

use std::future::pending;
use std::io::{Result, stdout};
use std::os::fd::{AsFd, OwnedFd};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Ready once the other end of a pipe is closed. A file has no other end: never ready.
pub(super) async fn gone() {
    match watched() {
        Ok(output) if output.ready(Interest::ERROR).await.is_ok() => {}
        _ => pending().await,
    }
}

#[expect(
    deprecated,
    reason = "its successor is unsafe, for descriptors that may close early; an owned one cannot"
)]
fn watched() -> Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(stdout().as_fd().try_clone_to_owned()?, Interest::ERROR)
}
