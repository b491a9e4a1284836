//! Finds code that is written down but never run: closures that nothing calls, and promises, futures, threads and lazy
//! iterators that nothing waits for or consumes.

use std::ops::Range;

use tree_sitter::Node;

use super::grammar::Grammar;

/// Longest way up from a closure to what uses its value.
const MAX_CLIMB: usize = 32;

/// A closure, asynchronous block or generator expression whose value may be unused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Deferred {
    /// Range of the closure or block.
    pub range: Range<usize>,
    /// Range of the expression whose value is unused: the closure, or the call that starts it.
    pub whole: Range<usize>,
    /// What becomes of the value.
    pub fate: Fate,
}

/// What becomes of the value of a closure or of a call that starts one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Nothing uses it.
    Discarded,
    /// The function around it returns it, without calling it.
    Returned,
    /// A variable of this name holds it.
    Named(String),
    /// It runs in a goroutine, for which the function may wait by other means.
    Goroutine,
}

/// Kind of a value on its way up the tree.
#[derive(Clone, Copy, PartialEq)]
enum Value {
    /// A function that was not called yet; says whether a call only starts it.
    Closure { is_lazy: bool },
    /// A promise, future, handle or iterator.
    Pending,
}

/// Returns what becomes of the closure `node`, whose ancestors are `around`, the outermost first; `None` if it is run or
/// that is unknown.
pub(super) fn deferred(node: Node, around: &[Node], text: &str, grammar: Grammar) -> Option<Deferred> {
    let mut value = value(node, grammar)?;
    let mut child = node;
    for (at, parent) in around.iter().enumerate().rev().take(MAX_CLIMB) {
        let found = |fate| Some(Deferred { range: node.byte_range(), whole: child.byte_range(), fate });
        let is_field = |name| parent.child_by_field_name(name).is_some_and(|field| field.id() == child.id());
        match parent.kind() {
            "expression_statement" => return found(Fate::Discarded),
            "parenthesized_expression"
            | "unary_expression"
            | "array_expression"
            | "array"
            | "object"
            | "pair"
            | "list"
            | "tuple"
            | "tuple_expression"
            | "dictionary"
            | "literal_value"
            | "literal_element"
            | "keyed_element"
            | "composite_literal"
            | "expression_list"
            | "reference_expression"
            | "try_expression"
            | "as_expression"
            | "satisfies_expression"
            | "arguments"
            | "argument_list" => {}
            "call_expression" | "call" if is_field("function") => match value {
                // `go func() { … }()`
                Value::Closure { .. } if around.get(at.wrapping_sub(1)).map(Node::kind) == Some("go_statement") => {
                    return found(Fate::Goroutine);
                }
                Value::Closure { is_lazy: true } => value = Value::Pending,
                _ => return None,
            },
            "call_expression" | "call" => match taken(*parent, text, grammar) {
                CallEffect::Runs => return None,
                CallEffect::Starts => value = Value::Pending,
                CallEffect::Drops => return found(Fate::Discarded),
            },
            // `load().then(…).finally(…)`, `spawn(…).join()`
            "member_expression" | "field_expression" if value == Value::Pending => {
                let name = ["property", "field"].iter().find_map(|name| parent.child_by_field_name(name))?;
                let goes_on: &[&str] = match grammar {
                    Grammar::Rust => &["join", "map", "inspect", "filter", "enumerate", "skip", "take", "rev", "boxed"],
                    Grammar::JavaScript | Grammar::TypeScript | Grammar::Tsx => &["then", "catch", "finally"],
                    Grammar::Go | Grammar::Python => &[],
                };
                if !goes_on.contains(&text.get(name.byte_range())?) {
                    return None;
                }
                // The call of this method is the next value.
                value = Value::Closure { is_lazy: true };
            }
            "return_statement" | "return_expression" if matches!(value, Value::Closure { .. }) => {
                return is_owned(&around[..at]).then(|| found(Fate::Returned))?;
            }
            "arrow_function" if is_field("body") && matches!(value, Value::Closure { .. }) => {
                return is_owned(&around[..=at]).then(|| found(Fate::Returned))?;
            }
            "let_declaration"
            | "variable_declarator"
            | "assignment_expression"
            | "assignment"
            | "short_var_declaration"
            | "assignment_statement"
            | "var_spec" => {
                let names = ["pattern", "name", "left"].iter().find_map(|name| parent.child_by_field_name(name))?;
                let name = text.get(names.byte_range())?;
                let is_name = name.chars().all(|character| character.is_alphanumeric() || character == '_');
                return is_name.then(|| found(Fate::Named(name.to_owned())))?;
            }
            _ => return None,
        }
        child = *parent;
    }
    None
}

