//! A rule and what it comes to for the files of a torrent.

use revaer_domain::selection::{Choice, InvalidSelection, Reason, SelectionRule};
use revaer_projections::FileRow;
use revaer_wire::{ExplainedFile, SelectionExplanation};

use super::torrent::selection;

/// Evaluates a rule as the session would.
pub(crate) fn explanation(
    rule: SelectionRule,
    files: Vec<FileRow>,
) -> Result<SelectionExplanation, InvalidSelection> {
    let selector = rule.compile()?;
    let items: Vec<_> = files
        .into_iter()
        .map(|file| {
            let Choice { priority, reason } = selector.choose(file.index, &file.path);
            let (decided_by, glob, fluff) = said(reason);
            ExplainedFile {
                index: file.index,
                size_bytes: file.size_bytes,
                priority: priority.into(),
                decided_by: decided_by.map(str::to_owned),
                glob: glob.map(str::to_owned),
                fluff: fluff.map(str::to_owned),
                path: file.path,
            }
        })
        .collect();
    let wanted_bytes = items.iter().filter(|file| file.priority > 0).map(|file| file.size_bytes).sum();
    Ok(SelectionExplanation { selection: selection(rule), wanted_bytes, items })
}

/// The field of the rule, the glob in it, and what the preset finds by that.
const fn said(reason: Reason<'_>) -> (Option<&str>, Option<&str>, Option<&str>) {
    match reason {
        Reason::Unmentioned => (None, None, None),
        Reason::Included(glob) => (Some("include"), Some(glob), None),
        Reason::NotIncluded => (Some("include"), None, None),
        Reason::Excluded(glob) => (Some("exclude"), Some(glob), None),
        Reason::Fluff { glob, kind } => (Some("skip_fluff"), Some(glob), Some(kind)),
        Reason::Index(_) => (Some("priorities"), None, None),
        Reason::Glob(glob) => (Some("priorities"), Some(glob), None),
    }
}
