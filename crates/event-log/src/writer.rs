//! The one writer of a process: takes what waits, commits it in one transaction, answers after the commit.
//!
//! There is no artificial delay: while one batch commits, the next gathers. A batch holds one command of a stream and no
//! command id or claim twice; what would break that waits for the next batch, so that two repeats in flight meet in the
//! database's own order.

use std::collections::{HashSet, VecDeque};

use sqlx::PgPool;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::append::{Verdict, append_batch};
use crate::error::AppendError;
use crate::read;
use crate::types::{Append, Appended};
use crate::{Options, Position};

/// One command on its way.
pub(crate) struct Request {
    pub(crate) append: Append,
    pub(crate) answer: oneshot::Sender<Result<Appended, AppendError>>,
}

/// The writer. `committed` is told the newest position of each commit of ours, so that the tailer need not wait for the
/// notification.
pub(crate) struct Writer {
    pub(crate) pool: PgPool,
    pub(crate) options: Options,
    pub(crate) requests: mpsc::Receiver<Request>,
    pub(crate) committed: tokio::sync::watch::Sender<Position>,
}

impl Writer {
    /// Runs until shutdown; what waits then is answered with [`AppendError::Stopped`].
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        let mut waiting: VecDeque<Request> = VecDeque::new();
        loop {
            if waiting.is_empty() {
                tokio::select! {
                    request = self.requests.recv() => match request {
                        Some(request) => waiting.push_back(request),
                        None => return,
                    },
                    () = shutdown.cancelled() => break,
                }
            }
            while waiting.len() < self.options.batch_commands_max {
                match self.requests.try_recv() {
                    Ok(request) => waiting.push_back(request),
                    Err(_) => break,
                }
            }
            let batch = self.take_batch(&mut waiting);
            self.commit(batch).await;
        }
        self.requests.close();
        while let Some(request) = waiting.pop_front().or_else(|| self.requests.try_recv().ok()) {
            let _ = request.answer.send(Err(AppendError::Stopped));
        }
    }

    /// The front of the queue, as far as its commands do not touch each other and the bounds allow.
    fn take_batch(&self, waiting: &mut VecDeque<Request>) -> Vec<Request> {
        let (mut batch, mut later) = (Vec::new(), VecDeque::new());
        let (mut streams, mut ids, mut claims) = (HashSet::new(), HashSet::new(), HashSet::new());
        let mut facts = 0;
        while let Some(request) = waiting.pop_front() {
            let append = &request.append;
            let full = !batch.is_empty() && facts + append.facts.len() > self.options.batch_facts_max;
            // A stream that has a command in `later` keeps its order: its next ones go there too.
            let free = streams.insert(append.stream.clone())
                & append.command.as_ref().is_none_or(|command| ids.insert(command.id))
                & append.claims.iter().all(|claim| claims.insert(claim.clone()));
            if full || !free {
                later.push_back(request);
            } else {
                facts += append.facts.len();
                batch.push(request);
            }
        }
        *waiting = later;
        batch
    }

    async fn commit(&self, batch: Vec<Request>) {
        let appends: Vec<_> = batch.iter().map(|request| &request.append).collect();
        let first = append_batch(&self.pool, &appends).await;
        // Outcome unknown: a lost connection does not say whether the commit came first. Commands carry ids, so the batch
        // may be given again: what was committed is `Repeated`, and by its id it is ours.
        let (verdicts, is_retry) = match first {
            Ok(verdicts) => (Ok(verdicts), false),
            Err(error) => {
                tracing::warn!(%error, commands = batch.len(), "an append failed; trying once more");
                (append_batch(&self.pool, &appends).await, true)
            }
        };
        match verdicts {
            Ok(verdicts) => self.answer(batch, verdicts, is_retry).await,
            // One poisonous command must not refuse its neighbours: alone, each shows what it is.
            Err(error) if batch.len() > 1 && error.as_database_error().is_some() => {
                for request in batch {
                    match append_batch(&self.pool, &[&request.append]).await {
                        Ok(verdicts) => self.answer(vec![request], verdicts, true).await,
                        Err(error) => refuse(request, Some(error)),
                    }
                }
            }
            Err(error) => {
                tracing::warn!(%error, commands = batch.len(), "the database is away");
                for request in batch {
                    refuse(request, None);
                }
            }
        }
    }

    async fn answer(&self, batch: Vec<Request>, verdicts: Vec<Verdict>, is_retry: bool) {
        let newest = verdicts.iter().filter_map(|verdict| match verdict {
            Verdict::Appended(appended) => Some(appended.position),
            _ => None,
        });
        if let Some(newest) = newest.max() {
            self.committed.send_if_modified(|committed| {
                let moved = newest > *committed;
                *committed = newest.max(*committed);
                moved
            });
        }
        for (request, verdict) in batch.into_iter().zip(verdicts) {
            let Request { append, answer } = request;
            let result = match verdict {
                Verdict::Appended(appended) => Ok(appended),
                Verdict::VersionConflict { actual } => Err(AppendError::VersionConflict {
                    stream: append.stream,
                    expected: append.expected,
                    actual,
                }),
                Verdict::Claimed { claim, by } => Err(AppendError::Claimed { claim, by }),
                Verdict::Repeated => self.repeated(&append, is_retry).await,
            };
            // A caller that went away does not want to know.
            let _ = answer.send(result);
        }
    }

    async fn repeated(&self, append: &Append, is_retry: bool) -> Result<Appended, AppendError> {
        let command = append.command.as_ref().expect("only a command id repeats");
        match read::find_command(&self.pool, command.id).await {
            Ok(Some(outcome)) if is_retry && outcome.fingerprint == command.fingerprint => Ok(Appended {
                position: outcome.last_position,
                version: outcome.version_after,
                recorded_at: outcome.recorded_at,
            }),
            Ok(Some(outcome)) => Err(AppendError::AlreadyRecorded(Box::new(outcome))),
            Ok(None) => Err(AppendError::Unavailable(None)),
            Err(crate::ReadError::Database(error)) => Err(AppendError::Unavailable(Some(error))),
        }
    }
}

fn refuse(request: Request, error: Option<sqlx::Error>) {
    let _ = request.answer.send(Err(AppendError::Unavailable(error)));
}
