//! The API against a real log on a real PostgreSQL: what clients may rely on.
//!
//! There is no libtorrent session here: what a session does is fed in as the observer would, by commands to the application.

mod access;
mod audit;
mod browsers;
mod commands;
mod connections;
mod documents;
mod edges;
mod events;
mod events_limits;
mod laws;
mod lists;
mod malformed;
mod rates;
mod reads;
mod selections;
mod settings;
mod stream;
mod tickets;
mod tls;
mod world;
