//! Expressions of GitHub's workflows, as far as the examples use them; anything else fails the test.
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/expressions>

use serde_json::{Value, json};

/// Fills `${{ … }}` in a text.
pub fn filled(text: &str, contexts: &Value) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, from)) = rest.split_once("${{") {
        let (expression, behind) = from.split_once("}}").unwrap();
        filled.push_str(before);
        filled.push_str(&as_text(&evaluated(expression, contexts)));
        rest = behind;
    }
    filled + rest
}

/// Whether an `if:` holds. `succeeded` is about what went before; without a function about that, it is meant as well.
pub fn holds(condition: &Value, contexts: &Value, succeeded: bool) -> bool {
    let Some(text) = condition.as_str() else { return succeeded };
    let bare = text.trim();
    let bare = bare.strip_prefix("${{").and_then(|it| it.strip_suffix("}}")).unwrap_or(bare);
    let speaks_of_before = ["always()", "cancelled()", "failure()", "success()"].iter().any(|it| bare.contains(it));
    (speaks_of_before || succeeded) && is_true(&evaluated(bare, contexts))
}

fn evaluated(expression: &str, contexts: &Value) -> Value {
    let mut reader = Reader { rest: expression, contexts };
    let value = reader.either();
    assert_eq!(reader.rest.trim(), "", "in the expression {expression}");
    value
}

struct Reader<'a> {
    rest: &'a str,
    contexts: &'a Value,
}

impl Reader<'_> {
    fn takes(&mut self, sign: &str) -> bool {
        self.rest = self.rest.trim_start();
        let found = self.rest.strip_prefix(sign);
        self.rest = found.unwrap_or(self.rest);
        found.is_some()
    }

    fn either(&mut self) -> Value {
        let mut left = self.both();
        while self.takes("||") {
            let right = self.both();
            left = if is_true(&left) { left } else { right };
        }
        left
    }

    fn both(&mut self) -> Value {
        let mut left = self.comparison();
        while self.takes("&&") {
            let right = self.comparison();
            left = if is_true(&left) { right } else { left };
        }
        left
    }

    fn comparison(&mut self) -> Value {
        let left = self.single();
        if self.takes("==") {
            let right = self.single();
            return json!(same(&left, &right));
        }
        if self.takes("!=") {
            let right = self.single();
            return json!(!same(&left, &right));
        }
        left
    }

    fn single(&mut self) -> Value {
        if self.takes("!") {
            return json!(!is_true(&self.single()));
        }
        if self.takes("(") {
            let value = self.either();
            assert!(self.takes(")"), "{}", self.rest);
            return value;
        }
        if self.takes("'") {
            let (text, rest) = self.rest.split_once('\'').unwrap();
            self.rest = rest;
            return json!(text);
        }
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && !"_.-".contains(c)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        assert!(!name.is_empty(), "no expression: {rest}");
        if self.takes("(") { self.called(name) } else { self.named(name) }
    }

    fn named(&self, name: &str) -> Value {
        let mut value = self.contexts;
        for (depth, part) in name.split('.').enumerate() {
            assert!(depth > 0 || value.get(part).is_some(), "there is no context {part} here");
            value = value.get(part).unwrap_or(&Value::Null);
        }
        value.clone()
    }

    fn called(&mut self, name: &str) -> Value {
        let mut arguments = Vec::new();
        while !self.takes(")") {
            arguments.push(self.either());
            self.takes(",");
        }
        match (name, arguments.as_slice()) {
            ("always", []) => json!(true),
            ("cancelled", []) => json!(false),
            ("startsWith", [text, start]) => json!(lower(text).starts_with(&lower(start))),
            ("contains", [Value::Array(all), one]) => json!(all.iter().any(|it| same(it, one))),
            ("contains", [text, part]) => json!(lower(text).contains(&lower(part))),
            ("fromJSON", [text]) => serde_json::from_str(text.as_str().unwrap()).unwrap(),
            _ => panic!("the function {name} isn't known here"),
        }
    }
}

fn is_true(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(false)) && value != &json!("") && value != &json!(0)
}

/// Texts are compared without regard to case.
fn same(left: &Value, right: &Value) -> bool {
    lower(left) == lower(right)
}

fn lower(value: &Value) -> String {
    as_text(value).to_lowercase()
}

fn as_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[test]
fn expressions_mean_what_they_mean_there() {
    let contexts = json!({ "a": { "b": "Yes", "no": Value::Null }, "c": { "d": ["x", "Y"], "s": "[\"OWNER\"]" } });
    for (condition, holds_when_succeeded, holds_when_failed) in [
        ("a.b == 'yes'", true, false),
        ("a.no", false, false),
        ("!a.no && a.b == 'yes' || a.no", true, false),
        ("!(a.b == 'yes' || a.no)", false, false),
        ("always() && startsWith(a.b, 'ye')", true, true),
        ("${{ !cancelled() && a.b != 'skipped' }}", true, true),
        ("contains(fromJSON('[\"OWNER\", \"MEMBER\"]'), a.b)", false, false),
        ("contains(c.d, 'y')", true, false),
    ] {
        let seen = [true, false].map(|succeeded| holds(&json!(condition), &contexts, succeeded));
        assert_eq!(seen, [holds_when_succeeded, holds_when_failed], "{condition}");
    }
    assert_eq!(filled("<${{ a.b }}|${{ a.no }}>", &contexts), "<Yes|>");
}
