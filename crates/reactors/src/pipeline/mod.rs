//! Finished files into libraries: follows the log and runs the jobs of the file pipeline.
//!
//! What is to be done is always read from the torrent's own facts, never remembered: the same comparison serves a live fact, a
//! restart and a job that was stopped. Each job has a thread of its own, of the lowest priority, and each of its steps is
//! recorded before the next begins; what a process that ended did not tell is told by the journal in the library.
//!
//! A job that needs what is missing (a disk, a program, room) is held, and goes on by itself when it is there again. Nothing
//! tells of that, so it is looked for at an interval.

mod held;
mod judge;
mod libraries;
mod plan;
mod recorder;
mod runner;
mod surroundings;
mod task;
mod watched;
mod words;
mod worker;

pub use judge::ProfileJudge;
pub use runner::{Pipeline, PipelineOptions};
