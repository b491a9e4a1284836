//! The log of a command: its whole output, or the beginning and the end of it.
//!
//! The file never exceeds [`HEAD`] and [`TAIL`] together. Behind the beginning it is a ring buffer while the command
//! runs; at the end the tail is put in order, with a note between the two about how much was left out.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

/// Bytes kept from the beginning.
pub(super) const HEAD: u64 = 4 << 20;
/// Bytes kept from the end.
pub(super) const TAIL: u64 = 12 << 20;

/// Storage of a log.
pub(super) trait Spool: Read + Write + Seek {
    /// Truncates it to `length` bytes.
    fn cut(&mut self, length: u64) -> io::Result<()>;
}

impl Spool for File {
    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }
}

/// A log that is being written.
#[derive(Debug)]
pub(super) struct Log<S = File> {
    spool: S,
    bytes: u64,
}

impl<S: Spool> Log<S> {
    pub(super) const fn new(spool: S) -> Self {
        Self { spool, bytes: 0 }
    }

    pub(super) fn push(&mut self, mut chunk: &[u8]) -> io::Result<()> {
        while !chunk.is_empty() {
            let (place, room) = match self.bytes.checked_sub(HEAD) {
                None => (self.bytes, HEAD - self.bytes),
                Some(behind) => (HEAD + behind % TAIL, TAIL - behind % TAIL),
            };
            let (now, later) = chunk.split_at(chunk.len().min(usize::try_from(room).unwrap_or(usize::MAX)));
            self.spool.seek(SeekFrom::Start(place))?;
            self.spool.write_all(now)?;
            self.bytes += now.len() as u64;
            chunk = later;
        }
        Ok(())
    }

    /// Puts the tail in order; returns the number of bytes left out.
    pub(super) fn finish(mut self) -> io::Result<u64> {
        let Some(over) = self.bytes.checked_sub(HEAD + TAIL).filter(|over| *over > 0) else {
            self.spool.flush()?;
            return Ok(0);
        };
        let oldest = (self.bytes - HEAD) % TAIL;
        let mut tail = Vec::with_capacity(TAIL as usize);
        for (from, length) in [(HEAD + oldest, TAIL - oldest), (HEAD, oldest)] {
            self.spool.seek(SeekFrom::Start(from))?;
            (&mut self.spool).take(length).read_to_end(&mut tail)?;
        }
        // Starts the tail with a complete line if there is one.
        let begin = memchr::memchr(b'\n', &tail).map_or(0, |end| end + 1);
        let left_out = over + begin as u64;
        let told =
            format!("\n[{left_out} bytes are left out here: of long output only the beginning and the end are kept]\n");
        self.spool.seek(SeekFrom::Start(HEAD))?;
        self.spool.write_all(told.as_bytes())?;
        self.spool.write_all(&tail[begin..])?;
        self.spool.flush()?;
        self.spool.cut(HEAD + told.len() as u64 + (tail.len() - begin) as u64)?;
        Ok(left_out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    impl Spool for &mut Cursor<Vec<u8>> {
        fn cut(&mut self, length: u64) -> io::Result<()> {
            self.get_mut().truncate(usize::try_from(length).unwrap());
            Ok(())
        }
    }

    /// Numbered lines of sixteen bytes.
    fn lines(count: u64) -> Vec<u8> {
        (0..count).flat_map(|number| format!("{number:015}\n").into_bytes()).collect()
    }

    fn logged(all: &[u8], piece: usize) -> (Vec<u8>, u64) {
        let mut kept = Cursor::new(Vec::new());
        let mut log = Log::new(&mut kept);
        all.chunks(piece).for_each(|chunk| log.push(chunk).unwrap());
        let left_out = log.finish().unwrap();
        (kept.into_inner(), left_out)
    }

    #[test]
    fn what_fits_is_kept_as_it_is() {
        for bytes in [0, 16, HEAD, HEAD + 16, HEAD + TAIL] {
            let all = lines(bytes / 16);
            assert_eq!(logged(&all, 100_000), (all, 0), "{bytes} bytes");
        }
    }

    #[test]
    fn of_more_the_beginning_and_the_end_are_kept_and_what_is_between_is_counted() {
        for over in [16, 1_600, TAIL, TAIL + 4_096, 5 * TAIL + 160] {
            let all = lines((HEAD + TAIL + over) / 16);
            let (kept, left_out) = logged(&all, 70_001);
            assert_eq!(left_out, over + 16, "the line that was cut goes as a whole");
            let told = format!("\n[{left_out} bytes are left out here: ");
            let at = memchr::memmem::find(&kept, told.as_bytes()).unwrap();
            assert_eq!((at as u64, &kept[..at]), (HEAD, &all[..at]));
            let end = at + kept[at + 1..].iter().position(|byte| *byte == b'\n').unwrap() + 2;
            assert_eq!(kept[end..], all[all.len() - (TAIL as usize - 16)..], "{over} bytes more");
        }
    }
}
