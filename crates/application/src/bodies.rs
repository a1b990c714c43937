//! Large bodies beside the log: torrent files, file lists, resume data, session state.
//!
//! A body commits before the fact that relies on it. Torrent files and file lists never change; resume data is one row a
//! torrent, replaced in a transaction and guarded by its hash, never a file that tears.

use revaer_domain::values::{InfoHash, TorrentId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::PgPool;

/// A file of a torrent, as stored in a file list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TorrentFile {
    /// Path inside the torrent, top folder included, with `/` between the parts.
    pub path: String,
    /// Its size.
    pub size_bytes: u64,
}

/// Resume data to store.
#[derive(Debug, Clone)]
pub struct ResumeRow {
    /// Whose.
    pub id: TorrentId,
    /// How many pieces it calls complete.
    pub piece_count: u32,
    /// libtorrent's bencoded resume data.
    pub body: Vec<u8>,
}

/// The tables of bodies.
#[derive(Debug, Clone)]
pub struct Bodies {
    pub(crate) pool: PgPool,
}

impl Bodies {
    /// Bodies in the database of the log.
    pub const fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// Stores a torrent file under an info hash; one that is there stays.
    pub async fn put_metainfo(&self, hash: &InfoHash, body: &[u8]) -> Result<(), sqlx::Error> {
        sqlx::query(
            "INSERT INTO metainfo (info_hash, body) VALUES ($1, $2) ON CONFLICT (info_hash) DO NOTHING",
        )
        .bind(hash.to_string())
        .bind(body)
        .execute(&self.pool)
        .await
        .map(drop)
    }

    /// The torrent file kept under one of the hashes.
    pub async fn metainfo(&self, hashes: &[InfoHash]) -> Result<Option<Vec<u8>>, sqlx::Error> {
        let hashes: Vec<_> = hashes.iter().map(InfoHash::to_string).collect();
        sqlx::query_scalar("SELECT body FROM metainfo WHERE info_hash = ANY($1) LIMIT 1")
            .bind(hashes)
            .fetch_optional(&self.pool)
            .await
    }

    /// Stores the file list of a torrent; one that is there stays.
    pub async fn put_files(&self, id: TorrentId, files: &[TorrentFile]) -> Result<(), sqlx::Error> {
        sqlx::query(
            "INSERT INTO file_lists (torrent_id, body) VALUES ($1, $2) ON CONFLICT (torrent_id) DO NOTHING",
        )
        .bind(id.to_string())
        .bind(sqlx::types::Json(files))
        .execute(&self.pool)
        .await
        .map(drop)
    }

    /// The file list of a torrent; `None` until its metadata is known.
    pub async fn files(&self, id: TorrentId) -> Result<Option<Vec<TorrentFile>>, sqlx::Error> {
        let list: Option<sqlx::types::Json<Vec<TorrentFile>>> =
            sqlx::query_scalar("SELECT body FROM file_lists WHERE torrent_id = $1")
                .bind(id.to_string())
                .fetch_optional(&self.pool)
                .await?;
        Ok(list.map(|list| list.0))
    }

    /// Replaces the resume data of several torrents in one transaction.
    pub async fn put_resume_data(&self, rows: &[ResumeRow]) -> Result<(), sqlx::Error> {
        if rows.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = rows.iter().map(|row| row.id.to_string()).collect();
        let counts: Vec<_> =
            rows.iter().map(|row| i32::try_from(row.piece_count).unwrap_or(i32::MAX)).collect();
        let hashes: Vec<_> = rows.iter().map(|row| Sha256::digest(&row.body).to_vec()).collect();
        let bodies: Vec<_> = rows.iter().map(|row| row.body.as_slice()).collect();
        sqlx::query(include_str!("sql/put_resume_data.sql"))
            .bind(ids)
            .bind(counts)
            .bind(hashes)
            .bind(bodies)
            .execute(&self.pool)
            .await
            .map(drop)
    }

    /// The resume data of a torrent. A body that its hash does not match is as good as none.
    pub async fn resume_data(&self, id: TorrentId) -> Result<Option<Vec<u8>>, sqlx::Error> {
        let row: Option<(Vec<u8>, Vec<u8>)> =
            sqlx::query_as("SELECT sha256, body FROM resume_data WHERE torrent_id = $1")
                .bind(id.to_string())
                .fetch_optional(&self.pool)
                .await?;
        Ok(row.and_then(|(hash, body)| (Sha256::digest(&body)[..] == hash[..]).then_some(body)))
    }

    /// Sets resume data aside that libtorrent refused, before newer takes its place: somebody may want to look into it.
    pub async fn set_resume_data_aside(&self, id: TorrentId) -> Result<(), sqlx::Error> {
        sqlx::query("UPDATE resume_data SET refused_body = body WHERE torrent_id = $1")
            .bind(id.to_string())
            .execute(&self.pool)
            .await
            .map(drop)
    }

    /// Drops what a removed torrent leaves: its resume data. Metainfo and file list stay, the log refers to them.
    pub async fn forget_resume_data(&self, id: TorrentId) -> Result<(), sqlx::Error> {
        sqlx::query("DELETE FROM resume_data WHERE torrent_id = $1")
            .bind(id.to_string())
            .execute(&self.pool)
            .await
            .map(drop)
    }

    /// Replaces the session's own state (DHT and the like) of one node.
    pub async fn put_session_state(&self, node: &str, body: &[u8]) -> Result<(), sqlx::Error> {
        sqlx::query(include_str!("sql/put_session_state.sql"))
            .bind(node)
            .bind(body)
            .execute(&self.pool)
            .await
            .map(drop)
    }

    /// The session's state as saved last.
    pub async fn session_state(&self, node: &str) -> Result<Option<Vec<u8>>, sqlx::Error> {
        sqlx::query_scalar("SELECT body FROM session_state WHERE node = $1")
            .bind(node)
            .fetch_optional(&self.pool)
            .await
    }
}
