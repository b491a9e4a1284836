//! The header of a section: `diff --git` and the lines up to its contents.

use super::lines::PatchLines;
use super::unreadable::UnreadablePatch;
use super::{PatchSection, SectionChange, binary, quoted};

pub(super) const START: &[u8] = b"diff --git ";

/// What a path is, as far as git keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileKind {
    /// An ordinary file.
    Regular,
    /// An ordinary file with an executable bit.
    Executable,
    /// A symbolic link.
    Symlink,
    /// A commit of a submodule.
    Gitlink,
}

impl FileKind {
    /// Reads a mode as git writes it.
    pub(crate) fn of(mode: &[u8]) -> Option<Self> {
        match mode {
            b"100644" => Some(Self::Regular),
            b"100755" => Some(Self::Executable),
            b"120000" => Some(Self::Symlink),
            b"160000" => Some(Self::Gitlink),
            _ => None,
        }
    }
}

/// A header that was read.
pub(super) struct Header {
    pub(super) section: PatchSection,
    /// True when `---` and `+++` follow, and therefore hunks.
    pub(super) has_names: bool,
}

/// The lines of a header, each at most once.
#[derive(Default)]
struct HeaderLines<'a> {
    old_mode: Option<&'a [u8]>,
    new_mode: Option<&'a [u8]>,
    new_file: Option<&'a [u8]>,
    deleted_file: Option<&'a [u8]>,
    rename_from: Option<&'a [u8]>,
    rename_to: Option<&'a [u8]>,
    copy_from: Option<&'a [u8]>,
    copy_to: Option<&'a [u8]>,
    similarity: Option<&'a [u8]>,
    dissimilarity: Option<&'a [u8]>,
    index: Option<&'a [u8]>,
    old_name: Option<&'a [u8]>,
    new_name: Option<&'a [u8]>,
}

