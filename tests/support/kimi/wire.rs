//! From an answer to bytes on a socket.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;

use serde_json::{Value, json};

use super::answer::{Answer, Body, Call, Framing, Reply, Travel, UsageForm};

/// What the request used, for the reply's usage.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counted {
    pub prompt: u64,
    pub cached: u64,
    pub completion: u64,
}

/// Sends the answer; true when the connection may carry another request.
pub fn send(stream: &mut TcpStream, answer: &Answer, model: &str, counted: Counted) -> std::io::Result<bool> {
    let travel = &answer.travel;
    if travel.mute {
        return wait_for_the_client(stream);
    }
    thread::sleep(travel.before_headers);
    match &answer.body {
        Body::Nothing => Ok(false),
        Body::Verbatim(response) => stream.write_all(response).map(|()| false),
        Body::Raw(status, headers, body) => {
            head(stream, *status, headers, travel, body.len())?;
            send_body(stream, travel, vec![body.clone()])
        }
        Body::Reply(reply) if reply.whole => {
            let body = whole(reply, model, counted).to_string().into_bytes();
            head(stream, 200, &content_type("application/json; charset=utf-8"), travel, body.len())?;
            send_body(stream, travel, vec![body])
        }
        Body::Reply(reply) => {
            let events = events(reply, travel, model, counted);
            let length = events.iter().map(Vec::len).sum();
            head(stream, 200, &content_type("text/event-stream; charset=utf-8"), travel, length)?;
            send_body(stream, travel, events)
        }
    }
}

fn content_type(value: &str) -> Vec<(String, String)> {
    vec![("Content-Type".to_owned(), value.to_owned())]
}

fn head(
    stream: &mut TcpStream,
    status: u16,
    headers: &[(String, String)],
    travel: &Travel,
    length: usize,
) -> std::io::Result<()> {
    let framing = match travel.framing {
        Framing::Chunked => ("Transfer-Encoding".to_owned(), "chunked".to_owned()),
        Framing::Close => ("Connection".to_owned(), "close".to_owned()),
        Framing::Length => ("Content-Length".to_owned(), length.to_string()),
    };
    let headers = headers.iter().chain(&travel.headers).chain([&framing]);
    let lines: Vec<String> = headers.map(|(name, value)| format!("{name}: {value}")).collect();
    let text =
        format!("HTTP/1.1 {status} {}\r\n{}\r\n\r\n", if status == 200 { "OK" } else { "Refused" }, lines.join("\r\n"));
    stream.write_all(text.as_bytes())
}

/// Sends the body's parts with the faults asked for.
fn send_body(stream: &mut TcpStream, travel: &Travel, parts: Vec<Vec<u8>>) -> std::io::Result<bool> {
    let stop = travel.cut.or(travel.stall).unwrap_or(usize::MAX);
    let mut sent = 0;
    for part in parts {
        let part = &part[..part.len().min(stop - sent)];
        for piece in part.chunks(travel.split.unwrap_or(usize::MAX).max(1)) {
            send_piece(stream, travel.framing, piece)?;
        }
        sent += part.len();
        if sent == stop {
            return if travel.stall.is_some() { wait_for_the_client(stream) } else { hang_up(stream) };
        }
        thread::sleep(travel.between_events);
    }
    match travel.framing {
        Framing::Chunked => stream.write_all(b"0\r\n\r\n").map(|()| true),
        Framing::Length => Ok(true),
        Framing::Close => hang_up(stream),
    }
}

fn send_piece(stream: &mut TcpStream, framing: Framing, piece: &[u8]) -> std::io::Result<()> {
    if framing == Framing::Chunked {
        let mut chunk = format!("{:x}\r\n", piece.len()).into_bytes();
        chunk.extend_from_slice(piece);
        chunk.extend_from_slice(b"\r\n");
        stream.write_all(&chunk)
    } else {
        stream.write_all(piece)
    }
}

fn hang_up(stream: &TcpStream) -> std::io::Result<bool> {
    stream.shutdown(Shutdown::Write).map(|()| false)
}

/// Keeps the connection open, without a byte, until the other side leaves (or the mock is dropped).
fn wait_for_the_client(stream: &mut TcpStream) -> std::io::Result<bool> {
    let mut sink = [0; 64];
    while stream.read(&mut sink)? > 0 {}
    Ok(false)
}

/// The events of a stream, as bytes.
fn events(reply: &Reply, travel: &Travel, model: &str, counted: Counted) -> Vec<Vec<u8>> {
    let made = || chunks(reply, model, counted).iter().map(Value::to_string).collect();
    let mut chunks: Vec<String> = reply.chunks.clone().unwrap_or_else(made);
    if !travel.no_done && reply.error.is_none() {
        chunks.push("[DONE]".to_owned());
    }
    let end = if travel.crlf { "\r\n" } else { "\n" };
    let space = if travel.no_space { "" } else { " " };
    let last = chunks.len() - 1;
    let mut events: Vec<Vec<u8>> = Vec::new();
    for (n, chunk) in chunks.iter().enumerate() {
        let mut event = Vec::new();
        if n == 0 && travel.bom {
            event.extend_from_slice(b"\xef\xbb\xbf");
        }
        if let Some((at, bytes)) = &travel.garbage
            && *at == n
        {
            event.extend_from_slice(bytes);
        }
        if travel.comments {
            event.extend_from_slice(format!(": keep-alive{end}{end}").as_bytes());
        }
        let is_bare = travel.bare_end || travel.bare_done;
        let close = if is_bare && n == last { "" } else { end };
        event.extend_from_slice(format!("data:{space}{chunk}{close}{close}").as_bytes());
        events.push(event);
    }
    events
}

