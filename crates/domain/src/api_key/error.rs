//! Why a key refuses a command.

/// A refusal: nothing was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefused {
    /// No such key.
    #[error("there is no such key")]
    Absent,
    /// It was issued before.
    #[error("the key exists already")]
    Exists,
    /// It was revoked, which is for good.
    #[error("the key was revoked")]
    Revoked,
    /// It has ended by itself.
    #[error("the key has expired")]
    Expired,
    /// It would have ended before it began.
    #[error("the key would expire in the past")]
    ExpiresInThePast,
}
