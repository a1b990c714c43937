//! The crate from outside, on real directories and with real archives.

mod archives;
mod confinement;
mod crashes;
mod disk;
mod modes;
mod plans;
mod profiles;
mod rar;
mod results;
mod undos;
mod world;
