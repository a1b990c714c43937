//! `revaer action`: what one can do with a torrent.

use clap::{Args, Subcommand, ValueEnum};
use revaer_wire::{ActionRequest, Torrent};

use super::{Context, torrent_row};
use crate::client::{Condition, Document};
use crate::events::Backoff;
use crate::failure::Failure;
use crate::values::{Limit, TorrentRef};

/// How often limits are read again when others change the torrent at the same moment.
const ATTEMPTS_MAX: usize = 5;

/// Arguments of `action`.
#[derive(Debug, Args)]
pub(crate) struct Action {
    /// Its id or info hash
    #[arg(value_name = "ID")]
    torrent: TorrentRef,
    #[command(subcommand)]
    verb: Verb,
}

/// What to do.
#[derive(Debug, Clone, Subcommand)]
enum Verb {
    /// Stop it until it is resumed
    Pause,
    /// Let it go on, also after a failure
    Resume,
    /// Take it out; its files stay
    Remove {
        /// Delete the files that it downloaded
        #[arg(long)]
        delete_data: bool,
    },
    /// Ask its trackers for peers now
    Reannounce,
    /// Hash its files again
    Recheck,
    /// Download in order, or not
    Sequential {
        /// Whether it does
        #[arg(value_enum)]
        switch: Switch,
    },
    /// Limit its rates; one that is not given stays
    #[command(group = clap::ArgGroup::new("limits").required(true).multiple(true).args(["download", "upload"]))]
    RateCap {
        /// Bytes a second, such as 500k or 2Mi, or none
        #[arg(long, value_name = "SIZE|none")]
        download: Option<Limit>,
        /// Bytes a second, such as 500k or 2Mi, or none
        #[arg(long, value_name = "SIZE|none")]
        upload: Option<Limit>,
    },
    /// Say when it has shared enough; what is not given is as its labels say, and else the settings
    ShareLimits {
        /// Sent divided by received, such as 1.5
        #[arg(long, value_name = "RATIO")]
        ratio: Option<f64>,
        /// Seconds of seeding
        #[arg(long, value_name = "SECONDS")]
        seed_time: Option<u64>,
        /// What becomes of it then
        #[arg(long, value_enum)]
        then: Option<Then>,
    },
    /// Move its files
    Move {
        /// Relative to the download root
        #[arg(value_name = "PATH")]
        save_path: String,
    },
    /// Give it these labels and no others; none takes all away
    Label {
        /// All of them
        labels: Vec<String>,
    },
}

/// Yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    /// It does.
    On,
    /// It does not.
    Off,
}

/// What becomes of a torrent that has shared enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Then {
    /// It stops.
    Pause,
    /// It is taken out; its files stay.
    Remove,
    /// It goes on.
    Nothing,
}

impl Then {
    /// The word for it, as it is sent.
    pub(super) fn name(self) -> String {
        self.to_possible_value().expect("no value is left out").get_name().to_owned()
    }
}

impl Action {
    /// Does it, and shows the torrent.
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let document = match self.verb {
            Verb::RateCap { download, upload } => self.cap_rates(context, download, upload).await?,
            ref verb => self.post(context, &request(verb), &Condition::default()).await?,
        };
        torrent_row::print_changed(&document, context.output)
    }

    /// The service takes both limits at once. One that is not given is read, and kept only if nothing changed since.
    async fn cap_rates(
        &self,
        context: &Context,
        download: Option<Limit>,
        upload: Option<Limit>,
    ) -> Result<Document, Failure> {
        if let (Some(download), Some(upload)) = (download, upload) {
            let request = rate_cap(download.bytes_per_second(), upload.bytes_per_second());
            return self.post(context, &request, &Condition::default()).await;
        }
        let mut attempts = 1;
        let mut backoff = Backoff::default();
        loop {
            let torrent = context.client.get(&["v1", "torrents", self.torrent.as_str()], &[]).await?;
            let Torrent { rate_cap: cap, version, .. } = torrent.decode()?;
            let request = rate_cap(
                download.map_or(cap.download_bytes_per_second.map(u64::from), Limit::bytes_per_second),
                upload.map_or(cap.upload_bytes_per_second.map(u64::from), Limit::bytes_per_second),
            );
            let condition = Condition { version: Some(version), ..Condition::default() };
            match self.post(context, &request, &condition).await {
                Err(Failure::Refused(refusal)) if refusal.status == 412 && attempts < ATTEMPTS_MAX => {
                    attempts += 1;
                    // What is read may trail the log for a moment.
                    tokio::time::sleep(backoff.next()).await;
                }
                answer => return answer,
            }
        }
    }

    async fn post(
        &self,
        context: &Context,
        request: &ActionRequest,
        condition: &Condition,
    ) -> Result<Document, Failure> {
        context.client.post(&["v1", "torrents", self.torrent.as_str(), "action"], request, condition).await
    }
}

fn rate_cap(download_bytes_per_second: Option<u64>, upload_bytes_per_second: Option<u64>) -> ActionRequest {
    ActionRequest { download_bytes_per_second, upload_bytes_per_second, ..named("rate_cap") }
}

fn named(action: &str) -> ActionRequest {
    ActionRequest { action: Some(action.to_owned()), ..ActionRequest::default() }
}

