//! Single keys on a terminal, and discarding what was typed before a question was on the screen.
//!
//! Keys are read a byte at a time, so that nothing is read ahead: what isn't an answer yet stays with the kernel, which
//! can discard it. A sequence (an arrow, Alt with a letter, a paste, a terminal's own report) is one key: none of its
//! letters is taken for a pressed letter.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, read};
use rustix::termios::{LocalModes, OptionalActions, QueueSelector, SpecialCodeIndex, Termios};
use rustix::termios::{tcflush, tcgetattr, tcsetattr};

use crate::review::KeyPress;

/// Time limit for the rest of a sequence. Without one by then, the key was Escape.
const SEQUENCE_WAIT: Duration = Duration::from_millis(100);
/// Time limit for the end of a pasted text.
const PASTE_WAIT: Duration = Duration::from_secs(1);
/// A pause. A key that is held down repeats faster than this, and a typing person presses the next key sooner.
const QUIET: Duration = Duration::from_millis(500);
/// After typing on for so long, the user isn't asked at all.
const QUIET_WAIT: Duration = Duration::from_mins(1);
/// The second letter of a typed word follows sooner.
const NEXT_LETTER: Duration = Duration::from_millis(250);
/// `_POSIX_VDISABLE`: no key has this function.
const DISABLED: u8 = 0;
/// Bytes that end an answer.
const ENTER: [u8; 2] = [b'\r', b'\n'];

/// Opens the terminal of the user: standard input, or `/dev/tty`.
///
/// # Errors
/// When there is none.
pub(super) fn open() -> io::Result<OwnedFd> {
    let stdin = rustix::stdio::stdin();
    if rustix::termios::isatty(stdin) {
        return stdin.try_clone_to_owned();
    }
    Ok(File::options().read(true).write(true).open("/dev/tty")?.into())
}

/// A terminal mode; dropping it restores the former mode.
pub(super) struct Mode<'a> {
    terminal: &'a OwnedFd,
    before: Termios,
}

impl<'a> Mode<'a> {
    /// Delivers single keys without echo; Ctrl-C still interrupts. Ctrl-Z is an ordinary key, because stopping kcode
    /// now would leave the shell a terminal without echo.
    ///
    /// # Errors
    /// When it isn't a terminal, or was closed.
    pub(super) fn silent(terminal: &'a OwnedFd) -> io::Result<Self> {
        Self::changed(terminal, |mode| {
            mode.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
            mode.special_codes[SpecialCodeIndex::VMIN] = 1;
            mode.special_codes[SpecialCodeIndex::VTIME] = 0;
            mode.special_codes[SpecialCodeIndex::VSUSP] = DISABLED;
        })
    }

    /// Delivers every key as a key, Ctrl-C too.
    ///
    /// # Errors
    /// As [`Mode::silent`].
    pub(super) fn raw(terminal: &'a OwnedFd) -> io::Result<Self> {
        Self::changed(terminal, |mode| {
            let output = mode.output_modes;
            mode.make_raw();
            // Lines that other processes print still start at the left.
            mode.output_modes = output;
        })
    }

