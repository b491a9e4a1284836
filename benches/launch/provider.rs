//! The other end of the wire: notes when each request begins, and answers from a script.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Instant;

/// What a request is answered with.
#[derive(Clone, Copy)]
pub enum Answer {
    /// A refusal that ends the run.
    Refusal,
    /// A call of `list_files`, for which the private view must be there.
    Call,
    /// Words.
    Text,
}

/// A provider on the loopback, with one thread a connection. It lives as long as the bench.
pub struct Provider {
    pub base_url: String,
    /// When the first byte of each request arrived; the request waits until its answer is sent to `answers`.
    pub requests: Receiver<Instant>,
    pub answers: Sender<Answer>,
}

impl Provider {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
        let base_url = format!("http://{}/v1", listener.local_addr().expect("its address"));
        let (arrived, requests) = channel();
        let (answers, script) = channel();
        thread::spawn(move || {
            // One client, one connection at a time; the ends of the channels say when the run is over.
            while let Ok((stream, _)) = listener.accept() {
                if serve(stream, &arrived, &script).is_none() {
                    return;
                }
            }
        });
        Self { base_url, requests, answers }
    }
}

/// `None` when nobody listens to us any more.
fn serve(stream: TcpStream, arrived: &Sender<Instant>, script: &Receiver<Answer>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    while reader.fill_buf().is_ok_and(|bytes| !bytes.is_empty()) {
        arrived.send(Instant::now()).ok()?;
        let Some(()) = read_request(&mut reader) else { break };
        let response = response(script.recv().ok()?);
        if reader.get_mut().write_all(response.as_bytes()).is_err() {
            break;
        }
    }
    Some(())
}

fn read_request(reader: &mut BufReader<TcpStream>) -> Option<()> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.trim().parse().ok()?,
            None if line.trim_end().is_empty() => break,
            _ => {}
        }
    }
    reader.read_exact(&mut vec![0; length]).ok()
}

fn response(answer: Answer) -> String {
    let (status, kind, body) = match answer {
        Answer::Refusal => (
            "401 Unauthorized",
            "application/json",
            r#"{"error":{"message":"Invalid Authentication","type":"invalid_authentication_error"}}"#.to_owned(),
        ),
        Answer::Call => (
            "200 OK",
            "text/event-stream",
            events(
                r#"{"role":"assistant","tool_calls":[{"index":0,"id":"list_files:0","type":"function","function":{"name":"list_files","arguments":"{}"}}]}"#,
                "tool_calls",
            ),
        ),
        Answer::Text => ("200 OK", "text/event-stream", events(r#"{"role":"assistant","content":"Done."}"#, "stop")),
    };
    format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// A reply of one piece.
fn events(delta: &str, finish: &str) -> String {
    const USAGE: &str = r#"{"prompt_tokens":2000,"completion_tokens":20,"total_tokens":2020}"#;
    let first = format!(r#"{{"id":"b","choices":[{{"index":0,"delta":{delta}}}]}}"#);
    let last =
        format!(r#"{{"id":"b","choices":[{{"index":0,"delta":{{}},"finish_reason":"{finish}"}}],"usage":{USAGE}}}"#);
    format!("data: {first}\n\ndata: {last}\n\ndata: [DONE]\n\n")
}
