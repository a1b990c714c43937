//! The engine against a real libtorrent on the other side, on loopback only. One program, so that it is linked once.

mod faults;
mod removal;
mod session;
mod support;
