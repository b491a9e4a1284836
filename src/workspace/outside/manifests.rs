//! Which files are manifests, and how each is written.

use super::syntax::{self, Syntax};

/// Manifests that stand deeper than in a folder itself.
pub(super) const DEEPER: [&str; 3] = [".bundle/config", ".cargo/config.toml", ".cargo/config"];

/// By the whole name.
const NAMES: [(&str, Syntax); 34] = [
    ("CMakeLists.txt", Syntax::Words),
    ("Cargo.toml", Syntax::Toml),
    ("Gemfile", Syntax::Quoted),
    ("MODULE.bazel", Syntax::Quoted),
    ("Package.swift", Syntax::Quoted),
    ("Pipfile", Syntax::Toml),
    ("WORKSPACE", Syntax::Quoted),
    ("build.gradle", Syntax::Quoted),
    ("build.gradle.kts", Syntax::Quoted),
    ("build.zig.zon", Syntax::Quoted),
    ("cabal.project", Syntax::Words),
    ("composer.json", Syntax::Composer),
    ("deno.json", Syntax::Quoted),
    ("gems.rb", Syntax::Quoted),
    ("go.mod", Syntax::Words),
    ("go.work", Syntax::Words),
    ("mix.exs", Syntax::Quoted),
    ("noxfile.py", Syntax::Quoted),
    ("package.json", Syntax::Package),
    ("pnpm-workspace.yaml", Syntax::Words),
    ("pom.xml", Syntax::Maven),
    ("pubspec.yaml", Syntax::Words),
    ("pubspec_overrides.yaml", Syntax::Words),
    ("pyproject.toml", Syntax::Toml),
    ("pytest.ini", Syntax::Words),
    ("settings.gradle", Syntax::Quoted),
    ("settings.gradle.kts", Syntax::Quoted),
    ("setup.cfg", Syntax::Words),
    ("setup.py", Syntax::Quoted),
    ("stack.yaml", Syntax::Words),
    ("tox.ini", Syntax::Words),
    ("tox.toml", Syntax::Toml),
    ("tsconfig.json", Syntax::Quoted),
    ("uv.toml", Syntax::Toml),
];
/// By the end of the name.
const ENDS: [(&str, Syntax); 7] = [
    (".csproj", Syntax::DotNet),
    (".fsproj", Syntax::DotNet),
    (".gemspec", Syntax::Quoted),
    (".sln", Syntax::DotNet),
    (".slnx", Syntax::DotNet),
    (".vbproj", Syntax::DotNet),
    ("Directory.Build.props", Syntax::DotNet),
];
/// By the beginning of the name: settings of JavaScript's runners and bundlers.
const BEGINNINGS: [&str; 4] = ["jest.config.", "vite.config.", "vitest.config.", "vitest.workspace."];

/// How lists of pip's requirements end.
const LIST: [&str; 2] = [".txt", ".in"];

/// Whether the file at `path` may be one.
pub(super) fn is_one(path: &str) -> bool {
    syntax(path).is_some()
}

/// What the manifest at `path` names, as it is written there.
pub(super) fn references(path: &str, text: &str) -> Vec<String> {
    syntax(path).map(|syntax| syntax::references(syntax, text)).unwrap_or_default()
}

/// The folder that names in it are relative to.
pub(super) fn base(path: &str) -> &str {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let above = [".cargo", ".bundle"].into_iter().find_map(|own| folder.strip_suffix(own));
    above.map_or(folder, |above| above.trim_end_matches('/'))
}

fn syntax(path: &str) -> Option<Syntax> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    if let Some((_, syntax)) = NAMES.iter().find(|(known, _)| *known == name) {
        return Some(*syntax);
    }
    let is_of = |known: &str| folder == known || folder.strip_suffix(known).is_some_and(|above| above.ends_with('/'));
    if is_of(".cargo") {
        return matches!(name, "config" | "config.toml").then_some(Syntax::Toml);
    }
    if is_of(".bundle") {
        return (name == "config").then_some(Syntax::Bundler);
    }
    let is_list = LIST.iter().any(|end| name.ends_with(end))
        && (is_of("requirements") || name.contains("requirements") || name.contains("constraints"));
    if is_list {
        return Some(Syntax::Words);
    }
    if BEGINNINGS.iter().any(|known| name.starts_with(known)) {
        return Some(Syntax::Quoted);
    }
    ENDS.iter().find(|(known, _)| name.ends_with(known)).map(|(_, syntax)| *syntax)
}
