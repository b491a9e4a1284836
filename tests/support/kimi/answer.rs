//! What the mock answers: a builder for replies, refusals and every way in which a response can go wrong.

use std::time::Duration;

/// Where the usage stands in a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UsageForm {
    /// In the last choice, as Kimi's streaming guide shows.
    #[default]
    Choice,
    /// At the top of the chunk that finishes.
    Top,
    /// In a chunk of its own without choices, as `include_usage` asks for.
    Extra,
    /// In such a chunk, with cached tokens in `prompt_tokens_details`.
    Details,
    /// Nowhere.
    Absent,
    /// Zeros, as one gateway sends.
    Zero,
}

/// How the end of the body is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// `Transfer-Encoding: chunked`.
    #[default]
    Chunked,
    /// The connection closes.
    Close,
    /// `Content-Length`.
    Length,
}

/// A tool call that the mock's model makes.
#[derive(Clone, Debug)]
pub struct Call {
    pub id: String,
    pub name: String,
    pub arguments: String,
}

/// What the mock's model says.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    /// Field name and text; `None` sends no reasoning at all.
    pub reasoning: Option<(&'static str, String)>,
    pub content: String,
    pub calls: Vec<Call>,
    pub finish_reason: Option<String>,
    pub usage: UsageForm,
    /// An error object instead of the end.
    pub error: Option<(String, String)>,
    /// One JSON object instead of a stream.
    pub whole: bool,
    /// The pieces of tool calls carry no index.
    pub no_index: bool,
    /// Characters in each delta.
    pub piece: usize,
    /// No chunk says that this is the end.
    pub unfinished: bool,
    /// Chunks in place of those that would be made of the rest.
    pub chunks: Option<Vec<String>>,
}

/// What stands in the body.
#[derive(Clone, Debug)]
pub enum Body {
    Reply(Reply),
    /// Sent as it is, with this status and these headers.
    Raw(u16, Vec<(String, String)>, Vec<u8>),
    /// A whole response, status line included.
    Verbatim(Vec<u8>),
    /// The connection is closed without a byte.
    Nothing,
}

/// How the bytes travel.
#[derive(Clone, Debug, Default)]
pub struct Travel {
    pub framing: Framing,
    pub headers: Vec<(String, String)>,
    pub before_headers: Duration,
    pub between_events: Duration,
    /// The body stops after so many bytes and the connection breaks.
    pub cut: Option<usize>,
    /// The body stops after so many bytes; the connection stays open until the client leaves.
    pub stall: Option<usize>,
    /// Nothing at all is sent; the connection stays open.
    pub mute: bool,
    /// Bytes of each write.
    pub split: Option<usize>,
    pub bom: bool,
    pub crlf: bool,
    pub comments: bool,
    pub no_space: bool,
    pub no_done: bool,
    /// `[DONE]` without the empty line after it.
    pub bare_done: bool,
    /// The last event, whatever it is, without the empty line and the end of its own line.
    pub bare_end: bool,
    /// Put before the event of this number.
    pub garbage: Option<(usize, Vec<u8>)>,
}

/// One answer of the mock.
#[derive(Clone, Debug)]
pub struct Answer {
    pub body: Body,
    pub travel: Travel,
    /// Answered even when the request breaks Kimi's rules.
    pub lax: bool,
}

impl Answer {
    fn reply(reply: Reply) -> Self {
        let reply = Reply { piece: 7, ..reply };
        Self { body: Body::Reply(reply), travel: Travel::default(), lax: false }
    }

    /// A reply with text and a little reasoning.
    pub fn text(text: &str) -> Self {
        Self::reply(Reply { content: text.into(), ..Reply::default() }).reasoning("Let me think.")
    }

    /// A reply that calls one tool.
    pub fn call(name: &str, arguments: &str) -> Self {
        Self::calls([(name, arguments)])
    }

