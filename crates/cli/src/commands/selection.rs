//! Arguments that choose files, shared by the commands that take a rule.

use clap::Args;
use revaer_wire::PriorityRequest;

use crate::values::PriorityRule;

/// Which files are wanted. Globs match the path in the torrent, its top folder included.
#[derive(Debug, Args)]
pub(super) struct SelectionArguments {
    /// Want only files that this glob matches; may be repeated
    #[arg(long, value_name = "GLOB")]
    pub(super) include: Vec<String>,
    /// Leave out files that this glob matches, included or not; may be repeated
    #[arg(long, value_name = "GLOB")]
    pub(super) exclude: Vec<String>,
    /// Give files skip, low, normal or high priority, whatever the globs say; may be repeated
    #[arg(long, value_name = "INDEX_OR_GLOB=PRIORITY")]
    pub(super) priority: Vec<PriorityRule>,
    /// Let globs tell upper from lower case
    #[arg(long)]
    pub(super) case_sensitive: bool,
    /// Leave out samples, proofs, screens, trailers, notes, links and the like
    #[arg(long)]
    pub(super) skip_fluff: bool,
    /// Fetch the first and last pieces of each wanted file before the others
    #[arg(long)]
    pub(super) first_last_piece_first: bool,
}

impl SelectionArguments {
    /// The priorities as they are sent.
    pub(super) fn priorities(&self) -> Option<Vec<PriorityRequest>> {
        given(self.priority.iter().map(PriorityRule::to_request).collect())
    }
}

/// A list, unless there is nothing in it.
pub(super) fn given<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}
