//! Why settings were not changed.

use revaer_domain::settings::Refused;

use crate::CommandError;

/// A change of settings that left nothing in the log.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The rules refuse it.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// What should be reverted is no change of settings.
    #[error("no change of settings has this position")]
    NoSuchChange,
    /// As with any command.
    #[error(transparent)]
    Command(#[from] CommandError),
}
