//! A strict stand-in for Kimi's API: real HTTP/1.1 over loopback, in threads of its own.
//!
//! It refuses what Kimi refuses, with Kimi's words (`rules`, `schema`), remembers what it sent so that it can tell
//! when a client loses reasoning or breaks the prefix (`ledger`), counts plausible usage, and misbehaves on demand
//! (`answer`). Every request is kept for assertions.
//!
//! ```ignore
//! let kimi = MockKimi::script([Answer::call("read_file", r#"{"path":"a.py"}"#), Answer::text("Done.")]);
//! run_against(kimi.base_url(), MockKimi::KEY);
//! assert_eq!(kimi.requests().len(), 2);
//! kimi.assert_clean();
//! ```

mod answer;
mod ledger;
mod refusals;
mod rules;
pub mod schema;
mod server;
mod wire;

pub use answer::{Answer, UsageForm};
pub use server::{MockKimi, Request};
