//! `revaer setup`: from a service that nobody may ask for anything to one with a first key.

mod complete;
mod start;

use clap::Subcommand;

use super::Context;
use crate::failure::Failure;

/// Steps of the setup.
#[derive(Debug, Subcommand)]
pub(crate) enum Setup {
    /// Issue a one-time token, in place of any before it
    Start(start::Start),
    /// Exchange a token for the first key, and keep the key for this client
    ///
    /// On the service's machine no token has to be given: one is issued and exchanged at once.
    Complete(complete::Complete),
}

impl Setup {
    /// Does it.
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Setup::Start(start) => start.run(context).await,
            Setup::Complete(complete) => complete.run(context).await,
        }
    }
}
