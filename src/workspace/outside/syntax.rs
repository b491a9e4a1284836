//! Parses a manifest for paths that lead up from its own folder, or are absolute.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value as Json;
use toml::Value as Toml;

use crate::settings::regex as compiled;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ManifestSyntax {
    Toml,
    /// npm's `package.json`.
    Package,
    Composer,
    /// Bundler's settings.
    Bundler,
    Maven,
    /// Projects and solutions of .NET.
    DotNet,
    /// A program: quoted strings.
    Quoted,
    /// Words on lines, with comments after `#` or `//`.
    Words,
}

/// TOML keys whose value is a path or a list of paths.
const TOML_KEYS: [&str; 11] = [
    "default-members",
    "directory",
    "find-links",
    "local-registry",
    "members",
    "path",
    "paths",
    "pythonpath",
    "testpaths",
    "where",
    "workspace",
];
/// Tables of `package.json` that may name packages by path.
const PACKAGES: [&str; 8] = [
    "dependencies",
    "devDependencies",
    "jest",
    "optionalDependencies",
    "overrides",
    "pnpm",
    "resolutions",
    "workspaces",
];
/// Prefixes that may precede a path.
const BEFORE: &str = r"(?:file:(?://)?|link:|portal:|workspace:|<rootDir>/|\{toxinidir\}/|\{root:uri\}/|\./|\$\{(?:PROJECT_ROOT|CMAKE_SOURCE_DIR|CMAKE_CURRENT_SOURCE_DIR|CMAKE_CURRENT_LIST_DIR|project\.basedir|basedir)\}/|\$\{?(?:rootDir|projectDir|settingsDir)\}?/)*";

/// A manifest without any of these names no path outside.
const SIGNS: [&str; 14] = [
    "../", "..\\", "..\"", "..'", "..\n", "=> /", "use /", "-e /", "file:/", "\"/", "'/", "~/", "editable", "<parent>",
];

