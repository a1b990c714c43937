//! The laws of the comparison, over states that nobody would think of.

use proptest::prelude::*;
use revaer_domain::selection::SelectionRule;
use revaer_domain::torrent::OneShot;
use revaer_domain::values::{InfoHashes, RateCap, SavePath, TorrentId};
use ulid::Ulid;

use crate::{Actual, Desired, EngineAction, Presence, after, diff};

fn one_shot() -> impl Strategy<Value = OneShot> {
    (0..4_u32, 0..4_u32).prop_map(|(done, more)| OneShot { requested: done + more, done })
}

fn place() -> impl Strategy<Value = SavePath> {
    prop::sample::select(vec!["", "a", "a/b"]).prop_map(|path| path.parse().expect("a save path"))
}

fn cap() -> impl Strategy<Value = RateCap> {
    prop::option::of(1..9_u32).prop_map(|limit| RateCap {
        download_bytes_per_second: limit.map(|limit| limit.try_into().expect("above zero")),
        upload_bytes_per_second: None,
    })
}

fn presence() -> impl Strategy<Value = Presence> {
    prop_oneof![
        6 => Just(Presence::Present),
        1 => any::<bool>().prop_map(|delete_data| Presence::Removing { delete_data }),
        1 => Just(Presence::Gone),
    ]
}

prop_compose! {
    fn desired()(
        presence in presence(),
        (paused, queues, sequential, failed) in any::<(bool, bool, bool, bool)>(),
        rate_cap in cap(),
        selection_revision in 0..4_u32,
        (reannounce, recheck, retry) in (one_shot(), one_shot(), one_shot()),
        save_path in place(),
        moving_to in prop::option::of(place()),
    ) -> Desired {
        Desired {
            id: TorrentId::new(Ulid::from(1_u128)), version: 1, presence, magnet: None,
            info_hashes: InfoHashes::default(), save_path, paused, queues, sequential, rate_cap,
            selection: SelectionRule::default(), selection_revision, files_known: false, selection_applied: false, complete: false,
            trackers: Vec::new(), peers: Vec::new(), reannounce, recheck, retry, failed, moving_to,
            phase: None,
            expected_done_bytes: 0,
        }
    }
}

prop_compose! {
    fn actual()(
        (paused, queued, sequential, has_metadata, ready) in any::<(bool, bool, bool, bool, bool)>(),
        rate_cap in cap(),
        selection_revision in prop::option::of(0..4_u32),
        (reannounce, recheck, retry) in (0..8_u32, 0..8_u32, 0..8_u32),
        save_path in place(),
        moving_to in prop::option::of(place()),
        removing in prop::option::weighted(0.2, any::<bool>()),
    ) -> Actual {
        Actual {
            paused, queued: queued && !paused, sequential, rate_cap, has_metadata, ready, selection_revision, reannounce, recheck, retry,
            save_path, moving_to, removing,
        }
    }
}

fn apply(desired: &Desired, actual: Option<Actual>) -> Option<Actual> {
    diff(desired, actual.as_ref()).iter().fold(actual, |actual, action| Some(after(desired, actual, action)))
}

proptest! {
    #[test]
    fn what_is_under_way_is_not_asked_for_again(desired in desired(), actual in prop::option::of(actual())) {
        let reached = apply(&desired, actual);
        prop_assert_eq!(diff(&desired, reached.as_ref()), []);
    }

    #[test]
    fn present_torrent_reaches_what_the_log_says(desired in desired(), actual in prop::option::of(actual())) {
        prop_assume!(desired.presence == Presence::Present);
        prop_assume!(actual.as_ref().is_none_or(|actual| actual.removing.is_none()));
        let reached = apply(&desired, actual).expect("it is there");
        prop_assert_eq!(reached.paused, desired.stands_still());
        prop_assert_eq!(reached.queued, desired.queues && !desired.stands_still());
        prop_assert_eq!(reached.sequential, desired.sequential);
        prop_assert_eq!(reached.rate_cap, desired.rate_cap);
        if reached.has_metadata {
            prop_assert_eq!(reached.selection_revision, Some(desired.selection_revision));
        }
        if desired.reannounce.is_pending() {
            prop_assert!(reached.reannounce >= desired.reannounce.requested);
        }
        if let Some(to) = &desired.moving_to {
            prop_assert!(reached.moving_to.is_some() || reached.save_path == *to);
        }
        if desired.recheck.is_pending() && reached.has_metadata && reached.ready && reached.moving_to.is_none() {
            prop_assert!(reached.recheck >= desired.recheck.requested);
        }
    }

    #[test]
    fn removal_reaches_out_and_never_back(desired in desired(), actual in actual()) {
        let reached = apply(&desired, Some(actual.clone())).expect("it was there");
        if actual.moving_to.is_some() && actual.removing.is_none() {
            // Where its files are is known only when the move has ended.
            prop_assume!(desired.presence != Presence::Present);
            prop_assert_eq!(reached, actual);
            return Ok(());
        }
        match desired.presence {
            Presence::Removing { delete_data: true } => prop_assert_eq!(reached.removing, Some(true)),
            Presence::Removing { delete_data: false } | Presence::Gone => prop_assert!(reached.removing.is_some()),
            Presence::Present => prop_assert_eq!(reached.removing, actual.removing),
        }
        if actual.removing == Some(true) {
            prop_assert_eq!(reached.removing, Some(true));
        }
    }

    #[test]
    fn absent_torrent_that_should_be_is_added_first(desired in desired()) {
        let actions = diff(&desired, None);
        match desired.presence {
            Presence::Present => prop_assert_eq!(actions.first(), Some(&EngineAction::Add)),
            Presence::Removing { delete_data } => prop_assert_eq!(actions, [EngineAction::Remove { delete_data }]),
            Presence::Gone => prop_assert_eq!(actions, []),
        }
    }
}
