//! The problems of whoever may not ask, and of keys and the setup.

use poem::http::StatusCode;
use revaer_application::{AuthFailure, KeyError, SetupError};
use revaer_domain::api_key::KeyRefused;
use revaer_domain::setup::Outcome;
use revaer_wire::{FieldProblem, codes};

use super::{Verdict, of_command, of_fields};
use crate::guard::Denied;

pub(super) fn of_guard(denied: Denied) -> Verdict {
    match denied {
        Denied::SetupRequired => Verdict::new(
            StatusCode::CONFLICT,
            codes::SETUP_REQUIRED,
            "the service is not set up yet; on its machine, run `revaer setup complete`",
        ),
        Denied::SetupElsewhere => Verdict::new(
            StatusCode::FORBIDDEN,
            codes::SETUP_LOCAL_ONLY,
            "the setup is for whoever is on the service's machine, without a proxy between, or has the token of its file",
        ),
        Denied::Unauthenticated(failure) => {
            let detail = match failure {
                None => "a key is needed: `Authorization: Bearer <secret>`",
                Some(AuthFailure::Unknown) => "the key is not accepted",
                Some(AuthFailure::Expired) => "the key has expired, or its secret was replaced",
            };
            Verdict::new(StatusCode::UNAUTHORIZED, codes::UNAUTHENTICATED, detail)
        }
        Denied::Forbidden { needed } => Verdict::new(
            StatusCode::FORBIDDEN,
            codes::FORBIDDEN,
            format!("the key's scope does not allow this; `{needed}` would"),
        ),
        Denied::RateLimited { retry_after_seconds } => Verdict::new(
            StatusCode::TOO_MANY_REQUESTS,
            codes::RATE_LIMITED,
            format!("more requests than may be made; go on in {retry_after_seconds} s"),
        ),
    }
}

pub(super) fn of_key(error: &KeyError) -> Verdict {
    let conflict = |code, detail: &str| Verdict::new(StatusCode::CONFLICT, code, detail);
    match error {
        KeyError::Refused(KeyRefused::Absent) => not_found("there is no such key"),
        KeyError::Refused(KeyRefused::Revoked) => {
            not_found("the key was revoked; its history is still there")
        }
        KeyError::Refused(KeyRefused::Exists) => conflict(codes::STATE_CONFLICT, "the key exists already"),
        KeyError::Refused(KeyRefused::Expired) => {
            conflict(codes::STATE_CONFLICT, "the key has expired; issue another one")
        }
        KeyError::Refused(KeyRefused::ExpiresInThePast) => {
            of_fields(&[FieldProblem::at("/expires_at", codes::INVALID, "is in the past")])
        }
        KeyError::AlreadyAnswered => conflict(
            codes::SECRET_SHOWN,
            "this was done before under the same Idempotency-Key; its secret was shown then, and is not kept",
        ),
        KeyError::TooMany { max } => {
            conflict(codes::TOO_MANY_KEYS, &format!("there are {max} keys already; revoke one"))
        }
        KeyError::LastAdmin => conflict(
            codes::LAST_ADMIN_KEY,
            "without this key nobody could change settings and keys; issue another one with the scope admin first",
        ),
        KeyError::Command(error) => of_command(error),
    }
}

pub(super) fn of_setup(error: &SetupError) -> Verdict {
    let refused = |code, detail: &str| Verdict::new(StatusCode::FORBIDDEN, code, detail);
    match error {
        SetupError::Complete => {
            Verdict::new(StatusCode::CONFLICT, codes::SETUP_COMPLETE, "the service is set up already")
        }
        SetupError::Token(Outcome::WrongToken | Outcome::Accepted) => {
            refused(codes::SETUP_TOKEN_WRONG, "no such token was issued")
        }
        SetupError::Token(Outcome::ExpiredToken) => {
            refused(codes::SETUP_TOKEN_EXPIRED, "the token was issued too long ago; start again")
        }
        SetupError::Token(Outcome::UsedToken) => {
            refused(codes::SETUP_TOKEN_USED, "another token took the place of this one; use the newest")
        }
        SetupError::Command(error) => of_command(error),
    }
}

fn not_found(detail: &str) -> Verdict {
    Verdict::new(StatusCode::NOT_FOUND, codes::NOT_FOUND, detail)
}
