//! The body of an add.

use std::net::SocketAddr;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use revaer_application::{AddSource, AddTorrent};
use revaer_domain::settings::ShareAction;
use revaer_domain::values::{
    LABELS_MAX, Label, MAGNET_PEERS_MAX, MAGNET_TRACKERS_MAX, MagnetUri, RateCap, RateLimit, SavePath,
    ShareLimits, ShareRatio,
};
use revaer_wire::codes;

use super::fields::{Faults, Fields};
use super::incoming::AddBody;
use super::selection;
use crate::Limits;
use crate::problem::Refusal;

/// Ten years: the most that the settings take, too.
const SEED_TIME_SECONDS_MAX: u64 = 10 * 365 * 24 * 3600;
/// The longest announce URL.
const TRACKER_BYTES_MAX: usize = 2048;

/// Where the parts of an add lie in its body: what the application refuses later needs a pointer, too.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// The options.
    pub(crate) options: &'static str,
    /// The torrent file.
    pub(crate) metainfo: &'static str,
}

const IN_JSON: Place = Place { options: "", metainfo: "/metainfo" };
const IN_PARTS: Place = Place { options: "/options", metainfo: "/torrent" };

/// Reads an add.
pub(crate) fn read(body: AddBody, limits: &Limits) -> Result<(AddTorrent, Place), Refusal> {
    let mut faults = Faults::default();
    match body {
        AddBody::Json(bytes) => {
            let mut fields = Fields::of_body(&bytes, IN_JSON.options)?;
            let source = source(&mut fields, limits, &mut faults)?;
            let add = options(source, fields, IN_JSON.options, &mut faults);
            faults.settle(add).map(|add| (add, IN_JSON))
        }
        AddBody::Multipart(upload) => {
            let mut fields = match &upload.options {
                Some(options) => Fields::of_body(options, IN_PARTS.options)?,
                None => Fields::none(IN_PARTS.options),
            };
            upload.faults.into_iter().for_each(|fault| faults.push(fault));
            if upload.torrent.is_none() {
                faults.note(IN_PARTS.metainfo, codes::INVALID, "the part with the torrent file is missing");
            }
            for name in ["magnet", "metainfo"] {
                if fields.has(name) {
                    let detail = "the torrent file comes in the part `torrent` alone";
                    faults.note(fields.pointer(name), codes::INVALID, detail);
                    fields.discard(name);
                }
            }
            let source = upload.torrent.map(AddSource::Metainfo);
            let add = options(source, fields, IN_PARTS.options, &mut faults);
            faults.settle(add).map(|add| (add, IN_PARTS))
        }
    }
}

fn source(
    fields: &mut Fields<'_>,
    limits: &Limits,
    faults: &mut Faults,
) -> Result<Option<AddSource>, Refusal> {
    match (fields.has("magnet"), fields.has("metainfo")) {
        (true, true) => {
            faults.note(fields.pointer("metainfo"), codes::INVALID, "either this or `magnet`, not both");
        }
        (false, false) => {
            faults.note(fields.pointer("magnet"), codes::INVALID, "either this or `metainfo` is needed");
        }
        _ => {}
    }
    let magnet = fields.take_as("magnet", faults, |text: String| {
        if text.len() > limits.magnet_bytes_max {
            return Err(format!("magnet URI has more than {} bytes", limits.magnet_bytes_max));
        }
        text.parse::<MagnetUri>().map_err(|error| error.to_string())
    });
    let metainfo = fields.take_as("metainfo", faults, |text: String| {
        BASE64_STANDARD.decode(text).map_err(|error| format!("is not base 64: {error}"))
    });
    if metainfo.as_ref().is_some_and(|body| body.len() > limits.metainfo_bytes_max) {
        return Err(Refusal::TooLarge { max: limits.metainfo_bytes_max });
    }
    Ok(magnet.map(AddSource::Magnet).or(metainfo.map(AddSource::Metainfo)))
}

fn options(
    source: Option<AddSource>,
    mut fields: Fields<'_>,
    at: &str,
    faults: &mut Faults,
) -> Option<AddTorrent> {
    let save_path = fields.take_as("save_path", faults, |text: String| text.parse::<SavePath>());
    let labels = fields.take_each("labels", LABELS_MAX, faults, str::parse::<Label>);
    let add = AddTorrent {
        // Replaced below: the other fields are judged whether or not there is a source.
        source: AddSource::Metainfo(Vec::new()),
        save_path: save_path.unwrap_or_default(),
        start_paused: fields.take("start_paused", faults).unwrap_or(false),
        labels: labels.into_iter().collect(),
        selection: selection::take(&mut fields, at, faults),
        sequential: fields.take("sequential", faults).unwrap_or(false),
        rate_cap: rate_cap(&mut fields, faults),
        share_limits: share_limits(&mut fields, faults),
        trackers: fields.take_each("trackers", MAGNET_TRACKERS_MAX, faults, tracker),
        peers: fields.take_each("peers", MAGNET_PEERS_MAX, faults, peer),
        fsops_profile: profile(&mut fields, faults),
    };
    fields.finish(faults);
    source.map(|source| AddTorrent { source, ..add })
}

/// Takes the limits; absent and null mean none.
pub(super) fn rate_cap(fields: &mut Fields<'_>, faults: &mut Faults) -> RateCap {
    let mut limit = |name| fields.take_as(name, faults, |limit: u64| RateLimit::try_from(limit));
    RateCap {
        download_bytes_per_second: limit("download_bytes_per_second"),
        upload_bytes_per_second: limit("upload_bytes_per_second"),
    }
}

/// Takes the limits of sharing; absent and null mean what the labels or the settings say.
pub(super) fn share_limits(fields: &mut Fields<'_>, faults: &mut Faults) -> ShareLimits {
    ShareLimits {
        share_ratio: fields.take_as("share_ratio", faults, |ratio: f64| ShareRatio::try_from(ratio)),
        seed_time_seconds: fields.take_as("seed_time_seconds", faults, |seconds: u64| {
            let fits = seconds <= SEED_TIME_SECONDS_MAX;
            fits.then_some(seconds).ok_or(format!("is more than {SEED_TIME_SECONDS_MAX} seconds"))
        }),
        share_action: fields.take_as("share_action", faults, |action: String| {
            let known = ShareAction::ALL.into_iter().find(|known| known.name() == action);
            known.ok_or("is none of pause, remove, nothing")
        }),
    }
}

/// Takes the name of a profile; whether there is one of that name is asked later.
pub(super) fn profile(fields: &mut Fields<'_>, faults: &mut Faults) -> Option<String> {
    let name = fields.take_as("fsops_profile", faults, |name: String| name.parse::<Label>())?;
    Some(name.into())
}

fn tracker(url: &str) -> Result<String, String> {
    let known = ["http://", "https://", "udp://"].into_iter().find_map(|scheme| url.strip_prefix(scheme));
    let has_host = known.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', ':', '?', '#']));
    let clean = !url.chars().any(|c| c.is_control() || c.is_whitespace());
    if has_host && clean && url.len() <= TRACKER_BYTES_MAX {
        Ok(url.to_owned())
    } else {
        Err(format!(
            "is not an announce URL: http, https or udp with a host, at most {TRACKER_BYTES_MAX} bytes"
        ))
    }
}

fn peer(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse::<SocketAddr>().ok().filter(|peer| peer.port() != 0).ok_or("is not an `address:port`")
}
