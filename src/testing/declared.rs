//! Detects packages that tests load and that aren't installed, by the error message and by what the manifests require.
//!
//! A module that no manifest names may be one that the task asks to write.

use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::asked_for::AskedFor;
use crate::journal::{CauseKind, FailureCause};
use crate::settings::{RepositoryFiles, regex};

/// Bytes read of a manifest.
const MAX_BYTES: u64 = 512 * 1024;
/// Number of names in one output that are checked.
const NAMES: usize = 20;

static PYTHON: LazyLock<Option<Regex>> =
    LazyLock::new(|| regex(r"(?m)(?:ModuleNotFoundError|ImportError): No module named '?(\w+)"));
static NODE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    regex(
        r#"(?m)(?:Cannot find (?:module|package)|Failed to resolve import|Failed to load url|Could not resolve) ['"]?((?:@[\w.-]+/)?[\w][\w.-]*)(?:/[^'"\n]*)?['"\s]"#,
    )
});
static RUBY: LazyLock<Option<Regex>> = LazyLock::new(|| regex(r"(?m)cannot load such file -- (\w[\w-]*)"));

/// Python modules whose packages have a different name.
const ALIASES: [(&str, &str); 16] = [
    ("attr", "attrs"),
    ("bs4", "beautifulsoup4"),
    ("crypto", "pycryptodome"),
    ("cv2", "opencv_python"),
    ("dateutil", "python_dateutil"),
    ("docx", "python_docx"),
    ("dotenv", "python_dotenv"),
    ("git", "gitpython"),
    ("jose", "python_jose"),
    ("jwt", "pyjwt"),
    ("mysqldb", "mysqlclient"),
    ("pil", "pillow"),
    ("psycopg2", "psycopg2_binary"),
    ("serial", "pyserial"),
    ("sklearn", "scikit_learn"),
    ("yaml", "pyyaml"),
];
/// Python packages that nobody means to write, whether a manifest requires them or not.
const WELL_KNOWN: [&str; 34] = [
    "aiohttp",
    "attr",
    "boto3",
    "bs4",
    "celery",
    "click",
    "cryptography",
    "django",
    "fastapi",
    "flask",
    "httpx",
    "hypothesis",
    "jinja2",
    "jsonschema",
    "lxml",
    "matplotlib",
    "mock",
    "numpy",
    "pandas",
    "PIL",
    "psycopg2",
    "pydantic",
    "pytest",
    "redis",
    "requests",
    "responses",
    "rich",
    "scipy",
    "sklearn",
    "sqlalchemy",
    "tornado",
    "torch",
    "werkzeug",
    "yaml",
];

/// Whether this message says that the test could not even be loaded.
pub(super) fn is_not_loaded(message: &str) -> bool {
    [&PYTHON, &NODE, &RUBY].iter().any(|words| words.as_ref().is_some_and(|words| words.is_match(message)))
}

/// Returns the missing package if the output names one that isn't the project's own.
pub(super) fn missing_package(output: &str, asked: &AskedFor<'_>) -> Option<FailureCause> {
    let files = asked.files()?;
    let first = |words: &LazyLock<Option<Regex>>, is_it: &dyn Fn(&str) -> bool| {
        let names = words.as_ref()?.captures_iter(output).take(NAMES);
        names.map(|found| found[1].to_owned()).find(|name| is_it(name))
    };
    let told = |what: String, hint: &str| FailureCause {
        kind: CauseKind::Setup,
        what,
        hint: format!("{hint}, outside of kcode"),
        blocks: true,
    };
    let runs = |names: &[&str]| asked.names_any(names);
    if runs(&["pytest", "unittest", "tox", "nox", "django", "manage.py"])
        && let Some(name) = first(&PYTHON, &|name| python_asks_for(&files, name))
    {
        return Some(told(format!("the Python package for {name} isn't installed"), &python_fix(&files, &name)));
    }
    let node = ["node", "npm", "npx", "pnpm", "yarn", "bun", "jest", "vitest", "mocha", "ava", "tap", "tsc", "tsx"];
    if runs(&node)
        && let Some(name) = first(&NODE, &|name| node_asks_for(&files, name) || (runs(&[name]) && node.contains(&name)))
    {
        return Some(told(format!("the package {name} isn't installed"), node_fix(&files)));
    }
    let name = first(&RUBY, &|name| ruby_asks_for(&files, name))
        .filter(|_| runs(&["ruby", "rake", "rspec", "bundle", "rails", "minitest"]))?;
    Some(told(format!("the gem for {name} isn't installed"), "`bundle install`"))
}

/// Whether a Python module belongs to a package that a manifest requires.
pub(super) fn python_asks_for(files: &RepositoryFiles, module: &str) -> bool {
    let is_own = ["", "src/", "lib/", "tests/", "test/"]
        .iter()
        .any(|folder| files.has(format!("{folder}{module}")) || files.has(format!("{folder}{module}.py")));
    if is_own {
        return false;
    }
    let plain = |text: &str| text.to_lowercase().replace(['-', '.'], "_");
    let module_name = plain(module);
    let other = ALIASES.iter().find(|(alias, _)| *alias == module_name).map(|(_, package)| *package);
    let is_it = |word: &str| word == module_name || other.is_some_and(|other| word == other);
    let is_part = |it: char| it.is_alphanumeric() || it == '_';
    let text = python_requirements(files);
    WELL_KNOWN.contains(&module) || plain(&text).split(|it| !is_part(it)).any(is_it)
}

