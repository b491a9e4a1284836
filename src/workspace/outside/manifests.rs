//! Which files are manifests, and the syntax of each.

use super::syntax::{self, ManifestSyntax};

/// Manifests below a folder that belong to the folder itself.
pub(super) const DEEPER: [&str; 3] = [".bundle/config", ".cargo/config.toml", ".cargo/config"];

/// By full name.
const NAMES: [(&str, ManifestSyntax); 34] = [
    ("CMakeLists.txt", ManifestSyntax::Words),
    ("Cargo.toml", ManifestSyntax::Toml),
    ("Gemfile", ManifestSyntax::Quoted),
    ("MODULE.bazel", ManifestSyntax::Quoted),
    ("Package.swift", ManifestSyntax::Quoted),
    ("Pipfile", ManifestSyntax::Toml),
    ("WORKSPACE", ManifestSyntax::Quoted),
    ("build.gradle", ManifestSyntax::Quoted),
    ("build.gradle.kts", ManifestSyntax::Quoted),
    ("build.zig.zon", ManifestSyntax::Quoted),
    ("cabal.project", ManifestSyntax::Words),
    ("composer.json", ManifestSyntax::Composer),
    ("deno.json", ManifestSyntax::Quoted),
    ("gems.rb", ManifestSyntax::Quoted),
    ("go.mod", ManifestSyntax::Words),
    ("go.work", ManifestSyntax::Words),
    ("mix.exs", ManifestSyntax::Quoted),
    ("noxfile.py", ManifestSyntax::Quoted),
    ("package.json", ManifestSyntax::Package),
    ("pnpm-workspace.yaml", ManifestSyntax::Words),
    ("pom.xml", ManifestSyntax::Maven),
    ("pubspec.yaml", ManifestSyntax::Words),
    ("pubspec_overrides.yaml", ManifestSyntax::Words),
    ("pyproject.toml", ManifestSyntax::Toml),
    ("pytest.ini", ManifestSyntax::Words),
    ("settings.gradle", ManifestSyntax::Quoted),
    ("settings.gradle.kts", ManifestSyntax::Quoted),
    ("setup.cfg", ManifestSyntax::Words),
    ("setup.py", ManifestSyntax::Quoted),
    ("stack.yaml", ManifestSyntax::Words),
    ("tox.ini", ManifestSyntax::Words),
    ("tox.toml", ManifestSyntax::Toml),
    ("tsconfig.json", ManifestSyntax::Quoted),
    ("uv.toml", ManifestSyntax::Toml),
];
/// By suffix.
const ENDS: [(&str, ManifestSyntax); 7] = [
    (".csproj", ManifestSyntax::DotNet),
    (".fsproj", ManifestSyntax::DotNet),
    (".gemspec", ManifestSyntax::Quoted),
    (".sln", ManifestSyntax::DotNet),
    (".slnx", ManifestSyntax::DotNet),
    (".vbproj", ManifestSyntax::DotNet),
    ("Directory.Build.props", ManifestSyntax::DotNet),
];
/// By prefix: settings of JavaScript runners and bundlers.
const BEGINNINGS: [&str; 4] = ["jest.config.", "vite.config.", "vitest.config.", "vitest.workspace."];

/// Suffixes of pip's requirements lists.
const LIST: [&str; 2] = [".txt", ".in"];

/// Returns true when the file at `path` may be a manifest.
pub(super) fn is_one(path: &str) -> bool {
    syntax(path).is_some()
}

/// The paths that the manifest at `path` names, as written there.
pub(super) fn references(path: &str, text: &str) -> Vec<String> {
    syntax(path).map(|syntax| syntax::references(syntax, text)).unwrap_or_default()
}

/// The folder that its paths are relative to.
pub(super) fn base(path: &str) -> &str {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let above = [".cargo", ".bundle"].into_iter().find_map(|own| folder.strip_suffix(own));
    above.map_or(folder, |above| above.trim_end_matches('/'))
}

fn syntax(path: &str) -> Option<ManifestSyntax> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    if let Some((_, syntax)) = NAMES.iter().find(|(known, _)| *known == name) {
        return Some(*syntax);
    }
    let is_of = |known: &str| folder == known || folder.strip_suffix(known).is_some_and(|above| above.ends_with('/'));
    if is_of(".cargo") {
        return matches!(name, "config" | "config.toml").then_some(ManifestSyntax::Toml);
    }
    if is_of(".bundle") {
        return (name == "config").then_some(ManifestSyntax::Bundler);
    }
    let is_list = LIST.iter().any(|end| name.ends_with(end))
        && (is_of("requirements") || name.contains("requirements") || name.contains("constraints"));
    if is_list {
        return Some(ManifestSyntax::Words);
    }
    if BEGINNINGS.iter().any(|known| name.starts_with(known)) {
        return Some(ManifestSyntax::Quoted);
    }
    ENDS.iter().find(|(known, _)| name.ends_with(known)).map(|(_, syntax)| *syntax)
}
