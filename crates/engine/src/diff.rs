//! The comparison: pure and total. What is under way is not asked for again, and what cannot be done yet is left for later.

use revaer_domain::values::SavePath;

use crate::actual::Actual;
use crate::desired::{Desired, Presence};

/// One step towards what the log says. The values that it needs are in [`Desired`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineAction {
    /// Add it, with its flags, limits and priorities.
    Add,
    /// Let it stand still.
    Pause,
    /// Let it go on.
    Resume,
    /// Leave to libtorrent's queue when it runs, or not.
    SetQueued,
    /// Download in order, or not.
    SetSequential,
    /// Replace the limits.
    SetRateCap,
    /// Follow the rule.
    ApplySelection {
        /// Which rule.
        revision: u32,
    },
    /// Announce now.
    Reannounce {
        /// The number of the request.
        request: u32,
    },
    /// Check all files.
    Recheck {
        /// The number of the request.
        request: u32,
    },
    /// Forget the failure and try again.
    Retry {
        /// The number of the attempt.
        request: u32,
    },
    /// Move the files.
    Move {
        /// The place.
        to: SavePath,
    },
    /// Take it out.
    Remove {
        /// Whether its files go too.
        delete_data: bool,
    },
}

impl EngineAction {
    /// Its name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::SetQueued => "set_queued",
            Self::SetSequential => "set_sequential",
            Self::SetRateCap => "set_rate_cap",
            Self::ApplySelection { .. } => "apply_selection",
            Self::Reannounce { .. } => "reannounce",
            Self::Recheck { .. } => "recheck",
            Self::Retry { .. } => "retry",
            Self::Move { .. } => "move",
            Self::Remove { .. } => "remove",
        }
    }
}

/// The steps from what is to what should be.
pub fn diff(desired: &Desired, actual: Option<&Actual>) -> Vec<EngineAction> {
    match (desired.presence, actual) {
        (Presence::Gone, None) => Vec::new(),
        (Presence::Gone, Some(actual)) => remove(actual, false),
        (Presence::Removing { delete_data }, None) => vec![EngineAction::Remove { delete_data }],
        (Presence::Removing { delete_data }, Some(actual)) => remove(actual, delete_data),
        (Presence::Present, None) => {
            let rest = change(desired, &Actual::added(desired));
            std::iter::once(EngineAction::Add).chain(rest).collect()
        }
        // What is on its way out cannot be called back; when it is out it is absent.
        (Presence::Present, Some(actual)) if actual.removing.is_some() => Vec::new(),
        (Presence::Present, Some(actual)) => change(desired, actual),
    }
}

/// What the session has once a step was asked for.
#[must_use]
pub fn after(desired: &Desired, actual: Option<Actual>, action: &EngineAction) -> Actual {
    let mut actual = actual.unwrap_or_else(|| Actual::added(desired));
    match action {
        EngineAction::Add => {}
        EngineAction::Pause => (actual.paused, actual.queued) = (true, false),
        EngineAction::Resume => (actual.paused, actual.queued) = (false, desired.queues),
        EngineAction::SetQueued => actual.queued = desired.queues,
        EngineAction::SetSequential => actual.sequential = desired.sequential,
        EngineAction::SetRateCap => actual.rate_cap = desired.rate_cap,
        EngineAction::ApplySelection { revision } => actual.selection_revision = Some(*revision),
        EngineAction::Reannounce { request } => actual.reannounce = *request,
        EngineAction::Recheck { request } => actual.recheck = *request,
        EngineAction::Retry { request } => actual.retry = *request,
        EngineAction::Move { to } => actual.moving_to = Some(to.clone()),
        EngineAction::Remove { delete_data } => actual.removing = Some(*delete_data),
    }
    actual
}

fn remove(actual: &Actual, delete_data: bool) -> Vec<EngineAction> {
    match actual.removing {
        Some(files_too) if files_too || !delete_data => Vec::new(),
        // Where its files are is known only when the move has ended.
        None if actual.moving_to.is_some() => Vec::new(),
        // Asked to keep the files, then asked again to delete them.
        _ => vec![EngineAction::Remove { delete_data }],
    }
}

fn change(desired: &Desired, actual: &Actual) -> Vec<EngineAction> {
    let mut actions = Vec::new();
    // A cap comes before anything that lets bytes flow, and a selection before a resume.
    if actual.rate_cap != desired.rate_cap {
        actions.push(EngineAction::SetRateCap);
    }
    if actual.sequential != desired.sequential {
        actions.push(EngineAction::SetSequential);
    }
    if actual.has_metadata && actual.selection_revision != Some(desired.selection_revision) {
        actions.push(EngineAction::ApplySelection { revision: desired.selection_revision });
    }
    if desired.retry.is_pending() && actual.retry < desired.retry.requested {
        actions.push(EngineAction::Retry { request: desired.retry.requested });
    }
    match (actual.paused, desired.stands_still()) {
        (false, true) => actions.push(EngineAction::Pause),
        (true, false) => actions.push(EngineAction::Resume),
        // The queue would start what somebody paused.
        (false, false) if actual.queued != desired.queues => actions.push(EngineAction::SetQueued),
        _ => {}
    }
    if let Some(to) = &desired.moving_to
        && actual.moving_to.is_none()
        && actual.save_path != *to
    {
        actions.push(EngineAction::Move { to: to.clone() });
    }
    let may_check = actual.has_metadata && actual.ready && actual.moving_to.is_none();
    if desired.recheck.is_pending() && actual.recheck < desired.recheck.requested && may_check {
        actions.push(EngineAction::Recheck { request: desired.recheck.requested });
    }
    if desired.reannounce.is_pending() && actual.reannounce < desired.reannounce.requested {
        actions.push(EngineAction::Reannounce { request: desired.reannounce.requested });
    }
    actions
}
