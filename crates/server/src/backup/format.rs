//! Names and documents of a backup.

use anyhow::{Context, bail};
use revaer_application::ServerKey;
use revaer_event_log::{Moment, Table};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

/// Raised when a build from before could not read what is written.
const FORMAT: u32 = 1;
/// The first entry.
pub(crate) const MANIFEST: &str = "manifest.json";
/// The second, if it is there.
pub(crate) const SEALED_KEY: &str = "server-key.json";
/// The last one.
pub(super) const SUMS: &str = "sums.json";
/// What tells one server key from another and nothing of either.
const KEY_CHECK_PURPOSE: &str = "revaer backup key check v1";
const KEY_CHECK_BYTES: usize = 8;

/// What a backup is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    format: u32,
    /// The program and its version, for people.
    written_by: String,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) taken_at: OffsetDateTime,
    pub(crate) schema_version: i64,
    pub(crate) log_id: Uuid,
    /// The newest position.
    pub(crate) head: i64,
    /// The hours of which there are samples, in seconds since 1970.
    sample_hours: Vec<i64>,
    tables: Vec<TableForm>,
    /// Tells which server key belongs to it; absent if none was there.
    server_key_check: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct TableForm {
    name: String,
    columns: Vec<String>,
}

impl Manifest {
    /// Of a moment, and of the key that belongs to it.
    pub(crate) fn new(moment: &Moment, key: Option<&ServerKey>) -> Self {
        Self {
            format: FORMAT,
            written_by: concat!("revaerd ", env!("CARGO_PKG_VERSION")).to_owned(),
            taken_at: moment.at,
            schema_version: moment.schema_version,
            log_id: moment.log_id,
            head: moment.head.0,
            sample_hours: moment.sample_hours.iter().map(|hour| hour.unix_timestamp()).collect(),
            tables: moment
                .tables
                .iter()
                .map(|table| TableForm { name: table.name.clone(), columns: table.columns.clone() })
                .collect(),
            server_key_check: key.map(key_check),
        }
    }

    /// Reads the first entry of a backup.
    pub(crate) fn read(bytes: &[u8]) -> anyhow::Result<Self> {
        #[derive(Deserialize)]
        struct Form {
            format: u32,
        }
        let Form { format } = serde_json::from_slice(bytes).context("the manifest cannot be read")?;
        if format != FORMAT {
            bail!("the backup has form {format}, and this build reads form {FORMAT}");
        }
        serde_json::from_slice(bytes).context("the manifest cannot be read")
    }

    pub(crate) fn sample_hours(&self) -> anyhow::Result<Vec<OffsetDateTime>> {
        let hour = |seconds: &i64| OffsetDateTime::from_unix_timestamp(*seconds);
        self.sample_hours.iter().map(hour).collect::<Result<_, _>>().context("the manifest names no hour")
    }

    /// A table that it names.
    pub(crate) fn table(&self, name: &str) -> Option<Table> {
        let form = self.tables.iter().find(|table| table.name == name)?;
        Some(Table { name: form.name.clone(), columns: form.columns.clone() })
    }

    /// Whether a server key is the one that belongs to it; of one that came without, nobody knows.
    pub(crate) fn fits(&self, key: &ServerKey) -> bool {
        self.server_key_check.as_ref().is_none_or(|check| *check == key_check(key))
    }
}

fn key_check(key: &ServerKey) -> String {
    hex::encode(&key.derive(KEY_CHECK_PURPOSE)[..KEY_CHECK_BYTES])
}

/// The name of a table's piece, counted from 1.
pub(crate) fn piece_name(table: &str, number: usize) -> String {
    format!("tables/{table}/{number:06}")
}

/// The table of a piece.
pub(crate) fn table_of(name: &str) -> Option<&str> {
    let (table, _number) = name.strip_prefix("tables/")?.rsplit_once('/')?;
    Some(table)
}
