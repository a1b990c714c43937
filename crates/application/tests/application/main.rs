//! The write side on a real PostgreSQL: what a command leaves in the log, whoever else is at it and whatever is lost.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod adding;
mod announcing;
mod bodies;
mod crashing;
mod health;
mod history;
mod keys;
mod observing;
mod prefetching;
mod racing;
mod repeating;
mod setting_up;
mod settings;
mod statements;
mod support;
