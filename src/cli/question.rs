//! Questions to the user. An answer is deliberate: what was typed before the question was on the screen is discarded,
//! only the keys that the question names count, and Enter alone is none of them.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::io::{Errno, read};
use tokio::task::JoinHandle;

use super::keyboard::{self, Mode};
use super::output;
use crate::review::KeyPress;
use crate::run::{Failure, News, Signals};

/// Ctrl-D.
const END: char = '\u{4}';
/// Ctrl-Z.
pub(super) const SUSPEND: char = '\u{1a}';

/// A question that a single key answers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question<'a> {
    /// The text, which names the keys.
    pub text: &'a str,
    /// The keys, each with its word; a line may contain either.
    pub keys: &'static [(char, &'static str)],
}

impl Question<'_> {
    fn has(&self, letter: char) -> bool {
        self.keys.iter().any(|(key, _)| *key == letter)
    }

    fn told(&self) -> String {
        let keys: Vec<String> = self.keys.iter().map(|(key, word)| format!("{key} ({word})")).collect();
        format!("press {}", keys.join(", "))
    }
}

/// Asks, and returns the key that the user pressed; `None` when the terminal or the input was closed, or the user
/// interrupts. Ctrl-Z gives the terminal to the shell in its former mode; on return the question is asked again.
///
/// # Errors
/// When a thread can't be started.
pub(super) async fn ask(question: &Question<'_>, signals: &mut Signals) -> Result<Option<char>, Failure> {
    let Ok(mut keys) = Keys::open() else { return Ok(None) };
    let terminal = Arc::clone(&keys.terminal);
    if on(&terminal, keyboard::await_quiet, signals).await?.is_none() {
        return Ok(None);
    }
    loop {
        let Ok(mode) = Mode::raw(&terminal) else { return Ok(None) };
        let pastes = Pastes::marked();
        output::ask(question.text);
        let answer = answer(question, &mut keys, signals).await?;
        output::say(&if let PersonAnswer::Key(key) = answer { key.to_string() } else { String::new() });
        drop((pastes, mode));
        match answer {
            PersonAnswer::Key(key) => return Ok(Some(key)),
            PersonAnswer::None => return Ok(None),
            PersonAnswer::Suspend if !signals.suspend(&terminal).await => output::say(&question.told()),
            PersonAnswer::Suspend => keyboard::discard(&*terminal),
            PersonAnswer::AskAnew => {}
        }
    }
}

enum PersonAnswer {
    Key(char),
    None,
    Suspend,
    /// Another process had the terminal meanwhile.
    AskAnew,
}

async fn answer(question: &Question<'_>, keys: &mut Keys, signals: &mut Signals) -> Result<PersonAnswer, Failure> {
    let terminal = Arc::clone(&keys.terminal);
    let mut told = false;
    loop {
        let key = match keys.next(signals).await? {
            Came::Key(key) => key,
            Came::News(News::Resized) => continue,
            Came::News(News::Continued) => return Ok(PersonAnswer::AskAnew),
            Came::News(News::End) | Came::Nothing => return Ok(PersonAnswer::None),
        };
        match key {
            KeyPress::Interrupt | KeyPress::Char(END) => return Ok(PersonAnswer::None),
            KeyPress::Char(SUSPEND) => return Ok(PersonAnswer::Suspend),
            KeyPress::Char(letter)
                if let letter = letter.to_ascii_lowercase()
                    && question.has(letter)
                    && on(&terminal, keyboard::came_alone, signals).await? == Some(true) =>
            {
                return Ok(PersonAnswer::Key(letter));
            }
            KeyPress::Enter => {}
            // The user may be typing on.
            _ if on(&terminal, keyboard::await_quiet, signals).await?.is_none() => return Ok(PersonAnswer::None),
            _ if told => continue,
            _ => {}
        }
        told = true;
        output::say("");
        output::say(&question.told());
        output::ask(question.text);
    }
}

/// Reads keys of the terminal one after the other. A read that was cancelled is continued by the next call.
pub(super) struct Keys {
    /// The terminal that they are read from.
    pub terminal: Arc<OwnedFd>,
    reading: Option<JoinHandle<io::Result<KeyPress>>>,
}

/// Result of waiting for a key.
pub(super) enum Came {
    Key(KeyPress),
    News(News),
    /// The terminal was closed; no keys will come.
    Nothing,
}

