//! Which file goes to which name in the result: pure, from the plan and the names that came out of the archives.
//!
//! Two files never get one name. The order of the inputs does not matter, so that a step that is done again decides the same.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Rule};
use crate::path::{RelPath, numbered};
use crate::plan::{Plan, Shape};
use crate::rules::Rules;

/// Where a file of the result comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The download; its path is beneath [`Plan::source`].
    Payload,
    /// An archive; its path is beneath the staging directory.
    Unpacked,
}

/// A file that came out of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnpackedFile {
    /// Its path beneath the staging directory.
    pub path: RelPath,
    /// The path that it would have in the torrent, if it had lain there beside its archive.
    pub stands_for: RelPath,
    /// Its size.
    pub size_bytes: u64,
}

/// A file and its name in the result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Laid {
    /// Where it comes from.
    pub origin: Origin,
    /// Its path there.
    pub from: RelPath,
    /// Its path in the result; of a result that is one file, its name.
    pub to: RelPath,
    /// Its size.
    pub size_bytes: u64,
}

/// Lays out the result.
///
/// What is left out by the rules and the archives that were unpacked have no place in it.
pub fn lay_out(plan: &Plan, unpacked: &[UnpackedFile]) -> Result<Vec<Laid>, Failure> {
    let rules = Rules::parse(plan.rules.clone()).expect("the rules of a plan were parsed before");
    let volumes: HashSet<&RelPath> = plan.archives.iter().flat_map(|archive| &archive.volumes).collect();
    let from_payload = plan.payload.iter().filter(|file| !volumes.contains(&file.path)).map(|file| {
        (
            &file.path,
            Laid {
                origin: Origin::Payload,
                from: file.path.clone(),
                to: in_result(plan, &file.path),
                size_bytes: file.size_bytes,
            },
        )
    });
    let from_archives = unpacked.iter().map(|file| {
        (
            &file.stands_for,
            Laid {
                origin: Origin::Unpacked,
                from: file.path.clone(),
                to: in_result(plan, &file.stands_for),
                size_bytes: file.size_bytes,
            },
        )
    });
    let mut laid: Vec<Laid> = from_payload
        .chain(from_archives)
        .filter(|(path, _)| rules.leaves_out(path.as_str()).is_none())
        .map(|(_, laid)| laid)
        .collect();
    if laid.is_empty() {
        return Err(Failure::NothingToPlace);
    }
    laid.sort_by(|a, b| (&a.to, a.origin, &a.from).cmp(&(&b.to, b.origin, &b.from)));
    number_doubles(&mut laid)?;
    debug_assert!(plan.shape == Shape::Folder || laid.len() == 1, "one file has one place");
    Ok(laid)
}

fn in_result(plan: &Plan, path: &RelPath) -> RelPath {
    let beneath = plan
        .top
        .as_deref()
        .and_then(|top| path.as_str().strip_prefix(top))
        .and_then(|rest| rest.strip_prefix('/'))
        .unwrap_or(path.as_str());
    let kept = if plan.how.flatten { beneath.rsplit('/').next().unwrap_or(beneath) } else { beneath };
    RelPath::parse(kept).expect("a part of a path that ends where it ends is a path")
}

/// Gives a number to each file whose name is taken by another one or by a folder.
fn number_doubles(laid: &mut [Laid]) -> Result<(), Failure> {
    let folders: HashSet<RelPath> =
        laid.iter().flat_map(|file| file.to.ancestors().collect::<Vec<_>>()).collect();
    let mut taken: HashSet<RelPath> = HashSet::with_capacity(laid.len());
    let wanted: HashSet<RelPath> = laid.iter().map(|file| file.to.clone()).collect();
    for file in laid {
        let first = file.to.clone();
        let mut number = 1;
        while folders.contains(&file.to) || taken.contains(&file.to) {
            number += 1;
            let candidate = first
                .with_name(&numbered(first.name(), number))
                .map_err(|_| Failure::refused(Rule::Name, first.as_str()))?;
            // A number must not take the name that another file has by itself.
            if !wanted.contains(&candidate) {
                file.to = candidate;
            }
        }
        taken.insert(file.to.clone());
    }
    Ok(())
}
