//! Bounds the memory that reading an index takes.
//!
//! From version 4 on a path says how much of the previous one it shares, so a small file can contain any number of long
//! paths.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};

/// Bytes; longer than any path that a kernel takes.
const LONGEST: usize = 4096;
/// Total bytes of paths allowed for each byte of the file, and for any file. In deep folders paths are many times
/// longer than what the file stores of them.
const RATIO: u64 = 4;
const ANYWAY: u64 = 8 << 20;
/// Bytes of times, sizes and numbers of an entry.
const STAT: usize = 40;
const EXTENDED: u8 = 0x40;

/// Refuses an index whose paths would be larger than those of any tree. An index that git can't read passes: git
/// reports it.
///
/// # Errors
/// When it is too large, or can't be read.
pub(super) fn check(file: &File, id_bytes: usize) -> io::Result<()> {
    let mut reader = BufReader::new(file);
    let mut head = [0; 12];
    match reader.read_exact(&mut head) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
        read => read?,
    }
    if head[..8] != *b"DIRC\0\0\0\x04" {
        return Ok(());
    }
    let entries = u32::from_be_bytes([head[8], head[9], head[10], head[11]]);
    let most = file.metadata()?.len() * RATIO + ANYWAY;
    match total(&mut reader, entries, id_bytes, most) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
        other => other,
    }
}

fn total(reader: &mut BufReader<&File>, entries: u32, id_bytes: usize, most: u64) -> io::Result<()> {
    let too_large = || Err(io::Error::other("its index is too large"));
    let (mut length, mut all) = (0_usize, 0_u64);
    let mut fixed = vec![0; STAT + id_bytes + 2];
    for _ in 0..entries {
        reader.read_exact(&mut fixed)?;
        if fixed[STAT + id_bytes] & EXTENDED != 0 {
            reader.read_exact(&mut [0; 2])?;
        }
        let dropped = number(reader)?;
        let mut added = Vec::new();
        reader.by_ref().take(LONGEST as u64 + 1).read_until(0, &mut added)?;
        if added.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let Some(kept) = length.checked_sub(dropped) else { return too_large() };
        length = kept + added.len() - 1;
        all += length as u64;
        if added.last() != Some(&0) || length > LONGEST || all > most {
            return too_large();
        }
    }
    Ok(())
}

/// Git's offset encoding: seven bits a byte, the highest first, plus one for each continuation.
fn number(reader: &mut BufReader<&File>) -> io::Result<usize> {
    let mut value = 0_usize;
    loop {
        let mut byte = [0];
        reader.read_exact(&mut byte)?;
        value = value.saturating_mul(128).saturating_add(usize::from(byte[0] & 127));
        if byte[0] & 128 == 0 {
            return Ok(value);
        }
        value = value.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Seek as _, Write as _};

    use super::*;

    /// An index of version 4 in which each path is one byte longer than the previous.
    fn growing(first: usize, entries: u32) -> File {
        let mut file = tempfile::tempfile().unwrap();
        let mut bytes = [&b"DIRC\0\0\0\x04"[..], &entries.to_be_bytes()].concat();
        for entry in 0..entries {
            bytes.extend([0; STAT + 20 + 2]);
            bytes.push(0);
            bytes.extend(vec![b'a'; if entry == 0 { first } else { 1 }]);
            bytes.push(0);
        }
        file.write_all(&bytes).unwrap();
        file.rewind().unwrap();
        file
    }

    #[test]
    fn what_a_tree_may_have_passes() {
        assert!(check(&growing(100, 2000), 20).is_ok());
        assert!(check(&growing(100, 0), 20).is_ok());
    }

    #[test]
    fn paths_that_grow_without_end_are_refused() {
        assert!(check(&growing(LONGEST + 1, 1), 20).is_err());
        assert!(check(&growing(LONGEST - 1, 3), 20).is_err());
        // Each path is within bounds, all of them together aren't.
        assert!(check(&growing(LONGEST - 4000, 4000), 20).is_ok());
        let mut many = growing(1, 0);
        let entry = [&[0; STAT + 20 + 2][..], &[1, b'b', 0]].concat();
        let first = [&[0; STAT + 20 + 2][..], &[0], &[b'a'; LONGEST - 1], &[0]].concat();
        many.write_all(&[first, entry.repeat(4000)].concat()).unwrap();
        many.rewind().unwrap();
        many.write_all(b"DIRC\0\0\0\x04").and_then(|()| many.write_all(&4001_u32.to_be_bytes())).unwrap();
        many.rewind().unwrap();
        assert!(check(&many, 20).is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_behind_its_head_pass_or_are_refused(
            entries in proptest::num::u32::ANY,
            body in proptest::collection::vec(proptest::num::u8::ANY, 0..400),
        ) {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&[&b"DIRC\0\0\0\x04"[..], &entries.to_be_bytes(), &body].concat()).unwrap();
            file.rewind().unwrap();
            // Whatever it claims, so small a file can't stand for many bytes.
            proptest::prop_assert!(check(&file, 20).map_or_else(|error| error.to_string().contains("too large"), |()| true));
        }
    }

    #[test]
    fn what_git_made_passes() {
        let world = tempfile::tempdir().unwrap();
        let git = |arguments: &[&str]| {
            let status = std::process::Command::new("git").args(arguments).current_dir(world.path()).status().unwrap();
            assert!(status.success(), "{arguments:?}");
        };
        for number in 0..200 {
            std::fs::write(world.path().join(format!("a-name-{}", number * 7919)), "").unwrap();
        }
        git(&["init", "-q"]);
        git(&["add", "."]);
        git(&["update-index", "--index-version", "4"]);
        let index = || File::open(world.path().join(".git/index")).unwrap();
        let mut reader = index();
        let mut head = [0; 12];
        reader.read_exact(&mut head).unwrap();
        assert_eq!(head[7], 4);
        let entries = u32::from_be_bytes([head[8], head[9], head[10], head[11]]);
        assert_eq!(entries, 200);
        assert!(total(&mut BufReader::new(&reader), entries, 20, 5000).is_ok());
        assert!(check(&index(), 20).is_ok());
    }
}
