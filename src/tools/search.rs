//! `search`: which files contain a pattern, and where.
//!
//! The first pass counts matches on all processors; the second reads lines of the files that are shown. So the answer
//! is deterministic and memory is bounded.

use std::borrow::Cow;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use globset::{GlobBuilder, GlobMatcher};
use grep_matcher::Matcher;
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use serde::Deserialize;

use super::list_files::is_root;
use super::place::ToolPath;
use super::scan::{self, Hit};
use super::text::{around, clip, counted, visible};
use super::tool::{Tool, ToolError, tell};
use super::walk::{NOT_ENTERED, walk};
use super::{Access, Observation, ToolContext, arguments};
use crate::journal::RelPath;
use crate::settings::Redactor;

/// Matching lines up to which lines are shown without being asked for.
const FEW: u64 = 30;
/// Most matching lines shown.
const LINES: u64 = 100;
/// Most files named.
const FILES: usize = 80;
/// Size of an answer in bytes.
const PAGE: usize = 16 << 10;
/// Longest shown line in bytes.
const LINE: usize = 300;
/// Larger files aren't checked for secrets as a whole before their lines are shown.
const WHOLE: u64 = 8 << 20;
/// Most context lines on each side of a match.
const CONTEXT: i64 = 10;

pub(super) struct SearchTool;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SearchArguments {
    pattern: String,
    #[serde(default)]
    literal: bool,
    path: Option<String>,
    glob: Option<String>,
    #[serde(default)]
    lines: bool,
    #[serde(default)]
    context: i64,
}

struct Matches {
    place: ToolPath,
    lines: u64,
}

impl Tool for SearchTool {
    fn name(&self) -> &'static str {
        "search"
    }

    fn access(&self) -> Access {
        Access::Read
    }

    fn run(&self, room: &ToolContext, arguments: &str) -> Result<Observation, ToolError> {
        let wanted: SearchArguments = arguments::parse(self.name(), arguments)?;
        let matcher = matcher(&wanted)?;
        let places = places(room, &wanted)?;
        let found = count(room, &places.open, &matcher);
        let total: u64 = found.iter().map(|file| file.lines).sum();
        let short = visible(clip(&wanted.pattern, 60));
        let Some(_) = found.first() else {
            let text = nothing(&wanted, places.open.len()) + &places.not_searched();
            return Ok(Observation::of(text, format!("\"{short}\" → no match")));
        };
        let summary = format!("\"{short}\" → {}", counted(found.len(), "file"));
        let mut lines =
            vec![format!("{} in {}", counted(total as usize, "matching line"), counted(found.len(), "file"))];
        let body = if wanted.lines || total <= FEW {
            let context = wanted.context.clamp(0, CONTEXT) as usize;
            shown_lines(room, &found, &matcher, context)
        } else {
            shown_files(&found)
        };
        lines.extend(body);
        Ok(Observation::of(lines.join("\n") + &places.not_searched(), summary))
    }
}

fn matcher(wanted: &SearchArguments) -> Result<RegexMatcher, ToolError> {
    if wanted.pattern.is_empty() {
        return tell(
            "pattern is empty; give the text or regex to look for. To see which files there are, use list_files.",
        );
    }
    if wanted.pattern.contains('\n') {
        return tell("pattern has a line break; patterns match within one line. Look for the most telling line of it.");
    }
    let mut builder = RegexMatcherBuilder::new();
    // The order matters: `^` and `$` match at each line's ends, CRLF or not, and no pattern matches a line break.
    builder.fixed_strings(wanted.literal).multi_line(true).crlf(true).line_terminator(Some(b'\n'));
    builder.build(&wanted.pattern).or_else(|error| {
        tell(format!(
            "pattern \"{}\" can't be searched for: {error}\nFor plain text set literal to true.",
            visible(&wanted.pattern)
        ))
    })
}

