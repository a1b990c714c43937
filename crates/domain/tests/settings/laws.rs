//! Laws that hold whatever is asked for.

use proptest::prelude::*;
use revaer_domain::settings::catalogue::{self, Key, Kind};
use revaer_domain::settings::{Format, Refused, Settings, SettingsEvent, decide, differences};
use serde_json::{Map, Value};

use crate::support::{Story, patch};

/// Any JSON, of a bounded size.
fn any_json() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[ -~]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z~/]{0,4}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
    .boxed()
}

/// A value that a kind takes, of the words that matter.
fn fitting(kind: &'static Kind) -> BoxedStrategy<Value> {
    match kind {
        Kind::Boolean => any::<bool>().prop_map(Value::from).boxed(),
        Kind::Integer { min, max } => (*min..=*max).prop_map(Value::from).boxed(),
        Kind::Number { min, max } => (*min..=*max).prop_map(Value::from).boxed(),
        Kind::Choice(words) => prop::sample::select(*words).prop_map(Value::from).boxed(),
        Kind::Text { format, .. } => prop::sample::select(words(*format)).prop_map(Value::from).boxed(),
        Kind::Secret { .. } => Just(Value::Null).boxed(),
        Kind::List { of: Kind::Secret { .. }, .. } => Just(Value::Array(Vec::new())).boxed(),
        Kind::List { of, .. } => prop::collection::vec(fitting(of), 0..3).prop_map(Value::from).boxed(),
        Kind::Entries { of, .. } => {
            let entry = prop_oneof![3 => fitting(of), 1 => Just(Value::Null)];
            prop::collection::btree_map("[ab]", entry, 0..3)
                .prop_map(|entries| Value::Object(entries.into_iter().collect()))
                .boxed()
        }
        Kind::Object(keys) => object(keys),
    }
}

fn words(format: Format) -> &'static [&'static str] {
    match format {
        Format::Path => &["/a", "/b/c"],
        Format::SocketAddress => &["127.0.0.1:1", "[::1]:2"],
        Format::Interfaces => &["127.0.0.1:0"],
        Format::Network => &["10.0.0.0/8"],
        Format::Origin => &["https://a.example"],
        Format::TimeZone => &["UTC", "Europe/Berlin"],
        Format::ClockTime => &["00:00", "08:30", "24:00"],
        Format::Mode => &["0644", "700"],
        Format::Pem => &["-----BEGIN A-----\n-----END A-----"],
        Format::Ulid => &["01ARZ3NDEKTSV4RRFFQ69G5FAV"],
        _ => &["a", "b"],
    }
}

/// An object with some of the keys, some of them `null`.
fn object(keys: &'static [Key]) -> BoxedStrategy<Value> {
    let members: Vec<_> = keys
        .iter()
        .map(|key| {
            let value = prop_oneof![6 => fitting(&key.kind), 1 => Just(Value::Null)];
            prop::option::weighted(0.3, value).prop_map(|value| value.map(|value| (key.name(), value)))
        })
        .collect();
    members
        .prop_map(|members| {
            members.into_iter().flatten().map(|(name, value)| (name.to_owned(), value)).collect()
        })
        .prop_map(Value::Object)
        .boxed()
}

/// A patch of a few keys of the document, each as its kind takes it or, rarely, anything at all.
fn request() -> BoxedStrategy<Value> {
    let keys: Vec<&'static Key> = catalogue::keys().collect();
    let member = prop::sample::select(keys).prop_flat_map(|key| {
        let value = prop_oneof![9 => fitting(&key.kind), 1 => Just(Value::Null), 1 => any_json()];
        value.prop_map(|value| (key.pointer, value))
    });
    prop::collection::vec(member, 0..6)
        .prop_map(|members| {
            let mut request = Map::new();
            for (pointer, value) in members {
                let mut parts: Vec<&str> = pointer.split('/').skip(1).collect();
                let name = parts.pop().expect("a key has a name");
                let mut group = &mut request;
                for part in parts {
                    let next = group.entry(part).or_insert_with(|| Value::Object(Map::new()));
                    group = next.as_object_mut().expect("groups are objects");
                }
                group.insert(name.to_owned(), value);
            }
            Value::Object(request)
        })
        .boxed()
}

