//! The form of a backup: one file, `tar` packed by `zstd`, that is written and read piece by piece.
//!
//! ```text
//! manifest.json             what it is: form, schema version, log, newest position, tables and columns
//! server-key.json           the server key, sealed under a passphrase; only if one was given
//! tables/<table>/000001     rows as PostgreSQL's COPY writes them in text, cut into pieces anywhere
//! sums.json                 name, bytes and SHA-256 of every entry before it, and rows have ended
//! ```
//!
//! The sums come last because nothing is known of rows before they were read; a file without them is no backup. Standard tools
//! open all of it: `tar --zstd -xf`. Whose moment it is, and what is in a table, is the business of the log.

mod archive;
mod format;
mod sealed_key;

pub(crate) use archive::{Reader, Writer};
pub(crate) use format::{MANIFEST, Manifest, SEALED_KEY, piece_name, table_of};
pub(crate) use sealed_key::{SealedKey, read_passphrase};
