//! The whole service as its users have it: the real program with a real PostgreSQL, spoken to over HTTP, and a real peer.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod backup;
mod campaign;
mod certificates;
mod crashes;
mod database_away;
mod failures;
mod hostile_input;
mod log_tools;
mod main_job;
mod metrics;
mod observing;
mod removal;
mod secrets;
mod setting_up;
mod slow_clients;
mod start;
mod story;
mod upgrades;
mod world;
