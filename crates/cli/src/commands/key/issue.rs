//! `revaer key issue`

use clap::{Args, ValueEnum};
use revaer_wire::{IssueKeyRequest, RequestLimit};

use super::print_issued;
use crate::client::Condition;
use crate::commands::Context;
use crate::failure::Failure;

/// Arguments of `key issue`.
#[derive(Debug, Args)]
pub(crate) struct Issue {
    /// What people will call it
    label: String,
    /// What it may do
    #[arg(long, value_enum)]
    scope: Scope,
    /// When it ends by itself, such as 2027-01-02T03:04:05Z
    #[arg(long, value_name = "TIME")]
    expires_at: Option<String>,
    /// A limit of its own: requests in the long run
    #[arg(long, value_name = "COUNT", requires = "burst")]
    requests_per_second: Option<u32>,
    /// A limit of its own: requests at once after a quiet time
    #[arg(long, value_name = "COUNT", requires = "requests_per_second")]
    burst: Option<u32>,
    /// A repeat with the same key issues nothing
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
}

/// Scopes; each holds the ones before it.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Scope {
    /// Lists, events, health
    Read,
    /// Torrents too
    Control,
    /// Settings, keys and the audit trail too
    Admin,
}

impl Issue {
    /// Issues a key, and shows it.
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let limit = self.requests_per_second.zip(self.burst);
        let request = IssueKeyRequest {
            label: Some(self.label),
            scope: self.scope.to_possible_value().map(|scope| scope.get_name().to_owned()),
            expires_at: self.expires_at,
            rate_limit: limit.map(|(requests_per_second, burst)| RequestLimit { requests_per_second, burst }),
        };
        let condition = Condition { idempotency_key: self.idempotency_key, version: None };
        let document = context.client.post(&["v1", "api-keys"], &request, &condition).await?;
        print_issued(&document, &document.decode()?, context.output)
    }
}