impl<'a> HeaderLines<'a> {
    /// The field that `line` fills, with the rest of the line.
    fn field(&mut self, line: &'a [u8]) -> Option<(&mut Option<&'a [u8]>, &'a [u8])> {
        let fields: [(&[u8], &mut Option<&'a [u8]>); 13] = [
            (b"old mode ", &mut self.old_mode),
            (b"new mode ", &mut self.new_mode),
            (b"new file mode ", &mut self.new_file),
            (b"deleted file mode ", &mut self.deleted_file),
            (b"rename from ", &mut self.rename_from),
            (b"rename to ", &mut self.rename_to),
            (b"copy from ", &mut self.copy_from),
            (b"copy to ", &mut self.copy_to),
            (b"similarity index ", &mut self.similarity),
            (b"dissimilarity index ", &mut self.dissimilarity),
            (b"index ", &mut self.index),
            (b"--- ", &mut self.old_name),
            (b"+++ ", &mut self.new_name),
        ];
        fields.into_iter().find_map(|(word, field)| Some((field, line.strip_prefix(word)?)))
    }
}

impl Header {
    pub(super) fn parse(lines: &mut PatchLines<'_>) -> Result<Self, UnreadablePatch> {
        let at = lines.number();
        let names = lines.take()?.strip_prefix(START).unwrap_or_default();
        let mut found = HeaderLines::default();
        while let Some(line) = lines.peek() {
            let twice = lines.refuse("a line of the header that is there twice");
            let Some((field, value)) = found.field(line) else { break };
            if field.is_some() {
                return Err(twice);
            }
            *field = Some(value);
            lines.take()?;
            if line.starts_with(b"+++ ") {
                break;
            }
        }
        if let Some(line) = lines.peek()
            && !(line.starts_with(b"@@ -") || line == binary::START || ends_header(line))
        {
            return Err(lines.refuse("this is no line of a header"));
        }
        let section = section(at, names, &found).map_err(|problem| UnreadablePatch { line: at, problem })?;
        let has_names = found.old_name.is_some();
        if !has_names && lines.peek().is_some_and(|line| line.starts_with(b"@@ -")) {
            return Err(lines.refuse("a hunk without `---` and `+++`"));
        }
        Ok(Self { section, has_names })
    }
}

/// What may follow a section without contents: the next one, or the end of a mail.
fn ends_header(line: &[u8]) -> bool {
    line.is_empty() || line == b"-- " || line.starts_with(b"From ") || line.starts_with(START)
}

fn section(at: usize, names: &[u8], found: &HeaderLines<'_>) -> Result<PatchSection, String> {
    let (change, old, new) = paths(names, found)?;
    let (old_kind, new_kind) = kinds(found)?;
    check_names(change, &old, &new, found)?;
    let text = |name: Vec<u8>| String::from_utf8(name).map_err(|_| "a name that isn't UTF-8".to_owned());
    let (old, new) = (text(old)?, text(new)?);
    Ok(PatchSection {
        change,
        old,
        new,
        old_kind,
        new_kind,
        is_binary: false,
        has_content: false,
        added: Vec::new(),
        is_unterminated: false,
        removed: 0,
        at,
    })
}

/// What happens, and the paths without their prefixes.
fn paths(names: &[u8], found: &HeaderLines<'_>) -> Result<(SectionChange, Vec<u8>, Vec<u8>), String> {
    let change = match (found.new_file, found.deleted_file, found.rename_from, found.copy_from) {
        (Some(_), None, None, None) => SectionChange::Added,
        (None, Some(_), None, None) => SectionChange::Deleted,
        (None, None, Some(_), None) => SectionChange::Renamed,
        (None, None, None, Some(_)) => SectionChange::Copied,
        (None, None, None, None) => SectionChange::Modified,
        _ => return Err("a header that says two things".to_owned()),
    };
    let is_pair = |one: Option<&[u8]>, other: Option<&[u8]>| one.is_some() == other.is_some();
    if !is_pair(found.rename_from, found.rename_to)
        || !is_pair(found.copy_from, found.copy_to)
        || !is_pair(found.old_name, found.new_name)
        || !is_pair(found.old_mode, found.new_mode)
    {
        return Err("a header that says half".to_owned());
    }
    if found.old_mode.is_some() && (found.new_file.is_some() || found.deleted_file.is_some()) {
        return Err("a header that says two things".to_owned());
    }
    let ends = found.rename_from.or(found.copy_from).zip(found.rename_to.or(found.copy_to));
    let unreadable = || "a name that can't be read".to_owned();
    if let Some((from, to)) = ends {
        let (old, new) = (quoted::name(from).ok_or_else(unreadable)?, quoted::name(to).ok_or_else(unreadable)?);
        if old == new || !is_header_of(names, &old, &new) {
            return Err("the names of a section don't agree".to_owned());
        }
        return Ok((change, old, new));
    }
    let name = common_name(names).ok_or_else(|| {
        "its two names aren't one with the prefixes a/ and b/, as `git diff` writes them by default".to_owned()
    })?;
    Ok((change, name.clone(), name))
}

/// The name in `a/NAME b/NAME`, either of which may be quoted.
fn common_name(names: &[u8]) -> Option<Vec<u8>> {
    let (first, second) = if names.starts_with(b"\"") {
        let (first, rest) = quoted::take_quoted(names)?;
        (first, quoted::name(rest.strip_prefix(b" ")?)?)
    } else if names.ends_with(b"\"") {
        let start = memchr::memmem::find(names, b" \"")?;
        (quoted::name(&names[..start])?, quoted::name(&names[start + 1..])?)
    } else {
        // Both are equally long, so that spaces in them don't matter.
        let middle = names.len() / 2;
        let (first, second) = (names.get(..middle)?, names.get(middle + 1..)?);
        if names.get(middle) != Some(&b' ') {
            return None;
        }
        (quoted::name(first)?, quoted::name(second)?)
    };
    let (first, second) = (first.strip_prefix(b"a/")?, second.strip_prefix(b"b/")?);
    (first == second && !first.is_empty()).then(|| first.to_vec())
}

/// Whether `names` is `a/OLD b/NEW`, either of which may be quoted.
fn is_header_of(names: &[u8], old: &[u8], new: &[u8]) -> bool {
    let rest = if names.starts_with(b"\"") {
        quoted::take_quoted(names).and_then(|(first, rest)| is_prefixed(&first, b"a/", old).then_some(rest))
    } else {
        names.strip_prefix(b"a/").and_then(|rest| rest.strip_prefix(old))
    };
    let second = rest.and_then(|rest| quoted::name(rest.strip_prefix(b" ")?));
    second.is_some_and(|second| is_prefixed(&second, b"b/", new))
}

fn is_prefixed(name: &[u8], prefix: &[u8], bare: &[u8]) -> bool {
    name.strip_prefix(prefix) == Some(bare)
}

/// What the file was and becomes, where the header says so.
fn kinds(found: &HeaderLines<'_>) -> Result<(Option<FileKind>, Option<FileKind>), String> {
    let kind = |mode: Option<&[u8]>| match mode {
        Some(mode) => FileKind::of(mode)
            .map(Some)
            .ok_or_else(|| format!("a mode that git doesn't write: {}", String::from_utf8_lossy(mode).escape_debug())),
        None => Ok(None),
    };
    let kept = found.index.map(index_mode).transpose()?.flatten();
    let kept = kind(kept)?;
    let said = (kind(found.deleted_file.or(found.old_mode))?, kind(found.new_file.or(found.new_mode))?);
    if kept.is_some() && said != (None, None) {
        return Err("a header that gives two modes".to_owned());
    }
    let is_other_file = |old, new| {
        (old == FileKind::Symlink) != (new == FileKind::Symlink)
            || (old == FileKind::Gitlink) != (new == FileKind::Gitlink)
    };
    if let (Some(old), Some(new)) = said
        && is_other_file(old, new)
    {
        return Err("a change of a file's type within one section".to_owned());
    }
    Ok((said.0.or(kept), said.1.or(kept)))
}

/// The mode in `OLD..NEW MODE`.
fn index_mode(index: &[u8]) -> Result<Option<&[u8]>, String> {
    let wrong = || "an `index` line that can't be read".to_owned();
    let mut words = index.split(|byte| *byte == b' ');
    let objects = words.next().unwrap_or_default();
    let middle = memchr::memmem::find(objects, b"..").ok_or_else(wrong)?;
    let is_object = |text: &[u8]| (4..=64).contains(&text.len()) && text.iter().all(u8::is_ascii_hexdigit);
    let mode = words.next();
    if !is_object(&objects[..middle]) || !is_object(&objects[middle + 2..]) || words.next().is_some() {
        return Err(wrong());
    }
    Ok(mode)
}

/// Checks `---` and `+++` against the paths: git takes the names from these lines before any other.
fn check_names(change: SectionChange, old: &[u8], new: &[u8], found: &HeaderLines<'_>) -> Result<(), String> {
    let is_none = |line: &[u8]| line == b"/dev/null";
    let is = |line: &[u8], prefix: &[u8], bare: &[u8]| {
        // Git ends a name that contains a space with a tab.
        let line = line.strip_suffix(b"\t").unwrap_or(line);
        quoted::name(line).is_some_and(|name| is_prefixed(&name, prefix, bare))
    };
    let agree = match (found.old_name, found.new_name) {
        (Some(before), Some(after)) => match change {
            SectionChange::Added => is_none(before) && is(after, b"b/", new),
            SectionChange::Deleted => is(before, b"a/", old) && is_none(after),
            _ => is(before, b"a/", old) && is(after, b"b/", new),
        },
        _ => true,
    };
    if agree { Ok(()) } else { Err("the names of a section don't agree".to_owned()) }
}
