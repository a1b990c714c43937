//! The rules of API keys and of the setup: what each command comes to in each state, told as given, when, then.

mod api_key;
mod harness;
mod setup;
