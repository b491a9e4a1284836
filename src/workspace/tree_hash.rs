//! Computes git's id of a tree from the entries of an index, without writing an object.
//!
//! `git write-tree` writes each folder as an object, or touches the times of objects that exist already. Only the id is
//! needed, and a folder's id is the hash of its entries.

use git2::ObjectType;

use super::hunks::name_of;
use super::repository::ObjectFormat;

/// An entry of an index as `git ls-files --stage -z` prints it, without the zero byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct IndexEntry<'a> {
    pub(super) mode: &'a str,
    /// Full object name.
    pub(super) id: &'a str,
    /// Not `0` while a merge isn't resolved.
    pub(super) stage: &'a str,
    pub(super) path: &'a [u8],
}

impl<'a> IndexEntry<'a> {
    /// Parses `MODE ID STAGE TAB PATH`.
    pub(super) fn read(line: &'a [u8]) -> Option<Self> {
        let tab = memchr::memchr(b'\t', line)?;
        let mut words = std::str::from_utf8(&line[..tab]).ok()?.split(' ');
        let (mode, id, stage) = (words.next()?, words.next()?, words.next()?);
        Some(Self { mode, id, stage, path: &line[tab + 1..] })
    }

    /// As [`IndexEntry::read`], for a file without merge stages.
    ///
    /// # Errors
    /// When the line is malformed or has another stage.
    pub(super) fn resolved(line: &'a [u8]) -> Result<Self, String> {
        Self::read(line).filter(|entry| entry.stage == "0").ok_or_else(|| "a merge isn't resolved".to_owned())
    }
}

/// The folders being filled, from the root to that of the last entry.
#[derive(Debug)]
pub(super) struct TreeHash {
    format: ObjectFormat,
    open: Vec<TreeFolder>,
    /// Path of the last open folder.
    folder: Vec<u8>,
}

#[derive(Debug, Default)]
struct TreeFolder {
    name: Vec<u8>,
    /// In the format of a tree object.
    entries: Vec<u8>,
}

impl TreeHash {
    pub(super) fn new(format: ObjectFormat) -> Self {
        Self { format, open: vec![TreeFolder::default()], folder: Vec::new() }
    }

    /// Adds a file. Paths come sorted bytewise, as in an index, which sorts folders as git does.
    ///
    /// # Errors
    /// When its id is none.
    pub(super) fn add(&mut self, mode: &str, id: &str, path: &[u8]) -> Result<(), String> {
        let (folder, name) = match memchr::memrchr(b'/', path) {
            Some(at) => (&path[..at], &path[at + 1..]),
            None => (&path[..0], path),
        };
        // Nearly every file is in the folder of the one before.
        if folder != self.folder {
            self.enter(folder)?;
        }
        self.put(mode, name, id)
    }

    /// Closes and opens folders until the one at `path` is the last.
    fn enter(&mut self, path: &[u8]) -> Result<(), String> {
        let names: Vec<&[u8]> = path.split(|byte| *byte == b'/').filter(|name| !name.is_empty()).collect();
        let shared = self.open.iter().skip(1).zip(&names).take_while(|(folder, name)| folder.name == **name).count();
        while self.open.len() > shared + 1 {
            self.close()?;
        }
        let new = names[shared..].iter().map(|name| TreeFolder { name: name.to_vec(), entries: Vec::new() });
        self.open.extend(new);
        self.folder = path.to_vec();
        Ok(())
    }

    /// The id of the whole tree.
    ///
    /// # Errors
    /// When it can't be computed.
    pub(super) fn finish(mut self) -> Result<String, String> {
        while self.open.len() > 1 {
            self.close()?;
        }
        let root = self.open.pop().unwrap_or_default();
        self.id(&root)
    }

    fn close(&mut self) -> Result<(), String> {
        let Some(folder) = self.open.pop() else { return Ok(()) };
        let id = self.id(&folder)?;
        self.put("40000", &folder.name, &id)
    }

    fn id(&self, folder: &TreeFolder) -> Result<String, String> {
        name_of(self.format, ObjectType::Tree, &folder.entries).map_err(|error| error.message().to_owned())
    }

    fn put(&mut self, mode: &str, name: &[u8], id: &str) -> Result<(), String> {
        let Some(folder) = self.open.last_mut() else { return Ok(()) };
        for part in [mode.as_bytes(), b" ", name, b"\0"] {
            folder.entries.extend_from_slice(part);
        }
        let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
        let (pairs, odd) = id.as_bytes().as_chunks::<2>();
        for [high, low] in pairs {
            let (Some(high), Some(low), true) = (digit(*high), digit(*low), odd.is_empty()) else {
                return Err(format!("{id:?} names no object"));
            };
            folder.entries.push(high << 4 | low);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_files_are_the_empty_tree() {
        let id = TreeHash::new(ObjectFormat::Sha1).finish().unwrap();
        assert_eq!(id, "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
        let id = TreeHash::new(ObjectFormat::Sha256).finish().unwrap();
        assert_eq!(id, "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321");
    }

    #[test]
    fn entries_are_read_with_any_name() {
        let entry = IndexEntry::read(b"100644 e69de29bb2d1d6434b8b29ae775ad8c2e48c5391 0\ta\tb\n").unwrap();
        assert_eq!((entry.mode, entry.stage, entry.path), ("100644", "0", &b"a\tb\n"[..]));
        assert!(IndexEntry::read(b"100644 e69d").is_none() && IndexEntry::read(b"100644 e69d\ta").is_none());
    }

    #[test]
    fn an_id_that_is_none_is_refused() {
        let mut tree = TreeHash::new(ObjectFormat::Sha1);
        assert!(tree.add("100644", "xyz", b"a").is_err());
    }
}
