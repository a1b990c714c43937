//! The settings as they are now, for those who apply them.

use std::sync::Arc;

use revaer_domain::settings::Settings;
use revaer_event_log::{Position, Version};
use tokio::sync::watch;

/// The settings at a moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SettingsNow {
    /// What is in force in this process: the document, with what the command line says over it.
    pub in_force: Settings,
    /// The document, as the log has it.
    pub recorded: Settings,
    /// The version of the stream; zero before the first change.
    pub version: Version,
    /// The position of the last change.
    pub position: Position,
}

/// Follows the settings. A cheap clone.
#[derive(Debug, Clone)]
pub struct SettingsView {
    receiver: watch::Receiver<Arc<SettingsNow>>,
}

/// Follows one section, or any other part of the settings.
#[derive(Debug, Clone)]
pub struct Section<T> {
    receiver: watch::Receiver<Arc<SettingsNow>>,
    part: fn(&Settings) -> &T,
    seen: T,
}

impl SettingsView {
    pub(super) const fn new(receiver: watch::Receiver<Arc<SettingsNow>>) -> Self {
        Self { receiver }
    }

    /// The settings now.
    pub fn now(&self) -> Arc<SettingsNow> {
        Arc::clone(&self.receiver.borrow())
    }

    /// The next change of anything; the newest one, if there were several. Never, once the application is gone.
    pub async fn changed(&mut self) -> Arc<SettingsNow> {
        if self.receiver.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        Arc::clone(&self.receiver.borrow_and_update())
    }

    /// A part to follow, as `|settings| &settings.engine`.
    pub fn section<T: Clone + PartialEq>(&self, part: fn(&Settings) -> &T) -> Section<T> {
        let mut receiver = self.receiver.clone();
        let seen = part(&receiver.borrow_and_update().in_force).clone();
        Section { receiver, part, seen }
    }
}

impl<T: Clone + PartialEq> Section<T> {
    /// The part as it was seen last.
    pub const fn seen(&self) -> &T {
        &self.seen
    }

    /// Waits until the part is another one than was seen last, and gives it with all the settings that it came with: the
    /// position tells which change it was. Never, once the application is gone. May be cancelled.
    pub async fn changed(&mut self) -> (T, Arc<SettingsNow>) {
        loop {
            if self.receiver.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            let now = Arc::clone(&self.receiver.borrow_and_update());
            let part = (self.part)(&now.in_force);
            if *part != self.seen {
                self.seen = part.clone();
                return (part.clone(), now);
            }
        }
    }
}
