//! Finds known values in other forms: encoded, reversed, in another case, with something between their characters.
//!
//! Text is read as its letters and digits alone ([`super::plain_letters`]), and every form of every value is searched
//! there at once. A value that is short, or consists of words, is only searched in forms that no innocent text has.

use std::ops::Range;

use aho_corasick::automaton::{Automaton as _, StateID};
use aho_corasick::nfa::contiguous::NFA;
use aho_corasick::{Anchored, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::plain_letters::{Letter, Letters};

/// Minimum length of a value, and of its letters and digits: shorter ones may occur in innocent text.
const MIN_LENGTH: usize = 12;
/// Characters of base64 and base32 that contain bits of both a value and its neighbours.
const SHARED: usize = 3;

/// The forms of known values.
#[derive(Clone)]
pub(super) struct Disguised {
    automaton: NFA,
    /// The initial state of the automaton.
    start: StateID,
    forms: Vec<DisguisedForm>,
    /// A power of two; at least the length of the longest form.
    window: usize,
}

#[derive(Clone)]
struct DisguisedForm {
    value: usize,
    length: usize,
    /// True when neighbouring characters may contain a part of it.
    shares: bool,
}

impl Disguised {
    /// Prepares the forms of `values`, each with whether it is a key of kcode's own. `None` when there is nothing to
    /// search.
    pub(super) fn of<'a>(values: impl Iterator<Item = (&'a str, bool)>) -> Option<Self> {
        let (mut words, mut forms) = (Vec::new(), Vec::new());
        for (value, (text, own)) in values.enumerate() {
            for (word, shares) in written(text, own) {
                forms.push(DisguisedForm { value, length: word.len(), shares });
                words.push(word);
            }
        }
        let window = words.iter().map(Vec::len).max()?.next_power_of_two();
        let automaton = NFA::builder().match_kind(MatchKind::Standard).build(&words).ok()?;
        let start = automaton.start_state(Anchored::No).ok()?;
        Some(Self { automaton, start, forms, window })
    }

    /// Places in `text` with the index of the value; they may overlap.
    pub(super) fn find(&self, text: &[u8]) -> Vec<(Range<usize>, usize)> {
        let mut found = Vec::new();
        // Starts of the last letters, to know where a form starts when its end is found.
        let mut starts = vec![0; self.window];
        let mut state = self.start;
        for (index, Letter { byte, place }) in Letters::of(text).enumerate() {
            starts[index & (self.window - 1)] = place.start;
            state = self.automaton.next_state(Anchored::No, state, byte);
            if !self.automaton.is_special(state) || !self.automaton.is_match(state) {
                continue;
            }
            for nth in 0..self.automaton.match_len(state) {
                let form = &self.forms[self.automaton.match_pattern(state, nth).as_usize()];
                let start = starts[(index + 1 - form.length) & (self.window - 1)];
                let place = start..place.end;
                found.push((if form.shares { with_shared(text, place) } else { place }, form.value));
            }
        }
        found
    }
}

/// Extends a place by the neighbouring characters that contain bits of it.
fn with_shared(text: &[u8], place: Range<usize>) -> Range<usize> {
    let is_code = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+/-_=".contains(byte);
    let before = text[..place.start].iter().rev().take(SHARED).take_while(is_code).count();
    let behind = text[place.end..].iter().take(2 * SHARED).take_while(is_code).count();
    place.start - before..place.end + behind
}

/// The letters and digits of every form of `value`, and whether it shares characters with its neighbours.
fn written(value: &str, own: bool) -> Vec<(Vec<u8>, bool)> {
    if value.len() < MIN_LENGTH {
        return Vec::new();
    }
    let mut forms = Vec::new();
    let plain = letters(value.as_bytes());
    if plain.len() >= MIN_LENGTH && (own || is_mixed(&plain)) {
        forms.push((reversed(&plain), false));
        forms.push((plain.iter().map(|byte| rotated(*byte)).collect(), false));
        forms.push((plain, false));
    }
    let bytes = value.as_bytes();
    let each = |write: fn(u8) -> String| bytes.iter().flat_map(|byte| write(*byte).into_bytes()).collect::<Vec<u8>>();
    let hex = each(|byte| format!("{byte:02x}"));
    forms.push((reversed(&hex), false));
    forms.push((hex, false));
    forms.push((each(|byte| format!("0x{byte:x}")), false));
    forms.push((each(|byte| byte.to_string()), false));
    forms.push((each(|byte| format!("{byte:o}")), false));
    forms.push((each(|byte| format!("{byte:03o}")), false));
    forms.push((each(|byte| format!("{byte:b}")), false));
    forms.push((each(|byte| format!("{byte:08b}")), false));
    let backwards = reversed(bytes);
    forms.push((backwards.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect(), false));
    let wide: Vec<u8> = bytes.iter().flat_map(|byte| [*byte, 0]).collect();
    for (bytes, shift) in
        [bytes, &backwards, &wide].into_iter().flat_map(|bytes| (0..3).map(move |shift| (bytes, shift)))
    {
        let word = base64(bytes, shift);
        forms.push((reversed(&word), true));
        forms.push((word, true));
    }
    forms.extend((0..5).map(|shift| (base32(bytes, shift), true)));
    // What base64 leaves of a value may be too short.
    forms.retain(|(word, _)| word.len() >= MIN_LENGTH);
    forms
}

