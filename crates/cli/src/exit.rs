//! How the program ends: one number for each thing that a script would do differently.
//!
//! The numbers are a contract. This is the one place that turns a failure, and the status of a problem, into one of them.

use std::process::ExitCode;

use crate::failure::Failure;

/// What the help says of the numbers.
pub(crate) const HELP: &str = "\
Exit codes:
  0  success
  1  the client itself failed: its output, a file of its own
  2  bad input
  3  cannot reach the service
  4  not authorised
  5  not found
  6  conflict
  7  the service or the torrent failed
  8  degraded (health alone)

With --output json, what went wrong is one JSON document on standard error.";

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// As asked.
    Success = 0,
    /// Neither the service nor the input is to blame: output that cannot be written, a file of the client's own.
    Local = 1,
    /// What was asked does not parse or breaks a rule.
    BadInput = 2,
    /// Nobody answers.
    Unreachable = 3,
    /// The key is missing, wrong or too weak.
    NotAuthorised = 4,
    /// No such torrent.
    NotFound = 5,
    /// The state of things forbids it.
    Conflict = 6,
    /// The service could not do it, or the torrent cannot go on.
    ServiceFailed = 7,
    /// It works, not well.
    Degraded = 8,
}

impl Exit {
    /// How a failure ends the program.
    pub(crate) fn of(failure: &Failure) -> Exit {
        match failure {
            // Whoever closes the pipe has seen enough, `head` for instance.
            Failure::OutputClosed => Exit::Success,
            Failure::Local(_) => Exit::Local,
            Failure::Input { .. } => Exit::BadInput,
            Failure::Unreachable { .. } => Exit::Unreachable,
            Failure::Refused(refusal) => Exit::of_status(refusal.status),
            Failure::Unexpected { status: Some(status), .. } if !(200..300).contains(status) => {
                Exit::of_status(*status)
            }
            Failure::TorrentGone { .. } => Exit::NotFound,
            Failure::Unexpected { .. } | Failure::TorrentFailed { .. } | Failure::ServiceFailed => {
                Exit::ServiceFailed
            }
            Failure::Degraded => Exit::Degraded,
        }
    }

    /// How an HTTP status that is no success ends the program.
    fn of_status(status: u16) -> Exit {
        match status {
            401 | 403 => Exit::NotAuthorised,
            404 | 410 => Exit::NotFound,
            409 | 412 => Exit::Conflict,
            // Slow, or too often: the input may be right, and the same again may succeed.
            408 | 429 => Exit::ServiceFailed,
            400..=499 => Exit::BadInput,
            _ => Exit::ServiceFailed,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use rstest::rstest;

    use super::*;
    use crate::failure::Refusal;

    #[rstest]
    #[case::malformed(400, 2)]
    #[case::no_key(401, 4)]
    #[case::weak_key(403, 4)]
    #[case::not_found(404, 5)]
    #[case::method(405, 2)]
    #[case::slow(408, 7)]
    #[case::conflict(409, 6)]
    #[case::gone(410, 5)]
    #[case::stale(412, 6)]
    #[case::too_large(413, 2)]
    #[case::media_type(415, 2)]
    #[case::invalid(422, 2)]
    #[case::too_often(429, 7)]
    #[case::header_size(431, 2)]
    #[case::redirected(302, 7)]
    #[case::internal(500, 7)]
    #[case::bad_gateway(502, 7)]
    #[case::unavailable(503, 7)]
    fn status_has_its_exit_code(#[case] status: u16, #[case] code: u8) {
        let refused = Failure::Refused(Box::new(Refusal::for_test(status)));
        assert_eq!(Exit::of(&refused) as u8, code, "as a problem");
        let unexpected = Failure::Unexpected { status: Some(status), what: String::new() };
        assert_eq!(Exit::of(&unexpected) as u8, code, "without a problem");
    }

    #[rstest]
    #[case::closed_pipe(Failure::OutputClosed, 0)]
    #[case::local(Failure::Local(io::ErrorKind::StorageFull.into()), 1)]
    #[case::input(Failure::input("no"), 2)]
    #[case::unreachable(Failure::Unreachable { url: "http://x".into(), why: "refused".into() }, 3)]
    #[case::removed_meanwhile(Failure::TorrentGone { id: "x".into() }, 5)]
    #[case::not_understood(Failure::Unexpected { status: Some(200), what: "no JSON".into() }, 7)]
    #[case::torrent_failed(Failure::TorrentFailed { id: "x".into(), code: "c".into(), detail: "d".into() }, 7)]
    #[case::failed(Failure::ServiceFailed, 7)]
    #[case::degraded(Failure::Degraded, 8)]
    fn failure_has_its_exit_code(#[case] failure: Failure, #[case] code: u8) {
        assert_eq!(Exit::of(&failure) as u8, code);
    }

    #[test]
    fn success_is_zero() {
        assert_eq!(Exit::Success as u8, 0);
    }
}