/// Whether a document is right by itself: given as a patch to fresh settings it is taken as it is.
fn is_valid(settings: &Settings) -> bool {
    let mut story = Story::default();
    story.patch(settings.document()).is_ok() && story.settings == *settings
}

proptest! {
    #[test]
    fn any_patch_gives_a_valid_document_or_faults_within_the_request(
        first in request(), second in prop_oneof![4 => request(), 1 => any_json()],
    ) {
        let mut story = Story::default();
        for request in [first, second] {
            match story.patch(request.clone()) {
                Ok(_) => prop_assert!(is_valid(&story.settings)),
                Err(Refused::Invalid(faults)) => {
                    prop_assert!(!faults.is_empty());
                    for fault in faults {
                        prop_assert!(request.pointer(&fault.pointer).is_some(), "{fault:?}");
                    }
                }
                Err(other) => prop_assert!(false, "a patch is not refused so: {other:?}"),
            }
        }
    }

    #[test]
    fn folded_history_is_the_document(requests in prop::collection::vec(request(), 0..6)) {
        let mut story = Story::default();
        for request in requests {
            let before = story.settings.clone();
            let told = decide(&before, &patch(request.clone()));
            if story.patch(request).is_ok() {
                let changes: Vec<_> = told.expect("the same").into_iter()
                    .flat_map(|SettingsEvent::Changed(changed)| changed.changes).collect();
                prop_assert_eq!(changes, differences(&before.document(), &story.settings.document()));
            }
        }
        let mut folded = Settings::default();
        for changed in story.recorded {
            // As it comes from the log: by way of its JSON.
            let json = serde_json::to_string(&changed).expect("plain");
            folded.apply(&SettingsEvent::Changed(serde_json::from_str(&json).expect("parses")));
        }
        prop_assert_eq!(folded.document(), story.settings.document());
    }

    #[test]
    fn revert_restores_the_earlier_values_unless_they_were_overwritten(
        requests in prop::collection::vec(request(), 1..6), pick in any::<prop::sample::Index>(),
    ) {
        let mut story = Story::default();
        for request in requests {
            let _ = story.patch(request);
        }
        prop_assume!(!story.recorded.is_empty());
        let number = pick.index(story.recorded.len());
        let changes = story.recorded[number].changes.clone();
        let overwritten: Vec<_> = changes.iter()
            .filter(|change| {
                let now = story.settings.document().pointer(&change.path).cloned().unwrap_or_default();
                now != change.new && now != change.old
            })
            .map(|change| change.path.clone())
            .collect();
        match story.revert(number) {
            Ok(_) => {
                prop_assert!(overwritten.is_empty());
                for change in changes {
                    let now = story.settings.document().pointer(&change.path).cloned().unwrap_or_default();
                    prop_assert_eq!(now, change.old);
                }
                prop_assert!(is_valid(&story.settings));
            }
            Err(Refused::Overwritten(paths)) => prop_assert_eq!(paths, overwritten),
            Err(Refused::Unfit(faults)) => prop_assert!(overwritten.is_empty() && !faults.is_empty()),
            Err(other) => prop_assert!(false, "a revert is not refused so: {other:?}"),
        }
    }

    #[test]
    fn folding_takes_whatever_lies_in_a_log(path in "[a-z/_]{0,30}", value in any_json()) {
        let changed = serde_json::json!({
            "changes": [{"path": path, "old": null, "new": value}, {"path": "/engine/progress_hertz", "old": 1, "new": 99}],
            "reverts": null, "reason": null,
        });
        let mut settings = Settings::default();
        settings.apply(&SettingsEvent::Changed(serde_json::from_value(changed).expect("parses")));
        prop_assert_eq!(settings.engine.progress_hertz, 1, "what no longer fits is passed over");
    }
}
