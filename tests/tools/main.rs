//! The tools as the worker calls them: on real files, with the arguments that models write.

#![expect(clippy::unwrap_used, reason = "tests")]

mod answers;
mod calls;
mod encodings;
mod files;
mod find;
mod rules;
#[path = "../support/kimi/schema.rs"]
mod schema;
mod secrets;
mod world;
