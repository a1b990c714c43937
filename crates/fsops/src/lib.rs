//! Finished files into a library: what a torrent downloaded becomes what somebody wants to have, whatever breaks on the way.
//!
//! A [`Profile`] says what is wanted, a [`Plan`] is decided from it and the facts of a torrent without touching anything, and a
//! [`Job`] carries the plan out in steps that are journalled and may each be done again. Everything is prepared in a hidden
//! directory of the library; one rename makes it visible. What was made can be undone.
//!
//! Guarantees: nothing is read, written, linked or removed outside the allowed [`Roots`]; nothing that exists is overwritten; a
//! process that ends at any instant leaves a library as it was, or with the whole result.
//!
//! This crate blocks: it is called from a thread that may wait. It knows no torrent session, no database and no clock, and it does
//! not decide when a job runs or how many do.

mod archive;
mod control;
mod copy;
mod dir;
mod failure;
mod job;
mod journal;
mod layout;
mod parents;
mod path;
mod plan;
mod profile;
mod roots;
mod rules;
mod stages;
mod staging;
mod step;
mod template;
mod undo;

pub use archive::{Archive, Bounds, Format, RarProgram, find as find_archives, find_rar_program};
pub use control::{Observer, Progress, Unobserved};
pub use failure::{Bound, Failure, Rule};
pub use job::{Job, Journal, Outcome, Tools, Unfinished};
pub use journal::{Failed, Made, PlacedFile, Record, RecordStatus, StepReport};
pub use layout::{Laid, Origin, UnpackedFile, lay_out};
pub use path::{InvalidPath, RelPath};
pub use plan::{Payload, Plan, Shape, Torrent, TorrentFile};
pub use profile::{
    Checksum, Cleanup, How, InvalidProfile, OnConflict, Profile, ProfileValues, Transfer, TransferFallback,
};
pub use roots::{Allowed, Identity, MARKER, Probe, Root, Roots};
pub use rules::{FLUFF, InvalidRules, LeftOut, RuleValues, Rules};
pub use staging::HOME;
pub use step::Step;
pub use template::{InvalidTemplate, Template, Values};
pub use undo::{UndoRefused, Undone, undo};
