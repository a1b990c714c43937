//! Facts about the roots of libraries, in the stream `roots`: by which marker each is known again.
//!
//! An empty mount point is not the library. A root is marked with a file when it is first used; from then on a directory without
//! that file, in the same place, is another one.

use serde::{Deserialize, Serialize};

/// What happened to a root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RootEvent {
    /// It carries a marker from here on.
    Marked(RootMarked),
}

/// `root.marked`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootMarked {
    /// The root: an absolute path.
    pub root: String,
    /// What its marker says.
    pub marker: String,
}
