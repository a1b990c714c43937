//! The client against the real service, with a real swarm: what it prints, where, and how it ends.

mod certificates;
mod downloads;
mod keys;
mod refusals;
mod support;
mod tails;
mod torrents;
