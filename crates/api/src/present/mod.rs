//! From what the service knows to what the wire carries: one conversion of each kind, and no other.

mod event;
mod explanation;
mod key;
mod torrent;

pub(crate) use event::{fact_frame, sample_frame, time, write_fact};
pub(crate) use explanation::explanation;
pub(crate) use key::{api_key, issued_key};
pub(crate) use torrent::{of_fold, of_row};
