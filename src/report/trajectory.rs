//! Converts a run to the Agent Trajectory Interchange Format, which Harbor (Terminal-Bench) and others read.
//!
//! The format: <https://github.com/harbor-framework/harbor/blob/main/rfcs/0001-trajectory-format.md>, version 1.6.
//! `extra` holds what it has no field for (the outcome, hashes).

use serde_json::{Map, Value, json};

use crate::journal::{Event, Message, Record, ReplyReceived, RunStarted};

/// Version of the format; 1.7 adds fields that kcode doesn't need.
const VERSION: &str = "ATIF-v1.6";

/// Converts a journal; `None` if it holds no run.
#[must_use]
pub fn trajectory(records: &[Record]) -> Option<Value> {
    let Some(Event::RunStarted(started)) = records.first().map(|record| &record.event) else { return None };
    let mut steps = Steps { model: &started.model, all: Vec::new() };
    let mut reply = None;
    for record in records {
        match &record.event {
            Event::Reply(received) => reply = Some(received),
            Event::Message(message) => steps.add(&record.at, message, reply.take()),
            _ => {}
        }
    }
    let agent = json!({ "name": "kcode", "version": started.version, "model_name": started.model });
    let final_metrics = totals(records, steps.all.len());
    Some(json!({
        "schema_version": VERSION,
        "session_id": started.run,
        "agent": agent,
        "steps": steps.all,
        "final_metrics": final_metrics,
        "extra": context(started, records),
    }))
}

/// Task and outcome of the run.
fn context(started: &RunStarted, records: &[Record]) -> Value {
    let mut extra = json!({ "task": started.task, "head": started.head, "limits": started.limits });
    for record in records {
        match &record.event {
            Event::RunEnded(ended) => {
                extra["outcome"] = json!(ended.outcome);
                extra["detail"] = json!(ended.detail);
            }
            Event::PatchWritten(patch) => extra["patch_sha256"] = json!(patch.sha256),
            _ => {}
        }
    }
    extra
}

fn totals(records: &[Record], steps: usize) -> Value {
    let replies = records.iter().filter_map(|it| if let Event::Reply(reply) = &it.event { Some(reply) } else { None });
    let replies: Vec<&ReplyReceived> = replies.collect();
    let sum = |of: fn(&ReplyReceived) -> u64| replies.iter().map(|reply| of(reply)).sum::<u64>();
    let mut totals = json!({
        "total_prompt_tokens": sum(|reply| reply.usage.prompt_tokens.0),
        "total_completion_tokens": sum(|reply| reply.usage.completion_tokens.0),
        "total_cached_tokens": sum(|reply| reply.usage.cached_tokens.0),
        "total_steps": steps,
    });
    let cost: Option<crate::journal::Usd> = replies.iter().map(|reply| reply.cost_usd).sum();
    if let Some(cost) = cost {
        totals["total_cost_usd"] = json!(cost);
    }
    totals
}

struct Steps<'a> {
    model: &'a str,
    all: Vec<Value>,
}

impl Steps<'_> {
    fn add(&mut self, at: &str, message: &Message, reply: Option<&ReplyReceived>) {
        let Ok(json) = serde_json::from_str::<Value>(&message.json) else { return };
        if message.role == "tool" {
            return self.observe(&json);
        }
        let source = if message.role == "assistant" { "agent" } else { message.role.as_str() };
        let mut step = Map::new();
        step.insert("step_id".to_owned(), json!(self.all.len() + 1));
        step.insert("timestamp".to_owned(), json!(at));
        step.insert("source".to_owned(), json!(source));
        step.insert("message".to_owned(), json!(json["content"].as_str().unwrap_or_default()));
        if source == "agent" {
            step.insert("model_name".to_owned(), json!(self.model));
            // Providers send reasoning under different names.
            let thought = ["reasoning_content", "reasoning"].iter().find_map(|field| json[field].as_str());
            step.extend(thought.map(|thought| ("reasoning_content".to_owned(), json!(thought))));
            let calls: Vec<Value> = json["tool_calls"].as_array().into_iter().flatten().map(call).collect();
            step.extend((!calls.is_empty()).then(|| ("tool_calls".to_owned(), json!(calls))));
            step.extend(reply.map(|reply| ("metrics".to_owned(), metrics(reply))));
        }
        self.all.push(Value::Object(step));
    }

    /// Adds a tool's answer to the step with the call.
    fn observe(&mut self, answer: &Value) {
        let Some(step) = self.all.iter_mut().rev().find(|step| step["source"] == "agent") else { return };
        let result = json!({ "source_call_id": answer["tool_call_id"], "content": answer["content"] });
        match step["observation"]["results"].as_array_mut() {
            Some(results) => results.push(result),
            None => step["observation"] = json!({ "results": [result] }),
        }
    }
}

/// The format requires an object; other arguments are kept as they came.
fn call(call: &Value) -> Value {
    let written = call["function"]["arguments"].as_str().unwrap_or_default();
    let arguments = serde_json::from_str::<Value>(written).ok().filter(Value::is_object);
    json!({
        "tool_call_id": call["id"],
        "function_name": call["function"]["name"],
        "arguments": arguments.unwrap_or_else(|| json!({ "unparsed": written })),
    })
}

fn metrics(reply: &ReplyReceived) -> Value {
    let mut metrics = json!({
        "prompt_tokens": reply.usage.prompt_tokens,
        "completion_tokens": reply.usage.completion_tokens,
        "cached_tokens": reply.usage.cached_tokens,
        "extra": { "finish_reason": reply.finish_reason, "latency_ms": reply.latency_ms },
    });
    if let Some(cost) = reply.cost_usd {
        metrics["cost_usd"] = json!(cost);
    }
    metrics
}