/// The files to search, sorted by path, and those that hold secrets and aren't searched.
fn places(room: &ToolContext, wanted: &SearchArguments) -> Result<SearchScope, ToolError> {
    let glob = wanted.glob.as_deref().map(glob).transpose()?;
    let under = match wanted.path.as_deref().filter(|path| !is_root(path)) {
        None => None,
        Some(path) => {
            let place = ToolPath::parse(room, path)?;
            match room.folder(&place)? {
                Some(folder) => Some(folder),
                // Reports why a file can't be opened; a walk would skip it.
                None => return room.open(&place).map(|_| SearchScope { open: vec![place], ..SearchScope::default() }),
            }
        }
    };
    let walked = walk(room, under.as_ref());
    let files = walked.found.into_iter().filter(|found| found.kind.is_file()).map(|found| found.path);
    let wanted = files.filter(|path| glob.as_ref().is_none_or(|glob| glob.is_match(path.as_path())));
    let (closed, open): (Vec<_>, Vec<_>) = wanted.partition(|path| room.gate.secrets().what(path.as_path()).is_some());
    let unnamed = if glob.is_none() { walked.unnamed } else { Vec::new() };
    let not_entered = walked.closed;
    Ok(SearchScope { open: open.into_iter().map(ToolPath::View).collect(), closed, unnamed, not_entered })
}

/// The files of a search.
#[derive(Default)]
struct SearchScope {
    open: Vec<ToolPath>,
    /// Files of secrets. They aren't searched, because even a number of matches would reveal something.
    closed: Vec<RelPath>,
    /// Names that aren't UTF-8, escaped.
    unnamed: Vec<String>,
    /// Folders that the walk didn't enter.
    not_entered: Vec<String>,
}

impl SearchScope {
    fn not_searched(&self) -> String {
        let told = |why: &str, names: &[String]| match names {
            [] => String::new(),
            [name] => format!("\nNot searched, because {why}: {}", visible(name)),
            [name, rest @ ..] => format!("\nNot searched, because {why}: {} and {} more", visible(name), rest.len()),
        };
        let closed: Vec<String> = self.closed.iter().map(ToString::to_string).collect();
        told("they hold secrets", &closed)
            + &told("their names are not UTF-8", &self.unnamed)
            + &told(NOT_ENTERED, &self.not_entered)
    }
}

/// `*.py` matches in any folder; a glob with a slash is relative to the root.
fn glob(glob: &str) -> Result<GlobMatcher, ToolError> {
    let text = glob.trim_start_matches("./").trim_start_matches('/');
    let anchored = if text.contains('/') { text.to_owned() } else { format!("**/{text}") };
    match GlobBuilder::new(&anchored).literal_separator(true).build() {
        Ok(glob) => Ok(glob.compile_matcher()),
        Err(error) => {
            tell(format!("\"{}\" is not a valid glob: {error}. Write it like *.py or src/**/*.ts.", visible(glob)))
        }
    }
}

/// The files with matches, in the order of `places`. An unreadable file counts as having none.
fn count(room: &ToolContext, places: &[ToolPath], matcher: &RegexMatcher) -> Vec<Matches> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut found = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(place) = places.get(index) else { return found };
            let lines = room.open(place).ok().and_then(|(file, _)| scan::count(&file, matcher).ok()).unwrap_or(0);
            if lines > 0 {
                found.push((index, Matches { place: place.clone(), lines }));
            }
        }
    };
    // A thread costs more than searching a few files.
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(places.len() / 64 + 1);
    let mut found: Vec<_> = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mine = work();
        others.into_iter().flat_map(|other| other.join().unwrap_or_default()).chain(mine).collect()
    });
    found.sort_by_key(|(index, _)| *index);
    found.into_iter().map(|(_, matches)| matches).collect()
}

fn shown_files(found: &[Matches]) -> Vec<String> {
    let mut shown: Vec<_> = found.iter().take(FILES).map(|file| format!("{}  {}", file.place, file.lines)).collect();
    if found.len() > FILES {
        shown.push(format!("… {} more files", found.len() - FILES));
    }
    shown.push("For the lines set lines to true; narrow with path or glob.".to_owned());
    shown
}

