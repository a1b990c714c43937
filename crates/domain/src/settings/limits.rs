//! Rates, and how long a complete torrent shares.

use std::collections::BTreeMap;

use super::catalogue::Kind;
use super::format::Format;
use super::section::{choice, section};
use crate::values::{LABEL_BYTES_MAX, RateLimit};

/// What libtorrent keeps in a signed 32-bit integer; to stop is what pause is for.
const RATE: Kind = Kind::Integer { min: 1, max: 2_147_483_647 };
const RATIO: Kind = Kind::Number { min: 0.0, max: 10_000.0 };
const SEED_TIME: Kind = Kind::Integer { min: 0, max: 10 * 365 * 24 * 3600 };
const CLOCK: Kind = Kind::Text { format: Format::ClockTime, bytes_max: 5 };

section! {
    /// Rates and shares.
    LimitSettings at "/limits";
    groups {
        /// Other limits at certain times of the week.
        schedule: ScheduleSettings;
    }
    keys {
        /// The most that the whole session receives. Null: no limit.
        download_bytes_per_second: Option<RateLimit> = None, RATE, Live;
        /// The most that the whole session sends. Null: no limit.
        upload_bytes_per_second: Option<RateLimit> = None, RATE, Live;
        /// Whether the session's limits bind peers on private addresses too. A change reconnects them.
        apply_to_local_peers: bool = true, Kind::Boolean, Live;
        /// How often a complete torrent sends what it has before `share_action` is taken. Null: without end.
        share_ratio: Option<f64> = None, RATIO, Live;
        /// How long a complete torrent seeds before `share_action` is taken. Null: without end.
        seed_time_seconds: Option<u64> = None, SEED_TIME, Live;
        /// What becomes of a torrent that has reached a limit of sharing.
        share_action: ShareAction = ShareAction::Pause, ShareAction::KIND, Live;
        /// Limits of sharing for torrents with a label, by the label. They win over those of the session, and those of a torrent over both; of several labels the least wins.
        labels: BTreeMap<String, LabelLimits> = BTreeMap::new(),
            Kind::Entries { of: &Kind::Object(LabelLimits::KEYS), entries_max: 256 }, Live;
    }
}

section! {
    /// Limits of sharing for torrents with a label.
    LabelLimits at "";
    keys {
        /// How often a complete torrent sends what it has. Null: as the session's.
        share_ratio: Option<f64> = None, RATIO, Live;
        /// How long a complete torrent seeds. Null: as the session's.
        seed_time_seconds: Option<u64> = None, SEED_TIME, Live;
        /// What becomes of it then. Null: as the session's.
        share_action: Option<ShareAction> = None, ShareAction::KIND, Live;
    }
}

section! {
    /// Other limits at certain times of the week.
    ScheduleSettings at "/limits/schedule";
    keys {
        /// Where the times of the rules are told, by its name in the tz database.
        time_zone: String = "UTC".to_owned(), Kind::Text { format: Format::TimeZone, bytes_max: 64 }, Live;
        /// The rules. The first one that holds wins; where none holds, the session's own limits do.
        rules: Vec<ScheduleRule> = Vec::new(),
            Kind::List { of: &Kind::Object(ScheduleRule::KEYS), items_max: 64 }, Live;
    }
}

section! {
    /// The session's limits at certain times of the week.
    ScheduleRule at "";
    keys {
        /// The days on which it begins.
        days: Vec<Weekday> = Weekday::ALL.to_vec(), Kind::List { of: &Weekday::KIND, items_max: 7 }, Live;
        /// When it begins, `HH:MM` on the clock of the time zone.
        from: String = "00:00".to_owned(), CLOCK, Live;
        /// When it ends, `HH:MM` up to `24:00`; if it is not later than the beginning, on the next day.
        to: String = "24:00".to_owned(), CLOCK, Live;
        /// The most that the whole session receives. Null: no limit.
        download_bytes_per_second: Option<RateLimit> = None, RATE, Live;
        /// The most that the whole session sends. Null: no limit.
        upload_bytes_per_second: Option<RateLimit> = None, RATE, Live;
    }
}

choice! {
    /// What becomes of a torrent that has shared enough.
    ShareAction {
        /// It is paused.
        Pause = "pause",
        /// It is removed; its files stay.
        Remove = "remove",
        /// It goes on.
        Nothing = "nothing",
    }
}

choice! {
    /// A day of the week.
    Weekday {
        /// Monday.
        Monday = "monday",
        /// Tuesday.
        Tuesday = "tuesday",
        /// Wednesday.
        Wednesday = "wednesday",
        /// Thursday.
        Thursday = "thursday",
        /// Friday.
        Friday = "friday",
        /// Saturday.
        Saturday = "saturday",
        /// Sunday.
        Sunday = "sunday",
    }
}

impl Weekday {
    /// The week.
    pub const ALL: [Self; 7] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
        Self::Sunday,
    ];
}

/// The longest name of an entry.
pub(super) const NAME_BYTES_MAX: usize = LABEL_BYTES_MAX;
