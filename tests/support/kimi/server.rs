//! The listening side: connections, HTTP requests, the script, and what was asked.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

use super::answer::{Answer, Body};
use super::ledger::{Ledger, prefix_of, tokens};
use super::rules::{self, Refused};
use super::wire;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// The body read as JSON; null when it isn't.
    pub json: Value,
    /// What Kimi wouldn't refuse but a good client avoids.
    pub notes: Vec<String>,
    /// What was refused.
    pub refused: Option<String>,
}

impl Request {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body up to the end of its messages.
    pub fn prefix(&self) -> &[u8] {
        prefix_of(&self.body)
    }

    /// The messages.
    pub fn messages(&self) -> &[Value] {
        self.json["messages"].as_array().map(Vec::as_slice).unwrap_or_default()
    }

    /// The text of the last message.
    pub fn last_text(&self) -> &str {
        self.messages().last().and_then(|message| message["content"].as_str()).unwrap_or_default()
    }
}

type Answering = Box<dyn FnMut(&Request) -> Answer + Send>;

/// The mock server; it stops when dropped.
pub struct MockKimi {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    answering: Mutex<Answering>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    requests: Vec<Request>,
    ledger: Ledger,
    connections: Vec<TcpStream>,
    stopped: bool,
    /// Refuses in the history also what it had sent itself.
    strictly: bool,
    /// Another model than [`MockKimi::MODEL`].
    model: Option<String>,
}

impl MockKimi {
    /// The only key that it takes.
    pub const KEY: &'static str = "sk-mock-0123456789";
    /// The only model that it serves.
    pub const MODEL: &'static str = "kimi-k2.7-code";

    /// Answers with these, in turn; a further request gets a 400 that says so (if it is sound). What is refused takes no
    /// answer away.
    pub fn script(answers: impl IntoIterator<Item = Answer>) -> Self {
        let mut answers: VecDeque<Answer> = answers.into_iter().collect();
        Self::answering(move |request| {
            if let Some(next) = answers.front().filter(|next| request.refused.is_some() && !next.lax) {
                return next.clone();
            }
            answers
                .pop_front()
                .unwrap_or_else(|| Answer { lax: false, ..Answer::error(400, "mock", "the mock's script is over") })
        })
    }

    /// From now on refuses in the history whatever Kimi refuses, also where it had sent that itself.
    #[must_use]
    pub fn strictly(self) -> Self {
        self.shared.state.lock().expect("no panic inside").strictly = true;
        self
    }

    /// Serves this model, and no other.
    #[must_use]
    pub fn serving(self, model: &str) -> Self {
        self.shared.state.lock().expect("no panic inside").model = Some(model.to_owned());
        self
    }

    /// What was refused by a rule, over all requests.
    pub fn refusals(&self) -> Vec<String> {
        self.requests().into_iter().filter_map(|request| request.refused).collect()
    }

    /// Answers as the closure says.
    pub fn answering(answering: impl FnMut(&Request) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
        let address = listener.local_addr().expect("its address");
        let shared =
            Arc::new(Shared { answering: Mutex::new(Box::new(answering)), state: Mutex::new(State::default()) });
        let serving = Arc::clone(&shared);
        thread::spawn(move || accept(&listener, &serving));
        Self { address, shared }
    }

    /// `http://127.0.0.1:PORT/v1`
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The requests for chat completions, in order.
    pub fn requests(&self) -> Vec<Request> {
        let state = self.shared.state.lock().expect("no panic inside");
        state.requests.iter().filter(|request| request.method == "POST").cloned().collect()
    }

    /// Everything noted, over all requests.
    pub fn notes(&self) -> Vec<String> {
        self.requests().into_iter().flat_map(|request| request.notes).collect()
    }

    /// Fails when a request was refused by a rule or noted.
    pub fn assert_clean(&self) {
        for (n, request) in self.requests().iter().enumerate() {
            assert_eq!(request.refused, None, "request {n} was refused");
            assert!(request.notes.is_empty(), "request {n}: {:?}", request.notes);
        }
    }
}

