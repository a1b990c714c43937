//! `revaer status`: one torrent, and with `--follow` until it is complete.

use std::fmt::Write as _;

use clap::Args;
use revaer_wire::{RateCap, Selection, ShareLimits, Torrent};

use super::{Context, torrent_row, watch};
use crate::failure::Failure;
use crate::screen::{Output, duration, escape, percent, rate, ratio, size};
use crate::values::{TorrentRef, priority_word};

/// Arguments of `status`.
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Its id or info hash
    #[arg(value_name = "ID")]
    torrent: TorrentRef,
    /// Show how it goes on until it is complete; 7 if it fails, 5 if it is removed meanwhile
    #[arg(long)]
    follow: bool,
}

impl Status {
    /// Reads it, and shows it.
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let mut document = context.client.get(&["v1", "torrents", self.torrent.as_str()], &[]).await?;
        if self.follow {
            document = watch::watch(context, document.decode()?).await?;
        }
        let output = context.output;
        if output.is_json() {
            return Output::json(document.text());
        }
        let torrent: Torrent = document.decode()?;
        if output.is_quiet() {
            return Output::text(&format!("{}\n", torrent_row::brief(&torrent, output)));
        }
        Output::text(&render(&torrent))
    }
}

/// Everything that there is to say, a line each; what is empty is left out.
pub(super) fn render(torrent: &Torrent) -> String {
    let mut text = String::new();
    let mut line = |title: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(text, "{title:<13} {}", escape(value));
        }
    };
    line("name", &torrent.name);
    line("id", &torrent.id);
    line("info hash v1", torrent.info_hashes.v1.as_deref().unwrap_or_default());
    line("info hash v2", torrent.info_hashes.v2.as_deref().unwrap_or_default());
    line("state", &torrent.state);
    if let Some(error) = &torrent.error {
        line("error", &format!("{} ({})", error.detail, error.code));
    }
    line("progress", &progress(torrent));
    line("size", &torrent.size_bytes.map(size).unwrap_or_default());
    line("down", &flow(torrent.downloaded_bytes, torrent.download_bytes_per_second));
    line("up", &flow(torrent.uploaded_bytes, torrent.upload_bytes_per_second));
    line("ratio", &ratio(torrent.ratio));
    line("limits", &limits(&torrent.rate_cap));
    line("sharing", &sharing(&torrent.share_limits));
    line("order", if torrent.sequential { "sequential" } else { "" });
    line("peers", &format!("{}, {} of them seeds", torrent.peers, torrent.seeds));
    line("trackers", &torrent.trackers.join(", "));
    line("labels", &torrent.labels.join(", "));
    line("selection", &selection(&torrent.selection));
    line("save path", &torrent.save_path);
    line("content", &torrent.content_path);
    line("added", &torrent.added_at);
    line("completed", torrent.completed_at.as_deref().unwrap_or_default());
    line("version", &format!("{}, position {}", torrent.version, torrent.position));
    text
}

/// Until when it shares, as far as it has limits of its own.
fn sharing(limits: &ShareLimits) -> String {
    let ratio = limits.share_ratio.map(|ratio| format!("until ratio {ratio}"));
    let time = limits.seed_time_seconds.map(|seconds| format!("for {}", duration(seconds)));
    let then = limits.share_action.as_ref().map(|action| format!("then {action}"));
    [ratio, time, then].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn progress(torrent: &Torrent) -> String {
    let wanted = torrent.wanted_bytes.map(|wanted| format!(" of {}", size(wanted))).unwrap_or_default();
    let left = torrent.eta_seconds.map(|seconds| format!(", {} left", duration(seconds))).unwrap_or_default();
    format!("{}{wanted}{left}", percent(torrent.progress))
}

fn flow(bytes: u64, bytes_per_second: u64) -> String {
    if bytes_per_second == 0 { size(bytes) } else { format!("{}, {}", size(bytes), rate(bytes_per_second)) }
}

fn limits(cap: &RateCap) -> String {
    let limit = |name: &str, limit: Option<u32>| limit.map(|limit| format!("{name} {}", rate(limit.into())));
    let limits = [limit("down", cap.download_bytes_per_second), limit("up", cap.upload_bytes_per_second)];
    limits.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn selection(rule: &Selection) -> String {
    let mut parts: Vec<String> = Vec::new();
    parts.extend(rule.include.iter().map(|glob| format!("include {glob}")));
    parts.extend(rule.exclude.iter().map(|glob| format!("exclude {glob}")));
    for entry in &rule.priorities {
        let files =
            entry.index.map(|index| index.to_string()).or_else(|| entry.glob.clone()).unwrap_or_default();
        parts.push(format!("{files}={}", priority_word(entry.priority)));
    }
    if rule.case_sensitive && !parts.is_empty() {
        parts.push("case-sensitive".to_owned());
    }
    if rule.skip_fluff {
        parts.push("without fluff".to_owned());
    }
    if rule.first_last_piece_first {
        parts.push("first and last pieces first".to_owned());
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use revaer_wire::Failure as Error;

    use super::*;
    use crate::commands::samples;

    #[test]
    fn status_says_everything_that_there_is() {
        insta::assert_snapshot!(render(&samples::torrent()));
    }

    #[test]
    fn status_leaves_out_what_is_empty() {
        let mut failed = samples::magnet_without_metadata();
        failed.state = "failed".to_owned();
        failed.error =
            Some(Error { code: "disk_full".to_owned(), detail: "no space\u{1b}[A left".to_owned() });
        failed.selection.include.clear();
        failed.selection.priorities.clear();
        failed.selection.skip_fluff = false;
        failed.rate_cap.download_bytes_per_second = None;
        insta::assert_snapshot!(render(&failed));
    }
}
