//! `revaer key revoke`

use clap::Args;
use serde_json::json;

use crate::commands::Context;
use crate::failure::Failure;
use crate::screen::{Output, escape};

/// Arguments of `key revoke`.
#[derive(Debug, Args)]
pub(crate) struct Revoke {
    /// Its id
    id: String,
}

impl Revoke {
    /// Ends the key.
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        context.client.delete(&["v1", "api-keys", &self.id]).await?;
        if context.output.is_json() {
            return Output::json(&json!({ "id": self.id }).to_string());
        }
        if context.output.is_quiet() {
            return Ok(());
        }
        Output::text(&format!("{} is revoked\n", escape(&self.id)))
    }
}
