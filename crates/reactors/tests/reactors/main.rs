//! The core of the service in one process: a real log, a real session, all reactors. One program, so that it is linked once.

mod caps;
mod clock;
mod counters;
mod download;
mod facts;
mod failure;
mod fluff;
mod outage;
mod rebuilt;
mod removal;
mod service;
mod settings;
mod sharing;
mod world;
