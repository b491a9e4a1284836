//! What integration tests share. Each test file says `mod support;` and uses a part of it.
#![allow(dead_code, unused_imports, reason = "each test file uses a part of it")]
#![allow(clippy::expect_used, clippy::panic, reason = "a test that can't be set up fails")]

pub mod kimi;
