//! `(settings, command)` into events.

use serde_json::Value;

use super::catalogue::{self, Effect};
use super::command::{Patch, Refused, Reversal, SettingsCommand};
use super::document::{differences, get, put};
use super::event::{Change, Changed, SettingsEvent};
use super::patch::{Fault, FaultCode, merge};
use super::{Settings, rules};

/// Decides on one command. What already holds gives no event.
pub fn decide(settings: &Settings, command: &SettingsCommand) -> Result<Vec<SettingsEvent>, Refused> {
    match command {
        SettingsCommand::Identify { id } => Ok(identify(settings, id)),
        SettingsCommand::Patch(patch) => change(settings, patch),
        SettingsCommand::Revert(of) => revert(settings, of),
        SettingsCommand::Compensate { of, reason } => compensate(settings, of, reason),
    }
}

fn identify(settings: &Settings, id: &str) -> Vec<SettingsEvent> {
    if settings.instance.id.is_some() {
        return Vec::new();
    }
    let change = Change { path: "/instance/id".to_owned(), old: Value::Null, new: id.into() };
    changed(vec![change], None, None)
}

fn change(settings: &Settings, patch: &Patch) -> Result<Vec<SettingsEvent>, Refused> {
    let merged = merge(settings, patch).map_err(Refused::Invalid)?;
    Ok(changed(differences(&settings.document(), &merged.document()), None, None))
}

fn revert(settings: &Settings, of: &Reversal) -> Result<Vec<SettingsEvent>, Refused> {
    let document = settings.document();
    let overwritten: Vec<String> = of
        .changes
        .iter()
        .filter(|change| {
            let now = get(&document, &change.path);
            now != change.new && now != change.old
        })
        .map(|change| change.path.clone())
        .collect();
    if !overwritten.is_empty() {
        return Err(Refused::Overwritten(overwritten));
    }
    take_back(settings, &of.changes.iter().collect::<Vec<_>>(), of.position, None)
}

fn compensate(settings: &Settings, of: &Reversal, reason: &str) -> Result<Vec<SettingsEvent>, Refused> {
    let document = settings.document();
    let standing: Vec<_> =
        of.changes.iter().filter(|change| get(&document, &change.path) == change.new).collect();
    take_back(settings, &standing, of.position, Some(reason.to_owned()))
}

/// The inverse of changes, if the document is sound after it.
fn take_back(
    settings: &Settings,
    changes: &[&Change],
    position: i64,
    reason: Option<String>,
) -> Result<Vec<SettingsEvent>, Refused> {
    let mut faults = Vec::new();
    let old = settings.document();
    let mut new = old.clone();
    for change in changes {
        if catalogue::find(&change.path).is_some_and(|key| key.effect == Effect::Immutable) {
            faults.push(Fault::new(&change.path, FaultCode::Immutable, "never changes".to_owned()));
        }
        put(&mut new, &change.path, &change.old);
        if get(&new, &change.path) != change.old {
            let detail = "no longer takes its earlier value".to_owned();
            faults.push(Fault::new(&change.path, FaultCode::Invalid, detail));
        }
    }
    match Settings::read(new) {
        Some(reverted) if faults.is_empty() => {
            faults = rules::check(&reverted);
            if faults.is_empty() {
                return Ok(changed(differences(&old, &reverted.document()), Some(position), reason));
            }
        }
        _ => {}
    }
    Err(Refused::Unfit(faults))
}

fn changed(changes: Vec<Change>, reverts: Option<i64>, reason: Option<String>) -> Vec<SettingsEvent> {
    if changes.is_empty() {
        return Vec::new();
    }
    vec![SettingsEvent::Changed(Changed { changes, reverts, reason })]
}
