//! A stand-in for GitHub's and GitLab's REST API on this machine, as strict as their documentation: headers that they demand,
//! how they authenticate, pages, limits of rate, errors of permission and of validation.

mod github;
mod gitlab;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

/// A call as it arrived.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: Value,
}

impl Call {
    fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    fn query(&self, name: &str) -> Option<String> {
        let url = url::Url::parse(&format!("http://x{}", self.target)).unwrap();
        url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(String::as_str).unwrap_or_default()
    }
}

/// An answer: status, headers, body.
pub struct Answer(pub u16, pub Vec<(&'static str, String)>, pub Value);

impl Answer {
    pub fn json(status: u16, body: Value) -> Self {
        Self(status, Vec::new(), body)
    }
}

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    GitHub,
    GitLab,
}

/// What is on the platform.
pub struct State {
    pub kind: Kind,
    pub account: String,
    /// Pull requests or merge requests, in the shape of the platform.
    pub requests: Vec<Value>,
    /// Comments by the number of their thread.
    pub comments: BTreeMap<u64, Vec<Value>>,
    pub calls: Vec<Call>,
    /// Items of a page, whatever is asked for.
    pub page: usize,
    /// What answers the next calls whose method and path begin so, once each.
    pub troubles: Vec<(&'static str, Answer)>,
    /// Breaks off the connection at this call, once: as if the job were killed there.
    pub address: String,
    next_id: u64,
}

impl State {
    fn id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// A page of `items`, with the headers that lead on.
    fn paged(&self, call: &Call, items: Vec<Value>) -> Answer {
        let page: usize = call.query("page").map_or(1, |page| page.parse().unwrap());
        let rest: Vec<Value> = items.into_iter().skip((page - 1) * self.page).collect();
        let has_more = rest.len() > self.page;
        let shown = rest.into_iter().take(self.page).collect();
        let mut headers = Vec::new();
        if has_more && self.kind == Kind::GitHub {
            let mut next = url::Url::parse(&format!("http://{}{}", self.address, call.target)).unwrap();
            let kept: Vec<_> = next.query_pairs().into_owned().filter(|(name, _)| name != "page").collect();
            next.query_pairs_mut().clear().extend_pairs(kept).append_pair("page", &(page + 1).to_string());
            headers.push(("link", format!("<{next}>; rel=\"next\"")));
        }
        if self.kind == Kind::GitLab {
            headers.push(("x-next-page", if has_more { (page + 1).to_string() } else { String::new() }));
        }
        Answer(200, headers, Value::Array(shown))
    }
}

/// The server; it answers until the test's process ends.
pub struct Forge {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Forge {
    /// The only token that it takes.
    pub const TOKEN: &'static str = "ghs_0123456789abcdefghijABCDEFGHIJ012345";
    /// The repository that it has.
    pub const REPOSITORY: &'static str = "octo/spoon";

    pub fn start(kind: Kind) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
        let address = listener.local_addr().expect("its address");
        let account = if kind == Kind::GitHub { "github-actions[bot]" } else { "kcode-bot" };
        let state = Arc::new(Mutex::new(State {
            kind,
            account: account.to_owned(),
            requests: Vec::new(),
            comments: BTreeMap::new(),
            calls: Vec::new(),
            page: 100,
            troubles: Vec::new(),
            address: address.to_string(),
            next_id: 0,
        }));
        let serving = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&serving);
                thread::spawn(move || serve(&stream, &state));
            }
        });
        Self { address, state }
    }

    /// The URL of its API.
    pub fn api(&self) -> String {
        let path = if self.kind() == Kind::GitHub { "" } else { "/api/v4" };
        format!("http://{}{path}", self.address)
    }

    pub fn kind(&self) -> Kind {
        self.with(|state| state.kind)
    }

    /// Looks at or changes what is there.
    pub fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().expect("no panic inside"))
    }

    /// Calls that change something.
    pub fn writes(&self) -> Vec<String> {
        let calls = self.with(|state| state.calls.clone());
        let writes = calls.iter().filter(|call| call.method != "GET");
        writes.map(|call| format!("{} {}", call.method, call.target)).collect()
    }
}

fn serve(stream: &TcpStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream);
    while let Some(call) = read(&mut reader) {
        let answer = {
            let mut state = state.lock().expect("no panic inside");
            state.calls.push(call.clone());
            let trouble = state
                .troubles
                .iter()
                .position(|(begin, _)| format!("{} {}", call.method, call.target).starts_with(begin));
            match trouble {
                Some(at) => state.troubles.remove(at).1,
                None if state.kind == Kind::GitHub => github::answer(&mut state, &call),
                None => gitlab::answer(&mut state, &call),
            }
        };
        let body = if answer.2.is_null() { String::new() } else { answer.2.to_string() };
        let headers: Vec<_> = answer.1.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let headers = headers.concat();
        let head = format!(
            "HTTP/1.1 {} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{headers}\r\n",
            answer.0,
            body.len()
        );
        let mut stream = stream;
        if stream.write_all(format!("{head}{body}").as_bytes()).is_err() {
            return;
        }
    }
}

fn read(reader: &mut BufReader<&TcpStream>) -> Option<Call> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body = serde_json::from_slice(&body).unwrap_or(json!(null));
    Some(Call { method, target, headers, body })
}

/// Whether a number of the API is what a path names.
fn is_number(value: &serde_json::Value, named: &str) -> bool {
    value.as_u64().is_some_and(|number| named.parse() == Ok(number))
}
