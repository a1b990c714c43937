//! What the steps say of files, in the words of facts.

use std::error::Error;
use std::path::Path;

use revaer_domain::fsops::{
    FILES_NAMED_MAX, FsopsCompleted, FsopsFailed, FsopsHeld, FsopsPlaced, FsopsStepFinished, FsopsUndoFailed,
    Step,
};
use revaer_domain::values::JobId;
use revaer_fsops::{Checksum, Failure, Outcome, StepReport, UndoRefused};

/// Details are sentences; what follows a longer one is cut off.
const DETAIL_CHARS_MAX: usize = 2000;

/// The step by the name that both sides give it.
pub(super) fn step(step: revaer_fsops::Step) -> Step {
    Step::of_name(step.name()).expect("both sides have the same nine steps")
}

/// A failure and what led to it, in one sentence.
pub(super) fn detail(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text.chars().take(DETAIL_CHARS_MAX).collect()
}

/// The path that a failure is about.
pub(super) fn path_of(failure: &Failure) -> Option<&Path> {
    match failure {
        Failure::Refused { path, .. }
        | Failure::Incomplete { path, .. }
        | Failure::Conflict { path }
        | Failure::NoLink { path }
        | Failure::Denied { path, .. }
        | Failure::Journal { path, .. }
        | Failure::Io { path, .. } => Some(path),
        Failure::NoSpace { root, .. } | Failure::RootAbsent { root, .. } => Some(root),
        Failure::ExtractorMissing { archive }
        | Failure::Password { archive }
        | Failure::Damaged { archive, .. }
        | Failure::TooLarge { archive, .. } => Some(archive),
        Failure::NothingToPlace | Failure::Cancelled | Failure::Busy | Failure::NotRecorded(_) => None,
    }
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// The first of many, in the bound of a fact.
fn first<T, U>(all: impl IntoIterator<Item = T>, name: impl Fn(T) -> U) -> Vec<U> {
    all.into_iter().take(FILES_NAMED_MAX).map(name).collect()
}

pub(super) fn failed(job: JobId, at: Option<Step>, failure: &Failure) -> FsopsFailed {
    let rule = match failure {
        Failure::Refused { rule, .. } => serde_json::to_value(rule).ok(),
        Failure::TooLarge { bound, .. } => serde_json::to_value(bound).ok(),
        _ => None,
    };
    FsopsFailed {
        job,
        step: at,
        code: failure.code().to_owned(),
        rule: rule.and_then(|rule| rule.as_str().map(str::to_owned)),
        path: path_of(failure).map(shown),
        detail: detail(failure),
    }
}

pub(super) fn held(job: JobId, at: Option<Step>, failure: &Failure) -> FsopsHeld {
    FsopsHeld {
        job,
        step: at,
        code: failure.code().to_owned(),
        path: path_of(failure).map(shown),
        detail: detail(failure),
    }
}

pub(super) fn step_finished(job: JobId, report: &StepReport) -> FsopsStepFinished {
    FsopsStepFinished {
        job,
        step: step(report.step),
        files: report.files,
        bytes: report.bytes,
        left_out: first(&report.left_out, Clone::clone),
    }
}

pub(super) fn completed(job: JobId, checksum: Checksum, outcome: &Outcome) -> FsopsCompleted {
    let checksum = match checksum {
        Checksum::None => "none",
        Checksum::Sha256 => "sha256",
        Checksum::Blake3 => "blake3",
    };
    FsopsCompleted {
        job,
        destination: shown(&outcome.destination),
        was_there: outcome.was_there,
        checksum: checksum.to_owned(),
        file_count: outcome.files.len() as u64,
        size_bytes: outcome.files.iter().fold(0, |sum: u64, file| sum.saturating_add(file.size_bytes)),
        files: first(&outcome.files, |file| FsopsPlaced {
            path: file.path.as_str().to_owned(),
            size_bytes: file.size_bytes,
            checksum: file.checksum.clone(),
        }),
    }
}

pub(super) fn undo_failed(job: JobId, refused: &UndoRefused) -> FsopsUndoFailed {
    let (code, paths) = match refused {
        UndoRefused::NoRecord { destination } => ("no_record", vec![shown(destination)]),
        UndoRefused::Changed { paths } => ("changed", first(paths, |path| shown(path))),
        UndoRefused::LastCopy { path } => ("last_copy", vec![shown(path)]),
        UndoRefused::Failed(failure) => (failure.code(), path_of(failure).map(shown).into_iter().collect()),
    };
    FsopsUndoFailed { job, code: code.to_owned(), detail: detail(refused), paths }
}

/// Paths for a fact.
pub(super) fn paths(paths: &[std::path::PathBuf]) -> Vec<String> {
    first(paths, |path| shown(path))
}

#[cfg(test)]
mod tests {
    use revaer_fsops::Rule;
    use ulid::Ulid;

    use super::*;

    #[test]
    fn both_sides_have_the_same_steps_in_the_same_order() {
        let theirs = revaer_fsops::Step::ALL.map(step);
        assert_eq!(theirs, Step::ALL);
    }

    #[test]
    fn refusal_names_its_rule_and_its_path() {
        let failure = Failure::Refused { rule: Rule::SymbolicLink, path: "/srv/films/x".into() };
        let failed = failed(JobId::new(Ulid(1)), Some(Step::Place), &failure);
        assert_eq!((failed.code.as_str(), failed.rule.as_deref()), ("refused", Some("symbolic_link")));
        assert_eq!(failed.path.as_deref(), Some("/srv/films/x"));
    }
}
