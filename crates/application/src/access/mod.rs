//! Who may ask: API keys, and the setup that issues the first one.
//!
//! Facts name keys by id and fingerprint. Every process keeps the keys that are live in memory, as new as the log whoever
//! changed them, so that a request costs one keyed hash and one look-up and never the database.

mod authenticate;
mod directory;
mod error;
mod follow;
mod hashes;
mod keys;
mod secret;
mod server_key;
mod setup;
mod streams;
mod uses;

pub use authenticate::{AuthFailure, Principal};
pub(crate) use directory::Access;
pub use directory::KeyView;
pub use error::{KeyError, SetupError};
pub use follow::AccessFollower;
pub use keys::{GRACE_DEFAULT, GRACE_MAX, IssueKey, IssuedKey, KEYS_MAX};
pub use secret::{InvalidSetupToken, Secret, SetupToken};
pub use server_key::ServerKey;
pub(crate) use server_key::random;
pub use setup::{IssuedToken, SetupView, TOKEN_VALIDITY};
pub use uses::UseRecorder;
