//! `revaer key ls`

use clap::Args;
use revaer_wire::{ApiKey, ApiKeyPage};

use crate::commands::Context;
use crate::commands::page::{self, Extent};
use crate::failure::Failure;
use crate::screen::{Column, Output, Table, escape};

/// Arguments of `key ls`.
#[derive(Debug, Args)]
pub(crate) struct Ls {
    #[command(flatten)]
    extent: Extent,
}

impl Ls {
    /// Reads the list, and shows it.
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let document = page::read(&context.client, &["v1", "api-keys"], &[], self.extent).await?;
        if context.output.is_json() {
            return Output::json(document.text());
        }
        let page: ApiKeyPage = document.decode()?;
        if context.output.is_quiet() {
            let ids: Vec<_> = page.items.iter().map(|key| escape(&key.id).into_owned() + "\n").collect();
            return Output::text(&ids.concat());
        }
        Output::text(&render(&page.items, Output::columns()))?;
        page::note_of_more(page.next_cursor.as_ref());
        Ok(())
    }
}

fn render(keys: &[ApiKey], columns: Option<usize>) -> String {
    let mut table = Table::new([
        Column::left("ID"),
        Column::left("SCOPE"),
        Column::left("EXPIRES"),
        Column::left("LAST USED"),
        Column::left("LIMIT"),
        Column::flexible("LABEL"),
    ]);
    for key in keys {
        table.row([
            key.id.clone(),
            key.scope.clone(),
            key.expires_at.clone().unwrap_or_else(|| "never".to_owned()),
            key.last_used_at.clone().unwrap_or_else(|| "never".to_owned()),
            key.rate_limit
                .map(|limit| format!("{}/s, {} at once", limit.requests_per_second, limit.burst))
                .unwrap_or_default(),
            key.label.clone(),
        ]);
    }
    table.render(columns)
}

#[cfg(test)]
mod tests {
    use revaer_wire::RequestLimit;

    use super::*;

    #[test]
    fn table_says_what_each_key_may_do_and_until_when() {
        let key = |label: &str, expires_at: Option<&str>, rate_limit| ApiKey {
            id: "01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned(),
            label: label.to_owned(),
            scope: "read".to_owned(),
            issued_at: "2026-01-02T03:04:05Z".to_owned(),
            expires_at: expires_at.map(str::to_owned),
            last_used_at: None,
            rate_limit,
            fingerprint: "0123456789abcdef".to_owned(),
            previous_valid_until: None,
        };
        let limit = Some(RequestLimit { requests_per_second: 5, burst: 50 });
        let keys = [key("laptop", None, limit), key("a\u{1b}[2Jb", Some("2027-01-02T03:04:05Z"), None)];
        insta::assert_snapshot!(render(&keys, None));
    }
}