fn chunks(reply: &Reply, model: &str, counted: Counted) -> Vec<Value> {
    let mut deltas = vec![json!({ "role": "assistant", "content": "" })];
    if let Some((field, text)) = &reply.reasoning {
        match pieces(text, reply.piece).as_slice() {
            [] => deltas.push(json!({ *field: "" })),
            pieces => deltas.extend(pieces.iter().map(|piece| reasoning(field, piece))),
        }
    }
    deltas.extend(pieces(&reply.content, reply.piece).iter().map(|piece| json!({ "content": piece })));
    deltas.extend(call_deltas(reply).iter().map(|call| json!({ "tool_calls": [call] })));
    let mut chunks: Vec<Value> = deltas.iter().map(|delta| chunk(model, delta)).collect();
    if let Some((kind, message)) = &reply.error {
        chunks.push(json!({ "error": { "type": kind, "message": message } }));
        return chunks;
    }
    let mut last = chunk(model, &json!({}));
    if !reply.unfinished {
        last["choices"][0]["finish_reason"] = json!(finish_reason(reply));
    }
    place_usage(reply.usage, &mut last, &mut chunks, counted, model);
    chunks
}

fn place_usage(form: UsageForm, last: &mut Value, chunks: &mut Vec<Value>, counted: Counted, model: &str) {
    let usage = usage(form, counted);
    match form {
        UsageForm::Choice => last["choices"][0]["usage"] = usage,
        UsageForm::Top | UsageForm::Zero => last["usage"] = usage,
        UsageForm::Extra | UsageForm::Details => {
            chunks.push(last.take());
            *last = chunk(model, &json!({}));
            last["choices"] = json!([]);
            last["usage"] = usage;
        }
        UsageForm::Absent => {}
    }
    chunks.push(last.take());
}

fn usage(form: UsageForm, counted: Counted) -> Value {
    let Counted { prompt, cached, completion } = counted;
    let total = prompt + completion;
    match form {
        UsageForm::Zero => json!({ "prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0 }),
        UsageForm::Details => json!({
            "prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total,
            "prompt_tokens_details": { "cached_tokens": cached },
        }),
        _ => json!({
            "prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total, "cached_tokens": cached,
        }),
    }
}

fn chunk(model: &str, delta: &Value) -> Value {
    json!({
        "id": "cmpl-mock", "object": "chat.completion.chunk", "created": 1_790_000_000, "model": model,
        "choices": [{ "index": 0, "delta": delta, "finish_reason": null }], "usage": null,
    })
}

fn reasoning(field: &str, piece: &str) -> Value {
    if field == "reasoning_details" {
        json!({ field: [{ "type": "reasoning.text", "text": piece, "index": 0, "format": "unknown" }] })
    } else {
        json!({ field: piece })
    }
}

/// The pieces of all calls, one of each in turn, so that they arrive interleaved. The first piece of a call already
/// carries arguments.
fn call_deltas(reply: &Reply) -> Vec<Value> {
    let mut queues: Vec<Vec<Value>> = Vec::new();
    for (index, call) in reply.calls.iter().enumerate() {
        let mut pieces = pieces(&call.arguments, reply.piece).into_iter();
        let first = pieces.next().unwrap_or_default();
        let mut deltas =
            vec![json!({ "id": call.id, "type": "function", "function": { "name": call.name, "arguments": first } })];
        deltas.extend(pieces.map(|piece| json!({ "function": { "arguments": piece } })));
        if !reply.no_index {
            for delta in &mut deltas {
                delta["index"] = json!(index);
            }
        }
        queues.push(deltas);
    }
    if reply.no_index {
        return queues.concat();
    }
    let longest = queues.iter().map(Vec::len).max().unwrap_or(0);
    (0..longest)
        .flat_map(|n| queues.iter().filter_map(move |queue| queue.get(n).cloned()).collect::<Vec<_>>())
        .collect()
}

fn finish_reason(reply: &Reply) -> &str {
    let natural = if reply.calls.is_empty() { "stop" } else { "tool_calls" };
    reply.finish_reason.as_deref().unwrap_or(natural)
}

fn whole(reply: &Reply, model: &str, counted: Counted) -> Value {
    let mut message = json!({ "role": "assistant", "content": reply.content });
    if let Some((field, text)) = &reply.reasoning {
        message[*field] = json!(text);
    }
    if !reply.calls.is_empty() {
        let call = |Call { id, name, arguments }: &Call| {
            let function = json!({ "name": name, "arguments": arguments });
            json!({ "id": id, "type": "function", "function": function })
        };
        message["tool_calls"] = reply.calls.iter().map(call).collect();
    }
    json!({
        "id": "cmpl-mock", "object": "chat.completion", "created": 1_790_000_000, "model": model,
        "choices": [{ "index": 0, "message": message, "finish_reason": finish_reason(reply) }],
        "usage": usage(reply.usage, counted),
    })
}

fn pieces(text: &str, size: usize) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    characters.chunks(size.max(1)).map(|piece| piece.iter().collect()).collect()
}
