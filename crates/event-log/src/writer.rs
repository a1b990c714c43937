//! The one writer of a process: takes what waits, commits it in one transaction, answers after the commit.
//!
//! There is no artificial delay: while one batch commits, the next one gathers. A conflict rejects only its own append, and
//! an append is answered only when its outcome is known.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::batch::{self, Mode, Verdict};
use crate::known::KnownVersions;
use crate::link::{self, Link};
use crate::{Append, AppendError, Appended, CommandOutcome, Metrics, Options, Position, Unavailable, read};

/// Attempts at one batch: a connection may be lost while the outcome of the attempt before is looked up.
const ATTEMPTS_MAX: u32 = 3;

/// Turns that others get after a batch was answered: a few microseconds each, on as many threads as there are.
const TURNS_MAX: u32 = 16;

/// An append on its way.
pub(crate) struct Request {
    pub(crate) append: Append,
    pub(crate) answer: oneshot::Sender<Result<Appended, AppendError>>,
}

impl Request {
    fn answer(self, result: Result<Appended, AppendError>) {
        // A caller that went away doesn't want to know; its append counts all the same.
        let _ = self.answer.send(result);
    }
}

pub(crate) struct Writer {
    pub(crate) link: Link,
    pub(crate) options: Options,
    pub(crate) requests: mpsc::Receiver<Request>,
    pub(crate) known: KnownVersions,
    /// Told of every commit, so that the tailer needs no notification for what this process appends.
    pub(crate) committed: Arc<watch::Sender<Position>>,
    pub(crate) metrics: Metrics,
}

/// What an attempt at a batch says about it.
enum Failure {
    /// Nothing was written, since something in the batch does not hold.
    Violated(sqlx::Error),
    /// Nothing was written, since something in the batch is not for a database.
    Invalid(sqlx::Error),
    /// Nothing was written, whatever the batch.
    Away(sqlx::Error),
    /// The connection was lost: it may have been written, or may still be.
    Unknown(sqlx::Error),
}

