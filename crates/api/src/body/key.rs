//! The bodies of the setup and of API keys.

use std::time::Duration;

use revaer_application::{GRACE_MAX, IssueKey};
use revaer_domain::api_key::{BURST_MAX, REQUESTS_PER_SECOND_MAX, RequestLimit, Scope};
use revaer_domain::values::Label;
use revaer_wire::codes;
use serde_json::value::RawValue;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::fields::{Faults, Field, Fields, nested};
use crate::problem::Refusal;

/// The longest token that is looked at.
const TOKEN_BYTES_MAX: usize = 512;

/// What completes the setup.
pub(crate) struct CompleteSetup {
    pub(crate) token: String,
    pub(crate) instance_name: Label,
    pub(crate) key_label: Label,
}

/// Reads what completes the setup.
pub(crate) fn read_complete_setup(body: &[u8]) -> Result<CompleteSetup, Refusal> {
    let mut faults = Faults::default();
    let mut fields = Fields::of_body(body, "")?;
    for name in ["token", "instance_name", "key_label"] {
        need(&fields, name, &mut faults);
    }
    let token = fields.take_as("token", &mut faults, |text: String| {
        if (1..=TOKEN_BYTES_MAX).contains(&text.len()) { Ok(text) } else { Err("is no token") }
    });
    let instance_name = fields.take_as("instance_name", &mut faults, |text: String| text.parse::<Label>());
    let key_label = fields.take_as("key_label", &mut faults, |text: String| text.parse::<Label>());
    fields.finish(&mut faults);
    let complete = token.zip(instance_name).zip(key_label);
    faults.settle(complete.map(|((token, instance_name), key_label)| CompleteSetup {
        token,
        instance_name,
        key_label,
    }))
}

/// Reads an issue.
pub(crate) fn read_issue_key(body: &[u8]) -> Result<IssueKey, Refusal> {
    let mut faults = Faults::default();
    let mut fields = Fields::of_body(body, "")?;
    for name in ["label", "scope"] {
        need(&fields, name, &mut faults);
    }
    let label = fields.take_as("label", &mut faults, |text: String| text.parse::<Label>());
    let scope = fields.take_as("scope", &mut faults, |text: String| text.parse::<Scope>());
    let expires_at = fields.take_as("expires_at", &mut faults, |text: String| {
        // The log keeps microseconds.
        let time = OffsetDateTime::parse(&text, &Rfc3339).map_err(|_| "is not an RFC 3339 time")?;
        let time = time.checked_to_offset(time::UtcOffset::UTC).ok_or("is beyond the years that are kept")?;
        Ok::<_, &str>(time.truncate_to_microsecond())
    });
    let rate_limit = fields.take("rate_limit", &mut faults);
    fields.finish(&mut faults);
    let issue = label.zip(scope).map(|(label, scope)| IssueKey { label, scope, expires_at, rate_limit });
    faults.settle(issue)
}

/// Reads a rotation: for how long the secret before is accepted too.
pub(crate) fn read_rotate_key(body: &[u8], default: Duration) -> Result<Duration, Refusal> {
    let mut faults = Faults::default();
    let mut fields = Fields::of_body(body, "")?;
    let grace = fields.take_as("grace_seconds", &mut faults, |seconds: u64| {
        let max = GRACE_MAX.as_secs();
        if seconds <= max { Ok(Duration::from_secs(seconds)) } else { Err(format!("is more than {max}")) }
    });
    fields.finish(&mut faults);
    faults.settle(Some(grace.unwrap_or(default)))
}

fn need(fields: &Fields<'_>, name: &str, faults: &mut Faults) {
    if !fields.has(name) {
        faults.note(fields.pointer(name), codes::INVALID, "is needed");
    }
}

impl Field for RequestLimit {
    fn read(raw: &RawValue, at: &str, faults: &mut Faults) -> Option<Self> {
        let mut fields = nested(raw, at, faults)?;
        for name in ["requests_per_second", "burst"] {
            need(&fields, name, faults);
        }
        let mut number = |name: &str, max: u32, faults: &mut Faults| {
            fields.take_as(name, faults, |number: u64| {
                let number = u32::try_from(number).ok().filter(|number| (1..=max).contains(number));
                number.ok_or_else(|| format!("is not 1 to {max}"))
            })
        };
        let rate = number("requests_per_second", REQUESTS_PER_SECOND_MAX, faults);
        let burst = number("burst", BURST_MAX, faults);
        fields.finish(faults);
        Self::new(rate?, burst?).map_err(|error| faults.note(at, codes::INVALID, error.to_string())).ok()
    }
}
