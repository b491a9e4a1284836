//! Moonshot-flavoured JSON Schema, as MoonshotAI/walle documents it: what tool parameters may say.

use serde_json::{Map, Value};

const UNSUPPORTED: [&str; 20] = [
    "oneOf",
    "allOf",
    "not",
    "if",
    "then",
    "else",
    "const",
    "pattern",
    "patternProperties",
    "prefixItems",
    "format",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "$schema",
    "$anchor",
    "dependentSchemas",
];
const MAX_DEPTH: usize = 5;
const MAX_PROPERTIES: usize = 100;
const MAX_BRANCHES: usize = 10;
const MAX_ENUM: usize = 500;

/// Kimi's words for the first thing wrong with a tool's parameters.
pub fn check(schema: &Value) -> Result<(), String> {
    if schema.get("type").and_then(Value::as_str) != Some("object") {
        return Err("tools.function.parameters.type is required and must be \"object\"".to_owned());
    }
    let mut properties = 0;
    walk(schema, "", 0, schema, &mut properties).map_err(|(path, wrong)| {
        let path = path.trim_start_matches('.');
        format!(
            "tools.function.parameters is not a valid moonshot flavored json schema, details: <At path '{path}': {wrong}>"
        )
    })
}

type Wrong = (String, String);

fn walk(schema: &Value, path: &str, depth: usize, root: &Value, properties: &mut usize) -> Result<(), Wrong> {
    let wrong = |what: &str| Err((path.to_owned(), what.to_owned()));
    let Some(object) = schema.as_object() else {
        return wrong("property schema must be an object");
    };
    if depth > MAX_DEPTH {
        return wrong("schema is nested too deeply");
    }
    if let Some(keyword) = object.keys().find(|key| UNSUPPORTED.contains(&key.as_str())) {
        return wrong(&format!("keyword '{keyword}' is not supported"));
    }
    if path.is_empty() {
        for (name, sub) in entries(object, "$defs") {
            walk(sub, &format!("{path}.$defs.{name}"), depth + 1, root, properties)?;
        }
    } else if object.contains_key("$defs") {
        return wrong("$defs is only allowed at the root");
    }
    check_kind(object, path, root)?;
    check_enum(object).or_else(|what| wrong(&what))?;
    for (name, sub) in entries(object, "properties") {
        *properties += 1;
        walk(sub, &format!("{path}.properties.{name}"), depth + 1, root, properties)?;
    }
    if *properties > MAX_PROPERTIES {
        return wrong("too many properties");
    }
    for name in object.get("required").and_then(Value::as_array).into_iter().flatten() {
        let name = name.as_str().unwrap_or_default();
        if object.get("properties").and_then(|properties| properties.get(name)).is_none() {
            return wrong(&format!("required property '{name}' is not defined in properties"));
        }
    }
    match object.get("items") {
        Some(Value::Array(_)) => return wrong("items must be an object"),
        Some(items) => walk(items, &format!("{path}.items"), depth + 1, root, properties)?,
        None => {}
    }
    for (n, branch) in branches(object).iter().enumerate() {
        walk(branch, &format!("{path}.anyOf.{n}"), depth + 1, root, properties)?;
    }
    Ok(())
}

/// Each schema says what it is by exactly one of `type`, `anyOf` and `$ref`.
fn check_kind(object: &Map<String, Value>, path: &str, root: &Value) -> Result<(), Wrong> {
    let wrong = |what: String| Err((path.to_owned(), what));
    let has = |key: &str| object.contains_key(key);
    let beside = |allowed: &[&str]| object.keys().find(|key| !allowed.contains(&key.as_str())).cloned();
    if has("anyOf") {
        if has("type") {
            return wrong(
                "when using anyOf, type should be defined in anyOf items instead of the parent schema".into(),
            );
        }
        if let Some(keyword) = beside(&["anyOf", "description", "title", "$defs", "$id"]) {
            return wrong(format!("conflicting keywords found beside anyOf: {keyword}"));
        }
        let count = branches(object).len();
        return if (1..=MAX_BRANCHES).contains(&count) { Ok(()) } else { wrong("anyOf has too many branches".into()) };
    }
    if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
        if let Some(keyword) = beside(&["$ref", "$defs", "$id"]) {
            return wrong(format!("conflicting keywords found after $ref expansion: {keyword}"));
        }
        let known = reference == "#"
            || reference.strip_prefix("#/$defs/").is_some_and(|name| root.pointer(&format!("/$defs/{name}")).is_some());
        return if known { Ok(()) } else { wrong("references must start with #/$defs/".into()) };
    }
    match object.get("type") {
        Some(Value::String(_)) => Ok(()),
        Some(Value::Array(types)) if object.contains_key("enum") => {
            let fine = types.len() == 1 || (types.len() == 2 && types[1] == "null");
            if fine { Ok(()) } else { wrong("type of an enum has at most two entries, the second null".into()) }
        }
        Some(Value::Array(_)) => match beside(&["type", "description", "title"]) {
            Some(keyword) => wrong(format!("conflicting keywords found beside a type array: {keyword}")),
            None => Ok(()),
        },
        _ => wrong("type is not defined".into()),
    }
}

fn check_enum(object: &Map<String, Value>) -> Result<(), String> {
    let Some(values) = object.get("enum") else { return Ok(()) };
    let Some(values) = values.as_array().filter(|values| !values.is_empty() && values.len() <= MAX_ENUM) else {
        return Err("enum must be an array of 1 to 500 values".to_owned());
    };
    let declared: Vec<&str> = match object.get("type") {
        Some(Value::Array(types)) => types.iter().filter_map(Value::as_str).collect(),
        Some(one) => one.as_str().into_iter().collect(),
        None => Vec::new(),
    };
    let fits = |value: &Value| match value {
        Value::String(_) => declared.contains(&"string"),
        Value::Number(number) => declared.contains(&"number") || (number.is_i64() && declared.contains(&"integer")),
        Value::Null => declared.contains(&"null"),
        _ => false,
    };
    values.iter().all(fits).then_some(()).ok_or_else(|| "enum values must match the declared type".to_owned())
}

fn entries<'a>(object: &'a Map<String, Value>, key: &str) -> Vec<(&'a String, &'a Value)> {
    object.get(key).and_then(Value::as_object).map(|map| map.iter().collect()).unwrap_or_default()
}

fn branches(object: &Map<String, Value>) -> &[Value] {
    object.get("anyOf").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}
