//! The read models on a real PostgreSQL and a real log.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod audit;
mod common;
mod generations;
mod laws;
mod lists;
mod paused;
mod statements;
