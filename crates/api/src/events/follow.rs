//! One client: its cursor in the log on one side, a small queue of chunks on the other.
//!
//! The log never waits for a client. A client that does not take a chunk in time is cut off; what it had is in its last id.

use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use revaer_event_log::{Body, Entry, Position, Subscription};
use tokio::sync::mpsc;
use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::task::AbortOnDropHandle;

use super::filter::Filter;
use super::frames;
use super::places::Place;
use super::resume::Start;
use crate::context::Context;

/// Chunks that wait for a client. Two would keep a connection busy; a few more absorb the steps of the scheduler.
const CHUNKS_MAX: usize = 4;
/// Frames are gathered up to about this size. With the queue above, a thousand clients that stand still hold less than 100 MiB.
const CHUNK_BYTES: usize = 16 << 10;

/// A client to be served.
pub(super) struct Follower {
    context: Arc<Context>,
    start: Start,
    filter: Filter,
    place: Place,
}

/// The client is gone, too slow, or the service goes.
struct Ended;

struct Serving {
    context: Arc<Context>,
    /// The next page, and the cursor behind it.
    reading: Reading,
    /// Of the last entry that was read.
    seen: Position,
    outlet: Outlet,
}

/// A page that is being read. It goes on while the one before is written, so that the database and this task work side by side.
type Reading = BoxFuture<'static, (Vec<Arc<Entry>>, Subscription)>;

/// What becomes of the pages.
struct Outlet {
    context: Arc<Context>,
    filter: Filter,
    tag: String,
    client: mpsc::Sender<Bytes>,
    heartbeat: Interval,
    /// The newest id that the client was given.
    told: Position,
    /// A place in the server, as long as the client is served.
    _place: Place,
}

fn read(mut subscription: Subscription) -> Reading {
    let is_far_behind = subscription.lagging();
    let next = async move { (subscription.next().await, subscription) };
    if !is_far_behind {
        return next.boxed();
    }
    // What comes from the database is taken apart on another thread than the one that writes frames.
    let reading = AbortOnDropHandle::new(tokio::spawn(next));
    async move {
        match reading.await {
            Ok(read) => read,
            // The runtime ends, and with it whoever waits here.
            Err(_) => std::future::pending().await,
        }
    }
    .boxed()
}

impl Follower {
    pub(super) fn new(context: &Arc<Context>, start: Start, filter: Filter, place: Place) -> Self {
        Self { context: Arc::clone(context), start, filter, place }
    }

    /// Starts to serve; the chunks come out of the queue. The task ends with the client or with the service, whichever is first,
    /// and the connection that it feeds is what a shutdown waits for.
    pub(super) fn serve(self) -> mpsc::Receiver<Bytes> {
        let (client, chunks) = mpsc::channel(CHUNKS_MAX);
        let log = self.context.application.log();
        let mut heartbeat = tokio::time::interval(self.context.limits().sse_heartbeat);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        heartbeat.reset();
        let outlet = Outlet {
            context: Arc::clone(&self.context),
            filter: self.filter,
            tag: log.log_tag().to_owned(),
            client,
            heartbeat,
            told: self.start.after,
            _place: self.place,
        };
        let reading = read(log.subscribe(self.start.after));
        let serving = Serving { context: self.context, reading, seen: self.start.after, outlet };
        tokio::spawn(serving.run(self.start));
        chunks
    }
}

impl Serving {
    async fn run(mut self, start: Start) {
        let opening = frames::opening(start, &self.outlet.tag);
        if self.outlet.send(opening).await.is_ok() {
            while self.step().await.is_ok() {}
        }
        if self.context.shutdown.is_cancelled() {
            // Best effort: a client whose queue is full finds out by itself.
            let _ = self.outlet.client.try_send(frames::farewell());
        }
    }

    async fn step(&mut self) -> Result<(), Ended> {
        enum Next {
            Page(Vec<Arc<Entry>>, Subscription),
            Quiet,
            End,
        }
        let next = tokio::select! {
            (page, subscription) = &mut self.reading => Next::Page(page, subscription),
            _ = self.outlet.heartbeat.tick() => Next::Quiet,
            () = self.outlet.client.closed() => Next::End,
            () = self.context.shutdown.cancelled() => Next::End,
        };
        match next {
            Next::Page(page, subscription) => {
                self.seen = subscription.position();
                self.reading = read(subscription);
                self.send_and_read(page).await
            }
            // What the filter held back need not be looked through again.
            Next::Quiet if self.seen > self.outlet.told => {
                self.outlet.told = self.seen;
                self.outlet.send(frames::id(self.seen, &self.outlet.tag)).await
            }
            Next::Quiet => self.outlet.send(frames::comment()).await,
            Next::End => Err(Ended),
        }
    }

    /// Sends a page, and meanwhile reads the next. Which of the two ends first does not matter: what was read waits.
    async fn send_and_read(&mut self, page: Vec<Arc<Entry>>) -> Result<(), Ended> {
        let mut sending = pin!(self.outlet.send_page(&page));
        let read = tokio::select! {
            biased;
            sent = &mut sending => return sent,
            read = &mut self.reading => read,
        };
        self.reading = std::future::ready(read).boxed();
        sending.await
    }
}

impl Outlet {
    async fn send_page(&mut self, page: &[Arc<Entry>]) -> Result<(), Ended> {
        let mut gathered = Vec::new();
        for entry in page {
            match &entry.body {
                // Nobody else holds it: it was read from the database for this client, and a copy for others would be for none.
                Body::Fact(fact) if Arc::strong_count(entry) == 1 => {
                    if !self.filter.wants(fact) {
                        continue;
                    }
                    frames::write_fact(&mut gathered, fact, &self.tag);
                }
                _ => {
                    let Some(frames) = frames::of_entry(entry, &self.filter, &self.tag) else { continue };
                    if !gathered.is_empty() && gathered.len() + frames.len() > CHUNK_BYTES {
                        self.send(std::mem::take(&mut gathered).into()).await?;
                    }
                    if frames.len() > CHUNK_BYTES {
                        // Shared with all other clients as it is: copying it for each would cost what the memo saves.
                        self.send(frames).await?;
                    } else {
                        gathered.extend_from_slice(&frames);
                    }
                }
            }
            self.told = entry.position();
            if gathered.len() >= CHUNK_BYTES {
                let next = Vec::with_capacity(gathered.capacity());
                self.send(std::mem::replace(&mut gathered, next).into()).await?;
            }
        }
        if gathered.is_empty() { Ok(()) } else { self.send(gathered.into()).await }
    }

    async fn send(&mut self, chunk: Bytes) -> Result<(), Ended> {
        self.heartbeat.reset();
        let timeout = self.context.limits().sse_send_timeout;
        tokio::select! {
            sent = self.client.send_timeout(chunk, timeout) => sent.map_err(|_| Ended),
            () = self.context.shutdown.cancelled() => Err(Ended),
        }
    }
}
