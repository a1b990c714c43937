//! The rules of the settings, as somebody who changes them meets them.

mod laws;
mod patches;
mod reverts;
mod support;
