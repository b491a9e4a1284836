//! A review on the whole screen: the alternate screen, so that the former content comes back. Each page is drawn in one
//! write, so that it doesn't flicker over a slow line.

use std::fmt::Write as _;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use console::{Style, Term};

use super::editor;
use super::options::ReviewExit;
use super::pager;
use super::review_context::ReviewContext;
use crate::cli::keyboard::{self, Mode};
use crate::cli::output;
use crate::cli::question::{self, Came, Keys, SUSPEND};
use crate::render::letters;
use crate::review::{CodeWord, DiffRow, Effect, KeyPress, Review, ReviewPage, Size, TextSpan, Tone};
use crate::run::{Failure, News, Signals};

/// The smallest usable screen.
const SMALLEST: Size = Size { rows: 8, columns: 40 };

/// Returns true when this terminal can be drawn on.
pub(super) fn can() -> bool {
    let size = size();
    let is_able = !letters::is_dumb() && !letters::are_plain();
    is_able && console::user_attended_stderr() && size.rows >= SMALLEST.rows && size.columns >= SMALLEST.columns
}

pub(super) fn size() -> Size {
    let (rows, columns) = Term::stderr().size();
    Size { rows: rows.into(), columns: columns.into() }
}

/// Draws and handles keys until the user leaves.
///
/// # Errors
/// When the terminal can't be used.
pub(super) async fn run(
    review: &mut Review,
    context: &ReviewContext,
    signals: &mut Signals,
) -> Result<ReviewExit, Failure> {
    let mut keys = Keys::open().map_err(anyhow::Error::from)?;
    let terminal = Arc::clone(&keys.terminal);
    let mut screen = Some(Drawn::begin(&terminal)?);
    let mut shown = None;
    loop {
        review.resize(size());
        let here = (review.page(), review.hunk().map(|(at, _)| at));
        if shown != Some(here) && forget_typed(review.page(), &terminal, signals).await?.is_none() {
            return Ok(ReviewExit::Stop);
        }
        shown = Some(here);
        draw(review);
        let key = match keys.next(signals).await? {
            Came::Key(key) => key,
            Came::News(News::Resized) => continue,
            Came::News(News::Continued) => {
                drop(screen.take());
                screen = Some(Drawn::begin(&terminal)?);
                continue;
            }
            Came::News(News::End) | Came::Nothing => return Ok(ReviewExit::Stop),
        };
        if key == KeyPress::Char(SUSPEND) {
            drop(screen.take());
            signals.suspend(&terminal).await;
            keyboard::discard(&*terminal);
            screen = Some(Drawn::begin(&terminal)?);
            continue;
        }
        match review.press(key) {
            Effect::None => {}
            Effect::Edit => {
                drop(screen.take());
                editor::rewrite(review, context, signals).await?;
                screen = Some(Drawn::begin(&terminal)?);
            }
            Effect::Page => {
                drop(screen.take());
                pager::show(review, context, signals).await?;
                screen = Some(Drawn::begin(&terminal)?);
            }
            Effect::Conclude => return Ok(ReviewExit::Conclude),
            Effect::Leave => return Ok(ReviewExit::Leave),
            Effect::Stop => return Ok(ReviewExit::Stop),
        }
    }
}

/// Discards keys that were pressed before another page or hunk was drawn. `None` when kcode is ended meanwhile.
async fn forget_typed(page: ReviewPage, terminal: &Arc<OwnedFd>, signals: &mut Signals) -> Result<Option<()>, Failure> {
    if page == ReviewPage::Summary {
        return question::on(terminal, keyboard::await_quiet, signals).await;
    }
    keyboard::discard(&**terminal);
    Ok(Some(()))
}

/// The alternate screen without echo; dropping it restores the terminal.
struct Drawn<'a> {
    _mode: Mode<'a>,
}

impl<'a> Drawn<'a> {
    fn begin(terminal: &'a OwnedFd) -> Result<Self, Failure> {
        let mode = Mode::raw(terminal).map_err(anyhow::Error::from)?;
        output::raw("\u{1b}[?1049h\u{1b}[?25l\u{1b}[2J");
        Ok(Self { _mode: mode })
    }
}

impl Drop for Drawn<'_> {
    fn drop(&mut self) {
        output::raw("\u{1b}[?25h\u{1b}[?1049l");
    }
}

fn draw(review: &Review) {
    // Synchronized output: terminals that support it show nothing half drawn.
    let mut out = String::from("\u{1b}[?2026h");
    for (index, row) in review.screen().rows.iter().enumerate() {
        // Writing to a String can't fail.
        let _ = write!(out, "\u{1b}[{};1H{}\u{1b}[K", index + 1, painted(row));
    }
    out.push_str("\u{1b}[?2026l");
    output::raw(&out);
}

/// A row with its colours.
pub(super) fn painted(row: &DiffRow) -> String {
    row.iter().map(|span| style(span).for_stderr().apply_to(&span.text).to_string()).collect()
}

/// Uses only the terminal's own sixteen colours, which are readable on any background. Marking differences takes
/// precedence over syntax.
fn style(span: &TextSpan) -> Style {
    let plain = tone(span.tone);
    match (span.tone, span.word) {
        (_, CodeWord::Plain) | (Tone::RemovedWord | Tone::AddedWord, _) => plain,
        (_, CodeWord::Comment) => plain.italic(),
        (Tone::Dim, CodeWord::Keyword) => Style::new().magenta(),
        (Tone::Dim, CodeWord::Name) => Style::new().blue(),
        (_, CodeWord::Keyword) => Style::new().magenta().bold(),
        (_, CodeWord::Literal) => Style::new().yellow(),
        (_, CodeWord::Name) => Style::new().blue().bold(),
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
