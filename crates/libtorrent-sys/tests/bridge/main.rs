//! The bridge against a real libtorrent, on loopback only. One program, so that it is linked once.

#![expect(clippy::unwrap_used, reason = "a helper of a test that fails is a test that fails")]

mod create;
mod hostile_input;
mod hostile_metainfo;
mod peers;
mod posting;
mod session;
mod support;
mod swarm;
mod weaknesses;