/// Returns everything that manifests require, without the project's own name.
fn python_requirements(files: &RepositoryFiles) -> String {
    let read = |name: &str| files.read(name, MAX_BYTES).map(|file| file.text());
    let mut all = String::new();
    let lists = files.names("", 500).into_iter().filter(|name| is_list(name));
    let of_folder = files.names("requirements", 100).into_iter().map(|name| format!("requirements/{name}"));
    for name in lists.chain(of_folder).chain(["Pipfile".to_owned(), "environment.yml".to_owned()]) {
        let text = read(&name).unwrap_or_default();
        all.extend(text.lines().map(|line| line.split('#').next().unwrap_or_default().to_owned() + "\n"));
    }
    for name in ["setup.py", "setup.cfg", "tox.ini"] {
        let text = read(name).unwrap_or_default();
        let at = ["install_requires", "tests_require", "extras_require", "deps"];
        let at = at.iter().filter_map(|word| text.find(word)).min();
        all.push_str(at.map_or("", |at| &text[at..]));
    }
    let manifest = read("pyproject.toml").and_then(|text| text.parse::<toml::Table>().ok());
    if let Some(manifest) = manifest {
        needed(&toml::Value::Table(manifest), false, &mut all);
    }
    all
}

fn is_list(name: &str) -> bool {
    let is_text = Path::new(name).extension().is_some_and(|it| it == "txt" || it == "in");
    is_text && name.contains("requirements")
}

/// Collects the content of tables and lists of dependencies anywhere in a manifest.
fn needed(value: &toml::Value, is_list: bool, all: &mut String) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                let names_packages = key.ends_with("dependencies") || key == "dependency-groups";
                if is_list && !value.is_array() {
                    all.push_str(key);
                    all.push('\n');
                }
                needed(value, is_list || names_packages, all);
            }
        }
        toml::Value::Array(values) => values.iter().for_each(|value| needed(value, is_list, all)),
        toml::Value::String(text) if is_list => {
            all.push_str(text);
            all.push('\n');
        }
        _ => {}
    }
}

fn python_fix(files: &RepositoryFiles, module: &str) -> String {
    let list = files.names("", 500).into_iter().find(|name| name == "requirements.txt").or_else(|| {
        let mut lists: Vec<String> = files.names("", 500).into_iter().filter(|name| is_list(name)).collect();
        lists.sort();
        lists.into_iter().next()
    });
    if files.has("poetry.lock") {
        "`poetry install`".to_owned()
    } else if files.has("uv.lock") {
        "`uv sync`".to_owned()
    } else if files.has("Pipfile") {
        "`pipenv install --dev`".to_owned()
    } else if let Some(list) = list {
        format!("`python3 -m pip install -r {list}`, in the project's virtual environment (.venv is found by itself)")
    } else if files.has("pyproject.toml") || files.has("setup.py") {
        "`python3 -m pip install -e .`, in the project's virtual environment (.venv is found by itself)".to_owned()
    } else {
        format!("`python3 -m pip install {module}`, in the project's virtual environment (.venv is found by itself)")
    }
}

/// Whether `package.json` requires a package that isn't installed.
fn node_asks_for(files: &RepositoryFiles, name: &str) -> bool {
    node_packages(files, "").iter().any(|known| known == name) && !files.has(format!("node_modules/{name}"))
}

/// Returns the packages that the `package.json` of a folder requires.
pub(super) fn node_packages(files: &RepositoryFiles, folder: &str) -> Vec<String> {
    let manifest = files.read(Path::new(folder).join("package.json"), MAX_BYTES).map(|file| file.text());
    let manifest: Value = manifest.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let tables = ["dependencies", "devDependencies"].map(|key| manifest[key].as_object().cloned().unwrap_or_default());
    tables.into_iter().flatten().map(|(name, _)| name).collect()
}

fn node_fix(files: &RepositoryFiles) -> &'static str {
    let by = [("pnpm-lock.yaml", "`pnpm install`"), ("yarn.lock", "`yarn install`"), ("bun.lock", "`bun install`")];
    let locked = if files.has("package-lock.json") { "`npm ci`" } else { "`npm install`" };
    by.iter().find(|(lock, _)| files.has(lock)).map_or(locked, |(_, fix)| fix)
}

fn ruby_asks_for(files: &RepositoryFiles, file: &str) -> bool {
    let plain = |text: &str| text.replace(['-', '_'], "");
    let is_own = ["lib/", ""].iter().any(|folder| files.has(format!("{folder}{file}.rb")));
    !is_own && gems(files).iter().any(|gem| plain(gem) == plain(file))
}

/// Returns the gems that the Gemfile names.
pub(super) fn gems(files: &RepositoryFiles) -> Vec<String> {
    let text = files.read("Gemfile", MAX_BYTES).map(|file| file.text()).unwrap_or_default();
    let named = text.lines().filter_map(|line| line.trim().strip_prefix("gem ").or(line.trim().strip_prefix("gem(")));
    named.filter_map(|rest| rest.split(['\'', '"']).nth(1).map(str::to_owned)).collect()
}
