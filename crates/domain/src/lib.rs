//! The rules of Revaer: values, commands, events and the aggregate that decides.
//!
//! Everything here is pure. `domain` does not know that time passes, that a network exists or that facts are stored:
//! times, ids and look-ups are put into a command by whoever gives it. Folding facts cannot fail for a technical reason.

pub mod api_key;
pub mod engine;
pub mod fsops;
pub mod health;
pub mod roots;
pub mod selection;
pub mod settings;
pub mod setup;
pub mod sharing;
pub mod torrent;
pub mod values;
