//! A loopback server that answers with recorded replies as an event stream: the model of `kcode demo`.
//!
//! It speaks just enough HTTP for one client: each `POST …/chat/completions` gets the next recorded reply, whatever it
//! asks. Requests beyond the recording get a 400.

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::journal::{Event, Record, Usage};

/// Characters per event: about a token.
const PIECE: usize = 4;

/// The replies of a recorded conversation, in order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CannedConversation {
    /// One reply per request.
    pub replies: Vec<RecordedReply>,
}

impl CannedConversation {
    /// The replies of the run with these records.
    #[must_use]
    pub fn of(records: &[Record]) -> Self {
        let mut usage = Usage::default();
        let mut replies = Vec::new();
        for record in records {
            match &record.event {
                Event::Reply(reply) => usage = reply.usage,
                Event::Message(message) if message.role == "assistant" => {
                    replies
                        .extend(serde_json::from_str(&message.json).ok().map(|sent| RecordedReply::of(&sent, usage)));
                }
                _ => {}
            }
        }
        Self { replies }
    }
}

impl RecordedReply {
    /// The reply that was received as this message.
    fn of(message: &Value, usage: Usage) -> Self {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        // Providers send reasoning under different names.
        let reasoning_content = ["reasoning_content", "reasoning"].iter().find_map(|field| text(&message[field]));
        let calls = message["tool_calls"].as_array().into_iter().flatten().map(|call| RecordedCall {
            id: text(&call["id"]).unwrap_or_default(),
            name: text(&call["function"]["name"]).unwrap_or_default(),
            arguments: text(&call["function"]["arguments"]).unwrap_or_default(),
        });
        let content = text(&message["content"]).unwrap_or_default();
        Self { reasoning_content, content, tool_calls: calls.collect(), usage }
    }
}

/// A reply of a recorded conversation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RecordedReply {
    /// The model's reasoning; `None` if it sent none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_content: Option<String>,
    /// The visible text; may be empty.
    pub content: String,
    /// In the order in which they are sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<RecordedCall>,
    /// The provider's token counts.
    pub usage: Usage,
}

/// A tool call of a recorded reply.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordedCall {
    /// The call's id, unique within its message.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// A JSON object as text.
    pub arguments: String,
}

/// The running server; it stops when dropped.
#[derive(Debug)]
pub struct Replay {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Replay {
    /// Serves the recording on a free loopback port, on the current runtime. It waits `pace` before each event, so that
    /// people can watch.
    ///
    /// # Errors
    /// If no loopback port can be bound.
    pub async fn start(recording: CannedConversation, pace: Duration) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let serving = tokio::spawn(serve(listener, recording, pace));
        Ok(Self { address, serving })
    }

    /// The URL it listens at, such as `http://127.0.0.1:40123/v1`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }
}

impl Drop for Replay {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, recording: CannedConversation, pace: Duration) {
    let mut replies = recording.replies.into_iter();
    while let Ok((stream, _)) = listener.accept().await {
        let mut stream = BufReader::new(stream);
        // A client that disconnects early only loses its own reply.
        if read_request(&mut stream).await.is_ok() {
            let _ = match replies.next() {
                Some(reply) => send(&mut stream, &reply, pace).await,
                None => refuse(&mut stream).await,
            };
            let _ = stream.shutdown().await;
        }
    }
}

/// Reads one request and discards it.
async fn read_request(stream: &mut BufReader<TcpStream>) -> std::io::Result<()> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        match line.trim_end().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().unwrap_or_default();
            }
            None if line.trim_end().is_empty() => break,
            _ => {}
        }
    }
    tokio::io::copy(&mut stream.take(length), &mut tokio::io::sink()).await.map(drop)
}

async fn send(stream: &mut BufReader<TcpStream>, reply: &RecordedReply, pace: Duration) -> std::io::Result<()> {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).await?;
    for chunk in chunks(reply) {
        tokio::time::sleep(pace).await;
        stream.write_all(format!("data: {chunk}\n\n").as_bytes()).await?;
    }
    stream.write_all(b"data: [DONE]\n\n").await
}

async fn refuse(stream: &mut BufReader<TcpStream>) -> std::io::Result<()> {
    let body = r#"{"error":{"type":"invalid_request_error","message":"the recording has no further reply"}}"#;
    let head = "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n";
    stream.write_all(format!("{head}{body}").as_bytes()).await
}

/// The events of a reply in Kimi's order: reasoning, text, tool calls, the finish reason with usage.
fn chunks(reply: &RecordedReply) -> Vec<Value> {
    let mut deltas = vec![json!({ "role": "assistant", "content": "" })];
    let thought = reply.reasoning_content.as_deref();
    deltas.extend(thought.filter(|text| text.is_empty()).map(|text| json!({ "reasoning_content": text })));
    deltas.extend(pieces(thought.unwrap_or_default()).map(|piece| json!({ "reasoning_content": piece })));
    deltas.extend(pieces(&reply.content).map(|piece| json!({ "content": piece })));
    for (index, RecordedCall { id, name, arguments }) in reply.tool_calls.iter().enumerate() {
        let function = json!({ "name": name, "arguments": "" });
        deltas.push(json!({ "tool_calls": [{ "index": index, "id": id, "type": "function", "function": function }] }));
        deltas.extend(
            pieces(arguments)
                .map(|piece| json!({ "tool_calls": [{ "index": index, "function": { "arguments": piece } }] })),
        );
    }
    let mut chunks: Vec<Value> =
        deltas.into_iter().map(|delta| json!({ "choices": [{ "index": 0, "delta": delta }] })).collect();
    let finish_reason = if reply.tool_calls.is_empty() { "stop" } else { "tool_calls" };
    let choice = json!({ "index": 0, "delta": {}, "finish_reason": finish_reason, "usage": reply.usage });
    chunks.push(json!({ "choices": [choice] }));
    chunks
}

fn pieces(text: &str) -> impl Iterator<Item = String> + '_ {
    let mut rest = text.chars().peekable();
    std::iter::from_fn(move || rest.peek().is_some().then(|| rest.by_ref().take(PIECE).collect()))
}
