//! What a list is asked for, and a page of the answer.

use revaer_domain::torrent::Status;
use revaer_event_log::Position;

use crate::TorrentRow;

/// The longest page.
pub(crate) const LIMIT_MAX: u32 = 1000;

/// What a list is sorted by; torrents that are equal in it, by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Sort {
    /// When it was added.
    #[default]
    AddedAt,
    /// The name in lower case.
    Name,
    /// All files together; unknown sizes first.
    Size,
    /// The verified part. It changes while one pages, so a torrent may be skipped or come twice.
    Progress,
}

impl Sort {
    /// The name in a query.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AddedAt => "added_at",
            Self::Name => "name",
            Self::Size => "size",
            Self::Progress => "progress",
        }
    }
}

/// A list of torrents. Every filter that is given must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TorrentQuery {
    /// The most items of a page, 1 to 1,000; others are taken as the nearest of these.
    pub limit: u32,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// A part of the name, in any case.
    pub name: Option<String>,
    /// The state.
    pub state: Option<Status>,
    /// The host of a tracker.
    pub tracker: Option<String>,
    /// The extension of one of the files, without the dot, in any case.
    pub extension: Option<String>,
    /// A label.
    pub label: Option<String>,
    /// The order.
    pub sort: Sort,
    /// Whether the order is turned around.
    pub descending: bool,
}

impl Default for TorrentQuery {
    fn default() -> Self {
        Self {
            limit: 50,
            cursor: None,
            name: None,
            state: None,
            tracker: None,
            extension: None,
            label: None,
            sort: Sort::default(),
            descending: false,
        }
    }
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The torrents.
    pub items: Vec<TorrentRow>,
    /// Where the next page begins; `None` at the end.
    pub next_cursor: Option<String>,
    /// From where to follow the log without a gap; the rows may be younger, so apply by version.
    pub position: Position,
}
