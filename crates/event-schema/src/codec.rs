//! Domain events to facts and back, by persisted name and schema version.

use std::borrow::Cow;

use revaer_domain::api_key::KeyEvent;
use revaer_domain::engine::EngineEvent;
use revaer_domain::health::HealthChanged;
use revaer_domain::roots::RootEvent;
use revaer_domain::settings::SettingsEvent;
use revaer_domain::setup::SetupEvent;
use revaer_domain::torrent::TorrentEvent;
use revaer_domain::values::{KeyId, TorrentId};
use revaer_event_log::{Fact, NewFact};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Metadata;
use crate::access::{ACCESS_KINDS, decode_access};
use crate::fsops::{FSOPS_KINDS, decode_fsops, fsops_data, fsops_kind};
use crate::roots::{ROOT_MARKED, decode_root};
use crate::settings::{SETTINGS_CHANGED, decode_settings};

/// A fact that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decoded {
    /// Of one torrent.
    Torrent(TorrentId, TorrentEvent),
    /// Of the session.
    Engine(EngineEvent),
    /// Of the service's parts.
    Health(HealthChanged),
    /// Of the settings.
    Settings(SettingsEvent),
    /// Of one API key.
    Key(KeyId, KeyEvent),
    /// Of the setup.
    Setup(SetupEvent),
    /// Of the roots of libraries.
    Root(RootEvent),
}

/// A fact that was not understood: it was written by a newer version, or it is damaged.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// No such name.
    #[error("unknown kind `{0}`")]
    UnknownKind(String),
    /// A schema version that this build does not know.
    #[error("unknown schema version {version} of `{kind}`")]
    UnknownVersion {
        /// The name.
        kind: String,
        /// The version.
        version: i16,
    },
    /// The JSON is not what the name and version promise.
    #[error("`{kind}` does not parse")]
    Malformed {
        /// The name.
        kind: String,
        /// What serde says.
        #[source]
        source: serde_json::Error,
    },
    /// A torrent's or a key's fact in a stream that is not one's.
    #[error("`{kind}` in stream `{stream}`")]
    Stream {
        /// The name.
        kind: String,
        /// The stream.
        stream: String,
    },
    /// Packed samples that are cut short or too long.
    #[error("packed samples are damaged")]
    Samples,
}

/// The schema version of every kind as it is written today.
pub(crate) const VERSION: i16 = 1;

macro_rules! torrent_kinds {
    ($($name:literal => $variant:ident $(($payload:tt))?),+ $(,)?) => {
        /// The persisted name of a torrent's event.
        pub const fn torrent_kind(event: &TorrentEvent) -> &'static str {
            match event {
                $(torrent_kinds!(@pattern $variant $($payload)?) => $name,)+
                TorrentEvent::Fsops(event) => fsops_kind(event),
            }
        }

        /// Reads a torrent's event back. `schema_version` chooses the upcaster; today there is one version of each kind.
        pub fn decode_torrent(kind: &str, schema_version: i16, data: &str) -> Result<TorrentEvent, DecodeError> {
            if kind.starts_with(FSOPS) {
                return decode_fsops(kind, schema_version, data).map(TorrentEvent::Fsops);
            }
            if schema_version != VERSION {
                return Err(DecodeError::UnknownVersion { kind: kind.to_owned(), version: schema_version });
            }
            match kind {
                $($name => torrent_kinds!(@decode $variant kind data $($payload)?),)+
                other => Err(DecodeError::UnknownKind(other.to_owned())),
            }
        }

        fn torrent_data(event: &TorrentEvent) -> String {
            match event {
                $(torrent_kinds!(@bind $variant payload $($payload)?) => torrent_kinds!(@encode payload $($payload)?),)+
                TorrentEvent::Fsops(event) => fsops_data(event),
            }
        }

        const TORRENT_KINDS: &[&str] = &[$($name),+];
    };
    (@pattern $variant:ident) => { TorrentEvent::$variant };
    (@pattern $variant:ident $payload:tt) => { TorrentEvent::$variant(_) };
    (@bind $variant:ident $name:ident) => { TorrentEvent::$variant };
    (@bind $variant:ident $name:ident $payload:tt) => { TorrentEvent::$variant($name) };
    (@encode $name:ident) => { "{}".to_owned() };
    (@encode $name:ident $payload:tt) => { to_json($name) };
    (@decode $variant:ident $kind:ident $data:ident) => { Ok(TorrentEvent::$variant) };
    (@decode $variant:ident $kind:ident $data:ident $payload:tt) => { from_json($kind, $data).map(TorrentEvent::$variant) };
}

torrent_kinds! {
    "torrent.added" => Added(_),
    "torrent.files_discovered" => FilesDiscovered(_),
    "torrent.selection_changed" => SelectionChanged(_),
    "torrent.selection_applied" => SelectionApplied(_),
    "torrent.paused" => Paused,
    "torrent.resumed" => Resumed,
    "torrent.sequential_changed" => SequentialChanged(_),
    "torrent.rate_cap_changed" => RateCapChanged(_),
    "torrent.share_limits_changed" => ShareLimitsChanged(_),
    "torrent.share_limit_reached" => ShareLimitReached(_),
    "torrent.labels_changed" => LabelsChanged(_),
    "torrent.reannounce_requested" => ReannounceRequested(_),
    "torrent.reannounced" => Reannounced(_),
    "torrent.recheck_requested" => RecheckRequested(_),
    "torrent.rechecked" => Rechecked(_),
    "torrent.state_changed" => StateChanged(_),
    "torrent.completed" => Completed(_),
    "torrent.failed" => Failed(_),
    "torrent.recovered" => Recovered,
    "torrent.reconciled" => Reconciled(_),
    "torrent.move_requested" => MoveRequested(_),
    "torrent.moved" => Moved(_),
    "torrent.move_failed" => MoveFailed(_),
    "torrent.remove_requested" => RemoveRequested(_),
    "torrent.removed" => Removed(_),
    "torrent.counters_recorded" => CountersRecorded(_),
}

