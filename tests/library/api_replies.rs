//! Every case of `fixtures/api/replies/`: what the client reads of a reply, over a socket.

use std::path::PathBuf;

use kcode::journal::{Tokens, Usage};
use kcode::model::{Client, Conversation, Endpoint, Model, ModelError, Reply, ToolChoice};
use serde_json::{Value, json};

use crate::support::kimi::{Answer, MockKimi};

fn read(response: &[u8]) -> Result<Reply, ModelError> {
    let kimi = MockKimi::script([Answer::verbatim(response)]);
    let client = Client::new(&Endpoint::new(&kimi.base_url(), Some(MockKimi::KEY.into()))).unwrap();
    let mut conversation = Conversation::new(MockKimi::MODEL, None, "[]");
    conversation.push_user("Hello.");
    let request = conversation.request(Tokens(100), ToolChoice::Auto).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(client.ask(&request, &mut |_| {}))
}

/// What was read, in the form that cases have.
fn told(read: Result<Reply, ModelError>) -> Value {
    let reply = match read {
        Ok(reply) => reply,
        Err(error) => return json!({ "error": format!("{:?}", error.kind) }),
    };
    let message = reply.message;
    let usage = reply.usage.map(|Usage { prompt_tokens, cached_tokens, completion_tokens }| {
        [prompt_tokens.0, cached_tokens.0, completion_tokens.0]
    });
    let mut told = json!({
        "reasoning": message.reasoning, "content": message.content, "finish_reason": reply.finish_reason, "usage": usage,
    });
    let calls = message.tool_calls.iter();
    let calls = calls.map(|call| json!({ "id": call.id, "name": call.name, "arguments": call.arguments }));
    if !message.tool_calls.is_empty() {
        told["tool_calls"] = calls.collect();
    }
    if message.ends_in_call_markup() {
        told["ends_in_call_markup"] = json!(true);
    }
    told
}

#[test]
fn each_reply_is_read_as_its_case_says() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/api/replies");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut cases: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    cases.sort();
    assert!(cases.len() > 70, "the fixtures are there");
    let differing = cases.iter().filter_map(|case| {
        let expected: Value = serde_json::from_slice(&std::fs::read(case.join("expected.json")).unwrap()).unwrap();
        let read = read(&std::fs::read(case.join("response.http")).unwrap());
        let why = read.as_ref().err().map(|error| error.message.clone());
        let told = told(read);
        (told != expected).then(|| format!("{}:\n{told:#}\n{why:?}\nis not\n{expected:#}", case.display()))
    });
    let differing: Vec<String> = differing.collect();
    assert!(differing.is_empty(), "{}", differing.join("\n\n"));
}