/// The matching lines by file.
fn shown_lines(room: &ToolContext, found: &[Matches], matcher: &RegexMatcher, context: usize) -> Vec<String> {
    let (mut shown, mut left, mut bytes) = (Vec::new(), LINES, 0);
    for (index, file) in found.iter().enumerate() {
        if left == 0 || bytes > PAGE {
            let rest: u64 = found[index..].iter().map(|file| file.lines).sum();
            let files = counted(found.len() - index, "file");
            shown.push(format!("… {rest} more in {files}; narrow with path or glob"));
            break;
        }
        let keep = file.lines.min(left);
        let hits = room.open(&file.place).ok().and_then(|(file, _)| scan::collect(&file, matcher, context, keep).ok());
        let mut hits = hits.unwrap_or_default();
        hide_secrets(room, &file.place, &mut hits);
        let lines = hit_lines(&hits, matcher, context > 0);
        bytes += lines.iter().map(String::len).sum::<usize>();
        shown.push(file.place.to_string());
        shown.extend(lines);
        if file.lines > keep {
            shown.push(format!("… {} more in this file", file.lines - keep));
        }
        left -= keep;
    }
    shown
}

/// Removes secrets from the shown lines. They are detected in the whole file; in a very large one, line by line.
fn hide_secrets(room: &ToolContext, place: &ToolPath, hits: &mut [Hit]) {
    let shapes = Redactor::shapes();
    let bytes = room.read(place, WHOLE).unwrap_or_default();
    let whole = room.decode(&place.to_string(), &bytes).ok().map(|decoded| decoded.text);
    let clean = whole.as_deref().map(|text| shapes.text(text));
    let clean: Vec<&str> = match &clean {
        Some(Cow::Borrowed(_)) => return,
        Some(Cow::Owned(clean)) => clean.lines().collect(),
        None => Vec::new(),
    };
    for hit in hits {
        match clean.get(hit.number as usize - 1) {
            Some(line) => (*line).clone_into(&mut hit.text),
            None => shapes.clean(&mut hit.text),
        }
    }
}

/// Formats lines like ripgrep: `12:` matches, `13-` is context, `--` marks a gap.
fn hit_lines(hits: &[Hit], matcher: &RegexMatcher, gaps: bool) -> Vec<String> {
    let mut shown: Vec<String> = Vec::new();
    for (index, hit) in hits.iter().enumerate() {
        if gaps && index > 0 && hit.number > hits[index - 1].number + 1 {
            shown.push("--".to_owned());
        }
        let mark = if hit.matched { ':' } else { '-' };
        shown.push(format!("{}{mark}{}", hit.number, shown_line(hit, matcher)));
    }
    shown
}

/// The line; of a long one, the part around its first match.
fn shown_line(hit: &Hit, matcher: &RegexMatcher) -> String {
    if hit.text.len() <= LINE {
        return hit.text.clone();
    }
    match matcher.find(hit.text.as_bytes()) {
        Ok(Some(found)) if hit.matched => around(&hit.text, found.start()..found.end(), LINE),
        _ => format!("{}…", clip(&hit.text, LINE)),
    }
}

fn nothing(wanted: &SearchArguments, files: usize) -> String {
    let within = match (&wanted.path, &wanted.glob) {
        (None, None) => String::new(),
        (path, glob) => {
            format!(" ({})", [path.as_deref(), glob.as_deref()].map(Option::unwrap_or_default).join(" ").trim())
        }
    };
    let next = if let (0, Some(glob)) = (files, &wanted.glob) {
        return format!(
            "No file matches the glob \"{}\", so nothing was searched: 0 files{within}. Use list_files to see what is there.",
            visible(glob)
        );
    } else if files == 0 {
        "No file is there to search; use list_files to see what is."
    } else if !wanted.literal && wanted.pattern.contains("\\|") {
        "\\| is a plain bar: alternation is a|b."
    } else if !wanted.literal && is_delimited(&wanted.pattern) {
        "The slashes and flags are not part of the pattern: leave them out; (?i) ignores case."
    } else if !wanted.literal
        && wanted.pattern.contains(['(', ')', '[', ']', '{', '}', '*', '+', '?', '.', '|', '\\', '$', '^'])
    {
        "pattern is a regex: for plain text set literal to true."
    } else {
        "Try a shorter pattern, or (?i) to ignore case."
    };
    let pattern = visible(clip(&wanted.pattern, 200));
    format!("No line matches \"{pattern}\" in {}{within}. {next}", counted(files, "file"))
}

/// Whether the pattern is written as a regex literal of other languages: `/x/i`.
fn is_delimited(pattern: &str) -> bool {
    let inner = pattern.trim_end_matches(['g', 'i', 'm', 's', 'u', 'y']);
    inner.len() > 2 && inner.starts_with('/') && inner.ends_with('/')
}
