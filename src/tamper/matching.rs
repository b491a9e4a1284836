//! Pairs test functions before and after a patch: by name, else by similarity.

use std::collections::{BTreeMap, BTreeSet};

use super::assertions::assertions;
use super::change::ChangedSource;
use super::function::Function;
use super::language::Language;
use super::pattern::Pattern;
use super::role::is_found;
use super::units::{SourceUnits, Unit};

/// Above this product of unpaired functions before and after, only names are compared.
const MAX_PAIRS: usize = 40_000;
/// Least similarity, from 0 to 1, of two functions that are taken for the same.
const ALIKE_IN_FILE: f64 = 0.6;
const ALIKE_ELSEWHERE: f64 = 0.75;

pub(super) struct Matched<'f> {
    pub pairs: Vec<(Function<'f>, Function<'f>)>,
    pub gone: Vec<Function<'f>>,
    pub new: Vec<Function<'f>>,
}

static WORD: Pattern = Pattern::new(r#""[^"]*"|'[^']*'|[A-Za-z_]\w*|\d[\w.]*"#);

pub(super) fn matched<'f>(files: &'f [ChangedSource<'f>]) -> Matched<'f> {
    let of = |new: bool| {
        let with_tests = files.iter().enumerate().filter(|(_, file)| file.holds_tests());
        with_tests.flat_map(move |(at, file)| functions(at, file, new)).collect::<Vec<_>>()
    };
    let (mut gone, mut new, mut pairs) = (of(false), of(true), Vec::new());
    take_pairs(&mut gone, &mut new, &mut pairs, |old, new| old.file == new.file && old.unit.name == new.unit.name);
    take_pairs(&mut gone, &mut new, &mut pairs, |old, new| old.file == new.file && old.unit.bare == new.unit.bare);
    if gone.len() * new.len() <= MAX_PAIRS {
        take_alike(&mut gone, &mut new, &mut pairs);
    }
    Matched { pairs, gone, new }
}

fn functions<'f>(at: usize, file: &'f ChangedSource<'f>, new: bool) -> Vec<Function<'f>> {
    let (outline, path, role) =
        if new { (&file.after, file.path, file.role) } else { (&file.before, file.old_path, file.old_role) };
    let Some(outline) = outline else { return Vec::new() };
    let is_of_tests = role.is_of_tests();
    let belongs = |unit: &&Unit| is_of_tests || unit.is_test || in_test_module(outline, unit);
    let function = |unit: &'f Unit| {
        let statements = outline.statements(unit);
        let text = outline.file.text[unit.header.start..unit.body.end.min(outline.file.text.len())].join("\n");
        let is_found = outline.language == Language::Rust || is_found(path);
        Function {
            file: at,
            unit,
            outline,
            assertions: assertions(outline.language, &statements),
            statements,
            is_run: unit.is_test && is_found,
            words: words(&text),
        }
    };
    outline.units.iter().filter(belongs).map(function).collect()
}

/// In Rust, tests and the functions that they call are in a test module in the file of the code.
fn in_test_module(outline: &SourceUnits, unit: &Unit) -> bool {
    outline.suites.iter().any(|suite| suite.name.contains("test") && suite.body.contains(&unit.body.start))
}

/// Counts the strings, numbers and names in a text.
pub(super) fn words(text: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for word in WORD.all(text) {
        // Kinds of quotes don't matter, and a string differs from a name.
        let word = word
            .strip_prefix(['"', '\''])
            .map_or_else(|| word.to_owned(), |rest| ["\"", &rest[..rest.len() - 1]].concat());
        *counts.entry(word).or_insert(0) += 1;
    }
    counts
}

fn take_pairs<'f>(
    gone: &mut Vec<Function<'f>>,
    new: &mut Vec<Function<'f>>,
    pairs: &mut Vec<(Function<'f>, Function<'f>)>,
    same: impl Fn(&Function, &Function) -> bool,
) {
    let mut rest = Vec::new();
    for old in gone.drain(..) {
        match new.iter().position(|new| same(&old, new)) {
            Some(at) => pairs.push((old, new.remove(at))),
            None => rest.push(old),
        }
    }
    *gone = rest;
}

/// Pairs similar functions, the most similar first.
fn take_alike<'f>(
    gone: &mut Vec<Function<'f>>,
    new: &mut Vec<Function<'f>>,
    pairs: &mut Vec<(Function<'f>, Function<'f>)>,
) {
    let mut likely = Vec::new();
    for (old_at, old) in gone.iter().enumerate() {
        for (new_at, new) in new.iter().enumerate() {
            let likeness = likeness(old, new);
            let enough = if old.file == new.file { ALIKE_IN_FILE } else { ALIKE_ELSEWHERE };
            if likeness >= enough {
                likely.push((likeness, old_at, new_at));
            }
        }
    }
    likely.sort_by(|one, other| other.0.total_cmp(&one.0));
    let (mut old_taken, mut new_taken) = (BTreeMap::new(), BTreeSet::new());
    for (_, old_at, new_at) in likely {
        if !old_taken.contains_key(&old_at) && new_taken.insert(new_at) {
            old_taken.insert(old_at, new_at);
        }
    }
    let mut news: Vec<Option<Function>> = new.drain(..).map(Some).collect();
    let mut rest = Vec::new();
    for (at, old) in gone.drain(..).enumerate() {
        match old_taken.get(&at).and_then(|new_at| news.get_mut(*new_at)).and_then(Option::take) {
            Some(new) => pairs.push((old, new)),
            None => rest.push(old),
        }
    }
    *gone = rest;
    *new = news.into_iter().flatten().collect();
}

/// Dice's coefficient over words.
fn likeness(old: &Function, new: &Function) -> f64 {
    let total: usize = old.words.values().sum::<usize>() + new.words.values().sum::<usize>();
    let both: usize =
        old.words.iter().map(|(word, count)| new.words.get(word).map_or(0, |other| *count.min(other))).sum();
    if total == 0 { 0.0 } else { 2.0 * both as f64 / total as f64 }
}