impl Drop for MockKimi {
    fn drop(&mut self) {
        let mut state = self.shared.state.lock().expect("no panic inside");
        state.stopped = true;
        for connection in &state.connections {
            let _ = connection.shutdown(std::net::Shutdown::Both);
        }
        drop(state);
        let _ = TcpStream::connect(self.address); // Wakes the accepting thread.
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming().flatten() {
        let mut state = shared.state.lock().expect("no panic inside");
        if state.stopped {
            return;
        }
        let _ = stream.set_nodelay(true);
        state.connections.extend(stream.try_clone());
        drop(state);
        let shared = Arc::clone(shared);
        thread::spawn(move || serve(stream, &shared));
    }
}

/// Requests of one connection, one after another.
fn serve(mut stream: TcpStream, shared: &Shared) {
    let Ok(reading) = stream.try_clone() else { return };
    let mut reader = BufReader::new(reading);
    while let Some(request) = read_request(&mut reader) {
        let (answer, counted) = respond(shared, request);
        if !wire::send(&mut stream, &answer, MockKimi::MODEL, counted).unwrap_or(false) {
            break;
        }
    }
    let _ = stream.shutdown(std::net::Shutdown::Write);
    // What the client still sends is read, so that closing doesn't reset the connection under what was written.
    let _ = std::io::copy(&mut reader, &mut std::io::sink());
}

fn read_request(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    let json = serde_json::from_slice(&body).unwrap_or_default();
    Some(Request { method, path, headers, body, json, notes: Vec::new(), refused: None })
}

/// What to answer, and what it counts as; the request is kept before a byte is sent.
fn respond(shared: &Shared, mut request: Request) -> (Answer, wire::Counted) {
    if request.method == "GET" && request.path == "/v1/models" {
        let answer = authorised(&request).map_or_else(|refused| refusal(&refused), |()| models());
        shared.state.lock().expect("no panic inside").requests.push(request);
        return (answer, wire::Counted::default());
    }
    let checked = {
        let state = shared.state.lock().expect("no panic inside");
        request.notes = state.ledger.notes(&request.json, request.prefix());
        check(&request, &state)
    };
    request.refused = checked.as_ref().err().map(|refused| refused.message.clone());
    let scripted = (shared.answering.lock().expect("no panic inside"))(&request);
    let mut answer = match checked {
        Err(refused) if !scripted.lax => refusal(&refused),
        _ => {
            request.refused = None;
            scripted
        }
    };
    let mut state = shared.state.lock().expect("no panic inside");
    let completion = match &mut answer.body {
        Body::Reply(reply) => state.ledger.send(reply),
        _ => 0,
    };
    let counted = state.ledger.count(&request.json, request.prefix(), completion);
    state.requests.push(request);
    (answer, counted)
}

fn check(request: &Request, state: &State) -> Result<(), Refused> {
    if request.method != "POST" || request.path != "/v1/chat/completions" {
        let message = "method not found".to_owned();
        return Err(Refused { status: 404, kind: "resource_not_found_error", message });
    }
    authorised(request)?;
    let model = state.model.as_deref().unwrap_or(MockKimi::MODEL);
    rules::check(&request.json, model, tokens(request.prefix().len()), &state.ledger, state.strictly)
}

fn authorised(request: &Request) -> Result<(), Refused> {
    if request.header("authorization") == Some(&format!("Bearer {}", MockKimi::KEY)) {
        return Ok(());
    }
    let message = "Invalid Authentication".to_owned();
    Err(Refused { status: 401, kind: "invalid_authentication_error", message })
}

fn refusal(refused: &Refused) -> Answer {
    Answer::error(refused.status, refused.kind, &refused.message)
}

fn models() -> Answer {
    let list = json!({ "object": "list", "data": [{
        "id": MockKimi::MODEL, "object": "model", "owned_by": "moonshot", "context_length": rules::CONTEXT_WINDOW,
        "supports_image_in": true, "supports_video_in": true, "supports_reasoning": true,
    }] });
    Answer::raw(200, "application/json", list.to_string().as_bytes())
}
