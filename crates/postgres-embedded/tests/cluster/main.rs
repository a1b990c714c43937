//! A real server: made, started, crashed, taken over and stopped, as root and as an ordinary user.
//!
//! One binary, so that a part of it can be run as another account or as a process to be killed.

mod accounts;
mod crashes;
mod start;
mod support;
