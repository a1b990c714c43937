//! The body of an action: which one, and the fields that belong to it and to no other.

use revaer_domain::torrent::TorrentCommand;
use revaer_domain::values::{LABELS_MAX, Label, SavePath};
use revaer_wire::codes;

use super::add::{profile, rate_cap, share_limits};
use super::fields::{Faults, Fields};
use crate::problem::Refusal;

/// Fields, and the action that each belongs to.
const FIELDS: [(&str, &str); 10] = [
    ("delete_data", "remove"),
    ("enable", "sequential"),
    ("download_bytes_per_second", "rate_cap"),
    ("upload_bytes_per_second", "rate_cap"),
    ("share_ratio", "share_limits"),
    ("seed_time_seconds", "share_limits"),
    ("share_action", "share_limits"),
    ("save_path", "move"),
    ("labels", "label"),
    ("fsops_profile", "retry_fsops"),
];

/// Reads an action.
pub(crate) fn read(body: &[u8]) -> Result<TorrentCommand, Refusal> {
    let mut faults = Faults::default();
    let mut fields = Fields::of_body(body, "")?;
    let has_action = fields.has("action");
    let action: Option<String> = fields.take("action", &mut faults);
    if !has_action {
        faults.note("/action", codes::INVALID, "is needed");
    }
    if let Some(action) = &action {
        for (name, belongs_to) in FIELDS {
            if fields.has(name) && belongs_to != action {
                faults.note(
                    fields.pointer(name),
                    codes::INVALID,
                    format!("belongs to the action `{belongs_to}` alone"),
                );
            }
        }
    }
    let command = action.and_then(|action| command(&action, &mut fields, &mut faults));
    for (name, _) in FIELDS {
        // Those that were not taken were noted above.
        fields.discard(name);
    }
    fields.finish(&mut faults);
    faults.settle(command)
}

fn command(action: &str, fields: &mut Fields<'_>, faults: &mut Faults) -> Option<TorrentCommand> {
    let mut needed = |fields: &Fields<'_>, name: &str, what: &str| {
        if !fields.has(name) {
            faults.note(fields.pointer(name), codes::INVALID, format!("is needed: {what}"));
        }
    };
    match action {
        "sequential" => needed(fields, "enable", "true or false"),
        "move" => needed(fields, "save_path", "relative to the download root"),
        "label" => needed(fields, "labels", "all labels from here on"),
        _ => {}
    }
    Some(match action {
        "pause" => TorrentCommand::Pause,
        "resume" => TorrentCommand::Resume,
        "remove" => {
            TorrentCommand::Remove { delete_data: fields.take("delete_data", faults).unwrap_or(false) }
        }
        "reannounce" => TorrentCommand::Reannounce,
        "recheck" => TorrentCommand::Recheck,
        "sequential" => TorrentCommand::SetSequential { enable: fields.take("enable", faults)? },
        "rate_cap" => TorrentCommand::SetRateCap(rate_cap(fields, faults)),
        "share_limits" => TorrentCommand::SetShareLimits(share_limits(fields, faults)),
        "move" => {
            let save_path = fields.take_as("save_path", faults, |text: String| text.parse::<SavePath>())?;
            TorrentCommand::Move { save_path }
        }
        "label" => {
            let labels = fields.take_each("labels", LABELS_MAX, faults, str::parse::<Label>);
            TorrentCommand::SetLabels(labels.into_iter().collect())
        }
        "retry_fsops" => TorrentCommand::RetryFsops { profile: profile(fields, faults), offer: None },
        "cancel_fsops" => TorrentCommand::CancelFsops,
        "undo_fsops" => TorrentCommand::UndoFsops,
        _ => {
            let detail = "is none of pause, resume, remove, reannounce, recheck, sequential, rate_cap, share_limits, move, label, retry_fsops, cancel_fsops, undo_fsops";
            faults.note("/action", codes::INVALID, detail);
            return None;
        }
    })
}
