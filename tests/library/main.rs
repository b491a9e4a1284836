//! The library's modules through what they offer: on fixtures, generated input, real folders, git, real processes and the mock Kimi.
//!
//! One file or folder a module or format. They are one binary because each binary links the whole library.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests may fail loudly"
)]

#[path = "../support/mod.rs"]
mod support;

mod api_errors;
mod api_replies;
mod docs;
mod edit_fixtures;
mod edit_law;
mod encoded;
mod fuzz;
mod mock_kimi;
mod redaction;
mod results;
mod sandbox;
mod settings;
mod skips;
mod tampering;
mod tools;
mod wire;
mod wire_connections;
mod workspace;
