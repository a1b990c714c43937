//! Streams without rules of their own (`engine`, `health`): a fact is appended at whatever version the stream has.

use std::sync::atomic::{AtomicU32, Ordering};

use revaer_event_log::{Append, AppendError, Appended, EventLog, NewFact, StreamId};

/// Appends to one such stream.
pub struct SystemStream {
    log: EventLog,
    stream: StreamId,
    version: AtomicU32,
}

impl SystemStream {
    /// A stream by its name, which has to be a valid stream id.
    pub fn new(log: EventLog, name: &'static str) -> Self {
        let stream = StreamId::new(name).expect("names of system streams are literals of this workspace");
        Self { log, stream, version: AtomicU32::new(0) }
    }

    /// Appends one fact. The version is learned from the conflict of the first attempt.
    pub async fn append(&self, fact: NewFact) -> Result<Appended, AppendError> {
        let mut attempts = 0;
        loop {
            let append = Append {
                stream: self.stream.clone(),
                expected: self.version.load(Ordering::Relaxed),
                facts: vec![fact.clone()],
                command: None,
                claims: Vec::new(),
                releases: Vec::new(),
            };
            match self.log.append(append).await {
                Ok(appended) => {
                    self.version.store(appended.version, Ordering::Relaxed);
                    return Ok(appended);
                }
                Err(AppendError::VersionConflict { actual, .. }) if attempts < 10 => {
                    self.version.store(actual, Ordering::Relaxed);
                    attempts += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }
}
