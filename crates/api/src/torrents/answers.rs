//! Answers that carry a torrent, with the headers that belong to each.

use poem_openapi::ApiResponse;
use revaer_application::Done;
use revaer_wire::{SelectionExplanation, Torrent};

use crate::context::Context;
use crate::payload::JsonOf;
use crate::present;
use crate::problem::Refusal;

/// A torrent that was asked for.
#[derive(ApiResponse)]
pub(crate) enum Found {
    /// The torrent.
    #[oai(status = 200)]
    Torrent(
        JsonOf<Torrent>,
        /// Its version in double quotes, for `If-Match`.
        #[oai(header = "ETag")]
        String,
    ),
}

/// A torrent that was added.
#[derive(ApiResponse)]
pub(crate) enum Created {
    /// The torrent.
    #[oai(status = 201)]
    Torrent(
        JsonOf<Torrent>,
        /// Where it is.
        #[oai(header = "Location")]
        String,
        /// Its version in double quotes, for `If-Match`.
        #[oai(header = "ETag")]
        String,
        /// The place of the command's last fact in the log.
        #[oai(header = "Revaer-Position")]
        i64,
    ),
}

/// A command that was recorded; what it asks for follows.
#[derive(ApiResponse)]
pub(crate) enum Accepted {
    /// The torrent as the log now has it.
    #[oai(status = 202)]
    Torrent(
        JsonOf<Torrent>,
        /// Its version in double quotes, for `If-Match`.
        #[oai(header = "ETag")]
        String,
        /// The place of the command's last fact in the log; of the torrent's last fact, if nothing changed.
        #[oai(header = "Revaer-Position")]
        i64,
    ),
}

/// A rule that was recorded, or that was only tried.
#[derive(ApiResponse)]
pub(crate) enum Selected {
    /// With `dry_run`: what the rule would come to.
    #[oai(status = 200)]
    Explained(JsonOf<SelectionExplanation>),
    /// The torrent as the log now has it.
    #[oai(status = 202)]
    Torrent(
        JsonOf<Torrent>,
        /// Its version in double quotes, for `If-Match`.
        #[oai(header = "ETag")]
        String,
        /// The place of the command's last fact in the log; of the torrent's last fact, if nothing changed.
        #[oai(header = "Revaer-Position")]
        i64,
    ),
}

impl From<Accepted> for Selected {
    fn from(Accepted::Torrent(torrent, etag, position): Accepted) -> Self {
        Self::Torrent(torrent, etag, position)
    }
}

impl Found {
    pub(super) fn new(torrent: &Torrent) -> Self {
        Self::Torrent(JsonOf::new(torrent), etag(torrent))
    }
}

impl Created {
    pub(super) fn new(context: &Context, done: Done) -> Result<Self, Refusal> {
        let position = done.position.0;
        let torrent = torrent(context, done)?;
        let location = format!("/v1/torrents/{}", torrent.id);
        Ok(Self::Torrent(JsonOf::new(&torrent), location, etag(&torrent), position))
    }
}

impl Accepted {
    pub(super) fn new(context: &Context, done: Done) -> Result<Self, Refusal> {
        let position = done.position.0;
        let torrent = torrent(context, done)?;
        Ok(Self::Torrent(JsonOf::new(&torrent), etag(&torrent), position))
    }
}

/// The torrent after a command. A first answer that is given again says nothing of this moment, or it would be another one.
fn torrent(context: &Context, done: Done) -> Result<Torrent, Refusal> {
    let rates = if done.repeated { None } else { context.application.live().rates(done.id) };
    present::of_fold(done.id, done.torrent, done.version, done.position, rates).ok_or(Refusal::NotFound)
}

fn etag(torrent: &Torrent) -> String {
    format!("\"{}\"", torrent.version)
}
