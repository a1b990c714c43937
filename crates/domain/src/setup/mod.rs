//! The setup: one aggregate in the stream `setup`, from the first token to the first key.
//!
//! Whoever is on the machine asks for a one-time token and exchanges it for the first key, which may do everything. The rules
//! know fingerprints of tokens alone; every attempt is a fact, the failed ones too.

mod aggregate;
mod command;
mod decide;
mod error;
mod event;
mod state;

pub use aggregate::SetupRules;
pub use command::{Presented, SetupCommand};
pub use error::SetupRefused;
pub use event::{Attempted, Completed, Outcome, SetupEvent, TokenIssued};
pub use state::{Phase, Setup};

/// The stream of the setup: there is one for each log.
pub const STREAM: &str = "setup";
