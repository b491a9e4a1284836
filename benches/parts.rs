//! Pure parts whose cost grows with what they are given: a long conversation, a long reply, a large file, many paths.
//!
//! None of them may become noticeable: the table in `docs/performance.md` says how much of a turn each takes.

#![expect(clippy::expect_used, reason = "a bench that can't be set up fails")]

use std::hint::black_box;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use criterion::{Criterion, criterion_group, criterion_main};
use kcode::context::{SurveyFacts, survey};
use kcode::journal::Tokens;
use kcode::model::{AssistantMessage, Client, Conversation, Endpoint, Model, ToolChoice};
use kcode::settings::RepositoryFiles;
use kcode::tools::edit;

const KIB: usize = 1024;

/// The next request of conversations of 64 KiB and 2 MiB: hash check, copy and all.
fn conversation(criterion: &mut Criterion) {
    for kib in [64, 2 * KIB] {
        let conversation = conversation_of(kib * KIB);
        criterion.bench_function(&format!("next request, {kib} KiB of history"), |bencher| {
            bencher.iter(|| black_box(&conversation).request(Tokens(32_768), ToolChoice::Auto).expect("a request"));
        });
    }
}

/// Turns of about 8 KiB, half of it reasoning.
fn conversation_of(bytes: usize) -> Conversation {
    let mut conversation = Conversation::new("kimi-k2.7-code", Some("bench"), kcode::tools::schemas());
    conversation.push_system(kcode::context::system_prompt());
    conversation.push_user("Make it fast.");
    let reasoning = "The caller passes b before a was checked. ".repeat(100);
    let output = "12  def add(a, b):\n".repeat(200);
    for turn in 0.. {
        if conversation.prefix().len() >= bytes {
            break;
        }
        let id = format!("read_file:{turn}");
        let json = serde_json::json!({
            "role": "assistant", "content": "", "reasoning_content": reasoning,
            "tool_calls": [{ "id": id, "type": "function",
                "function": { "name": "read_file", "arguments": "{\"path\":\"calc/core.py\"}" } }],
        });
        conversation.push_assistant(&AssistantMessage {
            json: json.to_string(),
            reasoning: Some(reasoning.clone()),
            content: String::new(),
            tool_calls: Vec::new(),
        });
        conversation.push_tool(&id, "read_file", &output);
    }
    conversation
}

/// A reply of 256 KiB over the loopback, four characters an event: connection, events, assembly.
fn reply(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let base_url = serve(stream_of(256 * KIB));
    let client = Client::new(&Endpoint::new(&base_url, None)).expect("a client");
    let request = conversation_of(64 * KIB).request(Tokens(32_768), ToolChoice::Auto).expect("a request");
    criterion.bench_function("reply of 256 KiB, streamed", |bencher| {
        bencher.iter(|| runtime.block_on(client.ask(&request, &mut |_| ())).expect("a reply"));
    });
}

/// A response whose events carry so many bytes of text.
fn stream_of(bytes: usize) -> Vec<u8> {
    let event = "data: {\"id\":\"b\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"word\"}}]}\n\n";
    let last =
        "data: {\"id\":\"b\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let body = [&event.repeat(bytes / 4), last].concat();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: {}\r\n\r\n", body.len());
    [head, body].concat().into_bytes()
}

/// Answers every request with the same bytes, on a thread that lives as long as the bench.
fn serve(response: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
    let base_url = format!("http://{}/v1", listener.local_addr().expect("its address"));
    thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            let mut reader = BufReader::new(stream);
            while read_request(&mut reader).is_some() && reader.get_mut().write_all(&response).is_ok() {}
        }
    });
    base_url
}

fn read_request(reader: &mut BufReader<TcpStream>) -> Option<()> {
    let mut length = 0;
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    reader.read_exact(&mut vec![0; length]).ok()
}

/// An edit in the middle of a file of 1 MiB: found exactly, found by indentation, and not found at all.
fn edits(criterion: &mut Criterion) {
    let line = |n: usize| format!("        value_{n} = compute(value_{n}, {n})\n");
    let file: String = (0..)
        .map(line)
        .scan(0, |size, line| {
            (*size < KIB * KIB).then(|| {
                *size += line.len();
                line
            })
        })
        .collect();
    let exact = [line(11_000), line(11_001)].concat();
    let shifted = exact.replace("        ", "    ");
    let missing = exact.replace("compute", "calculate");
    for (name, old) in [("exact", &exact), ("other indentation", &shifted), ("missing", &missing)] {
        let new = old.replace("value", "result");
        criterion.bench_function(&format!("edit of 1 MiB, {name}"), |bencher| {
            bencher.iter(|| edit::plan(black_box(file.as_bytes()), old, &new).is_ok());
        });
    }
}

/// The survey of 50,000 paths.
fn outline(criterion: &mut Criterion) {
    let root = tempfile::tempdir().expect("a folder");
    let files = RepositoryFiles::open(root.path()).expect("it opens");
    let paths: Vec<String> =
        (0..50_000).map(|n| format!("services/s{:02}/part_{:03}/module_{n:05}.py", n / 2_500, n / 125)).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let facts = SurveyFacts {
        checks: Vec::new(),
        files: &files,
        paths: &paths,
        more_paths: false,
        unnamed: &[],
        git: None,
        tests: None,
        focus: None,
        platform: "linux x86_64",
        task: "Make it fast.",
    };
    criterion.bench_function("survey of 50,000 paths", |bencher| bencher.iter(|| survey(black_box(&facts))));
}

criterion_group!(parts, conversation, reply, edits, outline);
criterion_main!(parts);
