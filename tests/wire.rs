//! The client against the strict mock Kimi: every usage form, every fault.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod support;

use std::time::Duration;

use kcode::journal::{Tokens, Usage};
use kcode::model::{Client, Conversation, Endpoint, Model, ModelError, Reply, ToolChoice};
use support::kimi::{Answer, MockKimi, UsageForm};

const TOOLS: &str = r#"[{"type":"function","function":{"name":"read_file","description":"Reads.","parameters":{"type":"object","properties":{"path":{"type":"string"}},"required":["path"]}}}]"#;

fn conversation() -> Conversation {
    let mut conversation = Conversation::new(MockKimi::MODEL, Some("run-1"), TOOLS);
    conversation.push_system("You fix bugs.");
    conversation.push_user("Fix the bug in ä.py\r\n\u{1f600}.");
    conversation
}

fn client(kimi: &MockKimi) -> Client {
    let mut endpoint = Endpoint::new(&kimi.base_url(), Some(MockKimi::KEY.into()));
    endpoint.idle_timeout = Duration::from_secs(20);
    Client::new(&endpoint).unwrap()
}

fn ask_with(client: &Client, conversation: &Conversation) -> Result<Reply, ModelError> {
    let request = conversation.request(Tokens(1000), ToolChoice::Auto)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(client.ask(&request, &mut |_| {}))
}

/// One question, answered so.
fn ask(answer: Answer) -> Result<Reply, ModelError> {
    let kimi = MockKimi::script([answer]);
    ask_with(&client(&kimi), &conversation())
}

#[test]
fn usage_is_found_wherever_it_stands() {
    for form in [UsageForm::Choice, UsageForm::Top, UsageForm::Extra, UsageForm::Details] {
        let kimi = MockKimi::script([Answer::text("Done.").usage(form), Answer::text("Done.").usage(form)]);
        let (client, mut conversation) = (client(&kimi), conversation());
        let reply = ask_with(&client, &conversation).unwrap();
        let first = reply.usage.unwrap();
        assert!(first.prompt_tokens > Tokens(50) && first.completion_tokens > Tokens(0), "{form:?}: {first:?}");
        conversation.push_assistant(&reply.message);
        conversation.push_user(&"Go on. ".repeat(400));
        let Usage { cached_tokens, prompt_tokens, .. } = ask_with(&client, &conversation).unwrap().usage.unwrap();
        assert!(prompt_tokens > first.prompt_tokens && cached_tokens <= first.prompt_tokens, "{form:?}");
        kimi.assert_clean();
    }
    for form in [UsageForm::Absent, UsageForm::Zero] {
        assert_eq!(ask(Answer::text("Done.").usage(form)).unwrap().usage, None, "{form:?}");
    }
}
