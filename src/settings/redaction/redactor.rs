//! Finds secrets and replaces them by markers.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use aho_corasick::{AhoCorasick, MatchKind};
use regex::bytes::Regex;

use super::disguised::Disguised;
use super::shapes::SecretShape;
use super::{known, shapes};
use crate::settings::{Environment, bytes_regex};

static MARKER: LazyLock<Option<Regex>> = LazyLock::new(|| bytes_regex(r"\[redacted:[a-z-]+\]"));
/// Minimum bytes of a known value's beginning that count when a tool cut the rest off.
const MIN_CUT: usize = 6;
/// How tools mark a line that they cut.
const CUT: &str = "…";

/// Returns true when `text` contains a marker: whoever writes it to a file hasn't seen the real content.
#[must_use]
pub fn holds_marker(text: &str) -> bool {
    text.contains("[redacted:") && MARKER.as_ref().is_some_and(|marker| marker.is_match(text.as_bytes()))
}

/// Removes secrets from text.
#[derive(Clone, Default)]
pub struct Redactor {
    /// Longest first, each with its kind.
    values: Vec<(String, &'static str)>,
    search: Option<AhoCorasick>,
    /// The same values in other forms.
    disguised: Option<Arc<Disguised>>,
}

impl Redactor {
    /// Knows shapes only, as the worker does.
    #[must_use]
    pub fn shapes() -> Self {
        Self::default()
    }

    /// Also knows the secret values of `env`. Must not leave the broker.
    #[must_use]
    pub fn of(env: &Environment) -> Self {
        let values = known::values(env);
        let words = values.iter().map(|(value, _)| value);
        // Fails only for more or longer values than an environment can hold.
        let search = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(words).ok();
        let disguised = Disguised::of(values.iter().map(|(value, kind)| (value.as_str(), *kind == known::API_KEY)));
        Self { search: search.filter(|_| !values.is_empty()), disguised: disguised.map(Arc::new), values }
    }

    /// `text` without secrets.
    #[must_use]
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.bytes(text.as_bytes()) {
            Cow::Borrowed(_) => Cow::Borrowed(text),
            // Lossless: matches begin and end between characters.
            Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
        }
    }

    /// Removes the secrets of `text` in place.
    pub fn clean(&self, text: &mut String) {
        if let Cow::Owned(clean) = self.text(text) {
            *text = clean;
        }
    }

    /// As [`Redactor::text`], for text that may not be UTF-8.
    #[must_use]
    pub fn bytes<'a>(&self, text: &'a [u8]) -> Cow<'a, [u8]> {
        let mut clean = Cow::Borrowed(text);
        // A marker may expose another secret beside it. Each round leaves less text outside of markers, so the loop
        // ends.
        loop {
            let secrets = self.secrets(&clean);
            if secrets.is_empty() {
                return clean;
            }
            clean = Cow::Owned(replaced(&clean, &secrets));
        }
    }

    /// The secrets in `text`: in order, without overlaps, and outside of markers.
    fn secrets(&self, text: &[u8]) -> Vec<SecretShape> {
        let mut found = shapes::find(text);
        found.extend(self.known(text));
        if found.is_empty() {
            return found;
        }
        found.sort_by_key(|secret| (secret.place.start, secret.rank));
        let mut apart: Vec<SecretShape> = Vec::with_capacity(found.len());
        for secret in found {
            match apart.last_mut() {
                Some(last) if secret.place.start < last.place.end => last.take_in(&secret),
                _ => apart.push(secret),
            }
        }
        let markers: Vec<_> = MARKER.iter().flat_map(|marker| marker.find_iter(text)).map(|it| it.range()).collect();
        // A secret may contain a marker, as a block of lines does, but never be part of one.
        apart.retain(|SecretShape { place, .. }| !markers.iter().any(|it| overlaps(it, place) && !holds(place, it)));
        apart
    }

    fn known(&self, text: &[u8]) -> Vec<SecretShape> {
        let Some(search) = &self.search else { return Vec::new() };
        let known = |place, value: usize| SecretShape { place, kind: self.values[value].1, rank: 0 };
        let whole = search.find_iter(text).map(|found| known(found.range(), found.pattern().as_usize()));
        // The visible beginnings of values that a tool cut off.
        let cuts = memchr::memmem::find_iter(text, CUT);
        let cut_off = cuts.filter_map(|end| {
            let longest =
                |value: &str| (MIN_CUT..value.len()).rev().find(|n| text[..end].ends_with(&value.as_bytes()[..*n]));
            let found = self.values.iter().enumerate().find_map(|(index, (value, _))| Some((index, longest(value)?)));
            found.map(|(index, length)| known(end - length..end, index))
        });
        let disguised = self.disguised.iter().flat_map(|forms| forms.find(text));
        whole.chain(cut_off).chain(disguised.map(|(place, value)| known(place, value))).collect()
    }
}

impl SecretShape {
    /// Grows by another one that overlaps it.
    fn take_in(&mut self, other: &Self) {
        self.place.end = self.place.end.max(other.place.end);
        if other.rank < self.rank {
            (self.kind, self.rank) = (other.kind, other.rank);
        }
    }
}

impl std::fmt::Debug for Redactor {
    /// Prints the number of values, never the values.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Redactor({} values)", self.values.len())
    }
}

fn overlaps(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

fn holds(outer: &Range<usize>, inner: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end && outer.len() > inner.len()
}

/// `text` with every secret replaced by a marker, one a line, so that the number of lines stays.
fn replaced(text: &[u8], secrets: &[SecretShape]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut from = 0;
    for SecretShape { place, kind, .. } in secrets {
        out.extend_from_slice(&text[from..place.start]);
        let marker = format!("[redacted:{kind}]");
        for (index, line) in text[place.clone()].split(|byte| *byte == b'\n').enumerate() {
            if index > 0 {
                out.push(b'\n');
            }
            out.extend_from_slice(marker.as_bytes());
            if line.ends_with(b"\r") {
                out.push(b'\r');
            }
        }
        from = place.end;
    }
    out.extend_from_slice(&text[from..]);
    out
}
