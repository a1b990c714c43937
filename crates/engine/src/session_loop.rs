//! The session's thread: one loop over everything that can happen to it.
//!
//! It wakes for alerts, for requests, for the clock and for the end, and handles one at a time.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use libtorrent_sys::{Pump, Session};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::deletion::Outcome;
use crate::handle::{Request, Shared};
use crate::metrics::Metrics;
use crate::options::Options;
use crate::outbox::Outbox;
use crate::torrents::Torrents;

/// Deletions that ended and wait to be told; more only make the deleting threads wait.
const DELETIONS_MAX: usize = 64;

/// How the loop ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// Asked to; with the session's state to be kept.
    Stopped(Option<Vec<u8>>),
    /// Broken.
    Faulted(String),
}

/// Everything that one session's thread needs.
pub(crate) struct SessionLoop {
    pub(crate) session: Arc<Session>,
    pub(crate) pump: Pump,
    pub(crate) shared: Arc<Shared>,
    pub(crate) options: Arc<Options>,
    pub(crate) requests: mpsc::Receiver<Request>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) abandoned: CancellationToken,
}

impl SessionLoop {
    pub(crate) async fn run(self) -> Ended {
        let Self { session, mut pump, shared, options, mut requests, shutdown, abandoned } = self;
        let wakeup = match watch(&pump) {
            Ok(wakeup) => wakeup,
            Err(error) => return Ended::Faulted(format!("alerts cannot be awaited: {error}")),
        };
        let (deletions, mut deleted) = mpsc::channel::<(_, Outcome)>(DELETIONS_MAX);
        let metrics = shared.metrics.clone();
        let outbox = Outbox { shared, abandoned: abandoned.clone() };
        let mut torrents = Torrents::new(Arc::clone(&session), Arc::clone(&options), outbox, deletions);
        let mut tick = ticks(torrents.profile.tick());
        let mut deadline = None;
        let mut counting = Vec::new();
        // What waited before the wake-up was watched.
        if let Err(reason) = take(&mut pump, &mut torrents, &mut counting, &metrics) {
            return Ended::Faulted(reason);
        }
        loop {
            if deadline.is_some() && !torrents.is_saving() && torrents.deleting == 0 {
                return Ended::Stopped(session.save_state().ok());
            }
            tokio::select! {
                ready = wakeup.readable() => {
                    match ready {
                        Ok(mut ready) => ready.clear_ready(),
                        Err(error) => return Ended::Faulted(format!("alerts cannot be awaited: {error}")),
                    }
                    if let Err(reason) = take(&mut pump, &mut torrents, &mut counting, &metrics) {
                        return Ended::Faulted(reason);
                    }
                }
                Some(request) = requests.recv(), if deadline.is_none() => match request {
                    Request::Reconcile { desired, materials, span, reply } => {
                        // Whoever asked may be gone; the torrent is right all the same.
                        let _ = reply.send(span.in_scope(|| torrents.reconcile(*desired, materials)));
                    }
                    Request::EverythingReconciled => torrents.everything_here = true,
                    Request::Counters { reply } => {
                        // Whoever asked earlier is answered by the same numbers.
                        counting.push(reply);
                        if let Err(error) = session.post_stats() {
                            return Ended::Faulted(error.to_string());
                        }
                    }
                    Request::Apply { profile, reply } => {
                        let applying = torrents.apply(*profile);
                        // What libtorrent says of it lies in the queue by now.
                        if let Err(reason) = take(&mut pump, &mut torrents, &mut counting, &metrics) {
                            return Ended::Faulted(reason);
                        }
                        // Whoever asked may be gone; the session is as it is all the same.
                        let _ = reply.send(torrents.applied(applying));
                        if torrents.profile.tick() != tick.period() {
                            tick = ticks(torrents.profile.tick());
                        }
                    }
                    Request::BreakPump => return Ended::Faulted("alerts cannot be taken: injected".to_owned()),
                },
                Some((id, outcome)) = deleted.recv() => torrents.on_deleted(id, outcome),
                _ = tick.tick() => {
                    if let Err(error) = session.post_updates() {
                        return Ended::Faulted(error.to_string());
                    }
                    torrents.settle();
                    torrents.save_what_is_due(Instant::now());
                    torrents.flush_what_is_overdue(Instant::now());
                }
                () = shutdown.cancelled(), if deadline.is_none() => {
                    // Half of the patience is libtorrent's own, to tell trackers good-bye.
                    deadline = Some(tokio::time::Instant::now() + options.shutdown_deadline / 2);
                    torrents.save_all();
                }
                () = sleep_until(deadline) => {
                    tracing::warn!("the session ends before all resume data is saved");
                    return Ended::Stopped(session.save_state().ok());
                }
                () = abandoned.cancelled() => return Ended::Faulted("abandoned".to_owned()),
            }
        }
    }
}

fn ticks(period: Duration) -> Interval {
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

async fn sleep_until(deadline: Option<tokio::time::Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

#[expect(
    deprecated,
    reason = "its successor is unsafe, for descriptors that may close early; an owned one cannot"
)]
fn watch(pump: &Pump) -> std::io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(pump.as_fd().try_clone_to_owned()?, Interest::READABLE)
}

/// Takes everything that waits. The wake-up is cleared first, so that an alert in between wakes again.
fn take(
    pump: &mut Pump,
    torrents: &mut Torrents,
    counting: &mut Vec<oneshot::Sender<Vec<i64>>>,
    metrics: &Metrics,
) -> Result<(), String> {
    let begun = Instant::now();
    pump.drain_wakeup();
    let batch = pump.pump().map_err(|error| format!("alerts cannot be taken: {error}"))?;
    for event in batch.events.clone() {
        metrics.alerts.with_label_values(&[event.kind.name()]).inc();
        torrents.on_event(&event)?;
    }
    metrics.statuses.inc_by(batch.statuses.len() as u64);
    for status in batch.statuses {
        torrents.on_status(status);
    }
    if !batch.stats.is_empty() {
        for reply in counting.drain(..) {
            // Whoever asked may have given up.
            let _ = reply.send(batch.stats.to_vec());
        }
    }
    if batch.dropped {
        metrics.alerts_dropped.inc();
        tracing::warn!("libtorrent dropped alerts; every torrent is looked at again");
        torrents.resync();
    }
    metrics.pump_seconds.observe(begun.elapsed().as_secs_f64());
    Ok(())
}
