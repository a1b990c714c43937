//! First and last pieces first: what a player reads before it can show anything.
//!
//! libtorrent has priorities of files and, beneath them, of pieces; a change of the former sets the latter anew. So the edges
//! are raised once libtorrent follows the rule, and again after each change of it and each add. Its highest priority asks
//! for a piece whatever its availability; files that are wanted more than others step back behind it, since all their pieces
//! would have it too.

use libtorrent_sys::FileEntry;

use crate::torrents::Torrents;

/// The priority of the first and last pieces.
const EDGE: u8 = 7;
/// What remains for the rest of a file that is wanted before the others.
const BEHIND_EDGES: u8 = 6;

/// Lets files step back behind the edges.
pub(crate) fn step_back(priorities: &mut [u8]) {
    for priority in priorities.iter_mut().filter(|priority| **priority == EDGE) {
        *priority = BEHIND_EDGES;
    }
}

/// The priority of each piece: that of the file in it that is wanted most, and the highest where a wanted file begins or ends,
/// if the edges come first.
fn piece_priorities(files: &[FileEntry], priorities: &[u8], piece_length: u32, edges_first: bool) -> Vec<u8> {
    let piece_of =
        |offset: u64| usize::try_from(offset / u64::from(piece_length.max(1))).unwrap_or(usize::MAX);
    let end = files.iter().map(|file| file.offset + file.size).max().unwrap_or(0);
    let mut pieces = vec![0; if end == 0 { 0 } else { piece_of(end - 1) + 1 }];
    for (file, &priority) in files.iter().zip(priorities).filter(|(file, _)| file.size > 0) {
        let (first, last) = (piece_of(file.offset), piece_of(file.offset + file.size - 1));
        for piece in &mut pieces[first..=last] {
            *piece = priority.max(*piece);
        }
        if edges_first && priority > 0 {
            (pieces[first], pieces[last]) = (EDGE, EDGE);
        }
    }
    pieces
}

impl Torrents {
    /// Raises the edges of wanted files, or lowers them again. For whoever knows that libtorrent follows the rule.
    pub(crate) fn raise_edges(&mut self, key: u64) {
        if let Err(error) = self.set_edges(key) {
            tracing::warn!(%error, "first and last pieces come as they will");
        }
    }

    fn set_edges(&mut self, key: u64) -> Result<(), libtorrent_sys::Error> {
        let Some(entry) = self.entries.get_mut(&key) else { return Ok(()) };
        let edges_first = entry.desired.selection.first_last_piece_first;
        if !edges_first && !entry.edges_first {
            return Ok(());
        }
        let files = self.session.files(key)?;
        let length = self.session.piece_length(key)?;
        let pieces = piece_priorities(&files, &entry.priorities, length, edges_first);
        self.session.set_piece_priorities(key, &pieces)?;
        entry.edges_first = edges_first;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// Files one after another.
    fn files(sizes: &[u64]) -> Vec<FileEntry> {
        let mut offset = 0;
        let mut file = |size| {
            let file = FileEntry { path: String::new(), size, offset, pad: false };
            offset += size;
            file
        };
        sizes.iter().map(|&size| file(size)).collect()
    }

    #[rstest]
    #[case::one_file(&[100], &[4], &[7, 4, 4, 4, 4, 4, 4, 4, 4, 7])]
    #[case::shared_piece(&[25, 25], &[4, 1], &[7, 4, 7, 1, 7])]
    #[case::unwanted_file_has_no_edges(&[30, 30], &[0, 4], &[0, 0, 0, 7, 4, 7])]
    #[case::unwanted_end_shares_the_edge_of_a_wanted_file(&[15, 25], &[0, 4], &[0, 7, 4, 7])]
    #[case::wanted_more(&[40], &[6], &[7, 6, 6, 7])]
    #[case::smaller_than_a_piece(&[3, 3], &[4, 4], &[7])]
    #[case::empty_file(&[0, 40, 0], &[4, 4, 4], &[7, 4, 4, 7])]
    #[case::nothing(&[], &[], &[])]
    fn edges_of_wanted_files_are_raised(
        #[case] sizes: &[u64],
        #[case] priorities: &[u8],
        #[case] expected: &[u8],
    ) {
        assert_eq!(piece_priorities(&files(sizes), priorities, 10, true), expected);
    }

    #[test]
    fn without_edges_a_piece_is_wanted_as_the_file_in_it_that_is_wanted_most() {
        assert_eq!(piece_priorities(&files(&[15, 25, 10]), &[1, 4, 0], 10, false), [1, 4, 4, 4, 0]);
    }
}