    fn changed(terminal: &'a OwnedFd, change: impl FnOnce(&mut Termios)) -> io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut mode = before.clone();
        change(&mut mode);
        tcsetattr(terminal, OptionalActions::Now, &mode)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Mode<'_> {
    fn drop(&mut self) {
        let _ = tcsetattr(self.terminal, OptionalActions::Now, &self.before);
    }
}

/// Discards what was typed so far.
pub(super) fn discard(terminal: impl AsFd) {
    // A closed terminal has nothing to discard; the next read reports it.
    let _ = tcflush(terminal, QueueSelector::IFlush);
}

/// Discards what was typed so far, and what is typed until there is a pause: a user who holds a key down, or types on,
/// isn't asked meanwhile, so none of it can be an answer. Blocks.
///
/// # Errors
/// When the terminal was closed, or no pause comes.
pub(super) fn await_quiet(terminal: &OwnedFd) -> io::Result<()> {
    let _mode = Mode::silent(terminal)?;
    let until = Instant::now() + QUIET_WAIT;
    loop {
        discard(terminal);
        if !has_more(terminal, QUIET)? {
            discard(terminal);
            return Ok(());
        }
        if Instant::now() > until {
            return Err(io::ErrorKind::TimedOut.into());
        }
        // A terminal that was hung up is always ready, and returns no byte.
        byte(terminal)?;
    }
}

/// Waits for the next key. Blocks.
///
/// # Errors
/// When the terminal was closed.
pub(super) fn next_key(terminal: &OwnedFd) -> io::Result<KeyPress> {
    let first = byte(terminal)?;
    Ok(match first {
        0x1b => sequence(terminal)?,
        0x03 => KeyPress::Interrupt,
        b'\r' | b'\n' => KeyPress::Enter,
        b'\t' => KeyPress::Tab,
        0x01 => KeyPress::Home,
        0x05 => KeyPress::End,
        0x08 | 0x7f => KeyPress::Backspace,
        0x80.. => letter(terminal, first)?,
        _ => KeyPress::Char(first.into()),
    })
}

/// Returns true when nothing but Enter came with the last key or right after it; all of it is discarded.
///
/// # Errors
/// When the terminal was closed.
pub(super) fn came_alone(terminal: &OwnedFd) -> io::Result<bool> {
    while has_more(terminal, NEXT_LETTER)? {
        if !ENTER.contains(&byte(terminal)?) {
            discard(terminal);
            return Ok(false);
        }
    }
    Ok(true)
}

/// Reads the rest of a UTF-8 character.
fn letter(terminal: &OwnedFd, first: u8) -> io::Result<KeyPress> {
    let length = match first {
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf7 => 4,
        _ => return Ok(KeyPress::Other),
    };
    let mut bytes = vec![first];
    while bytes.len() < length {
        let Some(next) = byte_within(terminal, SEQUENCE_WAIT)? else { return Ok(KeyPress::Other) };
        bytes.push(next);
    }
    Ok(std::str::from_utf8(&bytes).ok().and_then(|text| text.chars().next()).map_or(KeyPress::Other, KeyPress::Char))
}

/// Reads what follows an escape, as ECMA-48 defines it.
fn sequence(terminal: &OwnedFd) -> io::Result<KeyPress> {
    let Some(second) = byte_within(terminal, SEQUENCE_WAIT)? else { return Ok(KeyPress::Escape) };
    match second {
        b'[' => control(terminal),
        b'O' => Ok(byte_within(terminal, SEQUENCE_WAIT)?.map_or(KeyPress::Other, |last| named(&[], last))),
        // Control strings: reports that a terminal sends by itself.
        b']' | b'P' | b'X' | b'^' | b'_' => {
            skip_to(terminal, &[b"\x07", b"\x1b\\"], SEQUENCE_WAIT)?;
            Ok(KeyPress::Other)
        }
        // Alt with a letter.
        0x80.. => letter(terminal, second).map(|_| KeyPress::Other),
        _ => Ok(KeyPress::Other),
    }
}

fn control(terminal: &OwnedFd) -> io::Result<KeyPress> {
    let mut parameters = Vec::new();
    loop {
        let Some(next) = byte_within(terminal, SEQUENCE_WAIT)? else { return Ok(KeyPress::Other) };
        match next {
            // Function keys of the Linux console.
            b'[' if parameters.is_empty() => {
                byte_within(terminal, SEQUENCE_WAIT)?;
                return Ok(KeyPress::Other);
            }
            b'~' if parameters == b"200" => {
                skip_to(terminal, &[b"\x1b[201~"], PASTE_WAIT)?;
                return Ok(KeyPress::Other);
            }
            0x40..=0x7e => return Ok(named(&parameters, next)),
            _ => parameters.push(next),
        }
    }
}

fn named(parameters: &[u8], last: u8) -> KeyPress {
    match (parameters, last) {
        ([], b'A') => KeyPress::Up,
        ([], b'B') => KeyPress::Down,
        ([], b'C') => KeyPress::Right,
        ([], b'D') => KeyPress::Left,
        ([], b'H') | (b"1" | b"7", b'~') => KeyPress::Home,
        ([], b'F') | (b"4" | b"8", b'~') => KeyPress::End,
        (b"5", b'~') => KeyPress::PageUp,
        (b"6", b'~') => KeyPress::PageDown,
        _ => KeyPress::Other,
    }
}

/// Reads up to the first of `ends`, or until nothing comes within `patience`.
fn skip_to(terminal: &OwnedFd, ends: &[&[u8]], patience: Duration) -> io::Result<()> {
    let longest = ends.iter().map(|end| end.len()).max().unwrap_or_default();
    let mut last = Vec::new();
    while let Some(next) = byte_within(terminal, patience)? {
        last.push(next);
        if ends.iter().any(|end| last.ends_with(end)) {
            break;
        }
        last.drain(..last.len().saturating_sub(longest));
    }
    Ok(())
}

fn byte_within(terminal: &OwnedFd, patience: Duration) -> io::Result<Option<u8>> {
    if has_more(terminal, patience)? { byte(terminal).map(Some) } else { Ok(None) }
}

fn has_more(terminal: &OwnedFd, patience: Duration) -> io::Result<bool> {
    let until = Instant::now() + patience;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let left = Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() };
        match poll(&mut [PollFd::new(terminal, PollFlags::IN)], Some(&left)) {
            Err(Errno::INTR) => {}
            ready => return Ok(ready? > 0),
        }
    }
}

