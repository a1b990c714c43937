//! `revaer add`: from a magnet URI or a torrent file, and with `--wait` until every wanted file is there.

use std::io::Read;
use std::path::PathBuf;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use revaer_wire::{AddRequest, Torrent};

use super::selection::{SelectionArguments, given};
use super::{Context, status, torrent_row, watch};
use crate::client::Condition;
use crate::failure::Failure;
use crate::screen::Output;
use crate::values::parse_size;

const MAGNET: &[u8] = b"magnet:";

/// Arguments of `add`.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// A magnet URI, a torrent file, or - to read either from standard input
    #[arg(value_name = "MAGNET|FILE|-")]
    source: Source,
    /// Where its files go, relative to the download root
    #[arg(long, value_name = "PATH")]
    save_path: Option<String>,
    /// Give it a label; may be repeated
    #[arg(long)]
    label: Vec<String>,
    #[command(flatten)]
    selection: SelectionArguments,
    /// Let it wait for a resume
    #[arg(long, conflicts_with = "wait")]
    paused: bool,
    /// Download in order
    #[arg(long)]
    sequential: bool,
    /// Download at most this much a second, such as 500k or 2Mi
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    download_limit: Option<u64>,
    /// Upload at most this much a second
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    upload_limit: Option<u64>,
    /// Announce to this URL too; may be repeated
    #[arg(long, value_name = "URL")]
    tracker: Vec<String>,
    /// Try this peer first; may be repeated
    #[arg(long, value_name = "ADDRESS:PORT")]
    peer: Vec<String>,
    /// Happen once, however often this is repeated with the same key
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    /// Wait until every wanted file is there; 7 if it fails, 5 if it is removed meanwhile
    #[arg(long)]
    wait: bool,
}

/// Where the torrent comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    Magnet(String),
    File(PathBuf),
    Stdin,
}

impl FromStr for Source {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "" => Err("expected a magnet URI, a file or -"),
            "-" => Ok(Source::Stdin),
            text if is_magnet(text.as_bytes()) => Ok(Source::Magnet(text.to_owned())),
            text => Ok(Source::File(text.into())),
        }
    }
}

impl Add {
    /// Adds it, and shows it.
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let condition = Condition { idempotency_key: self.idempotency_key.clone(), version: None };
        let wait = self.wait;
        let request = self.into_request()?;
        let mut document = context.client.post(&["v1", "torrents"], &request, &condition).await?;
        let output = context.output;
        if wait {
            let added: Torrent = document.decode()?;
            if !output.is_json() {
                Output::text(&format!("{}\n", torrent_row::brief(&added, output)))?;
            }
            document = watch::watch(context, added).await?;
        }
        match (output.is_json(), output.is_quiet(), wait) {
            (true, ..) => Output::json(document.text()),
            // Its id was printed before the wait.
            (false, true, true) => Ok(()),
            (false, _, true) => Output::text(&status::render(&document.decode()?)),
            (false, _, false) => {
                Output::text(&format!("{}\n", torrent_row::brief(&document.decode()?, output)))
            }
        }
    }

    fn into_request(self) -> Result<AddRequest, Failure> {
        let (magnet, metainfo) = match self.source {
            Source::Magnet(magnet) => (Some(magnet), None),
            Source::File(path) => {
                let bytes = std::fs::read(&path)
                    .map_err(|error| Failure::input(format!("cannot read {}: {error}", path.display())))?;
                (None, Some(STANDARD.encode(bytes)))
            }
            Source::Stdin => {
                let mut bytes = Vec::new();
                std::io::stdin()
                    .lock()
                    .read_to_end(&mut bytes)
                    .map_err(|error| Failure::input(format!("cannot read standard input: {error}")))?;
                magnet_or_metainfo(bytes)
            }
        };
        Ok(AddRequest {
            magnet,
            metainfo,
            save_path: self.save_path,
            start_paused: self.paused.then_some(true),
            labels: given(self.label),
            priorities: self.selection.priorities(),
            include: given(self.selection.include),
            exclude: given(self.selection.exclude),
            case_sensitive: self.selection.case_sensitive.then_some(true),
            skip_fluff: self.selection.skip_fluff.then_some(true),
            first_last_piece_first: self.selection.first_last_piece_first.then_some(true),
            sequential: self.sequential.then_some(true),
            download_bytes_per_second: self.download_limit,
            upload_bytes_per_second: self.upload_limit,
            trackers: given(self.tracker),
            peers: given(self.peer),
            ..AddRequest::default()
        })
    }
}

