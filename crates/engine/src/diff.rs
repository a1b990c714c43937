//! The difference between what a torrent should be and what it is, as actions. Pure and total.

use revaer_domain::values::{RateCap, SavePath};

use crate::actual::Actual;
use crate::desired::{Desired, Presence};

/// One thing to do to the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineAction {
    /// Put it in, with everything that is known of it.
    Add,
    /// Stand still.
    Pause,
    /// Go on.
    Resume,
    /// In order, or not.
    SetSequential(bool),
    /// Other limits.
    SetRateCap(RateCap),
    /// Follow the rule of this revision.
    ApplySelection(u32),
    /// Announce.
    Reannounce(u32),
    /// Hash all files again.
    Recheck(u32),
    /// Forget the error and try again.
    Retry(u32),
    /// Move the files.
    Move(SavePath),
    /// Take it out.
    Remove {
        /// With its files.
        delete_data: bool,
    },
    /// Take it out without a word: the log has it removed already.
    Drop,
}

/// What has to be done so that the torrent becomes what it should be; nothing when it is.
pub fn diff(desired: &Desired, actual: Option<&Actual>) -> Vec<EngineAction> {
    match (desired.presence, actual) {
        (Presence::Gone, None) => Vec::new(),
        (Presence::Gone, Some(_)) => vec![EngineAction::Drop],
        (Presence::Removing { .. }, Some(actual)) if actual.removing => Vec::new(),
        // Without a torrent too: the intent came before the crash, the deed did not, and the files are still there.
        (Presence::Removing { delete_data }, _) => vec![EngineAction::Remove { delete_data }],
        (Presence::Present, None) => vec![EngineAction::Add],
        (Presence::Present, Some(actual)) => changes(desired, actual),
    }
}

fn changes(desired: &Desired, actual: &Actual) -> Vec<EngineAction> {
    let mut actions = Vec::new();
    if desired.sequential != actual.sequential {
        actions.push(EngineAction::SetSequential(desired.sequential));
    }
    if desired.rate_cap != actual.rate_cap {
        actions.push(EngineAction::SetRateCap(desired.rate_cap));
    }
    if actual.has_metadata && actual.selection_revision != Some(desired.selection_revision) {
        actions.push(EngineAction::ApplySelection(desired.selection_revision));
    }
    if let Some(to) = &desired.moving_to
        && actual.moving_to.as_ref() != Some(to)
        && actual.save_path != *to
    {
        actions.push(EngineAction::Move(to.clone()));
    }
    if desired.retry.is_pending() && actual.retry < desired.retry.requested {
        actions.push(EngineAction::Retry(desired.retry.requested));
    }
    match (desired.paused, actual.paused) {
        (true, false) => actions.push(EngineAction::Pause),
        (false, true) => actions.push(EngineAction::Resume),
        _ => {}
    }
    // Last: a check of a paused torrent lets it run for as long as the check takes.
    if desired.recheck.is_pending() && actual.recheck < desired.recheck.requested && actual.has_metadata {
        actions.push(EngineAction::Recheck(desired.recheck.requested));
    }
    if desired.reannounce.is_pending() && actual.reannounce < desired.reannounce.requested {
        actions.push(EngineAction::Reannounce(desired.reannounce.requested));
    }
    actions
}

/// What the torrent becomes by an action: how the runner books what it asked for, and the model of the property test.
pub(crate) fn book(desired: &Desired, actual: &mut Actual, action: &EngineAction) {
    match action {
        EngineAction::Pause => actual.paused = true,
        EngineAction::Resume => actual.paused = false,
        EngineAction::SetSequential(enabled) => actual.sequential = *enabled,
        EngineAction::SetRateCap(cap) => actual.rate_cap = *cap,
        EngineAction::ApplySelection(revision) => actual.selection_revision = Some(*revision),
        EngineAction::Reannounce(request) => actual.reannounce = *request,
        EngineAction::Recheck(request) => actual.recheck = *request,
        EngineAction::Retry(request) => actual.retry = *request,
        EngineAction::Move(to) => actual.moving_to = Some(to.clone()),
        EngineAction::Remove { .. } => actual.removing = true,
        EngineAction::Add => {
            *actual = Actual {
                paused: desired.paused,
                sequential: desired.sequential,
                rate_cap: desired.rate_cap,
                save_path: desired.save_path.clone(),
                retry: desired.retry.requested,
                ..Actual::default()
            };
        }
        EngineAction::Drop => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use revaer_domain::selection::SelectionRule;
    use revaer_domain::torrent::OneShot;
    use revaer_domain::values::TorrentId;
    use ulid::Ulid;

    prop_compose! {
        fn desired()(
            flags: [bool; 3],
            cap in prop::option::of(1_u32..1000),
            numbers: [u8; 4],
            moving in prop::option::of("[a-c]"),
            path in "[a-c]",
        ) -> Desired {
            let one_shot = |number: u8| OneShot { requested: u32::from(number), done: 0 };
            Desired {
                id: TorrentId::new(Ulid(1)),
                version: 1,
                presence: Presence::Present,
                magnet: None,
                save_path: path.parse().expect("a path"),
                moving_to: moving.map(|to| to.parse().expect("a path")),
                paused: flags[0],
                sequential: flags[1],
                rate_cap: RateCap {
                    download_bytes_per_second: cap.map(|cap| cap.try_into().expect("a limit")),
                    upload_bytes_per_second: None,
                },
                selection: SelectionRule::default(),
                selection_revision: u32::from(numbers[0]),
                trackers: Vec::new(),
                peers: Vec::new(),
                reannounce: one_shot(numbers[1]),
                recheck: one_shot(numbers[2]),
                retry: one_shot(numbers[3]),
                complete: flags[2],
                selection_applied: false,
                failed: false,
                expected_done_bytes: 0,
            }
        }
    }

    fn reach(desired: &Desired, mut actual: Option<Actual>) -> Option<Actual> {
        for action in diff(desired, actual.as_ref()) {
            let mut torrent = actual.take().unwrap_or_default();
            book(desired, &mut torrent, &action);
            // libtorrent answers a move by its alert.
            if let Some(to) = torrent.moving_to.take() {
                torrent.save_path = to;
            }
            actual = Some(torrent);
        }
        actual
    }

    proptest! {
        #[test]
        fn carrying_out_the_difference_leaves_none(first in desired(), second in desired()) {
            let mut actual = reach(&first, None);
            if let Some(torrent) = &mut actual {
                torrent.has_metadata = true;
            }
            let actual = reach(&second, reach(&first, actual));
            prop_assert_eq!(diff(&second, actual.as_ref()), Vec::new());
        }

        #[test]
        fn a_torrent_that_goes_is_taken_out_once(wish in desired(), delete_data: bool) {
            let actual = reach(&wish, None);
            let going = Desired { presence: Presence::Removing { delete_data }, ..wish };
            prop_assert_eq!(diff(&going, actual.as_ref()), vec![EngineAction::Remove { delete_data }]);
            let actual = reach(&going, actual);
            prop_assert_eq!(diff(&going, actual.as_ref()), Vec::new());
        }
    }
}
