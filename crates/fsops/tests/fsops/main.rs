//! The crate from outside, on real directories and with real archives.

mod archives;
mod plans;
mod profiles;
mod rar;
mod results;
mod world;