fn value(node: Node, grammar: Grammar) -> Option<Value> {
    let is_async = || node.children(&mut node.walk()).take(3).any(|child| child.kind() == "async");
    match (grammar, node.kind()) {
        (Grammar::Python, "generator_expression") | (Grammar::Rust, "async_block") => Some(Value::Pending),
        (Grammar::Python, "lambda") | (Grammar::Go, "func_literal") => Some(Value::Closure { is_lazy: false }),
        (_, "generator_function") => Some(Value::Closure { is_lazy: true }),
        (_, "closure_expression" | "arrow_function" | "function_expression") => {
            Some(Value::Closure { is_lazy: is_async() })
        }
        _ => None,
    }
}

/// What a call does with a closure among its arguments.
enum CallEffect {
    /// It may run it.
    Runs,
    /// It starts it, or will run it when its result is used.
    Starts,
    Drops,
}

fn taken(call: Node, text: &str, grammar: Grammar) -> CallEffect {
    let name = call.child_by_field_name("function").and_then(|called| text.get(called.byte_range()));
    let Some(name) = name else { return CallEffect::Runs };
    let last = name.rsplit(['.', ':']).next().unwrap_or_default().trim();
    match grammar {
        Grammar::Rust => match last {
            "drop" | "forget" if !name.contains('.') => CallEffect::Drops,
            // A scope joins the threads that are spawned in it.
            "spawn" | "spawn_blocking" | "spawn_local" if !name.contains('.') => CallEffect::Starts,
            "map" | "inspect" | "filter" | "filter_map" | "flat_map" | "take_while" | "skip_while" | "map_while"
            | "scan" | "from_fn"
                if name.contains(['.', ':']) =>
            {
                CallEffect::Starts
            }
            _ => CallEffect::Runs,
        },
        Grammar::Python if matches!(name, "map" | "filter" | "functools.partial" | "partial") => CallEffect::Starts,
        Grammar::JavaScript | Grammar::TypeScript | Grammar::Tsx
            if name.contains('.') && ["then", "catch", "finally"].contains(&last) =>
        {
            CallEffect::Starts
        }
        _ => CallEffect::Runs,
    }
}

/// Whether the innermost function of `around` is declared by a name or passed to a call, as tests are.
fn is_owned(around: &[Node]) -> bool {
    let function = around.iter().rposition(|node| {
        let kind = node.kind();
        kind == "lambda" || kind == "func_literal" || kind.contains("function") || kind.starts_with("method_")
    });
    let Some(at) = function else { return false };
    let is_closure = matches!(around[at].kind(), "arrow_function" | "function_expression" | "func_literal" | "lambda");
    !is_closure || around[..at].last().is_some_and(|parent| ["arguments", "argument_list"].contains(&parent.kind()))
}

/// Returns the start of the function that `node` makes a generator, whose ancestors are `around`; `function` is the start of
/// the innermost one. A call that takes a generator function counts as the function, since it may declare a test.
pub(super) fn generator(node: Node, around: &[Node], function: Option<usize>, grammar: Grammar) -> Option<usize> {
    let parent = around.last()?;
    match (grammar, node.kind()) {
        (Grammar::Python, "yield") if node.is_named() => function,
        (_, "generator_function_declaration") => Some(node.start_byte()),
        (_, "generator_function") => match parent.kind() {
            "arguments" => Some(around.get(around.len().checked_sub(2)?)?.start_byte()),
            "variable_declarator" => Some(parent.start_byte()),
            _ => None,
        },
        _ => None,
    }
}
