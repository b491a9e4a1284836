//! Kimi's wire: what is sent, what comes back, and what its errors mean.

pub mod chat;

pub use chat::{AssistantMessage, Model, Progress, Reply, Request, ToolCall};
mod error;
pub use error::{Class, ErrorKind, ModelError};
