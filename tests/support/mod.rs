//! What integration tests share. Each test file says `mod support;` and uses a part of it.
#![allow(dead_code, unused_imports, reason = "each test file uses a part of it")]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test that can't be set up fails"
)]

pub mod forge;
pub mod journals;
pub mod kimi;
pub mod odd;
pub mod refusing;
pub mod skipped;
pub mod users;
