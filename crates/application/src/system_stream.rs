//! Streams without rules of their own (`engine`, `health`): a fact is appended at whatever version the stream has.

use std::sync::atomic::{AtomicU32, Ordering};

use revaer_event_log::{Append, AppendError, Appended, CommandRecord, EventLog, NewFact, Repeat, StreamId};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// How often others may be faster before one gives up.
const CONFLICTS_MAX: u32 = 10;

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

    /// Appends one fact, once, also when the answer of the database is lost on the way. The version is learned from the
    /// conflict of the first attempt.
    pub async fn append(&self, fact: NewFact) -> Result<Appended, AppendError> {
        let fingerprint = Sha256::digest(&fact.data).into();
        let command =
            CommandRecord { id: Uuid::new_v4(), fingerprint, result: None, repeat: Repeat::CannotCome };
        let mut conflicts = 0;
        loop {
            let append = Append {
                stream: self.stream.clone(),
                expected: self.version.load(Ordering::Relaxed),
                facts: vec![fact.clone()],
                command: Some(command.clone()),
                claims: Vec::new(),
                releases: Vec::new(),
            };
            match self.log.append(append).await {
                Ok(appended) => {
                    self.version.store(appended.version, Ordering::Relaxed);
                    return Ok(appended);
                }
                Err(AppendError::VersionConflict { actual, .. }) if conflicts < CONFLICTS_MAX => {
                    self.version.store(actual, Ordering::Relaxed);
                    conflicts += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }
}
