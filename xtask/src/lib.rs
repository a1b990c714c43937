//! Chores of the workspace that no tool off the shelf does.
//!
//! A library as well as a program, so that the rules run as a test too.

pub mod events;
pub mod tidy;
