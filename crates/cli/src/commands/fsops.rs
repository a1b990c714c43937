//! `revaer fsops`: the job of a torrent in the file pipeline.

use std::fmt::Write as _;

use clap::{Args, Subcommand};
use revaer_wire::{ActionRequest, Fsops as Job, Torrent};

use super::Context;
use crate::client::{Condition, Document};
use crate::failure::Failure;
use crate::screen::{Output, escape, percent};
use crate::values::TorrentRef;

/// What to do with the job.
#[derive(Debug, Subcommand)]
pub(crate) enum Fsops {
    /// Show how far it is, and why it does not go on
    Status(OfTorrent),
    /// Try it again, or begin it for a torrent that was complete before there was a profile
    Retry {
        #[command(flatten)]
        of: OfTorrent,
        /// Go by this profile
        #[arg(long, value_name = "NAME")]
        profile: Option<String>,
    },
    /// End it, or clear away what a failed one left
    Cancel(OfTorrent),
    /// Take its result back out of the library
    Undo(OfTorrent),
}

/// Whose job.
#[derive(Debug, Args)]
pub(crate) struct OfTorrent {
    /// Id or info hash of the torrent
    #[arg(value_name = "ID")]
    torrent: TorrentRef,
}

impl Fsops {
    /// Does it, and shows the job.
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let (of, request) = match self {
            Self::Status(of) => {
                let torrent = context.client.get(&["v1", "torrents", of.torrent.as_str()], &[]).await?;
                return print(&torrent, context.output);
            }
            Self::Retry { of, profile } => {
                (of, ActionRequest { fsops_profile: profile, ..named("retry_fsops") })
            }
            Self::Cancel(of) => (of, named("cancel_fsops")),
            Self::Undo(of) => (of, named("undo_fsops")),
        };
        let path = ["v1", "torrents", of.torrent.as_str(), "action"];
        let torrent = context.client.post(&path, &request, &Condition::default()).await?;
        print(&torrent, context.output)
    }
}

fn named(action: &str) -> ActionRequest {
    ActionRequest { action: Some(action.to_owned()), ..ActionRequest::default() }
}

/// Programs get the torrent, of which the job is a part.
fn print(document: &Document, output: Output) -> Result<(), Failure> {
    if output.is_json() {
        return Output::json(document.text());
    }
    if output.is_quiet() {
        return Ok(());
    }
    Output::text(&render(&document.decode()?))
}

/// Everything that there is to say, a line each; what is empty is left out.
fn render(torrent: &Torrent) -> String {
    let Some(job) = &torrent.fsops else {
        return "no job: no profile applied when it was completed\n".to_owned();
    };
    let mut text = String::new();
    let mut line = |title: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(text, "{title:<13} {}", escape(value));
        }
    };
    line("torrent", &torrent.name);
    line("job", &job.job);
    line("profile", &job.profile);
    line("state", &state(job));
    line("stage", job.stage.as_deref().unwrap_or_default());
    if let Some(error) = &job.error {
        line("error", &format!("{} ({})", error.detail, error.code));
        line("rule", error.rule.as_deref().unwrap_or_default());
        line("path", error.path.as_deref().unwrap_or_default());
    }
    line("destination", job.destination.as_deref().unwrap_or_default());
    text
}

/// In a word or two: how it is, and the attempt if it is not the first.
fn state(job: &Job) -> String {
    let attempt = if job.attempt > 1 { format!(", attempt {}", job.attempt) } else { String::new() };
    format!("{}{attempt}", job.state)
}

/// A job in a few words, for where a torrent is shown.
pub(super) fn brief(job: &Job) -> String {
    let stage = job.stage.as_deref().map(|stage| format!(", {stage}")).unwrap_or_default();
    let progress = job.progress.filter(|_| job.state == "running").map(|part| format!(" {}", percent(part)));
    let error = job.error.as_ref().map(|error| format!(": {} ({})", error.detail, error.code));
    format!(
        "{} by profile {}{stage}{}{}",
        job.state,
        job.profile,
        progress.unwrap_or_default(),
        error.unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use revaer_wire::FsopsError;
    use rstest::rstest;

    use super::*;
    use crate::commands::samples;

    #[derive(Parser)]
    struct Arguments {
        #[command(subcommand)]
        fsops: Fsops,
    }

    fn held() -> Job {
        Job {
            job: "01ARZ3NDEKTSV4RRFFQ69G5FAX".to_owned(),
            profile: "films".to_owned(),
            attempt: 2,
            stage: Some("verify".to_owned()),
            state: "held".to_owned(),
            progress: None,
            error: Some(FsopsError {
                code: "root_absent".to_owned(),
                rule: None,
                path: Some("/srv/films".to_owned()),
                detail: "the root `/srv/films` is not there".to_owned(),
            }),
            destination: None,
        }
    }

    #[rstest]
    #[case::status(&["status", "01ARZ3NDEKTSV4RRFFQ69G5FAV"], true)]
    #[case::retry_with_profile(&["retry", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "--profile", "films"], true)]
    #[case::nobody(&["undo"], false)]
    #[case::unknown(&["redo", "01ARZ3NDEKTSV4RRFFQ69G5FAV"], false)]
    fn arguments_name_one_torrent(#[case] arguments: &[&str], #[case] right: bool) {
        let arguments = std::iter::once(&"fsops").chain(arguments);
        assert_eq!(Arguments::try_parse_from(arguments).is_ok(), right);
    }

    #[test]
    fn job_that_is_held_says_why_and_where() {
        let torrent = Torrent { fsops: Some(held()), ..samples::torrent() };
        insta::assert_snapshot!(format!("{}\n{}", render(&torrent), brief(&held())));
    }
}