fn byte(terminal: &OwnedFd) -> io::Result<u8> {
    let mut buffer = [0];
    loop {
        match read(terminal, &mut buffer) {
            Err(Errno::INTR) => {}
            read => {
                return if read? == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(buffer[0]) };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// Reads keys from a pipe as from a terminal.
    fn keys(bytes: &[u8]) -> Vec<KeyPress> {
        let (reader, mut writer) = io::pipe().expect("a pipe");
        writer.write_all(bytes).expect("it takes them");
        drop(writer);
        let reader = OwnedFd::from(reader);
        std::iter::from_fn(|| next_key(&reader).ok()).collect()
    }

    #[test]
    fn letters_of_sequences_are_no_keys() {
        let y = KeyPress::Char('y');
        for (what, bytes) in [
            ("a keypad", &b"\x1bOyy"[..]),
            ("Alt with a letter", b"\x1byy"),
            ("Ctrl with an arrow", b"\x1b[1;5Ay"),
            ("a function key", b"\x1b[15~y"),
            ("a function key of the console", b"\x1b[[Ay"),
            ("a key told by number", b"\x1b[121;5uy"),
            ("a paste", b"\x1b[200~yes\ny\x1b[0my\x1b[201~y"),
            ("the colour of the background", b"\x1b]11;rgb:bbbb/aaaa/cccc\x1b\\y"),
            ("the same with a bell", b"\x1b]11;rgb:bbbb/aaaa/cccc\x07y"),
            ("the place of the cursor", b"\x1b[12;40Ry"),
            ("Alt with a letter of two bytes", b"\x1b\xc3\xa9y"),
        ] {
            assert_eq!(keys(bytes), [KeyPress::Other, y], "{what}");
        }
    }

    #[test]
    fn keys_have_their_names() {
        use KeyPress::{Down, End, Enter, Home, Left, PageDown, PageUp, Right, Up};
        assert_eq!(keys(b"\x1b[A\x1bOB\x1b[C\x1b[D"), [Up, Down, Right, Left]);
        assert_eq!(keys(b"\x1b[H\x1b[4~\x1b[5~\x1b[6~\r\n"), [Home, End, PageUp, PageDown, Enter, Enter]);
        assert_eq!(keys("é€y".as_bytes()), [KeyPress::Char('é'), KeyPress::Char('€'), KeyPress::Char('y')]);
        assert_eq!(
            keys(b"\x03\x7f\xffy"),
            [KeyPress::Interrupt, KeyPress::Backspace, KeyPress::Other, KeyPress::Char('y')]
        );
    }

    #[test]
    fn a_key_counts_alone_or_with_enter() {
        for (bytes, alone) in [(&b"y"[..], true), (b"y\r\n", true), (b"yes please\n", false), (b"yy", false)] {
            let (reader, mut writer) = io::pipe().expect("a pipe");
            writer.write_all(bytes).expect("it takes them");
            let reader = OwnedFd::from(reader);
            assert_eq!(next_key(&reader).expect("a key"), KeyPress::Char('y'));
            assert_eq!(came_alone(&reader).expect("an answer"), alone);
        }
    }
}