impl Writer {
    /// Runs until shutdown; what was taken into the queue before that is still appended.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        let mut waiting = VecDeque::new();
        loop {
            if waiting.is_empty() {
                let request = tokio::select! {
                    request = self.requests.recv() => request,
                    () = shutdown.cancelled(), if !self.requests.is_closed() => {
                        self.requests.close();
                        continue;
                    }
                };
                let Some(request) = request else { return };
                waiting.push_back(request);
            }
            while waiting.len() < self.options.batch_events_max {
                let Ok(request) = self.requests.try_recv() else { break };
                waiting.push_back(request);
            }
            let batch = self.take_batch(&mut waiting);
            let answered = batch.len();
            self.commit(batch).await;
            self.gather(answered).await;
        }
    }

    /// Lets those run who were answered together: what they ask for next is then one batch, and not a small one that the rest
    /// waits for. Nothing is waited for here but turns of other tasks, and no longer than these bring anything.
    async fn gather(&self, answered: usize) {
        let mut waiting = self.requests.len();
        for turn in 0..TURNS_MAX {
            if answered < 2 || waiting >= answered {
                return;
            }
            tokio::task::yield_now().await;
            let now = self.requests.len();
            if now == waiting && turn > 0 {
                return;
            }
            waiting = now;
        }
    }

    /// Takes from the front what fits and does not touch each other. What names the same stream, command or info hash as one
    /// before it waits for the next batch: the two then meet in the order of the log.
    fn take_batch(&self, waiting: &mut VecDeque<Request>) -> Vec<Request> {
        let apart = self.apart(waiting);
        let (mut batch, mut later) = (Vec::with_capacity(apart.len()), Vec::new());
        for (request, apart) in waiting.drain(..apart.len()).zip(&apart) {
            if *apart { batch.push(request) } else { later.push(request) }
        }
        for request in later.into_iter().rev() {
            waiting.push_front(request);
        }
        batch
    }

    /// Which of the first requests go into one batch; as long as what was looked at.
    fn apart(&self, waiting: &VecDeque<Request>) -> Vec<bool> {
        let (mut streams, mut ids, mut hashes) = (HashSet::new(), HashSet::new(), HashSet::new());
        let (mut events, mut bytes) = (0, 0);
        let mut apart = Vec::new();
        for Request { append, .. } in waiting {
            if events >= self.options.batch_events_max || bytes >= self.options.batch_bytes_max {
                break;
            }
            let named = || append.claims.iter().chain(&append.releases);
            let fits = streams.insert(append.stream.as_str())
                & append.command.as_ref().is_none_or(|command| ids.insert(command.id))
                & named().all(|hash| !hashes.contains(hash.as_str()));
            hashes.extend(named().map(String::as_str));
            if fits {
                events += append.facts.len().max(1);
                bytes += append.bytes();
            }
            apart.push(fits);
        }
        apart
    }

    /// Commits a batch and answers it. If something in it is not for a database, each of its appends goes alone.
    async fn commit(&mut self, batch: Vec<Request>) {
        let Some(Remainder { batch, error, in_doubt }) = self.settle(batch, false).await else { return };
        if let [_] = batch.as_slice() {
            answer_all(batch, || AppendError::Invalid(error.clone()));
            return;
        }
        for request in batch {
            if let Some(alone) = self.settle(vec![request], in_doubt).await {
                answer_all(alone.batch, || AppendError::Invalid(alone.error.clone()));
            }
        }
    }

    /// Tries until the outcome of every append is known or can't be; gives back a batch that is not for a database.
    async fn settle(&mut self, mut batch: Vec<Request>, mut in_doubt: bool) -> Option<Remainder> {
        let mut mode = if in_doubt { Mode::Checked } else { Mode::Trusting };
        let mut attempt = 1;
        while !batch.is_empty() {
            match self.attempt(&batch, mode).await {
                Ok(verdicts) => {
                    self.learn(&batch, &verdicts);
                    self.answer(batch, verdicts, in_doubt).await;
                    return None;
                }
                Err(Failure::Violated(_)) if mode == Mode::Trusting => mode = Mode::Checked,
                Err(Failure::Violated(error) | Failure::Invalid(error)) => {
                    return Some(Remainder { batch, error: Arc::new(error), in_doubt });
                }
                Err(Failure::Unknown(error)) if attempt < ATTEMPTS_MAX => {
                    self.metrics.unknown_outcomes.inc();
                    tracing::warn!(%error, appends = batch.len(), "the outcome of an append is unknown; asking for it");
                    // Checked, the database looks for the command ids first: who has none must not be appended twice.
                    (mode, in_doubt) = (Mode::Checked, true);
                    attempt += 1;
                    let (known, nameless) =
                        batch.into_iter().partition(|request: &Request| request.append.command.is_some());
                    batch = known;
                    let error = Unavailable::from(error);
                    answer_all(nameless, || AppendError::Unavailable(error.clone()));
                }
                Err(Failure::Away(error) | Failure::Unknown(error)) => {
                    tracing::warn!(%error, appends = batch.len(), "cannot append");
                    let error = Unavailable::from(error);
                    answer_all(batch, || AppendError::Unavailable(error.clone()));
                    return None;
                }
            }
        }
        None
    }

    async fn attempt(&mut self, batch: &[Request], mode: Mode) -> Result<Vec<Verdict>, Failure> {
        let patience = self.link.patience();
        let (connection, number) = self.link.ready_and_number().await.map_err(Failure::Away)?;
        self.known.through(number);
        let appends: Vec<_> = batch.iter().map(|request| &request.append).collect();
        let known = |append: &Append| self.known.has(append);
        if mode == Mode::Checked {
            self.metrics.checked_batches.inc();
        }
        let begun = Instant::now();
        let outcome = tokio::time::timeout(patience, batch::append(connection, &appends, known, mode)).await;
        let failure = match outcome.unwrap_or_else(|_| Err(link::timed_out())) {
            Ok(verdicts) => {
                self.metrics.commit_seconds.observe(begun.elapsed().as_secs_f64());
                return Ok(verdicts);
            }
            Err(error) => failure(error),
        };
        if matches!(failure, Failure::Away(_) | Failure::Unknown(_)) {
            self.link.discard();
        }
        Err(failure)
    }

    /// Remembers how far the streams of a batch have come, and tells how far the log has.
    fn learn(&mut self, batch: &[Request], verdicts: &[Verdict]) {
        let (mut newest, mut facts) = (Position::ZERO, 0);
        for (request, verdict) in batch.iter().zip(verdicts) {
            match verdict {
                Verdict::Appended(appended) => {
                    self.known.learn(&request.append.stream, appended.version);
                    newest = newest.max(appended.position);
                    facts += request.append.fact_count();
                }
                Verdict::VersionConflict { actual } => self.known.learn(&request.append.stream, *actual),
                Verdict::Recorded | Verdict::Claimed { .. } => {}
            }
        }
        self.metrics.committed(facts);
        crate::log::tell(&self.committed, newest);
    }

    async fn answer(&mut self, batch: Vec<Request>, verdicts: Vec<Verdict>, in_doubt: bool) {
        for (request, verdict) in batch.into_iter().zip(verdicts) {
            let result = match verdict {
                Verdict::Appended(appended) => Ok(appended),
                Verdict::Recorded => self.recorded(&request.append, in_doubt).await,
                Verdict::VersionConflict { actual } => Err(AppendError::VersionConflict {
                    stream: request.append.stream.clone(),
                    expected: request.append.expected,
                    actual,
                }),
                Verdict::Claimed { claim, by } => Err(AppendError::Claimed { claim, by }),
            };
            request.answer(result);
        }
    }

    /// A command that is there: carried out before, or by the attempt whose outcome was unknown.
    async fn recorded(&mut self, append: &Append, in_doubt: bool) -> Result<Appended, AppendError> {
        let connection = self.link.ready().await.map_err(unavailable)?;
        let found = match append.remembered() {
            Some(command) => read::find_command(connection, command.id).await.map(|found| {
                found.map(|outcome| {
                    if !in_doubt || !is_outcome_of(&outcome, append) {
                        return Err(AppendError::AlreadyRecorded(Box::new(outcome)));
                    }
                    Ok((outcome.last_position, outcome.recorded_at))
                })
            }),
            None => read::find_made(connection, append).await.map(|found| found.map(Ok)),
        };
        match found {
            Ok(Some(made)) => made.map(|(position, recorded_at)| Appended {
                position,
                version: append.expected + append.fact_count(),
                recorded_at,
            }),
            // Forgotten between the two statements, at the end of its retention: as if it had come a moment later.
            Ok(None) => Err(unavailable(sqlx::Error::RowNotFound)),
            Err(error) => {
                self.link.discard();
                Err(unavailable(error))
            }
        }
    }
}