fn letters(text: &[u8]) -> Vec<u8> {
    Letters::of(text).map(|letter| letter.byte).collect()
}

fn reversed(text: &[u8]) -> Vec<u8> {
    text.iter().rev().copied().collect()
}

/// True for a mix of letters and digits, which can't be words.
fn is_mixed(plain: &[u8]) -> bool {
    let digits = plain.iter().filter(|byte| byte.is_ascii_digit()).count();
    digits >= 2 && plain.len() - digits >= 2
}

/// ROT13.
fn rotated(byte: u8) -> u8 {
    if byte.is_ascii_lowercase() { (byte - b'a' + 13) % 26 + b'a' } else { byte }
}

/// The part of a base64 text that only depends on `bytes`, when `shift` other bytes precede them.
fn base64(bytes: &[u8], shift: usize) -> Vec<u8> {
    let shifted = [&[0; 2][..shift], bytes].concat();
    let (first, end) = ((shift * 8).div_ceil(6), shifted.len() * 8 / 6);
    letters(&STANDARD.encode(&shifted).as_bytes()[first..end])
}

/// As [`base64()`], for base32 (RFC 4648), which needs no crate.
fn base32(bytes: &[u8], shift: usize) -> Vec<u8> {
    let bit = |at: usize| bytes.get(at / 8).map_or(0, |byte| byte >> (7 - at % 8) & 1);
    let first = (shift * 8).div_ceil(5) * 5 - shift * 8;
    let groups = (first..).step_by(5).take_while(|at| at + 5 <= bytes.len() * 8);
    let value = |at: usize| (at..at + 5).fold(0, |value: u8, at| value << 1 | bit(at));
    groups.map(|at| b"abcdefghijklmnopqrstuvwxyz234567"[usize::from(value(at))]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "sk-Zu8Kq2_vT5wX7rB3nM9c";

    fn is_found(value: &str, own: bool, text: &str) -> bool {
        Disguised::of([(value, own)].into_iter()).is_some_and(|forms| !forms.find(text.as_bytes()).is_empty())
    }

    #[test]
    fn base32_and_base64_are_right_at_every_alignment() {
        let encode32 = |text: &str| {
            let bits = text.bytes().map(|byte| format!("{byte:08b}")).collect::<Vec<_>>().concat();
            let padded = format!("{bits:0<width$}", width = bits.len().div_ceil(5) * 5);
            let groups = (0..padded.len()).step_by(5).map(|at| u8::from_str_radix(&padded[at..at + 5], 2).unwrap());
            groups.map(|value| b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[usize::from(value)] as char).collect::<String>()
        };
        assert_eq!(encode32("foobar"), "MZXW6YTBOI");
        for before in ["", "a", "ab", "abc", "abcd", "abcde"] {
            for behind in ["", "\n", "yz", "xyz"] {
                let text = format!("{before}{KEY}{behind}");
                assert!(is_found(KEY, true, &STANDARD.encode(&text)), "{text:?}");
                assert!(is_found(KEY, true, &encode32(&text)), "{text:?}");
            }
        }
    }

    #[test]
    fn what_is_short_or_made_of_words_is_only_found_encoded() {
        let words = "correct horse battery";
        assert!(!is_found(words, false, "correct-horse-battery and the like"));
        assert!(is_found(words, false, &STANDARD.encode(words)));
        assert!(is_found(KEY, false, "SKZU8KQ2VT5WX7RB3NM9C"));
        for short in ["", "abc", "a1b2c3d4e5f"] {
            assert!(Disguised::of([(short, true)].into_iter()).is_none(), "{short}");
        }
    }
}
