//! The log against a real PostgreSQL: what it promises, and that what watches the promise can see it broken.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod append;
mod chance;
mod claims;
mod crashes;
mod dump;
mod follow;
mod idempotency;
mod immutability;
mod lost_connections;
mod model;
mod oracle;
mod plans;
mod samples;
mod schema;
mod support;
