//! Why the setup refuses a command.

/// A refusal: nothing was recorded. A token that is not accepted is no refusal but a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SetupRefused {
    /// It is over, for good.
    #[error("the setup is complete")]
    Complete,
}
