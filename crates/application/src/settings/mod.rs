//! The settings: a document that facts fold to, held in memory by every process and kept as new as the log.
//!
//! Whoever applies settings watches its section ([`SettingsView::section`]) and is woken when that section changed, by
//! whichever process. A value from the command line wins over the document, in this process alone, and is not recorded.

mod change;
mod error;
mod follow;
mod judge;
mod past;
mod replaced;
mod state;
mod vault;
mod view;

pub use change::SettingsDone;
pub use error::SettingsError;
pub use follow::SettingsFollower;
pub use past::SettingsChange;
pub use replaced::SecretSweeper;
pub use state::Override;
pub(crate) use state::SettingsState;
pub(crate) use vault::{open, seal};
pub use view::{Section, SettingsNow, SettingsView};

use revaer_event_log::StreamId;

/// The stream of the settings.
fn stream() -> StreamId {
    StreamId::new("settings").expect("a word is a stream id")
}
