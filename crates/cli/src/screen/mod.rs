//! What is shown: formats, tables, units, progress.
//!
//! Names of torrents and files come from strangers. Whatever is shown of them goes through [`escape`] (or, in JSON,
//! [`json_for_a_terminal`]), so that no control sequence of theirs reaches a terminal.

mod escape;
mod output;
mod progress;
mod table;
mod terminal;
mod units;

pub(crate) use escape::{escape, json_for_a_terminal};
pub(crate) use output::{Format, Output, note};
pub(crate) use progress::Progress;
pub(crate) use table::{Align, Column, Table, cut, padded};
pub(crate) use units::{duration, percent, rate, ratio, size};
