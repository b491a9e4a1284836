//! Finds the end of a declaration or block in languages without a grammar.

use super::language::Language;
use super::mask::Masked;

/// A declaration without a block within this many lines has none.
const MAX_LINES_TO_BLOCK: usize = 40;

/// Returns the line after the last one of what the line `start` opens.
pub(super) fn end(file: &Masked, language: Language, named: bool, start: usize) -> usize {
    if language.is_indented() {
        return by_indentation(&file.code, language, start);
    }
    // A class has a name. A `describe` has a title instead, and is a call.
    let is_call = !named && language == Language::Php;
    if is_call { by_parentheses(&file.code, start) } else { by_braces(&file.code, start) }
}

/// Width of the leading whitespace.
pub(super) fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn by_indentation(code: &[String], language: Language, start: usize) -> usize {
    let own = indent(&code[start]);
    let mut depth = brackets(&code[start]);
    let mut last = start;
    for (at, line) in code.iter().enumerate().skip(start + 1) {
        let is_continued = depth > 0;
        depth = (depth + brackets(line)).max(0);
        if line.trim().is_empty() {
            continue;
        }
        if !is_continued && indent(line) <= own && !line.trim_start().starts_with([')', ']']) {
            let closes = language == Language::Ruby && indent(line) == own && is_ruby_end(line);
            return if closes { at + 1 } else { last + 1 };
        }
        last = at;
    }
    last + 1
}

fn is_ruby_end(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with('}') || line == "end" || line.starts_with("end ") || line.starts_with("end.")
}

/// Number of opening brackets minus closing ones.
pub(super) fn brackets(line: &str) -> i64 {
    line.bytes().map(|byte| i64::from(b"([{".contains(&byte)) - i64::from(b")]}".contains(&byte))).sum()
}

/// Greatest depth of nested braces.
pub(super) fn nesting(code: &[String]) -> i64 {
    let (mut depth, mut deepest) = (0_i64, 0);
    for byte in code.iter().flat_map(|line| line.bytes()) {
        depth = (depth + i64::from(byte == b'{') - i64::from(byte == b'}')).max(0);
        deepest = deepest.max(depth);
    }
    deepest
}

/// Searches from the first parenthesis to its match, and on while another one follows: `it.each(…)(…)`.
fn by_parentheses(code: &[String], start: usize) -> usize {
    let (mut depth, mut opened) = (0_i64, false);
    for (at, line) in code.iter().enumerate().skip(start) {
        let bytes = line.as_bytes();
        for (column, byte) in bytes.iter().enumerate() {
            match byte {
                b'(' => (depth, opened) = (depth + 1, true),
                b')' => depth -= 1,
                _ => continue,
            }
            let follows = line[column + 1..].trim_start();
            if opened && depth <= 0 && !follows.starts_with(['(', '`']) {
                return at + 1;
            }
        }
    }
    code.len()
}

/// Searches from the first brace to its match; a semicolon before it means that there is no block.
fn by_braces(code: &[String], start: usize) -> usize {
    let (mut depth, mut round, mut opened) = (0_i64, 0_i64, false);
    for (at, line) in code.iter().enumerate().skip(start) {
        if !opened && at > start + MAX_LINES_TO_BLOCK {
            break;
        }
        for byte in line.bytes() {
            match byte {
                b'{' => (depth, opened) = (depth + 1, true),
                b'}' => depth -= 1,
                b'(' => round += 1,
                b')' => round -= 1,
                b';' if !opened && round <= 0 => return at + 1,
                _ => continue,
            }
            if opened && depth <= 0 {
                return at + 1;
            }
        }
    }
    if opened { code.len() } else { start + 1 }
}
