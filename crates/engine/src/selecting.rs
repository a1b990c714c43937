//! The rule, made into priorities of libtorrent.

use libtorrent_sys::FileEntry;
use revaer_domain::selection::SelectionRule;
use revaer_domain::torrent::SelectionApplied;

use crate::edges;
use crate::notice::EngineNotice;
use crate::torrents::Torrents;

/// What libtorrent sets for a file that nothing speaks of.
const DEFAULT_PRIORITY: u8 = 4;

/// What a rule comes to for a list of files.
pub(crate) struct Selected {
    /// For libtorrent: one for each file, padding included.
    pub(crate) priorities: Vec<u8>,
    /// For the log: padding left out.
    pub(crate) applied: SelectionApplied,
}

/// Evaluates a rule. Padding is never wanted: libtorrent makes it so, and says so when asked for its priorities.
pub(crate) fn select(rule: &SelectionRule, revision: u32, files: &[FileEntry]) -> Selected {
    let paths = files.iter().filter(|file| !file.pad).map(|file| file.path.as_str());
    let own: Vec<u8> = match rule.compile() {
        Ok(selector) => selector.priorities(paths).into_iter().map(u8::from).collect(),
        Err(error) => {
            // The log holds compiled rules only; wanting everything loses nothing.
            tracing::error!(%error, "a selection rule does not compile");
            paths.map(|_| DEFAULT_PRIORITY).collect()
        }
    };
    let sizes = files.iter().filter(|file| !file.pad).map(|file| file.size);
    let wanted_bytes = sizes.zip(&own).filter(|(_, priority)| **priority > 0).map(|(size, _)| size).sum();
    let mut rest = own.iter().copied();
    let mut priorities: Vec<u8> =
        files.iter().map(|file| if file.pad { 0 } else { rest.next().unwrap_or(DEFAULT_PRIORITY) }).collect();
    if rule.first_last_piece_first {
        edges::step_back(&mut priorities);
    }
    Selected {
        priorities,
        applied: SelectionApplied { revision, priorities: SelectionApplied::runs(&own), wanted_bytes },
    }
}

/// Whether libtorrent follows the priorities; it leaves out what is as usual at the end.
pub(crate) fn follows(actual: &[u8], wanted: &[u8]) -> bool {
    differing(actual, wanted).next().is_none()
}

/// What was wanted and what is instead, in words; none where libtorrent follows. The first file stands for all: there may be
/// thousands.
pub(crate) fn difference(actual: &[u8], wanted: &[u8]) -> Option<(String, String)> {
    let mut differing = differing(actual, wanted);
    let (index, wanted, found) = differing.next()?;
    let others = match differing.count() {
        0 => String::new(),
        others => format!(", and {others} more differ"),
    };
    Some((format!("priority {wanted} of file {index}"), format!("priority {found}{others}")))
}

fn differing(actual: &[u8], wanted: &[u8]) -> impl Iterator<Item = (usize, u8, u8)> {
    let found = |index| actual.get(index).copied().unwrap_or(DEFAULT_PRIORITY);
    let each = wanted.iter().enumerate().map(move |(index, wanted)| (index, *wanted, found(index)));
    each.filter(|(_, wanted, found)| wanted != found)
}

impl Torrents {
    /// Sets the priorities of the rule in force, and tells.
    pub(crate) fn apply_selection(&mut self, key: u64) -> Result<(), libtorrent_sys::Error> {
        let files = self.session.files(key)?;
        let Some(entry) = self.entries.get_mut(&key) else { return Ok(()) };
        let desired = &entry.desired;
        let selected = select(&desired.selection, desired.selection_revision, &files);
        self.session.set_file_priorities(key, &selected.priorities)?;
        // libtorrent takes priorities over by way of its disk threads: until then its word of "finished" is about the old ones.
        entry.last = None;
        entry.finish_told = None;
        entry.priorities = selected.priorities;
        entry.priorities_changed = true;
        entry.applied = Some(selected.applied.clone());
        let id = entry.id;
        self.unsettled.insert(key);
        self.outbox.put(EngineNotice::SelectionApplied { id, applied: selected.applied });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use revaer_domain::selection::{Priority, PriorityRule, Target};

    use super::*;

    fn file(path: &str, size: u64, pad: bool) -> FileEntry {
        FileEntry { path: path.to_owned(), size, offset: 0, pad }
    }

    #[test]
    fn padding_is_not_counted_and_not_wanted() {
        let files = [file("a/1.mkv", 10, false), file("a/.pad/6", 6, true), file("a/2.txt", 5, false)];
        let rule = SelectionRule { include: vec!["**/*.mkv".into()], ..SelectionRule::default() };
        let selected = select(&rule, 3, &files);
        assert_eq!(selected.priorities, [4, 0, 0]);
        assert_eq!(
            selected.applied,
            SelectionApplied { revision: 3, priorities: vec![(1, 4), (1, 0)], wanted_bytes: 10 }
        );
        assert_eq!(select(&SelectionRule::default(), 0, &files).priorities, [4, 0, 4]);
    }

    #[test]
    fn wanted_files_step_back_behind_the_edges_and_the_log_does_not_hear_of_it() {
        let high = PriorityRule { target: Target::Index(0), priority: Priority::High };
        let rule = SelectionRule {
            priorities: vec![high],
            first_last_piece_first: true,
            ..SelectionRule::default()
        };
        let selected = select(&rule, 1, &[file("a", 10, false), file("b", 5, false)]);
        assert_eq!(selected.priorities, [6, 4]);
        assert_eq!(selected.applied.priorities, [(1, 7), (1, 4)]);
    }

    #[test]
    fn difference_names_the_first_file_and_counts_the_others() {
        let words = |wanted: &str, found: &str| Some((wanted.to_owned(), found.to_owned()));
        assert_eq!(difference(&[0, 4], &[0, 4, 4]), None);
        assert_eq!(difference(&[], &[4, 0]), words("priority 0 of file 1", "priority 4"));
        assert_eq!(
            difference(&[4, 0, 0], &[7, 0, 1]),
            words("priority 7 of file 0", "priority 4, and 1 more differ")
        );
    }

    #[test]
    fn priorities_left_out_at_the_end_are_the_usual_ones() {
        assert!(follows(&[0, 4], &[0, 4, 4]));
        assert!(!follows(&[0], &[0, 0]));
    }
}
