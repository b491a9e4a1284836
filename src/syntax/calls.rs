//! Call statements of JavaScript, which is how its test runners declare tests.

use tree_sitter::Node;

use super::source::ItemKind;
use super::walk::between_quotes;

/// Longest chain of members that counts as a name.
const MAX_LINKS: usize = 8;

/// Returns the callee's name and the arguments of the call `node`; `None` if the callee has no name.
pub(super) fn call(node: &Node, text: &str) -> Option<(String, ItemKind)> {
    let mut called = node.child_by_field_name("function")?;
    let is_curried = called.kind() == "call_expression";
    if is_curried {
        called = called.child_by_field_name("function")?;
    }
    let name = is_name(&called).then(|| text.get(called.byte_range()))??.to_owned();
    let arguments = node.child_by_field_name("arguments")?;
    if arguments.kind() != "arguments" {
        return None;
    }
    let given: Vec<Node> =
        arguments.named_children(&mut arguments.walk()).filter(|argument| !argument.is_extra()).collect();
    let title = given.first().and_then(|first| title(first, text));
    Some((name, ItemKind::Call { title, arguments: given.len(), is_curried }))
}

/// Whether `called` is a name such as `it` or `test.describe.only`; `f().g` is none.
fn is_name(called: &Node) -> bool {
    let mut node = *called;
    for _ in 0..MAX_LINKS {
        match node.kind() {
            "identifier" | "this" => return true,
            "member_expression" => match node.child_by_field_name("object") {
                Some(object) => node = object,
                None => return false,
            },
            _ => return false,
        }
    }
    false
}

fn title(first: &Node, text: &str) -> Option<String> {
    let range = match first.kind() {
        "string" | "template_string" => between_quotes(text, first.byte_range()),
        _ if is_function(first) => first.child_by_field_name("name")?.byte_range(),
        _ => return None,
    };
    text.get(range).map(str::to_owned)
}

pub(super) fn is_function(node: &Node) -> bool {
    matches!(node.kind(), "arrow_function" | "function_expression" | "generator_function")
}
