//! Every key that a settings file may contain: the one list behind checking, hints and documentation.

/// A key of a settings file.
pub struct SettingKey {
    /// Dotted: `limits.max_turns` is `max_turns` in the table `[limits]`.
    pub name: &'static str,
    /// A line as written in a file.
    pub example: &'static str,
    /// Why the repository's file can't contain it; `None` when it can.
    pub not_for_repositories: Option<&'static str>,
}

const fn anywhere(name: &'static str, example: &'static str) -> SettingKey {
    SettingKey { name, example, not_for_repositories: None }
}

const fn user(name: &'static str, example: &'static str, why: &'static str) -> SettingKey {
    SettingKey { name, example, not_for_repositories: Some(why) }
}

const KEPT: &str = "it would choose which of your runs are removed";
const START: &str = "it would choose who starts runs, and by what";
const MONEY: &str = "it would decide how your money is counted";

/// All keys of a settings file.
pub static KEYS: [SettingKey; 58] = [
    user("model", r#"model = "kimi-k2.7-code""#, "it would choose what you pay for"),
    user("base_url", r#"base_url = "https://api.moonshot.ai/v1""#, "it would choose where your key and code go"),
    user("state_dir", r#"state_dir = "/var/tmp/kcode""#, "it would choose where on your disk runs are written"),
    user(
        "readable",
        r#"readable = ["/data/venvs", "~/.virtualenvs"]"#,
        "it would choose what of your disk its tests read",
    ),
    user("caches", r#"caches = ["~/.cache/bazel"]"#, "it would choose what of your disk its tests read"),
    user("child_env", r#"child_env = ["RUSTFLAGS"]"#, "it would choose which of your variables its tests can read"),
    anywhere("sandbox", r#"sandbox = "strict""#),
    anywhere("dependencies", r#"dependencies = ["node_modules", ".venv"]"#),
    anywhere("limits.max_turns", "max_turns = 60"),
    anywhere("limits.max_tokens", "max_tokens = 2_000_000"),
    anywhere("limits.max_cost_usd", "max_cost_usd = 0.50"),
    anywhere("limits.max_time", r#"max_time = "20m""#),
    anywhere("limits.max_completion_tokens", "max_completion_tokens = 32_768"),
    anywhere("limits.max_retries", "max_retries = 9"),
    anywhere("limits.max_silence", r#"max_silence = "2m""#),
    anywhere("test.command", r#"command = "make check", or as words: command = ["make", "check"]"#),
    anywhere("test.dir", r#"dir = "packages/core" (and a command)"#),
    anywhere("test.deadline", r#"deadline = "10m""#),
    anywhere("test.idle", r#"idle = "2m""#),
    anywhere("test.writes", r#"writes = ["**/__snapshots__/**", "Cargo.lock"]"#),
    anywhere("check.name", r#"name = "clippy" (each check in a [[check]] of its own)"#),
    anywhere("check.command", r#"[[check]], and below it: name = "clippy", command = "cargo clippy""#),
    anywhere("check.dir", r#"dir = "packages/core""#),
    anywhere("check.required", "required = false"),
    user("test.baseline", "baseline = false", "it would choose whether its tests are compared with a baseline"),
    user("secrets.readable", r#"readable = ["tests/certs/*.pem"]"#, "it would choose which secrets a model reads"),
    user("keep.runs", "runs = 10_000", KEPT),
    user("keep.age", r#"age = "90d""#, KEPT),
    user("keep.size", r#"size = "5GB""#, KEPT),
    anywhere("policy.enabled", "enabled = true"),
    anywhere("policy.ci_files", r#"ci_files = "refuse" (allow, review or refuse)"#),
    anywhere("policy.hooks", r#"hooks = "refuse" (allow, review or refuse)"#),
    anywhere("policy.dependencies", r#"dependencies = "review" (allow, review or refuse)"#),
    anywhere("policy.agent_files", r#"agent_files = "refuse" (allow, review or refuse)"#),
    anywhere("policy.codeowners", r#"codeowners = "refuse" (allow, review or refuse)"#),
    anywhere("policy.submodules", r#"submodules = "refuse" (allow, review or refuse)"#),
    anywhere("policy.git_attributes", r#"git_attributes = "refuse" (allow, review or refuse)"#),
    anywhere("policy.install_scripts", r#"install_scripts = "refuse" (allow, review or refuse)"#),
    anywhere("policy.symlinks", r#"symlinks = "refuse" (allow, review or refuse)"#),
    anywhere("policy.executables", r#"executables = "review" (allow, review or refuse)"#),
    anywhere("policy.binaries", r#"binaries = "review" (allow, review or refuse)"#),
    anywhere("policy.secrets", r#"secrets = "refuse" (allow, review or refuse)"#),
    anywhere("policy.hidden_characters", r#"hidden_characters = "refuse" (allow, review or refuse)"#),
    anywhere("policy.max_files", "max_files = 100"),
    anywhere("policy.max_bytes", r#"max_bytes = "1MB""#),
    anywhere("policy.paths", r#"paths = { "docs/**" = "allow", "src/legal/**" = "refuse" }"#),
    user("price.input", "input = 0.95", MONEY),
    user("price.cached_input", "cached_input = 0.19", MONEY),
    user("price.output", "output = 4.00", MONEY),
    user("price.context_window", "context_window = 262_144", MONEY),
    user("ci.actors", r#"actors = ["owner", "member", "write", "@ada", "@renovate[bot]"]"#, START),
    user("ci.on", r#"on = ["issues.labeled", "issue_comment.created"]"#, START),
    user("ci.label", r#"label = "kcode""#, START),
    user("ci.command", r#"command = "/kcode""#, START),
    user("ci.input", r#"input = "task""#, START),
    user("ci.forks", r#"forks = "base", or "refuse""#, START),
    user(
        "ci.publisher",
        r#"publisher = "github-actions[bot]""#,
        "it would choose whose pull requests count as kcode's",
    ),
    user("ci.max_text", r#"max_text = "64KB""#, "it would choose how much of a stranger's text a model reads"),
];

pub(super) fn find(name: &str) -> Option<&'static SettingKey> {
    KEYS.iter().find(|key| key.name == name)
}

/// True for `limits`, `test`, `check`, `secrets`, `keep`, `policy`, `price` and `ci`.
pub(super) fn is_table(name: &str) -> bool {
    KEYS.iter().any(|key| key.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
}

/// The key that may have been meant: one that is spelt alike, or one with the same last word in another table.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    let last = |name: &'static str| name.rsplit('.').next().unwrap_or(name);
    let close = |word: &str, words: &[&'static str]| similar::get_close_matches(word, words, 1, 0.7).first().copied();
    let tables = KEYS.iter().filter_map(|key| key.name.split_once('.').map(|(table, _)| table));
    let names: Vec<&'static str> = KEYS.iter().map(|key| key.name).chain(tables).collect();
    let leaves: Vec<&'static str> = names.iter().copied().map(last).collect();
    let leaf = name.rsplit('.').next().unwrap_or(name);

    let in_another_table = names.iter().copied().find(|known| last(known) == leaf);
    in_another_table.or_else(|| close(name, &names)).or_else(|| {
        let leaf = close(leaf, &leaves)?;
        names.iter().copied().find(|known| last(known) == leaf)
    })
}
