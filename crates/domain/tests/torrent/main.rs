//! The rules of a torrent: what each command comes to in each state, told as given, when, then.

mod fixtures;
mod harness;
mod laws;
mod operator;
mod pipeline;
mod session;
mod sharing;
mod table;
