//! Bodies that clients send: read within a bound, then field by field, so that every fault is named at once.
//!
//! The wire types say what a body looks like; what comes out of here is what the application takes.

mod action;
mod add;
mod document;
mod fields;
mod incoming;
mod key;
mod selection;
mod upload;

pub(crate) use action::read as read_action;
pub(crate) use add::{Place, read as read_add};
pub(crate) use document::read_document;
pub(crate) use fields::{Faults, Fields};
pub(crate) use incoming::{AddBody, JsonBody, MergePatch};
pub(crate) use key::{read_complete_setup, read_issue_key, read_rotate_key};
pub(crate) use selection::{place_of, read as read_select};