/// What the names of a job's events begin with. They are facts of a torrent, too.
const FSOPS: &str = "fsops.";
const ENGINE_STARTED: &str = "engine.started";
const ENGINE_FAULTED: &str = "engine.faulted";
const ENGINE_RESTARTED: &str = "engine.restarted";
const ENGINE_RATE_CAP_APPLIED: &str = "engine.rate_cap_applied";
const HEALTH_CHANGED: &str = "health.changed";

/// Every kind of fact, in the order of the documentation; samples are not facts.
pub const KINDS: [&str; TORRENT_KINDS.len() + FSOPS_KINDS.len() + 7 + ACCESS_KINDS.len()] = {
    let mut kinds = [""; TORRENT_KINDS.len() + FSOPS_KINDS.len() + 7 + ACCESS_KINDS.len()];
    let mut next = 0;
    while next < TORRENT_KINDS.len() {
        kinds[next] = TORRENT_KINDS[next];
        next += 1;
    }
    let mut fsops = 0;
    while fsops < FSOPS_KINDS.len() {
        kinds[next] = FSOPS_KINDS[fsops];
        fsops += 1;
        next += 1;
    }
    kinds[next] = ENGINE_STARTED;
    kinds[next + 1] = ENGINE_FAULTED;
    kinds[next + 2] = ENGINE_RESTARTED;
    kinds[next + 3] = ENGINE_RATE_CAP_APPLIED;
    kinds[next + 4] = HEALTH_CHANGED;
    kinds[next + 5] = SETTINGS_CHANGED;
    kinds[next + 6] = ROOT_MARKED;
    next += 7;
    let mut access = 0;
    while access < ACCESS_KINDS.len() {
        kinds[next + access] = ACCESS_KINDS[access];
        access += 1;
    }
    kinds
};

/// A torrent's event as a fact to append.
pub fn encode_torrent(event: &TorrentEvent, metadata: &Metadata) -> NewFact {
    fact(torrent_kind(event), torrent_data(event), metadata)
}

/// An event of the session as a fact to append.
pub fn encode_engine(event: &EngineEvent, metadata: &Metadata) -> NewFact {
    match event {
        EngineEvent::Started(started) => fact(ENGINE_STARTED, to_json(started), metadata),
        EngineEvent::Faulted(faulted) => fact(ENGINE_FAULTED, to_json(faulted), metadata),
        EngineEvent::Restarted(restarted) => fact(ENGINE_RESTARTED, to_json(restarted), metadata),
        EngineEvent::RateCapApplied(applied) => fact(ENGINE_RATE_CAP_APPLIED, to_json(applied), metadata),
    }
}

/// A change of health as a fact to append.
pub fn encode_health(changed: &HealthChanged, metadata: &Metadata) -> NewFact {
    fact(HEALTH_CHANGED, to_json(changed), metadata)
}

/// Reads any fact back.
pub fn decode(fact: &Fact) -> Result<Decoded, DecodeError> {
    let kind = fact.kind.as_str();
    if kind.starts_with("torrent.") || kind.starts_with(FSOPS) {
        let stream = fact.stream.as_str();
        let id = TorrentId::from_stream(stream)
            .ok_or_else(|| DecodeError::Stream { kind: kind.to_owned(), stream: stream.to_owned() })?;
        return decode_torrent(kind, fact.schema_version, &fact.data)
            .map(|event| Decoded::Torrent(id, event));
    }
    let data = fact.data.as_str();
    if kind.starts_with("settings.") {
        return decode_settings(kind, fact.schema_version, data).map(Decoded::Settings);
    }
    let decoded = match kind {
        ENGINE_STARTED => Decoded::Engine(EngineEvent::Started(from_json(kind, data)?)),
        ENGINE_FAULTED => Decoded::Engine(EngineEvent::Faulted(from_json(kind, data)?)),
        ENGINE_RESTARTED => Decoded::Engine(EngineEvent::Restarted(from_json(kind, data)?)),
        ENGINE_RATE_CAP_APPLIED => Decoded::Engine(EngineEvent::RateCapApplied(from_json(kind, data)?)),
        HEALTH_CHANGED => Decoded::Health(from_json(kind, data)?),
        ROOT_MARKED => Decoded::Root(decode_root(data)?),
        other => decode_access(other, fact.stream.as_str(), data)
            .unwrap_or_else(|| Err(DecodeError::UnknownKind(other.to_owned())))?,
    };
    if fact.schema_version == VERSION {
        Ok(decoded)
    } else {
        Err(DecodeError::UnknownVersion { kind: kind.to_owned(), version: fact.schema_version })
    }
}

pub(crate) fn fact(kind: &'static str, data: String, metadata: &Metadata) -> NewFact {
    NewFact { kind: Cow::Borrowed(kind), schema_version: VERSION, data, meta: to_json(metadata) }
}

pub(crate) fn to_json(payload: &impl Serialize) -> String {
    serde_json::to_string(payload).expect("payloads are plain structs: nothing in them can fail to serialise")
}

pub(crate) fn from_json<T: DeserializeOwned>(kind: &str, data: &str) -> Result<T, DecodeError> {
    serde_json::from_str(data).map_err(|source| DecodeError::Malformed { kind: kind.to_owned(), source })
}
