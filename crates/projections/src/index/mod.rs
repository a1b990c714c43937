//! The lists' index in memory: which torrents a page holds, for every filter and every sort, found without the database.
//!
//! PostgreSQL finds a page well when one of its indexes gives both the filter and the order. No set of indexes does that for any two
//! filters and four orders, and what it does instead grows with the library. Here each value that can be asked for has a
//! bitmap of the torrents that have it, names have one for every three bytes, and each order is a sorted list; a page is an
//! intersection and a short walk. The rows of a page are then read by their ids.
//!
//! It is a copy of rows that were committed, never a source. Every process has its own, whether it writes the rows or stands by; it
//! is loaded anew whenever that changes, and while it is not there the lists are read from the rows alone, with the same answers.

mod columns;
mod entry;
#[cfg(test)]
mod law;
mod memory;
mod order;
mod postings;
mod search;
mod shared;
mod tiers;

pub(crate) use shared::{Attached, ListIndex};
