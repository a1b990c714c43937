//! Why a command did not do what was asked, and how that is told.
//!
//! It is told on standard error: in words with every pointer and with what to do next, or, with `--output json`, as one JSON
//! document: the service's problem as it came, or an object of the same form for what the client found itself. Only mistakes
//! in the arguments are always told in words: the format is not known before they are read.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

use revaer_wire::{FieldProblem, Problem, codes};
use serde_json::json;

use crate::exit::Exit;
use crate::screen::{Format, escape, json_for_a_terminal};

/// Why it ends.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// What was given cannot be sent.
    #[error("{what}")]
    Input {
        /// Words.
        what: String,
    },
    /// Nobody answers.
    #[error("cannot reach the service at {url}: {why}")]
    Unreachable {
        /// Where it was looked for.
        url: String,
        /// What the system said.
        why: String,
    },
    /// The service says no, and why.
    #[error("{} ({} {})", .0.problem.detail, .0.status, .0.problem.code)]
    Refused(Box<Refusal>),
    /// An answer that is none of Revaer's.
    #[error("the answer is not understood{}: {what}", .status.map(|status| format!(" (status {status})")).unwrap_or_default())]
    Unexpected {
        /// Its status, unless there was none.
        status: Option<u16>,
        /// What is wrong with it.
        what: String,
    },
    /// The torrent that was waited for cannot go on.
    #[error("the torrent failed: {detail} ({code})")]
    TorrentFailed {
        /// Which.
        id: String,
        /// Stable.
        code: String,
        /// Words.
        detail: String,
    },
    /// The torrent that was waited for was removed.
    #[error("the torrent {id} was removed")]
    TorrentGone {
        /// Which.
        id: String,
    },
    /// By its own report.
    #[error("the service has failed")]
    ServiceFailed,
    /// By its own report.
    #[error("the service is degraded")]
    Degraded,
    /// Neither input nor service: our own output or file.
    #[error(transparent)]
    Local(io::Error),
    /// Who read our output has gone; not told to anybody.
    #[error("the output is closed")]
    OutputClosed,
}

/// A problem document and the status that it came with.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// The status of the answer, whatever the document says.
    pub(crate) status: u16,
    /// The document.
    pub(crate) problem: Problem,
    /// The document as it came, with fields that this client may not know.
    pub(crate) text: String,
}

impl Failure {
    /// Input that cannot be sent.
    pub(crate) fn input(what: impl Into<String>) -> Failure {
        Failure::Input { what: what.into() }
    }

    /// Whether the same may succeed a moment later.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Failure::Unreachable { .. } => true,
            Failure::Refused(refusal) => is_passing(refusal.status),
            Failure::Unexpected { status: Some(status), .. } => is_passing(*status),
            _ => false,
        }
    }

    /// What to do about it, where that is not obvious.
    fn advice(&self) -> Option<String> {
        match self {
            Failure::Unreachable { .. } => {
                Some("Is revaerd running? Give its address by --url or REVAER_URL.".to_owned())
            }
            Failure::Unexpected { .. } => Some("Is it Revaer that listens at this address?".to_owned()),
            Failure::TorrentFailed { id, .. } => {
                Some(format!("Once the cause is gone: revaer action {id} resume"))
            }
            Failure::ServiceFailed | Failure::Degraded => {
                Some("Each component's reason: revaer health".to_owned())
            }
            Failure::Refused(refusal) => refusal.advice(),
            _ => None,
        }
    }

    /// The words for a person.
    fn words(&self) -> String {
        let mut words = format!("revaer: {}\n", escape(&self.to_string()));
        if let Failure::Refused(refusal) = self {
            for error in &refusal.problem.errors {
                let _ = writeln!(words, "  {}: {}", escape(place(error)), escape(&error.detail));
            }
            if !refusal.problem.instance.is_empty() {
                let _ = writeln!(words, "  request: {}", escape(&refusal.problem.instance));
            }
        }
        if let Some(advice) = self.advice() {
            let _ = writeln!(words, "{}", escape(&advice));
        }
        words
    }

    /// The document for a program.
    fn document(&self) -> String {
        let code = match self {
            Failure::Refused(refusal) => return json_for_a_terminal(&refusal.text),
            Failure::Input { .. } => "bad_input",
            Failure::Unreachable { .. } => "unreachable",
            Failure::Unexpected { .. } => "unexpected_answer",
            Failure::TorrentFailed { code, .. } => code,
            Failure::TorrentGone { .. } => "torrent_removed",
            Failure::ServiceFailed => "failed",
            Failure::Degraded => "degraded",
            Failure::Local(_) | Failure::OutputClosed => "client_failed",
        };
        let document = json!({
            "type": "about:blank",
            "title": "The client could not do what was asked",
            "detail": self.to_string(),
            "code": code,
            "errors": [],
        });
        json_for_a_terminal(&document.to_string())
    }
}

