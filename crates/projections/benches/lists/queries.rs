//! The pages that are measured: every filter that the library knows, each pair of two kinds, every sort and direction.

use revaer_domain::torrent::Status;
use revaer_projections::{Sort, TorrentQuery};

/// Where a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cursor {
    /// At the start of the list.
    Start,
    /// In the middle of all torrents in this order.
    Middle,
}

/// One page.
pub(crate) struct Case {
    /// Without its cursor.
    pub(crate) query: TorrentQuery,
    /// Where it begins.
    pub(crate) cursor: Cursor,
    /// How many filters it has.
    pub(crate) filters: usize,
    /// What it is reported under.
    pub(crate) group: String,
    /// Its filters with their values.
    pub(crate) named: String,
}

#[derive(Clone, Copy)]
enum Filter {
    Name(&'static str),
    State(Status),
    Tracker(&'static str),
    Extension(&'static str),
    Label(&'static str),
}

/// From what most torrents have to what none has.
const FILTERS: [Filter; 21] = [
    Filter::Name("1080p"),
    Filter::Name("E1"),
    Filter::Name("remastered"),
    Filter::Name("zyzzyva"),
    Filter::Name("nowhere"),
    Filter::State(Status::Seeding),
    Filter::State(Status::Downloading),
    Filter::State(Status::Metadata),
    Filter::State(Status::Failed),
    Filter::Tracker("open.example"),
    Filter::Tracker("tracker3.example"),
    Filter::Tracker("private.example"),
    Filter::Extension("mkv"),
    Filter::Extension("flac"),
    Filter::Extension("iso"),
    Filter::Label("tenth"),
    Filter::Label("hundredth"),
    Filter::Label("thousandth"),
    Filter::Label("ten-thousandth"),
    Filter::Label("hundred-thousandth"),
    Filter::Label("newest"),
];

impl Filter {
    const fn kind(self) -> &'static str {
        match self {
            Self::Name(_) => "name",
            Self::State(_) => "state",
            Self::Tracker(_) => "tracker",
            Self::Extension(_) => "extension",
            Self::Label(_) => "label",
        }
    }

    const fn value(self) -> &'static str {
        match self {
            Self::State(state) => state.name(),
            Self::Name(text) | Self::Tracker(text) | Self::Extension(text) | Self::Label(text) => text,
        }
    }

    fn put(self, query: &mut TorrentQuery) {
        match self {
            Self::Name(part) => query.name = Some(part.to_owned()),
            Self::State(state) => query.state = Some(state),
            Self::Tracker(host) => query.tracker = Some(host.to_owned()),
            Self::Extension(extension) => query.extension = Some(extension.to_owned()),
            Self::Label(label) => query.label = Some(label.to_owned()),
        }
    }
}

/// Every page.
pub(crate) fn all() -> Vec<Case> {
    let mut sets = vec![vec![]];
    for (index, one) in FILTERS.iter().enumerate() {
        sets.push(vec![*one]);
        let others = FILTERS[index + 1..].iter().filter(|other| other.kind() != one.kind());
        sets.extend(others.map(|other| vec![*one, *other]));
    }
    let mut cases = Vec::new();
    for sort in [Sort::AddedAt, Sort::Name, Sort::Size, Sort::Progress] {
        for set in &sets {
            for descending in [false, true] {
                for cursor in [Cursor::Start, Cursor::Middle] {
                    cases.push(case(sort, descending, cursor, set));
                }
            }
        }
    }
    cases
}

fn case(sort: Sort, descending: bool, cursor: Cursor, set: &[Filter]) -> Case {
    let mut query = TorrentQuery { sort, descending, ..TorrentQuery::default() };
    for filter in set {
        filter.put(&mut query);
    }
    let kinds: Vec<_> = set.iter().map(|filter| filter.kind()).collect();
    let values: Vec<_> = set.iter().map(|filter| format!("{}={}", filter.kind(), filter.value())).collect();
    Case {
        query,
        cursor,
        filters: set.len(),
        group: if kinds.is_empty() { "none".to_owned() } else { kinds.join(" + ") },
        named: values.join(" "),
    }
}
