//! Brings a backup back into an empty database, in one transaction, and recounts what came.
//!
//! Nothing that is there is written over: neither a log nor a server key. A backup that turns out to be damaged leaves the
//! database without a row, and the data directory without a key.

use std::path::Path;

use anyhow::{Context, bail};
use revaer_application::ServerKey;
use revaer_event_log::{EventLog, Load, Options, Position};
use revaer_postgres_embedded::DataDirLock;
use revaer_projections::{PROJECTIONS, Projector};
use sqlx::PgPool;

use super::log::recount;
use crate::backup::{MANIFEST, Manifest, Reader, SEALED_KEY, SealedKey, read_passphrase, table_of};
use crate::config::Config;
use crate::database::{Database, in_use};
use crate::exit::Fault;
use crate::server_key;

/// Restores a backup; a passphrase opens the server key in it.
pub(crate) async fn restore(config: &Config, file: &Path, passphrase: Option<&Path>) -> anyhow::Result<()> {
    // Nobody may serve from the directory, nor begin to, before all is there.
    let _lock = DataDirLock::acquire(&config.data_dir).map_err(in_use)?;
    let mut reader = Reader::open(file)?;
    let (name, bytes) = reader.next().await?.context("the backup is empty")?;
    if name != MANIFEST {
        bail!("{} is no backup of revaerd: it begins with {name}", file.display());
    }
    let manifest = Manifest::read(&bytes)?;
    let mut next = reader.next().await?;
    let sealed = match next.take_if(|(name, _)| name == SEALED_KEY) {
        Some((_, bytes)) => {
            next = reader.next().await?;
            Some(serde_json::from_slice(&bytes).context("the sealed server key is damaged")?)
        }
        None => None,
    };
    let key = key(config, &manifest, sealed.as_ref(), passphrase)?;

    let database = Database::of_service(config).await?;
    let pool = database.connect(config.database_wait).await?;
    let worked = async {
        let tag = load(&pool, &manifest, reader, next).await?;
        if let Some(key) = key {
            server_key::put(&config.data_dir, &key)?;
        }
        println!(
            "log {} of {} up to position {} came back as log {tag}",
            &manifest.log_id.simple().to_string()[..tag.len()],
            manifest.taken_at,
            Position(manifest.head),
        );
        build_and_recount(&pool).await
    };
    let worked = worked.await.map_err(Fault::name_lost_database);
    pool.close().await;
    let stopped = database.stop().await;
    worked.and(stopped)
}

/// The server key to be put into the data directory, if it is not there already. Without any, nobody could ask for anything:
/// every API key and every secret of the settings depends on it.
fn key(
    config: &Config,
    manifest: &Manifest,
    sealed: Option<&SealedKey>,
    passphrase: Option<&Path>,
) -> anyhow::Result<Option<ServerKey>> {
    let place = server_key::path(&config.data_dir);
    let found = server_key::find(&config.data_dir)?;
    let brought = match (sealed, passphrase) {
        (Some(sealed), Some(passphrase)) => Some(sealed.open(&read_passphrase(passphrase)?)?),
        (None, Some(_)) => {
            return Err(
                Fault::Usage("--passphrase-file: the server key is not in this backup".to_owned()).into()
            );
        }
        (_, None) => None,
    };
    let refuse = |what: String| Err(Fault::Usage(what).into());
    match (found, brought) {
        (Some(found), _) if !manifest.fits(&found) => {
            refuse(format!("{} is not the server key that belongs to this backup", place.display()))
        }
        (Some(_), _) => Ok(None),
        (None, Some(brought)) => Ok(Some(brought)),
        (None, None) if sealed.is_some() => refuse(format!(
            "give the --passphrase-file of this backup, or put its server key at {}",
            place.display()
        )),
        (None, None) => refuse(format!(
            "the server key is not in this backup: put the one that belongs to it at {}, or no API key is accepted",
            place.display()
        )),
    }
}

/// Loads every table; the tag of the new log.
async fn load(
    pool: &PgPool,
    manifest: &Manifest,
    mut reader: Reader,
    mut next: Option<(String, Vec<u8>)>,
) -> anyhow::Result<String> {
    let mut load = Load::begin(pool, manifest.schema_version, &manifest.sample_hours()?).await?;
    while let Some((name, piece)) = next.take() {
        let table = table_of(&name).and_then(|table| manifest.table(table));
        let table = table.with_context(|| format!("the backup has an entry {name} that nobody knows"))?;
        let mut rows = load.rows(&table).await?;
        rows.send(&piece).await?;
        drop(piece);
        loop {
            match reader.next().await? {
                Some((name, piece)) if table_of(&name) == Some(table.name.as_str()) => {
                    rows.send(&piece).await?;
                }
                other => {
                    next = other;
                    break;
                }
            }
        }
        let rows = rows.end().await.with_context(|| format!("table {}", table.name))?;
        tracing::info!(table = table.name, rows, "came back");
    }
    // Only now is it known that every piece was what had been written.
    Ok(load.end().await?)
}

async fn build_and_recount(pool: &PgPool) -> anyhow::Result<()> {
    let (log, _runner) = EventLog::open(pool.clone(), Options::default()).await?;
    // Makes what the read models are built beside.
    drop(Projector::open(log.clone()).await.context("the read models cannot be made")?);
    for name in PROJECTIONS {
        revaer_projections::rebuild(&log, name).await.with_context(|| format!("cannot build {name}"))?;
    }
    recount(&log).await
}