impl Refusal {
    fn advice(&self) -> Option<String> {
        match (self.status, self.problem.code.as_str(), &self.problem.id) {
            (_, codes::TORRENT_EXISTS, Some(id)) => Some(format!("It is here already: revaer status {id}")),
            (_, codes::VERSION_CONFLICT | codes::UNAVAILABLE | codes::NOT_YET, _) => {
                Some("The same again may succeed.".to_owned())
            }
            (_, codes::SETUP_REQUIRED, _) => {
                Some("On the service's machine: revaer setup complete".to_owned())
            }
            (401, ..) => Some("Give a key by --api-key or REVAER_API_KEY.".to_owned()),
            (404, ..) => Some("What there is: revaer ls".to_owned()),
            _ => None,
        }
    }

    #[cfg(test)]
    pub(crate) fn for_test(status: u16) -> Refusal {
        let text = json!({
            "type": "about:blank", "title": "T", "status": status, "detail": "it is wrong", "instance": "r-1", "code": "invalid",
            "errors": [
                { "pointer": "/magnet", "code": "invalid", "detail": "no info hash in it" },
                { "parameter": "limit", "code": "invalid", "detail": "at most 1000" },
            ],
        })
        .to_string();
        Refusal { status, problem: serde_json::from_str(&text).unwrap(), text }
    }
}

/// Tells it on standard error, and gives the exit code.
pub(crate) fn report(failure: &Failure, format: Format) -> ExitCode {
    let told = match (failure, format) {
        (Failure::OutputClosed, _) => String::new(),
        (_, Format::Table) => failure.words(),
        (_, Format::Json) => failure.document() + "\n",
    };
    // If standard error is closed too, the exit code is all that is left to tell.
    let _ = io::stderr().lock().write_all(told.as_bytes());
    Exit::of(failure).into()
}

fn is_passing(status: u16) -> bool {
    status >= 500 || status == 408 || status == 429
}

fn place(error: &FieldProblem) -> &str {
    error.pointer.as_deref().or(error.parameter.as_deref()).unwrap_or("request")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn existing() -> Failure {
        let mut refusal = Refusal::for_test(409);
        refusal.problem.code = codes::TORRENT_EXISTS.to_owned();
        refusal.problem.id = Some("01J0000000000000000000000A".to_owned());
        Failure::Refused(Box::new(refusal))
    }

    #[test]
    fn problem_is_told_with_every_pointer() {
        insta::assert_snapshot!(Failure::Refused(Box::new(Refusal::for_test(422))).words());
    }

    #[test]
    fn each_failure_says_what_to_do() {
        let unreachable = Failure::Unreachable { url: "http://127.0.0.1:7070".into(), why: "refused".into() };
        let failed =
            Failure::TorrentFailed { id: "X".into(), code: "disk_full".into(), detail: "full".into() };
        let odd = Failure::Unexpected { status: Some(502), what: "no JSON".into() };
        let told = [existing(), unreachable, failed, odd, Failure::Degraded].map(|failure| failure.words());
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn problem_is_passed_on_as_it_came() {
        let refusal = Refusal::for_test(422);
        let text = refusal.text.clone();
        assert_eq!(Failure::Refused(Box::new(refusal)).document(), text);
    }

    #[test]
    fn own_finding_has_the_form_of_a_problem() {
        let document: serde_json::Value = serde_json::from_str(&Failure::Degraded.document()).unwrap();
        assert_eq!(
            (&document["code"], &document["detail"]),
            (&json!("degraded"), &json!("the service is degraded"))
        );
    }

    #[test]
    fn hostile_words_of_a_problem_do_not_reach_the_terminal() {
        let mut refusal = Refusal::for_test(422);
        refusal.problem.detail = "a\u{1b}[2Jb".to_owned();
        refusal.problem.errors[0].detail = "c\u{9b}2Jd".to_owned();
        let words = Failure::Refused(Box::new(refusal)).words();
        assert!(!words.contains(['\u{1b}', '\u{9b}']), "{words:?}");
    }
}
