//! Client for Kimi's chat completions API: conversation, requests, streamed replies, errors, retries and prices.
//!
//! [`Conversation`] holds the history as bytes and makes requests of it; a [`Model`] answers them, over HTTP when it
//! is a [`Client`]. Below the client: `early` connects for the first request, `service` judges responses, `sse_validator` guards the stream's bytes, `chunk` and
//! `stream` make a message of its events (`reasoning` and `leak` know what other hosts do differently). A failure is
//! a [`ModelError`]: `refusal` says what a response means, `distrust` why TLS fails and `other_scheme` that it is another protocol, [`retry`] whether to ask again, `advice` what a person
//! can do. [`prices`] is the dated list; [`replay`] serves recorded replies over a loopback socket.

mod advice;
mod calls;
mod chat;
mod chunk;
mod client;
mod conversation;
mod distrust;
mod early;
mod error;
mod estimate;
mod leak;
mod other_scheme;
pub mod prices;
mod profile;
mod reasoning;
mod refusal;
mod repair;
pub mod replay;
pub mod retry;
mod service;
mod sse_validator;
mod stream;
mod surrogates;
mod usage;
mod words;

pub use advice::RequestOrigin;
pub use chat::{AssistantMessage, Model, Progress, Reply, Request, ToolCall};
pub use client::{Client, Endpoint};
pub use conversation::{Conversation, Receipt, ToolChoice};
pub use distrust::Distrust;
pub use error::{Class, ErrorKind, ModelError};
pub use prices::Price;
pub use refusal::Refusal;
