//! A review on the whole screen: the alternate one, so that what was there before comes back. Keys only, drawn at once
//! in one write, so that it is calm over a slow line.

use std::fmt::Write as _;

use console::{Style, Term};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

use super::Wish;
use super::desk::Desk;
use super::editor;
use super::pager;
use super::signals::Signals;
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::review::{Effect, Key, Review, Row, Size, Span, Tone, Word};

/// The smallest screen that a page can be read on.
const SMALLEST: Size = Size { rows: 8, columns: 40 };

/// Whether this terminal can be drawn on.
pub fn can() -> bool {
    let size = size();
    let is_able = std::env::var("TERM").is_ok_and(|name| !name.is_empty() && name != "dumb");
    is_able && console::user_attended_stderr() && size.rows >= SMALLEST.rows && size.columns >= SMALLEST.columns
}

/// How large it is.
pub fn size() -> Size {
    let (rows, columns) = Term::stderr().size();
    Size { rows: rows.into(), columns: columns.into() }
}

/// Draws and takes keys until the person comes to an end.
///
/// # Errors
/// When the terminal can't be used.
pub async fn run(review: &mut Review, desk: &Desk, signals: &mut Signals) -> Result<Wish, Failure> {
    let mut screen = Some(Drawn::begin()?);
    let mut reading = None;
    loop {
        review.resize(size());
        draw(review);
        let key = reading.get_or_insert_with(|| tokio::task::spawn_blocking(|| Term::stderr().read_key_raw()));
        let key = tokio::select! {
            key = key => key.map_err(anyhow::Error::from)?,
            ends = signals.end_or_resize() => if ends { return Ok(Wish::Stop) } else { continue },
        };
        reading = None;
        // A terminal that went has no keys.
        let Ok(key) = key else { return Ok(Wish::Stop) };
        match review.press(from_console(&key)) {
            Effect::None => {}
            Effect::Edit => {
                drop(screen.take());
                editor::rewrite(review, desk, signals).await?;
                screen = Some(Drawn::begin()?);
            }
            Effect::Page => {
                drop(screen.take());
                pager::show(review, signals).await?;
                screen = Some(Drawn::begin()?);
            }
            Effect::Conclude => return Ok(Wish::Conclude),
            Effect::Leave => return Ok(Wish::Leave),
            Effect::Stop => return Ok(Wish::Stop),
        }
    }
}

/// The alternate screen without an echo; the terminal is as it was when this is dropped.
struct Drawn {
    before: Termios,
}

impl Drawn {
    fn begin() -> Result<Self, Failure> {
        let before = tcgetattr(std::io::stdin()).map_err(anyhow::Error::from)?;
        let mut raw = before.clone();
        raw.make_raw();
        // Lines of others still begin at the left.
        raw.output_modes = before.output_modes;
        tcsetattr(std::io::stdin(), OptionalActions::Drain, &raw).map_err(anyhow::Error::from)?;
        output::raw("\u{1b}[?1049h\u{1b}[?25l\u{1b}[2J");
        Ok(Self { before })
    }
}

impl Drop for Drawn {
    fn drop(&mut self) {
        output::raw("\u{1b}[?25h\u{1b}[?1049l");
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Drain, &self.before);
    }
}

fn draw(review: &Review) {
    // Between these two a terminal that knows them shows nothing half drawn.
    let mut out = String::from("\u{1b}[?2026h");
    for (index, row) in review.screen().rows.iter().enumerate() {
        // Writing to a String can't fail.
        let _ = write!(out, "\u{1b}[{};1H{}\u{1b}[K", index + 1, painted(row));
    }
    out.push_str("\u{1b}[?2026l");
    output::raw(&out);
}

/// A row in its colours.
pub fn painted(row: &Row) -> String {
    row.iter().map(|span| style(span).for_stderr().apply_to(&span.text).to_string()).collect()
}

/// The sixteen colours that every terminal has, as its owner set them: they can be read on any background. What differs is told
/// before what a word is.
fn style(span: &Span) -> Style {
    let plain = tone(span.tone);
    match (span.tone, span.word) {
        (_, Word::Plain) | (Tone::RemovedWord | Tone::AddedWord, _) => plain,
        (_, Word::Comment) => plain.italic(),
        (Tone::Dim, Word::Keyword) => Style::new().magenta(),
        (Tone::Dim, Word::Name) => Style::new().blue(),
        (_, Word::Keyword) => Style::new().magenta().bold(),
        (_, Word::Literal) => Style::new().yellow(),
        (_, Word::Name) => Style::new().blue().bold(),
    }
}

fn tone(tone: Tone) -> Style {
    let plain = Style::new();
    match tone {
        Tone::Plain => plain,
        Tone::Dim => plain.dim(),
        Tone::Strong => plain.bold(),
        Tone::Removed => plain.red(),
        Tone::RemovedWord => plain.red().reverse(),
        Tone::Added => plain.green(),
        Tone::AddedWord => plain.green().reverse(),
        Tone::Warning => plain.yellow(),
        Tone::Bar => plain.reverse(),
    }
}

fn from_console(key: &console::Key) -> Key {
    match key {
        console::Key::Char('\u{3}') | console::Key::CtrlC => Key::Interrupt,
        console::Key::Char(char) => Key::Char(*char),
        console::Key::ArrowUp => Key::Up,
        console::Key::ArrowDown => Key::Down,
        console::Key::ArrowLeft => Key::Left,
        console::Key::ArrowRight => Key::Right,
        console::Key::PageUp => Key::PageUp,
        console::Key::PageDown => Key::PageDown,
        console::Key::Home => Key::Home,
        console::Key::End => Key::End,
        console::Key::Enter => Key::Enter,
        console::Key::Tab => Key::Tab,
        console::Key::Escape => Key::Escape,
        console::Key::Backspace => Key::Backspace,
        _ => Key::Other,
    }
}
