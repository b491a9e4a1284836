//! What holds for every run, however it ended.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::Value;

use crate::processes;
use crate::ran::{Kept, Ran};
use crate::setups::Kernel;
use crate::support::kimi::MockKimi;
use crate::world::World;

/// What a run may leave in its folder.
const KEPT: [&str; 11] = [
    "applied.json",
    "blobs",
    "changes.json",
    "inherited.jsonl",
    "journal.jsonl",
    "logs",
    "patch.diff",
    "patch.full.diff",
    "report.json",
    "report.md",
    "results.json",
];

/// Fails when `ran` broke a law.
pub fn hold(world: &World, ran: &Ran) {
    nothing_is_left(world);
    the_key_is_nowhere(world);
    nothing_drives_the_terminal(ran);
    for run in world.runs() {
        let kept = Kept(run);
        the_journal_is_sound(&kept, world.setup.kernel == Kernel::Landlock);
        if kept.0.join("report.json").exists() {
            assert_shape("report", &kept.report());
        }
    }
}

/// Law 10.
pub fn nothing_is_left(world: &World) {
    assert_eq!(processes::about(&world.path("")), [], "processes are left");
    assert_eq!(names(&world.path("tmp")), [""; 0], "temporary files are left");
    assert_eq!(names(&world.state().join("unfinished")), [""; 0], "something is unfinished");
    for run in world.runs() {
        let left: Vec<_> = names(&run).into_iter().filter(|name| !KEPT.contains(&name.as_str())).collect();
        assert!(left.is_empty(), "the run left {left:?}");
    }
}

/// Law 2's and 9's part that files can show.
fn the_key_is_nowhere(world: &World) {
    for folder in ["state", "output", "project", "home"] {
        for file in files(&world.path(folder)) {
            let holds =
                fs::read(&file).unwrap().windows(MockKimi::KEY.len()).any(|part| part == MockKimi::KEY.as_bytes());
            assert!(!holds, "the key is in {}", file.display());
        }
    }
}

/// Law 9: standard error is a terminal's. (Colour is only there when it was asked for.)
fn nothing_drives_the_terminal(ran: &Ran) {
    let stderr = ran.stderr().replace("\u{1b}[", "");
    let hostile: Vec<char> = stderr.chars().filter(|c| c.is_control() && !"\n\t".contains(*c)).collect();
    assert!(hostile.is_empty(), "{hostile:?} in {stderr:?}");
    assert!(!stderr.lines().any(|line| line.trim_start().starts_with("::")), "{stderr}");
}

/// Law 3, and the half of law 4 that a journal shows. Without namespaces a sandbox has gaps, of which an audit tells.
fn the_journal_is_sound(kept: &Kept, has_gaps: bool) {
    for (n, record) in kept.journal().iter().enumerate() {
        assert_eq!(record["seq"], n as u64);
        assert_shape("event", record);
    }
    history_is_valid(&kept.messages());
    let recovered = kcode::journal::recover(&kept.0.join("journal.jsonl")).unwrap();
    let inherited = fs::read(kept.0.join("inherited.jsonl")).unwrap_or_default();
    let earlier = kcode::journal::recover_chain(&inherited).unwrap();
    let audit = kcode::report::audit(&earlier, &recovered.records).unwrap();
    let is_known = |breach: &&String| has_gaps && breach.starts_with("law 2: the sandbox did not stop this");
    let breaches: Vec<_> = audit.breaches.iter().filter(|breach| !is_known(breach)).collect();
    assert_eq!(breaches, [""; 0], "the audit of {}", kept.0.display());
}

/// Every call has exactly one answer before anything else is said.
pub fn history_is_valid(messages: &[Value]) {
    let mut open: BTreeMap<String, usize> = BTreeMap::new();
    for message in messages {
        if message["role"] == "tool" {
            let id = message["tool_call_id"].as_str().unwrap();
            let left = open.get_mut(id).unwrap_or_else(|| panic!("an answer to no call: {message}"));
            *left = left.checked_sub(1).unwrap_or_else(|| panic!("a second answer: {message}"));
            continue;
        }
        assert!(open.values().all(|left| *left == 0), "unanswered before {message}: {open:?}");
        open.clear();
        for call in message["tool_calls"].as_array().into_iter().flatten() {
            *open.entry(call["id"].as_str().unwrap().to_owned()).or_default() += 1;
        }
    }
    assert!(open.values().all(|left| *left == 0), "unanswered at the end: {open:?}");
}

struct Shapes {
    schemas: Schemas,
    by_name: BTreeMap<&'static str, SchemaIndex>,
}

static SHAPES: LazyLock<Shapes> = LazyLock::new(|| {
    let mut schemas = Schemas::new();
    let mut compile = |name: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/{name}.schema.json"));
        Compiler::new().compile(path.to_str().unwrap(), &mut schemas).unwrap()
    };
    let names = ["event", "report", "verification", "audit", "runs", "stats", "gc", "run", "ci"];
    let by_name = names.map(|name| (name, compile(name))).into();
    Shapes { schemas, by_name }
});

/// Fails unless `value` has the shape that `docs/` promises.
pub fn assert_shape(name: &str, value: &Value) {
    let checked = SHAPES.schemas.validate(value, SHAPES.by_name[name]);
    assert!(checked.is_ok(), "{value:#} is no {name}: {}", checked.unwrap_err());
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Every regular file below.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let kind = entry.file_type().unwrap();
        match (kind.is_dir(), kind.is_file()) {
            (true, _) => found.extend(files(&entry.path())),
            (_, true) => found.push(entry.path()),
            _ => {}
        }
    }
    found
}
