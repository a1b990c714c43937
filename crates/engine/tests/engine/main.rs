//! The engine against a real libtorrent on the other side, on loopback only. One program, so that it is linked once.

mod confinement;
mod faults;
mod full_disk;
mod limits;
mod profile;
mod rates;
mod removal;
mod selection;
mod session;
mod support;
