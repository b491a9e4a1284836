//! Addresses of files, as paths in the repository.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::ci::places::checked_path;
use crate::journal::RelPath;

/// Bases that name each other; more are a circle.
const MOST_BASES: usize = 8;

/// Where a file is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Location {
    uri: Option<String>,
    uri_base_id: Option<String>,
    pub index: Option<usize>,
}

impl Location {
    /// Whether it has no address of its own, but the number of a file in the run's list.
    pub(super) fn is_bare(&self) -> bool {
        self.uri.is_none()
    }
}

/// The path of `location`, of which `root` is the repository's own absolute path.
///
/// # Errors
/// When it names no file in the repository.
pub(super) fn path(
    location: &Location,
    bases: &BTreeMap<String, Location>,
    root: Option<&str>,
) -> Result<RelPath, String> {
    let uri = location.uri.as_deref().unwrap_or_default();
    let own = local(uri)?;
    let full = match (&own, base(location.uri_base_id.as_deref(), bases)?) {
        // The top base, usually SRCROOT, is the repository wherever the analyzer saw it.
        (LocalAddress::Relative(own), Some(Base { below, .. })) => return checked_path(&format!("{below}{own}")),
        (LocalAddress::Relative(own), None) => return checked_path(own),
        (LocalAddress::Absolute(own), found) => (own.clone(), found.and_then(|base| base.top)),
    };
    let (full, top) = full;
    let roots = [root, top.as_deref()].into_iter().flatten().map(|root| root.trim_end_matches('/'));
    let below = roots.filter(|root| !root.is_empty()).find_map(|root| full.strip_prefix(root)?.strip_prefix('/'));
    let below = below.ok_or_else(|| format!("{full:?} is outside of the repository"))?;
    checked_path(below)
}

struct Base {
    /// Where the top base is, if the file says.
    top: Option<String>,
    /// Path from the top base, ending in `/` unless empty.
    below: String,
}

fn base(id: Option<&str>, bases: &BTreeMap<String, Location>) -> Result<Option<Base>, String> {
    let Some(mut id) = id else { return Ok(None) };
    let mut below = String::new();
    for _ in 0..MOST_BASES {
        let Some(base) = bases.get(id) else { return Ok(Some(Base { top: None, below })) };
        match local(base.uri.as_deref().unwrap_or_default())? {
            LocalAddress::Absolute(top) => return Ok(Some(Base { top: Some(top), below })),
            LocalAddress::Relative(part) if part.is_empty() => {}
            LocalAddress::Relative(part) => below = format!("{}/{below}", part.trim_end_matches('/')),
        }
        let Some(next) = base.uri_base_id.as_deref() else { return Ok(Some(Base { top: None, below })) };
        id = next;
    }
    Err("the bases of its address name each other".to_owned())
}

enum LocalAddress {
    Absolute(String),
    Relative(String),
}

/// A `file:` address or a relative one, decoded once.
fn local(uri: &str) -> Result<LocalAddress, String> {
    let bad = |why: &str| Err(format!("{uri:?} {why}"));
    if uri.contains(['?', '#', '\\']) {
        return bad("is no plain address of a file");
    }
    let lower = uri.to_ascii_lowercase();
    if let Some(rest) = lower.strip_prefix("file:") {
        let rest = &uri[uri.len() - rest.len()..];
        let path = match rest.strip_prefix("//") {
            Some(with_host) => with_host.strip_prefix("localhost").unwrap_or(with_host),
            None => rest,
        };
        return if path.starts_with('/') {
            decoded(path).map(LocalAddress::Absolute)
        } else {
            bad("is on another machine")
        };
    }
    if uri.starts_with("//") {
        return bad("is on another machine");
    }
    let first = uri.split('/').next().unwrap_or_default();
    if first.contains(':') {
        return bad("is no address of a file");
    }
    if uri.starts_with('/') {
        decoded(uri).map(LocalAddress::Absolute)
    } else {
        decoded(uri).map(LocalAddress::Relative)
    }
}

fn decoded(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = tail.get(..2).filter(|_| *first == b'%').and_then(|code| std::str::from_utf8(code).ok());
        let code = code.filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None if *first == b'%' => return Err(format!("{text:?} has a `%` that encodes nothing")),
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).map_err(|_| format!("{text:?} is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(uri: &str, base: Option<&str>, root: Option<&str>) -> Result<String, String> {
        let location = |uri: &str, base: Option<&str>| Location {
            uri: Some(uri.to_owned()),
            uri_base_id: base.map(str::to_owned),
            index: None,
        };
        let bases = BTreeMap::from([
            ("ROOT".to_owned(), location("file:///home/runner/work/shop/", None)),
            ("CORE".to_owned(), location("packages/core/", Some("ROOT"))),
            ("UP".to_owned(), location("../", Some("ROOT"))),
            ("A".to_owned(), location("", Some("B"))),
            ("B".to_owned(), location("", Some("A"))),
        ]);
        path(&location(uri, base), &bases, root).map(|path| path.to_string())
    }

    #[test]
    fn addresses_become_paths_in_the_repository() {
        for (uri, base, path) in [
            ("src/a.py", None, "src/a.py"),
            ("./src//a%20b.py", None, "src/a b.py"),
            ("src/%C3%A4.py", Some("%SRCROOT%"), "src/ä.py"),
            ("src/a.py", Some("ROOT"), "src/a.py"),
            ("src/a.py", Some("CORE"), "packages/core/src/a.py"),
            ("file:///repo/src/a.py", None, "src/a.py"),
            ("FILE:///home/runner/work/shop/src/a.py", Some("ROOT"), "src/a.py"),
            ("file://localhost/repo/a.py", None, "a.py"),
            ("/repo/a.py", None, "a.py"),
        ] {
            assert_eq!(of(uri, base, Some("/repo")).as_deref(), Ok(path), "{uri}");
        }
    }

    #[test]
    fn what_leads_elsewhere_is_refused() {
        for (uri, base) in [
            ("", None),
            ("../a.py", None),
            ("src/%2e%2e/%2E%2e/a.py", None),
            ("%2Fetc/passwd", None),
            ("/etc/passwd", None),
            ("file:///etc/passwd", None),
            ("file:///repository/a.py", None),
            ("file:///repo/../etc/passwd", None),
            ("file://host/repo/a.py", None),
            ("//host/repo/a.py", None),
            ("https://x.example/a.py", None),
            ("C:/a.py", None),
            ("src\\a.py", None),
            ("a.py?x", None),
            ("a%zz.py", None),
            ("a%", None),
            ("a%ff.py", None),
            ("a%00.py", None),
            ("a%0Ab.py", None),
            ("a%E2%80%AEb.py", None),
            (".git/config", None),
            ("a.py", Some("UP")),
            ("a.py", Some("A")),
        ] {
            assert!(of(uri, base, Some("/repo")).is_err(), "{uri}: {:?}", of(uri, base, Some("/repo")));
        }
    }
}
