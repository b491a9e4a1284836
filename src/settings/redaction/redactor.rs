//! Finds secrets and puts markers in their place.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use aho_corasick::{AhoCorasick, MatchKind};
use regex::bytes::Regex;

use super::disguised::Disguised;
use super::shapes::SecretShape;
use super::{known, shapes};
use crate::settings::{Environment, bytes_regex};

/// What stands in a secret's place.
static MARKER: LazyLock<Option<Regex>> = LazyLock::new(|| bytes_regex(r"\[redacted:[a-z-]+\]"));
/// The start of a known value that a tool cut off counts when it has so many bytes.
const MIN_CUT: usize = 6;
/// How tools show that they cut a line.
const CUT: &str = "…";

/// Whether `text` holds a marker: whoever writes it to a file has not seen what belongs there.
#[must_use]
pub fn holds_marker(text: &str) -> bool {
    text.contains("[redacted:") && MARKER.as_ref().is_some_and(|marker| marker.is_match(text.as_bytes()))
}

/// Takes secrets out of text; see the module.
#[derive(Clone, Default)]
pub struct Redactor {
    /// Longest first.
    values: Vec<(String, &'static str)>,
    search: Option<AhoCorasick>,
    /// The same values, written otherwise.
    disguised: Option<Arc<Disguised>>,
}

impl Redactor {
    /// Knows shapes alone: what the worker may have.
    #[must_use]
    pub fn shapes() -> Self {
        Self::default()
    }

    /// Knows the secret values of `env`, too. It must not leave the broker.
    #[must_use]
    pub fn of(env: &Environment) -> Self {
        let values = known::values(env);
        let words = values.iter().map(|(value, _)| value);
        // Too many and too long values to search for can't come from an environment.
        let search = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(words).ok();
        let disguised = Disguised::of(values.iter().map(|(value, kind)| (value.as_str(), *kind == known::API_KEY)));
        Self { search: search.filter(|_| !values.is_empty()), disguised: disguised.map(Arc::new), values }
    }

    /// `text` without secrets.
    #[must_use]
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.bytes(text.as_bytes()) {
            Cow::Borrowed(_) => Cow::Borrowed(text),
            // Matches begin and end between characters; nothing is lost here.
            Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
        }
    }

    /// Takes the secrets out of a text that somebody holds.
    pub fn clean(&self, text: &mut String) {
        if let Cow::Owned(clean) = self.text(text) {
            *text = clean;
        }
    }

    /// The same for text that may not be UTF-8.
    #[must_use]
    pub fn bytes<'a>(&self, text: &'a [u8]) -> Cow<'a, [u8]> {
        let mut clean = Cow::Borrowed(text);
        // A marker may lay bare what stood hidden beside the secret. Each round leaves less that isn't marker, so that
        // there is a last one.
        loop {
            let secrets = self.secrets(&clean);
            if secrets.is_empty() {
                return clean;
            }
            clean = Cow::Owned(replaced(&clean, &secrets));
        }
    }

    /// The secrets in `text`: in order, apart from one another, and outside of markers.
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
        // A secret may hold a marker, as a block of lines does; it is never a part of one.
        apart.retain(|SecretShape { place, .. }| !markers.iter().any(|it| overlaps(it, place) && !holds(place, it)));
        apart
    }

    fn known(&self, text: &[u8]) -> Vec<SecretShape> {
        let Some(search) = &self.search else { return Vec::new() };
        let known = |place, value: usize| SecretShape { place, kind: self.values[value].1, rank: 0 };
        let whole = search.find_iter(text).map(|found| known(found.range(), found.pattern().as_usize()));
        // Of the values that a tool cut off, the beginning shows.
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
    /// How much is known, never what.
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

/// `text` with a marker for each secret; one for each line, so that the number of lines stays.
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
