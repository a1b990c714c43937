//! Events of the file pipeline: they lie in the stream of the torrent that the job is about.

use revaer_domain::fsops::FsopsEvent;

use crate::DecodeError;
use crate::codec::{VERSION, from_json, to_json};

macro_rules! fsops_kinds {
    ($($name:literal => $variant:ident),+ $(,)?) => {
        /// The persisted name of a job's event.
        pub(crate) const fn fsops_kind(event: &FsopsEvent) -> &'static str {
            match event { $(FsopsEvent::$variant(_) => $name),+ }
        }

        /// The payload of a job's event.
        pub(crate) fn fsops_data(event: &FsopsEvent) -> String {
            match event { $(FsopsEvent::$variant(payload) => to_json(payload)),+ }
        }

        /// Reads a job's event back.
        pub(crate) fn decode_fsops(kind: &str, schema_version: i16, data: &str) -> Result<FsopsEvent, DecodeError> {
            match kind {
                $($name if schema_version == VERSION => from_json(kind, data).map(FsopsEvent::$variant),)+
                $($name)|+ => Err(DecodeError::UnknownVersion { kind: kind.to_owned(), version: schema_version }),
                other => Err(DecodeError::UnknownKind(other.to_owned())),
            }
        }

        /// Every kind that is read and written here.
        pub(crate) const FSOPS_KINDS: &[&str] = &[$($name),+];
    };
}

fsops_kinds! {
    "fsops.requested" => Requested,
    "fsops.started" => Started,
    "fsops.step_finished" => StepFinished,
    "fsops.held" => Held,
    "fsops.resumed" => Resumed,
    "fsops.completed" => Completed,
    "fsops.failed" => Failed,
    "fsops.cancel_requested" => CancelRequested,
    "fsops.cancelled" => Cancelled,
    "fsops.undo_requested" => UndoRequested,
    "fsops.undone" => Undone,
    "fsops.undo_failed" => UndoFailed,
}