fn request(verb: &Verb) -> ActionRequest {
    match verb {
        Verb::Pause => named("pause"),
        Verb::Resume => named("resume"),
        Verb::Remove { delete_data } => ActionRequest { delete_data: Some(*delete_data), ..named("remove") },
        Verb::Reannounce => named("reannounce"),
        Verb::Recheck => named("recheck"),
        Verb::Sequential { switch } => {
            ActionRequest { enable: Some(*switch == Switch::On), ..named("sequential") }
        }
        Verb::RateCap { download, upload } => {
            rate_cap(download.and_then(Limit::bytes_per_second), upload.and_then(Limit::bytes_per_second))
        }
        Verb::ShareLimits { ratio, seed_time, then } => ActionRequest {
            share_ratio: *ratio,
            seed_time_seconds: *seed_time,
            share_action: then.map(Then::name),
            ..named("share_limits")
        },
        Verb::Move { save_path } => ActionRequest { save_path: Some(save_path.clone()), ..named("move") },
        Verb::Label { labels } => ActionRequest { labels: Some(labels.clone()), ..named("label") },
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use rstest::rstest;
    use serde_json::Value;

    use super::*;
    use crate::commands::samples;
    use crate::key_file::KeyFile;
    use crate::screen::{Format, Output};
    use crate::scripted::{Scripted, json, problem};

    #[derive(Parser)]
    struct Arguments {
        #[command(flatten)]
        action: Action,
    }

    fn parse(arguments: &[&str]) -> Result<Action, clap::Error> {
        let arguments = [&["action", "01ARZ3NDEKTSV4RRFFQ69G5FAV"], arguments].concat();
        Arguments::try_parse_from(arguments).map(|arguments| arguments.action)
    }

    #[rstest]
    #[case::pause(&["pause"], serde_json::json!({"action": "pause"}))]
    #[case::resume(&["resume"], serde_json::json!({"action": "resume"}))]
    #[case::remove(&["remove"], serde_json::json!({"action": "remove", "delete_data": false}))]
    #[case::remove_with_data(&["remove", "--delete-data"], serde_json::json!({"action": "remove", "delete_data": true}))]
    #[case::reannounce(&["reannounce"], serde_json::json!({"action": "reannounce"}))]
    #[case::recheck(&["recheck"], serde_json::json!({"action": "recheck"}))]
    #[case::sequential(&["sequential", "on"], serde_json::json!({"action": "sequential", "enable": true}))]
    #[case::not_sequential(&["sequential", "off"], serde_json::json!({"action": "sequential", "enable": false}))]
    #[case::rate_cap(
        &["rate-cap", "--download", "1.5M", "--upload", "none"],
        serde_json::json!({"action": "rate_cap", "download_bytes_per_second": 1_500_000})
    )]
    #[case::share_limits(
        &["share-limits", "--ratio", "1.5", "--seed-time", "3600", "--then", "remove"],
        serde_json::json!({"action": "share_limits", "share_ratio": 1.5, "seed_time_seconds": 3600, "share_action": "remove"})
    )]
    #[case::no_share_limits(&["share-limits"], serde_json::json!({"action": "share_limits"}))]
    #[case::move_(&["move", "films/new"], serde_json::json!({"action": "move", "save_path": "films/new"}))]
    #[case::label(&["label", "a", "b"], serde_json::json!({"action": "label", "labels": ["a", "b"]}))]
    #[case::no_label(&["label"], serde_json::json!({"action": "label", "labels": []}))]
    fn verb_becomes_its_body(#[case] arguments: &[&str], #[case] expected: Value) {
        let action = parse(arguments).unwrap();
        assert_eq!(serde_json::to_value(request(&action.verb)).unwrap(), expected);
    }

    #[rstest]
    #[case::no_verb(&[])]
    #[case::unknown(&["explode"])]
    #[case::no_switch(&["sequential"])]
    #[case::no_limit(&["rate-cap"])]
    #[case::odd_limit(&["rate-cap", "--download", "fast"])]
    #[case::odd_ratio(&["share-limits", "--ratio", "much"])]
    #[case::no_path(&["move"])]
    fn verb_that_makes_no_sense_is_refused(#[case] arguments: &[&str]) {
        assert!(parse(arguments).is_err());
    }

    #[tokio::test]
    async fn limits_are_read_again_when_somebody_else_changed_them() {
        let torrent = |version, upload_bytes_per_second| {
            let mut torrent = samples::torrent();
            (torrent.version, torrent.rate_cap.upload_bytes_per_second) = (version, upload_bytes_per_second);
            json(&serde_json::to_string(&torrent).unwrap())
        };
        let stale = problem("412 Precondition Failed", "precondition_failed");
        let service =
            Scripted::start(vec![torrent(6, None), stale, torrent(7, Some(5)), torrent(8, Some(5))]).await;
        let context = Context {
            client: service.client(),
            output: Output::new(Format::Json, true),
            keys: KeyFile::new(None),
        };
        let action = parse(&["rate-cap", "--download", "1k"]).unwrap();
        let Verb::RateCap { download, upload } = action.verb else { panic!("it is a rate cap") };
        action.cap_rates(&context, download, upload).await.unwrap();
        assert_eq!(service.sent("if-match"), ["\"6\"", "\"7\""]);
        let both = r#"{"action":"rate_cap","download_bytes_per_second":1000}"#.len();
        let with_upload =
            r#"{"action":"rate_cap","download_bytes_per_second":1000,"upload_bytes_per_second":5}"#.len();
        assert_eq!(service.sent("content-length"), [both.to_string(), with_upload.to_string()]);
    }
}
