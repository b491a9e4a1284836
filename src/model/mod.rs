//! Client for Kimi's chat completions API: conversation, requests, streamed replies, errors, retries and prices.
//!
//! [`Conversation`] holds the history as bytes and builds requests from it. A [`Model`] answers them; [`Client`] does
//! so over HTTP. Below the client, `early_connection` opens the first connection, `service` checks responses, `sse_validator`
//! checks the stream's bytes, and `chunk` and `stream` assemble the message (`reasoning` and `leak` handle what other
//! hosts do differently). A failure is a [`ModelError`]: `refusal` classifies responses, `tls_errors` TLS errors
//! (`other_scheme` a base URL with the wrong scheme), [`retry`] decides whether to ask again, and `advice` writes the
//! hint. [`prices`] is the dated price list; [`replay`] serves recorded replies over a loopback socket.

mod advice;
mod calls;
mod chat;
mod chunk;
mod client;
mod conversation;
mod early_connection;
mod error;
mod estimate;
mod leak;
mod other_scheme;
mod phrases;
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
mod tls_errors;
mod usage;

pub use advice::RequestOrigin;
pub use chat::{AssistantMessage, Model, Progress, Reply, Request, ToolCall};
pub use client::{Client, Endpoint};
pub use conversation::{Conversation, Receipt, ToolChoice};
pub use error::{Class, ErrorKind, ModelError};
pub use prices::Price;
pub use refusal::Refusal;
pub use tls_errors::Distrust;
