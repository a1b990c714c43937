//! Short ways to change settings.

use std::collections::BTreeSet;

use revaer_domain::settings::{
    Changed, Fault, Patch, Refused, Reversal, Settings, SettingsCommand, SettingsEvent, decide,
};
use serde_json::Value;

/// Settings and what was recorded of them.
#[derive(Default)]
pub(crate) struct Story {
    pub(crate) settings: Settings,
    pub(crate) recorded: Vec<Changed>,
}

impl Story {
    /// Gives a command and folds what comes of it.
    pub(crate) fn command(&mut self, command: &SettingsCommand) -> Result<usize, Refused> {
        let events = decide(&self.settings, command)?;
        for event in &events {
            self.settings.apply(event);
            let SettingsEvent::Changed(changed) = event;
            self.recorded.push(changed.clone());
        }
        Ok(events.len())
    }

    pub(crate) fn patch(&mut self, request: Value) -> Result<usize, Refused> {
        self.command(&patch(request))
    }

    /// A patch that has to be right.
    pub(crate) fn with(mut self, request: Value) -> Self {
        self.patch(request).expect("fits");
        self
    }

    /// Everything that is wrong with a patch.
    pub(crate) fn faults(&self, request: Value) -> Vec<Fault> {
        match decide(&self.settings, &patch(request)) {
            Err(Refused::Invalid(faults)) => faults,
            other => panic!("is not refused: {other:?}"),
        }
    }

    /// Takes the change with this number back.
    pub(crate) fn revert(&mut self, number: usize) -> Result<usize, Refused> {
        let command = SettingsCommand::Revert(self.reversal(number));
        self.command(&command)
    }

    pub(crate) fn reversal(&self, number: usize) -> Reversal {
        let position = i64::try_from(number).expect("few") + 1;
        Reversal { position, changes: self.recorded[number].changes.clone() }
    }
}

pub(crate) fn patch(request: Value) -> SettingsCommand {
    SettingsCommand::Patch(Patch { request, secrets: BTreeSet::new() })
}