static PROJECTS: LazyPattern = LazyLock::new(|| compiled(r#"["'>]\s*(\.\.[\\/][^"'<>\r\n]*)"#));
static QUOTED: LazyPattern = LazyLock::new(|| compiled(&format!(r#"["'`]{BEFORE}(\.\.(?:/[^"'`\n]*)?)["'`]"#)));
static QUOTED_PATH: LazyPattern = LazyLock::new(|| compiled(r#"path["']?\s*(?:=>|:|=)\s*["'](/[^"'\n]+)["']"#));
static WORD: LazyPattern = LazyLock::new(|| {
    compiled(&format!(r#"(?m)(?:^|[\s="'(,:;@]){BEFORE}(\.\.(?:/[^\s"'\#,;\[\]()<>|&]*|[\s"',;)\[]|$))"#))
});
static WHOLE_PATH: LazyPattern =
    LazyLock::new(|| compiled(r#"(?m)(?:file://|=>\s+|^\s*use\s+|-e\s+|--editable[ =])(/[^\s"'\#,;\[\]]+)"#));
static COMMENT: LazyPattern = LazyLock::new(|| compiled(r"(?s)<!--.*?-->"));
static TAG: LazyPattern = LazyLock::new(|| {
    let names = "relativePath|module|systemPath|directory|sourceDirectory|testSourceDirectory";
    compiled(&format!(r"<(?:{names})>\s*{BEFORE}(\.\.[^<]*|/[^<]*)\s*<"))
});
static LEADING: LazyPattern = LazyLock::new(|| compiled(&format!(r"^{BEFORE}(\.\.(?:/.*)?|/.*|~/.*)$")));

type LazyPattern = LazyLock<Option<Regex>>;

/// The paths outside of its own folder that a manifest names, as written there.
pub(super) fn references(syntax: ManifestSyntax, text: &str) -> Vec<String> {
    // Most manifests name no such path and needn't be parsed.
    if !SIGNS.iter().any(|sign| text.contains(sign)) {
        return Vec::new();
    }
    let mut found = Vec::new();
    match syntax {
        ManifestSyntax::Toml => {
            if let Ok(table) = text.parse::<toml::Table>() {
                of_toml("", &Toml::Table(table), &mut found);
            }
        }
        ManifestSyntax::Package => {
            let package: Json = serde_json::from_str(text).unwrap_or_default();
            PACKAGES.iter().filter_map(|name| package.get(name)).for_each(|table| of_package(table, &mut found));
        }
        ManifestSyntax::Composer => of_composer(&serde_json::from_str(text).unwrap_or_default(), &mut found),
        ManifestSyntax::Bundler => {
            let path = text.lines().filter_map(|line| line.strip_prefix("BUNDLE_PATH:"));
            found.extend(path.filter_map(|path| leading(path.trim().trim_matches(['"', '\'']))));
        }
        ManifestSyntax::Maven => of_maven(text, &mut found),
        ManifestSyntax::DotNet => {
            each(&PROJECTS, text, |path| {
                let path = path.replace('\\', "/");
                let is_project = path.rsplit('/').next().is_some_and(|name| name.ends_with("proj"));
                found.push(if is_project { folder_of(&path) } else { path });
            });
        }
        ManifestSyntax::Quoted => {
            each(&QUOTED, &without_comments(text, "//"), |path| found.push(path.to_owned()));
            each(&QUOTED_PATH, text, |path| found.push(path.to_owned()));
        }
        ManifestSyntax::Words => {
            let text = without_comments(&without_comments(text, "#"), "//");
            let end = |it: char| !matches!(it, '.' | '/' | '_' | '-' | '*') && !it.is_alphanumeric();
            each(&WORD, &text, |path| found.push(path.trim_end_matches(end).to_owned()));
            each(&WHOLE_PATH, &text, |path| found.push(path.to_owned()));
        }
    }
    found
}

fn of_toml(key: &str, value: &Toml, found: &mut Vec<String>) {
    match value {
        Toml::String(text) if TOML_KEYS.contains(&key) => found.extend(text.split_whitespace().filter_map(leading)),
        // A requirement may end in a URL.
        Toml::String(text) => {
            found.extend(text.split_once("file:").and_then(|(_, url)| leading(&format!("file:{url}"))));
        }
        Toml::Array(all) => all.iter().for_each(|value| of_toml(key, value, found)),
        Toml::Table(table) => table.iter().for_each(|(key, value)| of_toml(key, value, found)),
        _ => {}
    }
}

fn of_package(value: &Json, found: &mut Vec<String>) {
    match value {
        Json::String(text) => found.extend(leading(text)),
        Json::Array(all) => all.iter().for_each(|value| of_package(value, found)),
        Json::Object(table) => table.values().for_each(|value| of_package(value, found)),
        _ => {}
    }
}

fn of_composer(composer: &Json, found: &mut Vec<String>) {
    let repositories = composer.get("repositories").into_iter();
    let all = repositories.flat_map(|all| {
        all.as_array().map_or_else(
            || all.as_object().into_iter().flat_map(|it| it.values()).collect::<Vec<_>>(),
            |all| all.iter().collect(),
        )
    });
    let local = all
        .into_iter()
        .filter(|it| it.get("type").and_then(Json::as_str).is_some_and(|kind| kind == "path" || kind == "artifact"));
    found.extend(local.filter_map(|it| leading(it.get("url")?.as_str()?)));
    ["autoload", "autoload-dev"]
        .iter()
        .filter_map(|name| composer.get(name))
        .for_each(|table| of_package(table, found));
}

fn of_maven(text: &str, found: &mut Vec<String>) {
    let text = COMMENT.as_ref().map_or_else(|| text.into(), |comments| comments.replace_all(text, ""));
    each(&TAG, &text, |path| found.push(path.trim().to_owned()));
    let parent = text.split_once("<parent>").and_then(|(_, rest)| rest.split_once("</parent>"));
    // Maven's default for a parent.
    if parent.is_some_and(|(parent, _)| !parent.contains("relativePath")) {
        found.push("../pom.xml".to_owned());
    }
}

/// A value as a path without its prefix; `None` unless it leads up or is absolute.
fn leading(value: &str) -> Option<String> {
    if !value.contains("..") && !["/", "~/", "file:/"].iter().any(|sign| value.trim_start().starts_with(sign)) {
        return None;
    }
    let path = LEADING.as_ref()?.captures(value.trim())?.get(1)?.as_str();
    let path = path.split("::").next().unwrap_or(path);
    let path = path.split(['#', ';']).next().unwrap_or(path).trim();
    Some(path.replace("%20", " "))
}

fn folder_of(path: &str) -> String {
    path.rsplit_once('/').map_or_else(|| path.to_owned(), |(folder, _)| folder.to_owned())
}

/// Drops lines that start with `sign`.
fn without_comments(text: &str, sign: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with(sign)).collect::<Vec<_>>().join("\n")
}

fn each(pattern: &LazyPattern, text: &str, mut take: impl FnMut(&str)) {
    let Some(pattern) = &**pattern else { return };
    for found in pattern.captures_iter(text) {
        if let Some(path) = found.get(1) {
            take(path.as_str());
        }
    }
}

#[cfg(test)]
mod tests {
    fn of(path: &str, text: &str) -> Vec<String> {
        crate::workspace::outside::manifests::references(path, text)
    }

    #[test]
    fn each_manifest_is_read() {
        for (path, text, named) in [
            (
                "Cargo.toml",
                "[dependencies]\nlib = { path = \"../lib\", version = \"1\" }\n[lib]\npath = \"src/x.rs\"",
                "../lib",
            ),
            ("Cargo.toml", "[patch.crates-io]\nserde.path = '../forks/serde'", "../forks/serde"),
            ("Cargo.toml", "[target.'cfg(unix)'.dev-dependencies]\na.path = '/data/a'", "/data/a"),
            ("Cargo.toml", "[workspace]\nmembers = ['a', '../b/*']", "../b/*"),
            ("Cargo.toml", "[package]\nname = 'a'\nworkspace = '..'", ".."),
            ("a/.cargo/config.toml", "paths = ['../lib']", "../lib"),
            (
                "package.json",
                r#"{"scripts": {"test": "../x"}, "dependencies": {"a": "file:../a", "b": "^1", "c": "link:../c", "d": "portal:../d", "e": "../e", "f": "file:///data/f"}}"#,
                "../a ../c ../d ../e /data/f",
            ),
            (
                "package.json",
                r#"{"workspaces": {"packages": ["packages/*", "../shared/*"]}, "pnpm": {"overrides": {"x": "link:../x"}}}"#,
                "../x ../shared/*",
            ),
            (
                "package.json",
                r#"{"devDependencies": {"a": "~/a"}, "jest": {"roots": ["<rootDir>/../lib"]}}"#,
                "~/a ../lib",
            ),
            ("pnpm-workspace.yaml", "packages:\n  - 'packages/*'\n  - '../lib'\n  # - ../no\n", "../lib"),
            (
                "requirements.txt",
                "-e ../lib\n../other[extra]\npkg @ file:///data/pkg\n# ../no\n-r ../base.txt\npytest",
                "../lib ../other ../base.txt /data/pkg",
            ),
            ("requirements/dev.txt", "--editable=../../lib", "../../lib"),
            (
                "pyproject.toml",
                "[tool.uv.sources]\nlib = { path = '../lib', editable = true }\n[project]\ndependencies = ['x @ file:///data/x', 'y @ {root:uri}/../y', 'a>=1']",
                "../lib /data/x",
            ),
            ("pyproject.toml", "[tool.pytest.ini_options]\npythonpath = ['src', '../lib/src']", "../lib/src"),
            ("Pipfile", "[packages]\nlib = {path = '../lib', editable = true}", "../lib"),
            ("tox.ini", "[testenv]\ndeps =\n    -e {toxinidir}/../lib\n    ../other\n", "../lib ../other"),
            (
                "go.mod",
                "module a\nreplace example.org/lib => ../lib\nreplace b => /data/b\n// replace c => ../c\n",
                "../lib /data/b",
            ),
            ("go.work", "go 1.22\nuse (\n\t.\n\t../lib\n)\nuse ../more\n", "../lib ../more"),
            (
                "settings.gradle",
                "includeBuild '../lib'\ninclude ':x'\nproject(':x').projectDir = new File(settingsDir, \"../x\")",
                "../lib ../x",
            ),
            ("settings.gradle.kts", "includeBuild(\"../lib\")\n// includeBuild(\"../no\")", "../lib"),
            ("pom.xml", "<project><parent><artifactId>p</artifactId></parent></project>", "../pom.xml"),
            (
                "pom.xml",
                "<parent><relativePath>../parent/pom.xml</relativePath></parent><!-- <module>../no</module> --><module>../m</module>",
                "../parent/pom.xml ../m",
            ),
            (
                "Gemfile",
                "gem 'lib', path: '../lib'\ngem 'b', path: '/data/b'\npath '../more' do\nend",
                "../lib ../more /data/b",
            ),
            (
                "composer.json",
                r#"{"repositories": [{"type": "path", "url": "../lib/*"}, {"type": "vcs", "url": "../no"}]}"#,
                "../lib/*",
            ),
            ("composer.json", r#"{"repositories": {"a": {"type": "path", "url": "../lib"}}}"#, "../lib"),
            ("App.csproj", r#"<ProjectReference Include="..\..\lib\Lib.csproj" />"#, "../../lib"),
            (
                "CMakeLists.txt",
                "add_subdirectory(../lib lib)\ninclude(${CMAKE_CURRENT_SOURCE_DIR}/../x.cmake)",
                "../lib ../x.cmake",
            ),
            ("mix.exs", "{:lib, path: \"../lib\"}", "../lib"),
            ("pubspec.yaml", "dependencies:\n  lib:\n    path: ../lib\n", "../lib"),
            ("jest.config.js", "module.exports = { roots: ['<rootDir>/../lib'] }", "../lib"),
            ("README.md", "../lib", ""),
        ] {
            let mut told = of(path, text);
            let mut wanted: Vec<&str> = named.split(' ').filter(|it| !it.is_empty()).collect();
            told.sort();
            wanted.sort_unstable();
            assert_eq!(told, wanted, "{path}: {text}");
        }
    }

    #[test]
    fn what_cannot_be_read_names_nothing() {
        for (path, text) in [
            ("Cargo.toml", "path = \"../a"),
            ("package.json", "{\"dependencies\": {\"a\": \"file:../a\""),
            ("composer.json", "[\"../a\"]"),
        ] {
            assert_eq!(of(path, text), Vec::<String>::new(), "{path}");
        }
    }
}
