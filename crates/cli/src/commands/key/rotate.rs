//! `revaer key rotate`

use clap::Args;
use revaer_wire::{IssuedKey, RotateKeyRequest};

use super::print_issued;
use crate::client::Condition;
use crate::commands::Context;
use crate::failure::Failure;
use crate::screen::note;

/// Arguments of `key rotate`.
#[derive(Debug, Args)]
pub(crate) struct Rotate {
    /// Its id
    id: String,
    /// How long the secret before is accepted too; an hour by default, 0 ends it at once
    #[arg(long, value_name = "SECONDS")]
    grace_seconds: Option<u64>,
}

impl Rotate {
    /// Asks for another secret, keeps it if it is ours, and shows it.
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let request = RotateKeyRequest { grace_seconds: self.grace_seconds };
        let path = ["v1", "api-keys", &self.id, "rotate"];
        let document = context.client.post(&path, &request, &Condition::default()).await?;
        let key: IssuedKey = document.decode()?;
        print_issued(&document, &key, context.output)?;
        let url = context.client.url();
        let is_ours = context.keys.key_of(url)?.is_some_and(|secret| secret.contains(&key.id));
        if is_ours {
            context.keys.save(url, &key.secret)?;
            if !context.output.is_quiet() {
                note("this client keeps the new secret in the place of the one before");
            }
        }
        Ok(())
    }
}
