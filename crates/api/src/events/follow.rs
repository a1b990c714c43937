//! One client: its cursor in the log on one side, a small queue of chunks on the other.
//!
//! The log never waits for a client. A client that does not take a chunk in time is cut off; what it had is in its last id.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use revaer_application::Principal;
use revaer_event_log::{Body, Entry, FactPage, FactRef, Position, Subscription};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::SendTimeoutError;
use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

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

/// Why a stream ended.
#[derive(Debug, Clone, Copy)]
enum Ended {
    /// The client is gone.
    Gone,
    /// It did not take a chunk in time, and is cut off.
    Slow,
    /// The service goes.
    Shutdown,
    /// What it came in by is no longer accepted.
    Key,
}

impl Ended {
    const fn name(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Slow => "slow",
            Self::Shutdown => "shutdown",
            Self::Key => "key",
        }
    }
}

struct Serving {
    context: Arc<Context>,
    /// The next page, and the cursor behind it.
    reading: Reading,
    /// Up to here facts are all there is for the client.
    facts_until: Position,
    /// Of the last entry that was read.
    seen: Position,
    outlet: Outlet,
}

/// A page that is being read. It goes on while the one before is written, so that the database and this task work side by side.
type Reading = BoxFuture<'static, (Page, Subscription)>;

/// What comes next.
enum Page {
    /// Of long ago: facts alone, read for this client.
    Facts(FactPage),
    /// Shared with others that are near the head, or with samples between.
    Entries(Vec<Arc<Entry>>),
}

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

/// Up to `facts_until` the client gets no samples, because it wants none or because they are not kept.
fn read(mut subscription: Subscription, facts_until: Position) -> Reading {
    async move {
        if subscription.lagging() && subscription.position() < facts_until {
            let page = subscription.next_facts(facts_until).await;
            return (Page::Facts(page), subscription);
        }
        (Page::Entries(subscription.next().await), subscription)
    }
    .boxed()
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
        let outlet = Outlet {
            context: Arc::clone(&self.context),
            filter: self.filter,
            tag: log.log_tag().to_owned(),
            client,
            heartbeat,
            told: self.start.after,
            _place: self.place,
        };
        let facts_until = if outlet.filter.wants_any_samples() {
            self.start.samples_gap_to.unwrap_or_default()
        } else {
            Position(i64::MAX)
        };
        let subscription = log.subscribe(self.start.after);
        let metrics = self.context.metrics.clone();
        if subscription.lagging() {
            metrics.catch_ups.inc();
        }
        let reading = read(subscription, facts_until);
        let serving = Serving { context: self.context, reading, facts_until, seen: self.start.after, outlet };
        let (start, key) = (self.start, self.key);
        tokio::spawn(async move {
            let ended = tokio::select! {
                ended = serving.run(start) => ended,
                () = Key::is_over(key) => Ended::Key,
            };
            metrics.stream_ended(ended.name());
        });
        chunks
    }
}

impl Serving {
    async fn run(mut self, start: Start) -> Ended {
        let ended = self.serve(start).await;
        if self.context.shutdown.is_cancelled() {
            // Best effort: a client whose queue is full finds out by itself.
            let _ = self.outlet.client.try_send(frames::farewell());
        }
        ended
    }

    async fn serve(&mut self, start: Start) -> Ended {
        if let Err(ended) = self.outlet.send(frames::opening(start, &self.outlet.tag)).await {
            return ended;
        }
        loop {
            if let Err(ended) = self.step().await {
                return ended;
            }
        }
    }

    async fn step(&mut self) -> Result<(), Ended> {
        enum Next {
            Page(Page, Subscription),
            Quiet,
            End(Ended),
        }
        let next = tokio::select! {
            (page, subscription) = &mut self.reading => Next::Page(page, subscription),
            _ = self.outlet.heartbeat.tick() => Next::Quiet,
            () = self.outlet.client.closed() => Next::End(Ended::Gone),
            () = self.context.shutdown.cancelled() => Next::End(Ended::Shutdown),
        };
        match next {
            Next::Page(page, subscription) => {
                self.seen = subscription.position();
                self.reading = read(subscription, self.facts_until);
                self.send_and_read(page).await
            }
            // What the filter held back need not be looked through again.
            Next::Quiet if self.seen > self.outlet.told => {
                self.outlet.told = self.seen;
                self.outlet.send(frames::id(self.seen, &self.outlet.tag)).await
            }
            Next::Quiet => self.outlet.send(frames::comment()).await,
            Next::End(ended) => Err(ended),
        }
    }

    /// Sends a page, and meanwhile reads the next. Which of the two ends first does not matter: what was read waits.
    async fn send_and_read(&mut self, page: Page) -> Result<(), Ended> {
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
    async fn send_page(&mut self, page: &Page) -> Result<(), Ended> {
        match page {
            Page::Facts(facts) => self.send_facts(facts).await,
            Page::Entries(entries) => self.send_entries(entries).await,
        }
    }

    async fn send_facts(&mut self, page: &FactPage) -> Result<(), Ended> {
        let mut gathered = Vec::new();
        for fact in page.iter() {
            if !self.filter.wants(fact) {
                continue;
            }
            frames::write_fact(&mut gathered, fact, &self.tag);
            self.told = fact.position;
            if gathered.len() >= CHUNK_BYTES {
                let next = Vec::with_capacity(gathered.capacity());
                self.send(std::mem::replace(&mut gathered, next).into()).await?;
            }
        }
        if gathered.is_empty() { Ok(()) } else { self.send(gathered.into()).await }
    }

    async fn send_entries(&mut self, page: &[Arc<Entry>]) -> Result<(), Ended> {
        let mut gathered = Vec::new();
        for entry in page {
            match &entry.body {
                // Nobody else holds it: it was read from the database for this client, and a copy for others would be for none.
                Body::Fact(fact) if Arc::strong_count(entry) == 1 => {
                    let fact = FactRef::from(fact);
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
            self.context.metrics.entries.inc();
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
        let bytes = chunk.len() as u64;
        let sent = tokio::select! {
            sent = self.client.send_timeout(chunk, timeout) => sent,
            () = self.context.shutdown.cancelled() => return Err(Ended::Shutdown),
        };
        match sent {
            Ok(()) => self.context.metrics.stream_bytes.inc_by(bytes),
            Err(SendTimeoutError::Timeout(_)) => return Err(Ended::Slow),
            Err(SendTimeoutError::Closed(_)) => return Err(Ended::Gone),
        }
        Ok(())
    }
}
