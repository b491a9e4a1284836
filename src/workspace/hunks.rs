//! One file's section of a patch, in git's extended format (`git help diff-format`).
//!
//! The hunks and the binary form come from libgit2, which writes what git writes. The headers are written here, because
//! only kcode knows modes, renames and the repository's object format.

use git2::{DiffLineType, DiffOptions};

use super::file_state::FileMode;
use super::repository::ObjectFormat;
use crate::journal::{Digest, RelPath};

/// The part of a section below its header.
#[derive(Clone, Debug, Default)]
pub(super) struct Hunks {
    bytes: Vec<u8>,
    pub(super) added: u64,
    pub(super) removed: u64,
    pub(super) binary: bool,
}

impl Hunks {
    /// Compares two contents; a missing one counts as empty.
    pub(super) fn between(before: &[u8], after: &[u8]) -> Result<Self, git2::Error> {
        let mut options = DiffOptions::new();
        options.show_binary(true).context_lines(3);
        let mut patch = git2::Patch::from_buffers(before, None, after, None, Some(&mut options))?;
        let mut hunks = Self::default();
        patch.print(&mut |_, _, line| {
            hunks.push(&line);
            true
        })?;
        Ok(hunks)
    }

    fn push(&mut self, line: &git2::DiffLine<'_>) {
        match line.origin_value() {
            DiffLineType::FileHeader => return,
            DiffLineType::Binary => self.binary = true,
            DiffLineType::Addition => self.added += 1,
            DiffLineType::Deletion => self.removed += 1,
            _ => {}
        }
        if let origin @ (' ' | '+' | '-') = line.origin() {
            self.bytes.push(origin as u8);
        }
        self.bytes.extend_from_slice(line.content());
    }
}

/// One side of a file's section.
#[derive(Clone, Debug)]
pub(super) struct Side {
    pub(super) path: RelPath,
    pub(super) mode: FileMode,
    /// Full object name; git refuses binary hunks without it.
    pub(super) object: String,
}

/// Git's object name of `content`.
pub(super) fn object_name(format: ObjectFormat, content: &[u8]) -> Result<String, git2::Error> {
    name_of(format, git2::ObjectType::Blob, content)
}

/// As [`object_name`], for any kind of object.
pub(super) fn name_of(format: ObjectFormat, kind: git2::ObjectType, content: &[u8]) -> Result<String, git2::Error> {
    match format {
        ObjectFormat::Sha1 => Ok(git2::Oid::hash_object(kind, content)?.to_string()),
        // libgit2 knows SHA-256 only as an unstable feature; the hashed form is `blob SIZE NUL CONTENT` for both.
        ObjectFormat::Sha256 => {
            Ok(Digest::of([format!("{} {}\0", kind.str(), content.len()).as_bytes(), content].concat()).to_string())
        }
    }
}

/// Appends the whole section of a file that is added (`before` is `None`), deleted (`after` is `None`), or changed
/// under the same or another path. Both sides must be of one kind: a link that became a file takes two sections.
pub(super) fn write_section(out: &mut Vec<u8>, before: Option<&Side>, after: Option<&Side>, hunks: &Hunks) {
    let (Some(old), Some(new)) = (before.or(after), after.or(before)) else { return };
    let (old_name, new_name) = (quoted("a/", &old.path), quoted("b/", &new.path));
    let mut header = vec![format!("diff --git {old_name} {new_name}")];
    match (before, after) {
        (None, _) => header.push(format!("new file mode {}", new.mode.as_str())),
        (_, None) => header.push(format!("deleted file mode {}", old.mode.as_str())),
        _ if old.mode != new.mode => {
            header.extend([format!("old mode {}", old.mode.as_str()), format!("new mode {}", new.mode.as_str())]);
        }
        _ => {}
    }
    if old.path != new.path {
        let (from, to) = (quoted("", &old.path), quoted("", &new.path));
        header.extend(["similarity index 100%".to_owned(), format!("rename from {from}"), format!("rename to {to}")]);
    }
    let absent = "0".repeat(old.object.len());
    let [old_object, new_object] = [before, after].map(|side| side.map_or(&absent, |side| &side.object));
    if old_object != new_object {
        let kept_mode = before.zip(after).filter(|(old, new)| old.mode == new.mode);
        let mode = kept_mode.map_or(String::new(), |(old, _)| format!(" {}", old.mode.as_str()));
        header.push(format!("index {old_object}..{new_object}{mode}"));
    }
    if !hunks.binary && !hunks.bytes.is_empty() {
        let name = |side: Option<&Side>, name| side.map_or("/dev/null".to_owned(), |side| ended(name, &side.path));
        header.extend([format!("--- {}", name(before, &old_name)), format!("+++ {}", name(after, &new_name))]);
    }
    header.push(String::new());
    out.extend_from_slice(header.join("\n").as_bytes());
    out.extend_from_slice(&hunks.bytes);
}

/// In these two lines git ends a name that contains a space with a tab, so that nothing is taken for a timestamp.
fn ended(name: &str, path: &RelPath) -> String {
    if path.as_str().contains(' ') { format!("{name}\t") } else { name.to_owned() }
}

/// Quotes a path as git does: C-style when it contains a quote, a backslash, a control or a non-ASCII byte.
fn quoted(prefix: &str, path: &RelPath) -> String {
    let plain = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b'"' && byte != b'\\';
    if path.as_str().bytes().all(plain) {
        return format!("{prefix}{path}");
    }
    let escape = |byte: u8| match byte {
        b'"' => "\\\"".to_owned(),
        b'\\' => "\\\\".to_owned(),
        b'\t' => "\\t".to_owned(),
        b'\n' => "\\n".to_owned(),
        b'\r' => "\\r".to_owned(),
        byte if plain(byte) => (byte as char).to_string(),
        byte => format!("\\{byte:03o}"),
    };
    format!("\"{prefix}{}\"", path.as_str().bytes().map(escape).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RelPath {
        RelPath::new(text).expect("a relative path")
    }

    #[test]
    fn names_are_quoted_as_git_does() {
        assert_eq!(quoted("a/", &path("with space.rs")), "a/with space.rs");
        assert_eq!(quoted("a/", &path("tab\there")), r#""a/tab\there""#);
        assert_eq!(quoted("b/", &path("q\"uote\\back")), r#""b/q\"uote\\back""#);
        assert_eq!(quoted("", &path("ä\u{1}")), r#""\303\244\001""#);
    }

    #[test]
    fn a_missing_final_newline_is_told() {
        let hunks = Hunks::between(b"one\ntwo", b"one\nthree").expect("a difference");
        let text = String::from_utf8_lossy(&hunks.bytes);
        assert_eq!(
            text,
            "@@ -1,2 +1,2 @@\n one\n-two\n\\ No newline at end of file\n+three\n\\ No newline at end of file\n"
        );
        assert_eq!((hunks.added, hunks.removed, hunks.binary), (1, 1, false));
    }

    #[test]
    fn objects_are_named_as_git_names_them() {
        let name = |format| object_name(format, b"").expect("a name");
        assert_eq!(name(ObjectFormat::Sha1), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
        assert_eq!(name(ObjectFormat::Sha256), "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813");
    }
}
