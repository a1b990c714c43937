//! `revaer key`: who may ask the service for what.

mod issue;
mod ls;
mod revoke;
mod rotate;

use clap::Subcommand;
use revaer_wire::IssuedKey;

use super::Context;
use crate::client::Document;
use crate::failure::Failure;
use crate::screen::{Output, escape};

/// What is done with keys.
#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    /// Issue a key; its secret is shown this once
    Issue(issue::Issue),
    /// List keys, without their secrets
    Ls(ls::Ls),
    /// Give a key another secret, shown this once; the one before is accepted for a time
    ///
    /// If it is the key that this client keeps for the service, the new secret is kept in its place.
    Rotate(rotate::Rotate),
    /// End a key, at once and for good
    Revoke(revoke::Revoke),
}

impl Key {
    /// Does it.
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Key::Issue(issue) => issue.run(context).await,
            Key::Ls(ls) => ls.run(context).await,
            Key::Rotate(rotate) => rotate.run(context).await,
            Key::Revoke(revoke) => revoke.run(context).await,
        }
    }
}

/// Shows a key with its secret.
fn print_issued(document: &Document, key: &IssuedKey, output: Output) -> Result<(), Failure> {
    if output.is_json() {
        return Output::json(document.text());
    }
    let secret = escape(&key.secret);
    if output.is_quiet() {
        return Output::text(&format!("{secret}\n"));
    }
    let (id, label, scope) = (escape(&key.id), escape(&key.label), escape(&key.scope));
    let expires = key.expires_at.as_ref().map(|at| format!(", until {}", escape(at))).unwrap_or_default();
    let before = key.previous_valid_until.as_ref();
    let before =
        before.map(|at| format!("the secret before is accepted until {}\n", escape(at))).unwrap_or_default();
    Output::text(&format!("{id}  {label}, scope {scope}{expires}\n{before}{secret}\n"))
}
