//! Writes everything that the service remembers into one file, as of one moment, beside the service that goes on.

use std::path::Path;

use anyhow::Context;
use futures::{StreamExt, pin_mut};
use revaer_event_log::{Dump, EventLog, Table};

use super::log::with_log;
use crate::backup::{MANIFEST, Manifest, SEALED_KEY, SealedKey, Writer, piece_name, read_passphrase};
use crate::config::Config;
use crate::exit::Fault;
use crate::server_key;

/// A piece of a table, which is held twice at most. Large enough that its header is nothing, small beside what a service takes.
const PIECE_BYTES: usize = 4 << 20;

/// Writes a backup; with a passphrase the server key goes along.
pub(crate) async fn backup(config: &Config, file: &Path, passphrase: Option<&Path>) -> anyhow::Result<()> {
    let key = server_key::find(&config.data_dir)?;
    let sealed = match (passphrase, &key) {
        (None, _) => None,
        (Some(passphrase), Some(key)) => Some(SealedKey::seal(key, &read_passphrase(passphrase)?)?),
        (Some(_), None) => {
            let place = config.data_dir.display();
            return Err(Fault::Usage(format!("--passphrase-file: there is no server key in {place}")).into());
        }
    };
    with_log(config, async |log: &EventLog| {
        let mut writer = Writer::begin(file)?;
        let mut dump = log.dump().await?;
        let moment = dump.moment().clone();
        let manifest = Manifest::new(&moment, key.as_ref());
        writer.put(MANIFEST.to_owned(), serde_json::to_vec_pretty(&manifest)?).await?;
        if let Some(sealed) = &sealed {
            writer.put(SEALED_KEY.to_owned(), serde_json::to_vec_pretty(sealed)?).await?;
        }
        for table in &moment.tables {
            write_table(&mut writer, &mut dump, table).await?;
        }
        let bytes = writer.end().await?;
        println!(
            "log {} up to position {} is in {}: {} tables, {bytes} bytes",
            log.log_tag(),
            moment.head,
            file.display(),
            moment.tables.len()
        );
        if sealed.is_none() {
            eprintln!(
                "the server key is not in it: keep a copy of {} elsewhere, or give --passphrase-file",
                server_key::path(&config.data_dir).display()
            );
        }
        Ok(())
    })
    .await
}

/// Cuts the rows of a table into pieces, anywhere.
async fn write_table(writer: &mut Writer, dump: &mut Dump, table: &Table) -> anyhow::Result<()> {
    let rows = dump.rows(table).await?;
    pin_mut!(rows);
    let (mut piece, mut number) = (Vec::with_capacity(PIECE_BYTES), 1);
    while let Some(rows) = rows.next().await {
        let rows = rows.with_context(|| format!("table {}", table.name))?;
        let mut rest = rows.as_ref();
        while piece.len() + rest.len() >= PIECE_BYTES {
            let (fits, more) = rest.split_at(PIECE_BYTES - piece.len());
            piece.extend_from_slice(fits);
            rest = more;
            let full = std::mem::replace(&mut piece, Vec::with_capacity(PIECE_BYTES));
            writer.put(piece_name(&table.name, number), full).await?;
            number += 1;
        }
        piece.extend_from_slice(rest);
    }
    // Also of a table without rows: then it is known to have none.
    writer.put(piece_name(&table.name, number), piece).await
}