/// A batch that is not for a database, and whether some of it may have been written nevertheless.
struct Remainder {
    batch: Vec<Request>,
    error: Arc<sqlx::Error>,
    in_doubt: bool,
}

fn answer_all(batch: Vec<Request>, error: impl Fn() -> AppendError) {
    for request in batch {
        request.answer(Err(error()));
    }
}

fn unavailable(error: sqlx::Error) -> AppendError {
    AppendError::Unavailable(error.into())
}

/// The same command with the same effect: whether this attempt or another wrote it makes no difference to anybody.
fn is_outcome_of(outcome: &CommandOutcome, append: &Append) -> bool {
    append.command.as_ref().is_some_and(|command| command.fingerprint == outcome.fingerprint)
        && outcome.stream == append.stream
        && outcome.version_after == append.expected + append.fact_count()
        && outcome.event_count == append.fact_count()
}

fn failure(error: sqlx::Error) -> Failure {
    let sqlx::Error::Database(refusal) = &error else {
        return match error {
            sqlx::Error::Encode(_) | sqlx::Error::InvalidArgument(_) => Failure::Invalid(error),
            _ => Failure::Unknown(error),
        };
    };
    let code = refusal.code().unwrap_or_default();
    match code.get(..2).unwrap_or_default() {
        "23" => Failure::Violated(error),
        "22" | "42" | "54" => Failure::Invalid(error),
        // The server went down, perhaps between the commit and its answer.
        "57" if code != "57014" => Failure::Unknown(error),
        _ => Failure::Away(error),
    }
}
