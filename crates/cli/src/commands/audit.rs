//! `revaer audit`: who did what to whom, and when, newest first.

use clap::Args;
use revaer_wire::AuditPage;

use super::Context;
use super::audit_sentence;
use super::page::{self, Extent};
use crate::failure::Failure;
use crate::screen::Output;

/// Arguments of `audit`.
#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// Only what was done to this: `settings`, `setup`, a torrent's id or info hash, `api-key-<ID>`
    #[arg(long)]
    subject: Option<String>,
    /// Only what this one did, such as `key ops-laptop`; `system*` and `engine` show what the service did by itself
    #[arg(long)]
    actor: Option<String>,
    /// Only these kinds, separated by commas; `*` stands for any characters, as in `settings.*`
    #[arg(long)]
    kind: Option<String>,
    /// Not earlier than this, as in 2026-11-23T10:04:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Earlier than this
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    #[command(flatten)]
    extent: Extent,
}

impl Audit {
    /// Reads it, and shows it.
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let document = page::read(&context.client, &["v1", "audit"], &self.query(), self.extent).await?;
        if context.output.is_json() {
            return Output::json(document.text());
        }
        let page: AuditPage = document.decode()?;
        let lines: Vec<_> = page.items.iter().flat_map(audit_sentence::of).map(|line| line + "\n").collect();
        Output::text(&lines.concat())?;
        page::note_of_more(page.next_cursor.as_ref());
        Ok(())
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        let given = [
            ("subject", &self.subject),
            ("actor", &self.actor),
            ("kind", &self.kind),
            ("since", &self.since),
            ("until", &self.until),
        ];
        given.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect()
    }
}