impl Keys {
    /// Opens the user's terminal.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn open() -> io::Result<Self> {
        Ok(Self { terminal: Arc::new(keyboard::open()?), reading: None })
    }

    /// Waits for the next key or signal.
    ///
    /// # Errors
    /// When a thread can't be started.
    pub(super) async fn next(&mut self, signals: &mut Signals) -> Result<Came, Failure> {
        let terminal = &self.terminal;
        let reading = self.reading.get_or_insert_with(|| {
            let terminal = Arc::clone(terminal);
            tokio::task::spawn_blocking(move || keyboard::next_key(&terminal))
        });
        let key = tokio::select! {
            key = reading => key.map_err(anyhow::Error::from)?,
            news = signals.next() => return Ok(Came::News(news)),
        };
        self.reading = None;
        Ok(key.map_or(Came::Nothing, Came::Key))
    }
}

/// Runs blocking `work`; `None` when the terminal was closed, or the user ends kcode first.
///
/// # Errors
/// When a thread can't be started.
pub(super) async fn on<T: Send + 'static>(
    terminal: &Arc<OwnedFd>,
    work: fn(&OwnedFd) -> io::Result<T>,
    signals: &mut Signals,
) -> Result<Option<T>, Failure> {
    let terminal = Arc::clone(terminal);
    tokio::select! {
        done = tokio::task::spawn_blocking(move || work(&terminal)) => Ok(done.map_err(anyhow::Error::from)?.ok()),
        () = signals.end() => Ok(None),
    }
}

/// While it lives, a terminal that supports it marks pasted text.
struct Pastes(bool);

impl Pastes {
    fn marked() -> Self {
        let marks = std::env::var("TERM").is_ok_and(|name| !name.is_empty() && name != "dumb");
        if marks {
            output::raw("\u{1b}[?2004h");
        }
        Self(marks)
    }
}

impl Drop for Pastes {
    fn drop(&mut self) {
        if self.0 {
            output::raw("\u{1b}[?2004l");
        }
    }
}

/// What happens to input typed before a line is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    Discarded,
    /// It is discarded, and the question waits for a pause in typing: the answer may write to the user's tree.
    Quiet,
}

/// Asks for a line; `None` when there will be none. Lines that don't come from a terminal are taken in order, whenever
/// they came.
///
/// # Errors
/// When a thread can't be started.
pub(super) async fn line(prompt: &str, before: Before, signals: &mut Signals) -> Result<Option<String>, Failure> {
    let input = rustix::stdio::stdin().try_clone_to_owned().map(Arc::new).map_err(anyhow::Error::from)?;
    let is_typed = rustix::termios::isatty(&*input);
    if is_typed {
        keyboard::discard(&*input);
        if before == Before::Quiet && on(&input, keyboard::await_quiet, signals).await?.is_none() {
            return Ok(None);
        }
    }
    let read = if is_typed { typed_line } else { sent_line };
    let mut reading = tokio::task::spawn_blocking(move || read(&input));
    let line = loop {
        output::ask(prompt);
        tokio::select! {
            line = &mut reading => break line.map_err(anyhow::Error::from)?.ok().flatten(),
            // After a return from the shell the prompt is shown again.
            news = signals.next() => match news {
                News::End => break None,
                News::Continued if is_typed => output::say(""),
                News::Continued | News::Resized => {}
            },
        }
    };
    if line.is_none() {
        output::say("");
    }
    Ok(line)
}

/// A line that ends with Ctrl-D isn't finished.
fn typed_line(input: &OwnedFd) -> io::Result<Option<String>> {
    Ok(read_line(input)?.strip_suffix('\n').map(str::to_owned))
}

/// The last line from a program may lack its line break.
fn sent_line(input: &OwnedFd) -> io::Result<Option<String>> {
    Ok(Some(read_line(input)?).filter(|line| !line.is_empty()))
}

/// Reads a byte at a time, so that nothing is read ahead of the next question.
fn read_line(input: &OwnedFd) -> io::Result<String> {
    let (mut line, mut buffer) = (Vec::new(), [0]);
    loop {
        match read(input, &mut buffer) {
            Err(Errno::INTR) => continue,
            read if read? == 0 => break,
            _ => line.push(buffer[0]),
        }
        if line.ends_with(b"\n") {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}

/// As [`ask`], for answers by lines: a key or its word.
///
/// # Errors
/// As [`line()`].
pub(super) async fn ask_by_line(question: &Question<'_>, signals: &mut Signals) -> Result<Option<char>, Failure> {
    loop {
        let Some(line) = line(question.text, Before::Quiet, signals).await? else { return Ok(None) };
        let said = line.trim();
        let said = said.to_ascii_lowercase();
        let known = question.keys.iter().find(|(key, word)| said == *word || said.chars().eq([*key]));
        if let Some((key, _)) = known {
            return Ok(Some(*key));
        }
        output::say(&question.told());
    }
}
