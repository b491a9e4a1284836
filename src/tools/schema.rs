//! What the model is told about the tools: the JSON files in `tools/`, compiled in.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One file of `tools/`.
#[derive(Deserialize, Serialize)]
pub(super) struct Schema {
    pub name: String,
    description: String,
    parameters: Parameters,
}

#[derive(Deserialize, Serialize)]
struct Parameters {
    r#type: String,
    properties: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    required: Vec<String>,
}

/// One entry of the request's `tools`.
#[derive(Serialize)]
struct ToolEntry<'a> {
    r#type: &'static str,
    function: &'a Schema,
}

/// Sorted by name, as in the request.
const FILES: [&str; 6] = [
    include_str!("../../tools/edit_file.json"),
    include_str!("../../tools/list_files.json"),
    include_str!("../../tools/read_file.json"),
    include_str!("../../tools/run_tests.json"),
    include_str!("../../tools/search.json"),
    include_str!("../../tools/write_file.json"),
];

#[expect(clippy::expect_used, reason = "the files are compiled in, and a test parses every one")]
static SCHEMAS: LazyLock<Vec<Schema>> =
    LazyLock::new(|| FILES.iter().map(|file| serde_json::from_str(file).expect("a tool's JSON file")).collect());

#[expect(clippy::expect_used, reason = "strings and JSON values always serialise")]
static REQUEST: LazyLock<String> = LazyLock::new(|| {
    let entries: Vec<_> = SCHEMAS.iter().map(|function| ToolEntry { r#type: "function", function }).collect();
    serde_json::to_string(&entries).expect("JSON of JSON")
});

/// The JSON array that requests carry as `tools`: the same bytes in every request of every run.
#[must_use]
pub fn schemas() -> &'static str {
    &REQUEST
}

pub(super) fn of(tool: &str) -> Option<&'static Schema> {
    SCHEMAS.iter().find(|schema| schema.name == tool)
}

impl Schema {
    /// The fields that a call may carry, each with its JSON type.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parameters
            .properties
            .iter()
            .map(|(name, value)| (name.as_str(), value["type"].as_str().unwrap_or_default()))
    }

    pub(super) fn requires(&self, field: &str) -> bool {
        self.parameters.required.iter().any(|name| name == field)
    }

    /// A signature such as `read_file(path: string, start_line?: integer)`.
    pub(super) fn usage(&self) -> String {
        let field =
            |(name, kind): (&str, &str)| format!("{name}{}: {kind}", if self.requires(name) { "" } else { "?" });
        format!("{}({})", self.name, self.fields().map(field).collect::<Vec<_>>().join(", "))
    }
}
