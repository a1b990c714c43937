//! The read models on a real PostgreSQL and a real log.

mod common;
mod generations;
mod lists;
