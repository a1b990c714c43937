//! One client: its cursor in the log on one side, a small queue of chunks on the other.
//!
//! The log never waits for a client. A client that does not take a chunk in time is cut off; what it had is in its last id.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use revaer_application::Principal;
use revaer_event_log::{Entry, Position, Subscription};
use tokio::sync::mpsc;
use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::filter::Filter;
use super::frames;
use super::places::Place;
use super::resume::Start;
use crate::context::Context;

/// Chunks that wait for a client. Two would keep a connection busy; a few more absorb the steps of the scheduler.
const CHUNKS_MAX: usize = 4;
/// Frames are gathered up to this size. With the queue above, a thousand clients that stand still hold less than 100 MiB.
const CHUNK_BYTES: usize = 16 << 10;

/// A client to be served.
pub(super) struct Follower {
    context: Arc<Context>,
    start: Start,
    filter: Filter,
    place: Place,
    key: Option<Key>,
}

/// What the client came in by. When it is no longer accepted, the stream ends.
#[derive(Clone)]
struct Key {
    ended: CancellationToken,
    /// The moment at which it ends by itself.
    ends: Option<tokio::time::Instant>,
}

impl Key {
    fn of(principal: &Principal, now: time::OffsetDateTime) -> Self {
        // A time that does not fit is farther away than any connection lasts.
        let left = |until: time::OffsetDateTime| Duration::try_from(until - now).unwrap_or_default();
        let ends =
            principal.valid_until.and_then(|until| tokio::time::Instant::now().checked_add(left(until)));
        Self { ended: principal.ended.clone(), ends }
    }

    async fn is_over(key: Option<Self>) {
        let Some(key) = key else { return std::future::pending().await };
        match key.ends {
            Some(ends) => {
                let _ = tokio::time::timeout_at(ends, key.ended.cancelled()).await;
            }
            None => key.ended.cancelled().await,
        }
    }
}

/// The client is gone, too slow, or the service goes.
struct Ended;

struct Serving {
    context: Arc<Context>,
    subscription: Subscription,
    filter: Filter,
    tag: String,
    client: mpsc::Sender<Bytes>,
    heartbeat: Interval,
    /// The newest id that the client was given.
    told: Position,
    /// A place in the server, as long as the client is served.
    _place: Place,
}

impl Follower {
    pub(super) fn new(
        context: &Arc<Context>,
        start: Start,
        filter: Filter,
        place: Place,
        principal: Option<&Principal>,
    ) -> Self {
        let key = principal.map(|principal| Key::of(principal, context.application.clock().now()));
        Self { context: Arc::clone(context), start, filter, place, key }
    }

    /// Starts to serve; the chunks come out of the queue. The task ends with the client or with the service, whichever is first,
    /// and the connection that it feeds is what a shutdown waits for.
    pub(super) fn serve(self) -> mpsc::Receiver<Bytes> {
        let (client, chunks) = mpsc::channel(CHUNKS_MAX);
        let log = self.context.application.log();
        let mut heartbeat = tokio::time::interval(self.context.limits().sse_heartbeat);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        heartbeat.reset();
        let serving = Serving {
            subscription: log.subscribe(self.start.after),
            tag: log.log_tag().to_owned(),
            filter: self.filter,
            client,
            heartbeat,
            told: self.start.after,
            context: self.context,
            _place: self.place,
        };
        let (start, key) = (self.start, self.key);
        tokio::spawn(async move {
            tokio::select! {
                () = serving.run(start) => {}
                () = Key::is_over(key) => {}
            }
        });
        chunks
    }
}

impl Serving {
    async fn run(mut self, start: Start) {
        if self.send(frames::opening(start, &self.tag)).await.is_ok() {
            while self.step().await.is_ok() {}
        }
        if self.context.shutdown.is_cancelled() {
            // Best effort: a client whose queue is full finds out by itself.
            let _ = self.client.try_send(frames::farewell());
        }
    }

    async fn step(&mut self) -> Result<(), Ended> {
        enum Next {
            Page(Vec<Arc<Entry>>),
            Quiet,
            End,
        }
        let next = tokio::select! {
            page = self.subscription.next() => Next::Page(page),
            _ = self.heartbeat.tick() => Next::Quiet,
            () = self.client.closed() => Next::End,
            () = self.context.shutdown.cancelled() => Next::End,
        };
        match next {
            Next::Page(page) => self.send_page(&page).await,
            // What the filter held back need not be looked through again.
            Next::Quiet if self.subscription.position() > self.told => {
                self.told = self.subscription.position();
                self.send(frames::id(self.told, &self.tag)).await
            }
            Next::Quiet => self.send(frames::comment()).await,
            Next::End => Err(Ended),
        }
    }

    async fn send_page(&mut self, page: &[Arc<Entry>]) -> Result<(), Ended> {
        let mut gathered = BytesMut::new();
        for entry in page {
            let Some(frames) = frames::of_entry(entry, &self.filter, &self.tag) else { continue };
            if !gathered.is_empty() && gathered.len() + frames.len() > CHUNK_BYTES {
                self.send(gathered.split().freeze()).await?;
            }
            if frames.len() > CHUNK_BYTES {
                // Shared with all other clients as it is: copying it for each would cost what the memo saves.
                self.send(frames).await?;
            } else {
                gathered.extend_from_slice(&frames);
            }
            self.told = entry.position();
        }
        if gathered.is_empty() { Ok(()) } else { self.send(gathered.freeze()).await }
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
