//! A torrent as the index takes it from its row, and its place in an order.

use std::cmp::Ordering;
use std::sync::Arc;

use revaer_domain::values::TorrentId;
use sqlx::postgres::{PgPool, PgRow};
use sqlx::{AssertSqlSafe, Row};
use time::OffsetDateTime;

use crate::cursor::{Cursor, Key};
use crate::list::SELECT;
use crate::torrents::NAME_KEY_CHARS;

/// What a facet is a value of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    State,
    Tracker,
    Extension,
    Label,
}

/// A value that a torrent has as a whole or has not.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Facet {
    pub(crate) kind: Kind,
    pub(crate) value: Arc<str>,
}

/// All that a torrent is found and sorted by.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) id: TorrentId,
    pub(crate) sorted: Sorted,
    pub(crate) facets: Vec<Facet>,
}

/// What a torrent is sorted by.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sorted {
    /// Microseconds since 1970.
    pub(crate) added_at: i64,
    /// In lower case, whole: it is searched, too.
    pub(crate) name: Box<str>,
    pub(crate) size: i64,
    pub(crate) progress: f64,
}

/// A place in one of the orders. Two of different orders are not compared.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) key: PlaceKey<'a>,
    pub(crate) id: TorrentId,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum PlaceKey<'a> {
    Number(i64),
    Name(Name<'a>),
    Progress(f64),
}

impl<'a> Place<'a> {
    /// Where a page ended; `None` for an id that is none of ours, which only the database can compare.
    pub(crate) fn of(cursor: &'a Cursor) -> Option<Self> {
        let id: TorrentId = cursor.id.parse().ok().filter(|id: &TorrentId| id.to_string() == cursor.id)?;
        let key = match &cursor.key {
            Key::Time(number) | Key::Size(number) => PlaceKey::Number(*number),
            Key::Name(name) => PlaceKey::Name(Name::of(name)),
            Key::Progress(bits) => PlaceKey::Progress(f64::from_bits(*bits)),
        };
        Some(Self { key, id })
    }

    /// Compares as PostgreSQL compares the columns.
    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        let keys = match (self.key, other.key) {
            (PlaceKey::Number(one), PlaceKey::Number(other)) => one.cmp(&other),
            (PlaceKey::Name(one), PlaceKey::Name(other)) => {
                one.head.cmp(&other.head).then_with(|| one.key().cmp(other.key()))
            }
            (PlaceKey::Progress(one), PlaceKey::Progress(other)) => {
                one.partial_cmp(&other).unwrap_or(Ordering::Equal)
            }
            _ => Ordering::Equal,
        };
        keys.then_with(|| self.id.cmp(&other.id))
    }
}

/// A name as it is sorted: its first eight bytes, which tell most names apart, and all of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Name<'a> {
    pub(crate) head: u64,
    pub(crate) whole: &'a str,
}

impl<'a> Name<'a> {
    /// Filled up with zeros, which no name holds, so that a beginning comes before what it begins.
    pub(crate) fn of(whole: &'a str) -> Self {
        let mut head = [0; 8];
        let length = whole.len().min(head.len());
        head[..length].copy_from_slice(&whole.as_bytes()[..length]);
        Self { head: u64::from_be_bytes(head), whole }
    }

    /// The part of a name that it is sorted by.
    pub(crate) fn key(self) -> &'a str {
        // Of most names one need not count the characters.
        if self.whole.len() <= NAME_KEY_CHARS {
            return self.whole;
        }
        self.whole.char_indices().nth(NAME_KEY_CHARS).map_or(self.whole, |(end, _)| &self.whole[..end])
    }
}

/// A page of all rows, in the order of ids.
pub(crate) async fn page(pool: &PgPool, after: &str, rows: i64) -> Result<Vec<Entry>, sqlx::Error> {
    let statement = columns("listed.id > $1 ORDER BY listed.id LIMIT $2");
    let rows = sqlx::query(AssertSqlSafe(statement)).bind(after).bind(rows).fetch_all(pool).await?;
    rows.iter().map(Entry::read).collect()
}

/// The rows of some torrents; those that are not in the list are left out.
pub(crate) async fn of(pool: &PgPool, ids: &[TorrentId]) -> Result<Vec<Entry>, sqlx::Error> {
    let ids: Vec<_> = ids.iter().map(TorrentId::to_string).collect();
    let rows = sqlx::query(AssertSqlSafe(columns("listed.id = ANY ($1)"))).bind(ids).fetch_all(pool).await?;
    rows.iter().map(Entry::read).collect()
}

fn columns(which: &str) -> String {
    format!(
        "SELECT id, status, added_at, name_lower, size_key, progress, labels, trackers, extensions \
         FROM ({SELECT}) AS listed WHERE {which}"
    )
}

impl Entry {
    fn read(row: &PgRow) -> Result<Self, sqlx::Error> {
        let id: &str = row.try_get("id")?;
        let id = id.parse().map_err(|_| sqlx::Error::ColumnDecode {
            index: "id".to_owned(),
            source: "the read model holds what no projector wrote".into(),
        })?;
        let added_at: OffsetDateTime = row.try_get("added_at")?;
        let mut facets =
            vec![Facet { kind: Kind::State, value: Arc::from(row.try_get::<&str, _>("status")?) }];
        for (kind, column) in
            [(Kind::Tracker, "trackers"), (Kind::Extension, "extensions"), (Kind::Label, "labels")]
        {
            let values: Option<Vec<String>> = row.try_get(column)?;
            let values = values.unwrap_or_default().into_iter();
            facets.extend(values.map(|value| Facet { kind, value: Arc::from(value) }));
        }
        let sorted = Sorted {
            added_at: i64::try_from(added_at.unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX),
            name: row.try_get::<&str, _>("name_lower")?.into(),
            size: row.try_get("size_key")?,
            progress: row.try_get("progress")?,
        };
        Ok(Self { id, sorted, facets })
    }
}
