//! The table of hashes. A hash commits before the fact that names its fingerprint.

use revaer_domain::values::Fingerprint;
use sqlx::PgPool;

use super::server_key::SecretHash;

/// Stores the hash of a secret.
pub(super) async fn put(
    pool: &PgPool,
    stream: &str,
    fingerprint: Fingerprint,
    hash: &SecretHash,
) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO secret_hashes (stream_id, fingerprint, hash) VALUES ($1, $2, $3)")
        .bind(stream)
        .bind(fingerprint.to_string())
        .bind(&hash.0[..])
        .execute(pool)
        .await
        .map(drop)
}

/// The hash that a fingerprint stands for.
pub(super) async fn find(
    pool: &PgPool,
    stream: &str,
    fingerprint: Fingerprint,
) -> Result<Option<SecretHash>, sqlx::Error> {
    let hash: Option<Vec<u8>> =
        sqlx::query_scalar("SELECT hash FROM secret_hashes WHERE stream_id = $1 AND fingerprint = $2")
            .bind(stream)
            .bind(fingerprint.to_string())
            .fetch_optional(pool)
            .await?;
    // The table holds 32 bytes by a constraint.
    Ok(hash.and_then(|hash| hash.try_into().ok()).map(SecretHash))
}

/// Forgets what a stream had: a key that was revoked proves nothing any more.
pub(super) async fn forget(pool: &PgPool, stream: &str) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM secret_hashes WHERE stream_id = $1").bind(stream).execute(pool).await.map(drop)
}

/// Forgets one.
pub(super) async fn forget_one(
    pool: &PgPool,
    stream: &str,
    fingerprint: Fingerprint,
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM secret_hashes WHERE stream_id = $1 AND fingerprint = $2")
        .bind(stream)
        .bind(fingerprint.to_string())
        .execute(pool)
        .await
        .map(drop)
}