fn is_magnet(bytes: &[u8]) -> bool {
    bytes.get(..MAGNET.len()).is_some_and(|start| start.eq_ignore_ascii_case(MAGNET))
}

fn magnet_or_metainfo(bytes: Vec<u8>) -> (Option<String>, Option<String>) {
    if is_magnet(bytes.trim_ascii_start()) {
        (Some(String::from_utf8_lossy(&bytes).trim().to_owned()), None)
    } else {
        (None, Some(STANDARD.encode(bytes)))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use rstest::rstest;

    use super::*;

    #[derive(Parser)]
    struct Arguments {
        #[command(flatten)]
        add: Add,
    }

    fn parse(arguments: &[&str]) -> Result<Add, clap::Error> {
        let arguments = std::iter::once(&"add").chain(arguments);
        Arguments::try_parse_from(arguments).map(|arguments| arguments.add)
    }

    #[rstest]
    #[case::magnet("magnet:?xt=urn:btih:x", Source::Magnet("magnet:?xt=urn:btih:x".to_owned()))]
    #[case::magnet_in_capitals("MAGNET:?xt=x", Source::Magnet("MAGNET:?xt=x".to_owned()))]
    #[case::stdin("-", Source::Stdin)]
    #[case::file("a.torrent", Source::File("a.torrent".into()))]
    #[case::file_called_magnet("./magnet:x", Source::File("./magnet:x".into()))]
    fn source_is_told_by_its_form(#[case] text: &str, #[case] expected: Source) {
        assert_eq!(text.parse(), Ok(expected));
    }

    #[test]
    fn only_what_was_given_is_sent() {
        let request = parse(&["magnet:?x"]).unwrap().into_request().unwrap();
        assert_eq!(serde_json::to_value(request).unwrap(), serde_json::json!({ "magnet": "magnet:?x" }));
    }

    #[test]
    fn every_option_becomes_its_field() {
        let options = [
            "--save-path",
            "films",
            "--label",
            "a",
            "--label",
            "b",
            "--include",
            "*.mkv",
            "--exclude",
            "*sample*",
            "--priority",
            "3=high",
            "--priority",
            "*.srt=low",
            "--case-sensitive",
            "--paused",
            "--sequential",
            "--download-limit",
            "1.5M",
            "--upload-limit",
            "64Ki",
            "--tracker",
            "http://127.0.0.1/announce",
            "--peer",
            "127.0.0.1:6881",
        ];
        let request = parse(&[&["magnet:?x"], &options[..]].concat()).unwrap().into_request().unwrap();
        insta::assert_json_snapshot!(request);
    }

    #[rstest]
    #[case::nothing(&[])]
    #[case::empty(&[""])]
    #[case::waiting_for_a_paused_one(&["magnet:?x", "--paused", "--wait"])]
    #[case::size(&["magnet:?x", "--download-limit", "fast"])]
    #[case::priority(&["magnet:?x", "--priority", "3"])]
    fn arguments_that_make_no_sense_are_refused(#[case] arguments: &[&str]) {
        assert!(parse(arguments).is_err());
    }

    #[test]
    fn file_that_cannot_be_read_is_bad_input() {
        let failure = parse(&["no/such.torrent"]).unwrap().into_request().unwrap_err();
        assert!(failure.to_string().starts_with("cannot read no/such.torrent: "), "{failure}");
    }

    #[test]
    fn standard_input_is_a_magnet_or_a_file() {
        assert_eq!(magnet_or_metainfo(b" magnet:?x\n".to_vec()), (Some("magnet:?x".to_owned()), None));
        assert_eq!(magnet_or_metainfo(b"d4:infode".to_vec()), (None, Some("ZDQ6aW5mb2Rl".to_owned())));
    }
}
