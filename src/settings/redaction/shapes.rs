//! Shapes of well-known tokens, each with words that every match contains.

use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

use aho_corasick::AhoCorasick;
use regex::bytes::{Captures, Regex};
use serde::Deserialize;

use super::plausible;
use crate::settings::bytes_regex;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SecretShape {
    pub place: Range<usize>,
    pub kind: &'static str,
    /// Among overlapping secrets, the one with the lowest rank gives its kind.
    pub rank: usize,
}

/// An entry of `shapes.toml`, which explains its fields.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape {
    kind: String,
    anchors: Vec<String>,
    pattern: String,
    #[serde(default)]
    check: ShapeCheck,
    /// Compiled when one of the anchors is first seen: most processes need few patterns.
    #[serde(skip)]
    compiled: OnceLock<Option<Regex>>,
}

/// All of `shapes.toml`.
#[derive(Deserialize)]
struct ShapeList {
    shape: Vec<Shape>,
}

/// What a match has to pass besides the pattern.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ShapeCheck {
    #[default]
    Random,
    KeyBlock,
    Password,
    Assigned,
}

/// A test checks that the list can be parsed and that every pattern compiles.
static SHAPES: LazyLock<Vec<Shape>> = LazyLock::new(|| {
    toml::from_str::<ShapeList>(include_str!("shapes.toml")).map(|list| list.shape).unwrap_or_default()
});

/// Every anchor, with the index of its shape.
struct Anchors {
    search: AhoCorasick,
    shapes: Vec<usize>,
}

static ANCHORS: LazyLock<Option<Anchors>> = LazyLock::new(|| {
    let all = SHAPES.iter().enumerate().flat_map(|(index, shape)| shape.anchors.iter().map(move |word| (index, word)));
    let (shapes, words): (Vec<usize>, Vec<&String>) = all.unzip();
    let search = AhoCorasick::builder().ascii_case_insensitive(true).build(words).ok()?;
    Some(Anchors { search, shapes })
});

/// The secrets in `text`, unsorted; they may overlap.
pub(super) fn find(text: &[u8]) -> Vec<SecretShape> {
    let Some(anchors) = ANCHORS.as_ref() else { return Vec::new() };
    let mut seen = vec![false; SHAPES.len()];
    for found in anchors.search.find_overlapping_iter(text) {
        seen[anchors.shapes[found.pattern().as_usize()]] = true;
    }
    let seen = (0..SHAPES.len()).filter(|index| seen[*index]);
    seen.flat_map(|index| SHAPES[index].find(index, text)).collect()
}

impl Shape {
    fn find(&'static self, index: usize, text: &[u8]) -> Vec<SecretShape> {
        let pattern = self.compiled.get_or_init(|| bytes_regex(&self.pattern));
        let matches = pattern.iter().flat_map(|pattern| pattern.captures_iter(text));
        let places = matches.filter_map(|found| self.secret(&found));
        places.map(|place| SecretShape { place, kind: &self.kind, rank: index + 1 }).collect()
    }

    /// Place of the secret in a match, if it passes the check.
    fn secret(&self, found: &Captures<'_>) -> Option<Range<usize>> {
        let secret = found.name("secret").or_else(|| found.get(1)).or_else(|| found.get(0))?;
        let bytes = secret.as_bytes();
        let is_secret = match self.check {
            ShapeCheck::Random => plausible::is_random(bytes),
            ShapeCheck::KeyBlock => plausible::is_key_block(bytes),
            ShapeCheck::Password => {
                let host = found.name("host").map(|host| host.as_bytes()).unwrap_or_default();
                plausible::is_real_password(bytes, host)
            }
            ShapeCheck::Assigned => {
                let next = found.name("next").and_then(|next| next.as_bytes().first().copied());
                plausible::is_assigned_secret(bytes, found.name("quote").is_some(), next)
            }
        };
        is_secret.then(|| secret.range())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles_and_every_anchor_is_looked_for() {
        assert_eq!(SHAPES.len(), 36);
        for shape in SHAPES.iter() {
            assert!(Regex::new(&shape.pattern).is_ok(), "{}", shape.pattern);
            assert!(shape.kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{}", shape.kind);
        }
        assert!(ANCHORS.is_some());
    }
}
