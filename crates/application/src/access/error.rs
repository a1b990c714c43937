//! Why keys were not changed, and why the setup did not go on.

use revaer_domain::api_key::KeyRefused;
use revaer_domain::setup::Outcome;

use crate::CommandError;

/// A change of a key that left nothing in the log.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The rules refuse it.
    #[error(transparent)]
    Refused(#[from] KeyRefused),
    /// A repeat with the same idempotency key: the secret was shown, and nobody has it any more.
    #[error("the secret was given with the first answer and is not kept")]
    AlreadyAnswered,
    /// There are as many keys as may be.
    #[error("there are {max} keys already")]
    TooMany {
        /// The bound.
        max: usize,
    },
    /// Without this key nobody could change settings or keys any more.
    #[error("this is the last key with the scope admin")]
    LastAdmin,
    /// As with any command.
    #[error(transparent)]
    Command(#[from] CommandError),
}

/// A step of the setup that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// It is over.
    #[error("the setup is complete")]
    Complete,
    /// The token is not accepted; the attempt is recorded.
    #[error("the token is not accepted: {0:?}")]
    Token(Outcome),
    /// As with any command.
    #[error(transparent)]
    Command(#[from] CommandError),
}