    /// A reply that calls several tools; the ids are numbered over the conversation, as Kimi's are.
    pub fn calls<'a>(calls: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let calls = calls.into_iter();
        let calls =
            calls.map(|(name, arguments)| Call { id: String::new(), name: name.into(), arguments: arguments.into() });
        Self::reply(Reply { calls: calls.collect(), ..Reply::default() }).reasoning("I need a tool.")
    }

    /// Reasoning and nothing else.
    pub fn think_only(thought: &str) -> Self {
        Self::reply(Reply::default()).reasoning(thought)
    }

    /// Nothing at all, with a finish reason.
    pub fn empty() -> Self {
        Self::reply(Reply::default())
    }

    /// Tool calls leaked into the text as a self-hosted server does.
    pub fn leaked(before: &str, name: &str, arguments: &str) -> Self {
        Self::text(&leak(before, name, arguments)).finish("stop")
    }

    /// The same, leaked into the reasoning.
    pub fn leaked_in_reasoning(before: &str, name: &str, arguments: &str) -> Self {
        Self::reply(Reply::default()).reasoning(&leak(before, name, arguments)).finish("stop")
    }

    /// A JSON error as Kimi sends it.
    pub fn error(status: u16, kind: &str, message: &str) -> Self {
        let body = serde_json::json!({ "error": { "message": message, "type": kind } }).to_string();
        Self::raw(status, "application/json", body.as_bytes())
    }

    /// Any status and body.
    pub fn raw(status: u16, content_type: &str, body: &[u8]) -> Self {
        let headers = vec![("Content-Type".to_owned(), content_type.to_owned())];
        let travel = Travel { framing: Framing::Length, ..Travel::default() };
        Self { body: Body::Raw(status, headers, body.to_vec()), travel, lax: true }
    }

    /// A response byte for byte, status line included.
    pub fn verbatim(response: &[u8]) -> Self {
        Self { body: Body::Verbatim(response.to_vec()), travel: Travel::default(), lax: true }
    }

    /// The connection closes without an answer.
    pub fn hang_up() -> Self {
        Self { body: Body::Nothing, travel: Travel::default(), lax: true }
    }

    /// Replaces the reasoning.
    #[must_use]
    pub fn reasoning(self, text: &str) -> Self {
        self.reasoning_as("reasoning_content", text)
    }

    /// The same under another field's name (`reasoning`, `reasoning_details`).
    #[must_use]
    pub fn reasoning_as(self, field: &'static str, text: &str) -> Self {
        self.with_reply(|reply| reply.reasoning = Some((field, text.to_owned())))
    }

    /// Sends no reasoning.
    #[must_use]
    pub fn without_reasoning(self) -> Self {
        self.with_reply(|reply| reply.reasoning = None)
    }

    /// Adds visible text.
    #[must_use]
    pub fn saying(self, text: &str) -> Self {
        self.with_reply(|reply| text.clone_into(&mut reply.content))
    }

    /// Replaces the ids of the tool calls.
    #[must_use]
    pub fn ids<'a>(self, ids: impl IntoIterator<Item = &'a str>) -> Self {
        self.with_reply(|reply| {
            for (call, id) in reply.calls.iter_mut().zip(ids) {
                id.clone_into(&mut call.id);
            }
        })
    }

    /// Replaces the finish reason.
    #[must_use]
    pub fn finish(self, reason: &str) -> Self {
        self.with_reply(|reply| reply.finish_reason = Some(reason.to_owned()))
    }

    /// Never says that it is finished.
    #[must_use]
    pub fn unfinished(self) -> Self {
        self.with_reply(|reply| reply.unfinished = true)
    }

    /// Sends these as its chunks, in the place of those that its parts come to.
    #[must_use]
    pub fn in_chunks<T: ToString>(self, chunks: impl IntoIterator<Item = T>) -> Self {
        let chunks = chunks.into_iter().map(|chunk| chunk.to_string()).collect();
        self.with_reply(|reply| reply.chunks = Some(chunks))
    }

    /// Says where the usage stands.
    #[must_use]
    pub fn usage(self, form: UsageForm) -> Self {
        self.with_reply(|reply| reply.usage = form)
    }

    /// Ends the stream with an error object.
    #[must_use]
    pub fn error_in_stream(self, kind: &str, message: &str) -> Self {
        self.with_reply(|reply| reply.error = Some((kind.to_owned(), message.to_owned())))
    }

    /// Answers with one JSON object although a stream was asked for.
    #[must_use]
    pub fn whole(mut self) -> Self {
        self.travel.framing = Framing::Length;
        self.with_reply(|reply| reply.whole = true)
    }

    /// Leaves the index out of tool-call pieces.
    #[must_use]
    pub fn without_index(self) -> Self {
        self.with_reply(|reply| reply.no_index = true)
    }

    /// Characters in each delta.
    #[must_use]
    pub fn pieces_of(self, characters: usize) -> Self {
        self.with_reply(|reply| reply.piece = characters.max(1))
    }

    /// Adds a header.
    #[must_use]
    pub fn header(self, name: &str, value: &str) -> Self {
        self.travelling(|travel| travel.headers.push((name.to_owned(), value.to_owned())))
    }

    /// Answers even when the request breaks Kimi's rules.
    #[must_use]
    pub fn lax(mut self) -> Self {
        self.lax = true;
        self
    }

    /// Changes how the bytes travel.
    #[must_use]
    pub fn travelling(mut self, change: impl FnOnce(&mut Travel)) -> Self {
        change(&mut self.travel);
        self
    }

    /// Waits before the headers.
    #[must_use]
    pub fn delay(self, before_headers: Duration) -> Self {
        self.travelling(|travel| travel.before_headers = before_headers)
    }

    /// Waits between events.
    #[must_use]
    pub fn pace(self, between_events: Duration) -> Self {
        self.travelling(|travel| travel.between_events = between_events)
    }

    /// Breaks off after so many bytes of the body.
    #[must_use]
    pub fn cut(self, after: usize) -> Self {
        self.travelling(|travel| travel.cut = Some(after))
    }

    /// Falls silent after so many bytes of the body.
    #[must_use]
    pub fn stall(self, after: usize) -> Self {
        self.travelling(|travel| travel.stall = Some(after))
    }

    /// Never says anything.
    #[must_use]
    pub fn mute(self) -> Self {
        self.travelling(|travel| travel.mute = true)
    }

    /// Writes so many bytes at a time.
    #[must_use]
    pub fn split(self, bytes: usize) -> Self {
        self.travelling(|travel| travel.split = Some(bytes))
    }

    /// Puts bytes before the event of this number.
    #[must_use]
    pub fn garbage(self, before_event: usize, bytes: &[u8]) -> Self {
        self.travelling(|travel| travel.garbage = Some((before_event, bytes.to_vec())))
    }

    /// Tells the body's length beforehand.
    #[must_use]
    pub fn by_length(self) -> Self {
        self.travelling(|travel| travel.framing = Framing::Length)
    }

    /// Tells the body's end by closing the connection.
    #[must_use]
    pub fn close_delimited(self) -> Self {
        self.travelling(|travel| travel.framing = Framing::Close)
    }

    fn with_reply(mut self, change: impl FnOnce(&mut Reply)) -> Self {
        match &mut self.body {
            Body::Reply(reply) => change(reply),
            other => panic!("not a reply: {other:?}"),
        }
        self
    }
}

fn leak(before: &str, name: &str, arguments: &str) -> String {
    format!(
        "{before}<|tool_calls_section_begin|><|tool_call_begin|>functions.{name}:0<|tool_call_argument_begin|>\
         {arguments}<|tool_call_end|><|tool_calls_section_end|>"
    )
}
