//! `revaer setup start`: the one-time token.

use clap::Args;
use revaer_wire::SetupToken;

use crate::client::{Client, Condition, Document};
use crate::commands::Context;
use crate::failure::Failure;
use crate::screen::{Output, escape};

/// Arguments of `setup start`: none.
#[derive(Debug, Args)]
pub(crate) struct Start {}

impl Start {
    /// Asks for a token, and shows it.
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let document = issue(&context.client).await?;
        if context.output.is_json() {
            return Output::json(document.text());
        }
        let token: SetupToken = document.decode()?;
        let token_alone = format!("{}\n", escape(&token.token));
        if context.output.is_quiet() {
            return Output::text(&token_alone);
        }
        let until = escape(&token.expires_at).into_owned();
        Output::text(&format!(
            "{token_alone}valid until {until}; next: revaer setup complete --token-file -\n"
        ))
    }
}

/// Asks the service for a token.
pub(super) async fn issue(client: &Client) -> Result<Document, Failure> {
    client.post(&["v1", "setup", "start"], &serde_json::json!({}), &Condition::default()).await
}
